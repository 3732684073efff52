"""What the worker knows of the topics that its copies go to: asked of the broker, never assumed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from router.errors import DestinationUnavailable

__all__ = ["BATCH_BYTES", "Destinations", "TopicDirectory"]

BATCH_BYTES = 256 * 1024
"""How large a batch of copies becomes: large enough that its cost a record is small, far below brokers' defaults."""

_SMALLEST_BATCH_BYTES = 1024


class TopicDirectory(Protocol):
    """Asks the broker which topics there are."""

    async def partition_counts(self) -> Mapping[str, int]:
        """Every topic that this worker may see, with its number of partitions; creates none.

        Raises BrokerUnavailable where nobody answers.
        """


class Destinations:
    """Partition counts of all topics, and batch sizes that brokers take, kept for all lanes of a worker."""

    def __init__(self, directory: TopicDirectory) -> None:
        self._directory = directory
        self._counts: Mapping[str, int] = {}
        self._forbidden: dict[str, str] = {}
        self._batch_bytes: dict[str, int] = {}
        self._asking: asyncio.Task[Mapping[str, int]] | None = None

    async def refresh(self) -> None:
        """Ask the broker again; callers at the same time share one question. Raises BrokerUnavailable."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            # Who asked may be gone by the time of the answer: then nobody needs to hear that there was none.
            self._asking.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
        await asyncio.shield(self._asking)

    async def _ask(self) -> Mapping[str, int]:
        try:
            self._counts = await self._directory.partition_counts()
            # Rights may have been granted meanwhile: only a try can tell.
            self._forbidden.clear()
            return self._counts
        finally:
            self._asking = None

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has. Raises DestinationUnavailable where no copy can go there."""
        count = self._counts.get(topic)
        if not count:
            raise DestinationUnavailable(topic=topic, problem="does not exist, or this worker may not see it")
        if topic in self._forbidden:
            raise DestinationUnavailable(topic=topic, problem=self._forbidden[topic])
        return count

    def count(self, topic: str) -> int:
        """How many partitions a topic had when the broker was last asked; 0 where it was not there."""
        return self._counts.get(topic, 0)

    def missing(self, topics: Iterable[str]) -> tuple[str, ...]:
        """Those of these topics that were not there when the broker was last asked."""
        return tuple(topic for topic in topics if not self._counts.get(topic))

    def batch_bytes(self, topic: str) -> int:
        """The size at which a batch for this topic is full."""
        return self._batch_bytes.get(topic, BATCH_BYTES)

    def forbid(self, topic: str, problem: str) -> None:
        """The broker refused to take anything for this topic; holds until the next refresh."""
        self._forbidden[topic] = problem

    def shrink(self, topic: str, refused_bytes: int) -> None:
        """The broker took a batch of this size for too large: make them at most half as large from now on."""
        self._batch_bytes[topic] = max(_SMALLEST_BATCH_BYTES, min(self.batch_bytes(topic), refused_bytes // 2))
