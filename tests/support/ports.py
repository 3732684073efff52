"""A directory and a group that do as they are told, for the tests of what stands between a lane and Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace

from router.errors import BrokerUnavailable, CommitFailed
from router.lanes.batch import SourcePartition

__all__ = ["ACKNOWLEDGED", "SOURCE", "Directory", "Group"]

SOURCE = SourcePartition("orders.v1", 0)
ACKNOWLEDGED = SimpleNamespace(offset=40)
"""What a broker says of a batch that it took: the offset of its first record."""


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

    async def seek_to_committed(self, source: SourcePartition) -> tuple[int, int]:
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
