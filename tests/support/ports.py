"""A directory and a group that do as they are told, for the tests of what stands between a lane and Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from types import SimpleNamespace

from router.errors import BrokerUnavailable, CommitFailed
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Place, Places, Positions

__all__ = ["ACKNOWLEDGED", "SOURCE", "Directory", "Group", "seek_to_group"]

SOURCE = SourcePartition("orders.v1", 0)
ACKNOWLEDGED = SimpleNamespace(offset=40)
"""What a broker says of a batch that it took: the offset of its first record."""


async def seek_to_group(positions: Positions, source: SourcePartition) -> tuple[int, int]:
    """To what the group's coordinator tells; epoch and position."""
    return await positions.seek_to_committed(source, await positions.places([source]))


class Directory:
    """Answers, or does not."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts
        self.away = False
        self.silent = False
        self.asked = asyncio.Event()

    async def partition_counts(self) -> Mapping[str, int]:
        self.asked.set()
        if self.silent:
            await asyncio.Event().wait()
        if self.away:
            raise BrokerUnavailable(brokers="memory", problem="away")
        return self.counts


class Group:
    """Takes offsets."""

    def __init__(self) -> None:
        self.committed: list[int] = []
        self.answer = asyncio.Event()
        self.answer.set()

    async def places(self, sources: Collection[SourcePartition]) -> Places:
        return {source: Place(self.committed[-1]) for source in sources if self.committed}

    async def seek_to_committed(self, source: SourcePartition, places: Places) -> tuple[int, int]:
        return 1, 0

    async def commit(self, source: SourcePartition, offset: int) -> None:
        await self.answer.wait()
        if offset == 13:
            raise CommitFailed(topic=source.topic, partition=source.partition, problem="unlucky")
        self.committed.append(offset)

    async def end(self, source: SourcePartition) -> int:
        return 0

    async def owns(self, source: SourcePartition) -> bool:
        return True
