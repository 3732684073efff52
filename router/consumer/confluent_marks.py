"""The marks of a topic, read with librdkafka: to their end after an assignment, and on from there for marks that skip.

Two clients, since librdkafka asks for the end of a log as the reader that it is: where the end of the marks lies, uncommitted
readers are told; what stands before it, this reads as a committed one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import confluent_kafka
from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from router.consumer.errors import TopicMissing
from router.consumer.gathering import Gathering
from router.failure.skipping import Skipping
from router.failure.topics import parked_of, rejected_of
from router.records.record import Headers

__all__ = ["Marks"]

_TIMEOUT = 10.0
Marked = Callable[[int, bytes | None, bytes | None, Headers], Skipping | None]
"""Takes a mark: partition, key, value, headers."""


class Marks:
    """Those of one topic, for the partitions that its consumer has."""

    def __init__(self, settings: Mapping[str, Any], topic: str, *, required: bool) -> None:
        """Raises TopicMissing where one of the topics is not there; that of the marks only where they are required."""
        self.topic = parked_of(topic)
        self._admin = AdminClient({name: value for name, value in settings.items() if name != "group.id"})
        # All topics: naming one creates it where brokers allow that.
        known = self._admin.list_topics(timeout=_TIMEOUT).topics
        self.there = self.topic in known
        for needed in (topic, rejected_of(topic), *((self.topic,) if required else ())):
            if needed not in known:
                raise TopicMissing(topic=needed, problem="is not there, or this client may not see it")
        self._client = confluent_kafka.Consumer(
            {
                **settings,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        self._followed: set[int] = set()

    def ends(self, partitions: Collection[int]) -> dict[int, int]:
        """The high watermarks: behind everything, committed or not. Raises KafkaException."""
        if not self.there or not partitions:
            return dict.fromkeys(partitions, 0)
        wanted = {TopicPartition(self.topic, number): OffsetSpec.latest() for number in partitions}
        found = self._admin.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=_TIMEOUT
        )
        return {place.partition: future.result(_TIMEOUT).offset for place, future in found.items()}

    def read(self, partitions: Sequence[int], gathering: Gathering, *, stopping: Callable[[], bool]) -> None:
        """Read the marks of these partitions until each is ready, or the consumer is to stop; then they are followed."""
        if not self.there or not partitions:
            return
        new = [TopicPartition(self.topic, each, confluent_kafka.OFFSET_BEGINNING) for each in partitions]
        self.leave(partitions)
        self._followed.update(partitions)
        self._client.incremental_assign(new)
        while not stopping() and not all(gathering.ready(each) for each in partitions):
            for _ in self._come(gathering.marked, gathering.marks_read, within=0.2):
                pass

    def tail(self, marked: Marked) -> Iterator[tuple[int, Skipping]]:
        """What has come since; returns what is to be skipped, by partition."""
        if self._followed:
            yield from self._come(marked, lambda _partition, _position: None, within=0.0)

    def leave(self, partitions: Collection[int]) -> None:
        """Follow these no longer."""
        left = self._followed.intersection(partitions)
        if left:
            self._client.incremental_unassign([TopicPartition(self.topic, each) for each in left])
            self._followed -= left

    def close(self) -> None:
        """Close the clients."""
        self._client.close()

    def _come(
        self, marked: Marked, read_to: Callable[[int, int], None], *, within: float
    ) -> Iterator[tuple[int, Skipping]]:
        deadline = time.monotonic() + within
        while (message := self._client.poll(max(0.0, deadline - time.monotonic()))) is not None:
            error = message.error()
            partition, offset = message.partition() or 0, message.offset() or 0
            if error is None:
                told = marked(partition, message.key(), message.value(), tuple(message.headers() or ()))
                read_to(partition, offset + 1)
                if told is not None:
                    yield partition, told
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - it has no other name
                read_to(partition, offset)
            elif error.fatal():
                raise KafkaException(error)
