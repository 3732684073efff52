"""All lanes of a worker: opened when partitions are assigned, finished when they are revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator

from router.lanes.batch import Batch, SourcePartition
from router.lanes.lane import Lane

__all__ = ["Lanes"]


class Lanes:
    """The lanes by their partition, and the one question that the fetching side asks: who has room?"""

    def __init__(
        self, new_lane: Callable[[SourcePartition, Callable[[], None]], Lane], *, buffer_bytes: int | None = None
    ) -> None:
        """`new_lane` gets the partition and what the lane must call when it may have room again.

        `buffer_bytes` is what all lanes together may hold of copies that are not committed. Each has an equal share, so that
        one that stands still takes nothing from the others; it exceeds it by one batch at most.
        """
        self._new_lane = new_lane
        self._buffer_bytes = buffer_bytes
        self._lanes: dict[SourcePartition, Lane] = {}
        self._room = asyncio.Event()

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def __len__(self) -> int:
        return len(self._lanes)

    def open(self, sources: Iterable[SourcePartition]) -> None:
        """Begin to open a lane for each partition, all at once and in the background."""
        sources = sorted(sources)
        for source in sources:
            lane = self._lanes[source] = self._new_lane(source, self._room.set)
            if self._buffer_bytes is not None:
                lane.share = max(1, self._buffer_bytes // len(sources))
            lane.start()

    def carry(self, batch: Batch) -> None:
        """Hand a batch to its lane; one whose lane is gone is left to the partition's next owner."""
        lane = self._lanes.get(batch.source)
        if lane is not None:
            lane.carry(batch)

    def offered(self, batch: Batch) -> None:
        """A batch is on its way to `carry`."""
        lane = self._lanes.get(batch.source)
        if lane is not None:
            lane.offered(batch)

    def accepting(self) -> set[SourcePartition]:
        """The partitions whose lanes have room for a batch."""
        return {source for source, lane in self._lanes.items() if lane.accepts}

    async def wait_for_room(self, within: float) -> None:
        """Until some lane may have room, or so many seconds have passed."""
        try:
            async with asyncio.timeout(within):
                await self._room.wait()
        except TimeoutError:
            return
        self._room.clear()

    async def finish(self, within: float) -> bool:
        """Let every lane commit what it has; False where one took longer than so many seconds."""
        return all(await asyncio.gather(*(lane.finish(within) for lane in self._lanes.values())))

    async def close(self) -> None:
        """End every lane."""
        lanes, self._lanes = self._lanes, {}
        await asyncio.gather(*(lane.close() for lane in lanes.values()))
