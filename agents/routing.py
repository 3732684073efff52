"""The routing agent: receives a batch, hands it to its lane."""

from typing import Any


async def routing(batches: Any) -> None:
    """Carry every batch of every broad topic; the lanes decide, copy and commit."""
    lanes = batches.app.lanes
    async for batch in batches:
        lanes.carry(batch)
