"""The marks of a topic, read with librdkafka: to their end after an assignment, and on from there for marks that skip.

Where the end of the marks lies, the consumer's transactions find out; what stands before it, this reads as a committed reader.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from router.consumer.errors import TopicMissing
from router.consumer.gathering import Gathering
from router.failure.skipping import Skipping
from router.failure.topics import parked_of, rejected_of
from router.records.record import Headers

__all__ = ["Marks"]

log = logging.getLogger("router.consumer")

_TIMEOUT = 10.0
_PATIENCE = 10.0
"""Seconds after which marks that are not read yet are tried by another client."""
Marked = Callable[[int, bytes | None, bytes | None, Headers], Skipping | None]
"""Takes a mark: partition, key, value, headers."""


class Marks:
    """Those of one topic, for the partitions that its consumer has."""

    def __init__(self, settings: Mapping[str, Any], topic: str, *, required: bool) -> None:
        """Raises TopicMissing where one of the topics is not there; that of the marks only where they are required."""
        self.topic = parked_of(topic)
        asker = AdminClient({name: value for name, value in settings.items() if name != "group.id"})
        # All topics: naming one creates it where brokers allow that.
        known = asker.list_topics(timeout=_TIMEOUT).topics
        self.there = self.topic in known
        for needed in (topic, rejected_of(topic), *((self.topic,) if required else ())):
            if needed not in known:
                raise TopicMissing(topic=needed, problem="is not there, or this client may not see it")
        self._settings = {
            **settings,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
        self._client: confluent_kafka.Consumer | None = None
        self._positions: dict[int, int] = {}
        """By partition that is followed, what is to be read next."""

    def read(self, partitions: Sequence[int], gathering: Gathering, *, stopping: Callable[[], bool]) -> None:
        """Read the marks of these partitions until each is ready, or the consumer is to stop; then they are followed."""
        if not self.there or not partitions:
            return
        self._positions.update(dict.fromkeys(partitions, 0))
        self._renew()
        renewed = time.monotonic()
        while not stopping() and not all(gathering.ready(each) for each in partitions):
            for _ in self._come(gathering.marked, gathering.marks_read, within=0.2):
                pass
            if time.monotonic() - renewed > _PATIENCE:
                log.warning("%s: marks are not read to their end yet, another client tries", self.topic)
                self._renew()
                renewed = time.monotonic()

    def tail(self, marked: Marked) -> Iterator[tuple[int, Skipping]]:
        """What has come since; returns what is to be skipped, by partition."""
        if self._positions:
            yield from self._come(marked, lambda _partition, _position: None, within=0.0)

    def leave(self, partitions: Collection[int]) -> None:
        """Follow these no longer."""
        for partition in partitions:
            self._positions.pop(partition, None)

    def close(self) -> None:
        """Close the clients."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _renew(self) -> None:
        """Read on with another client: one that goes over to other partitions may hang when a broker has died meanwhile."""
        self.close()
        self._client = confluent_kafka.Consumer(self._settings)
        self._client.assign([TopicPartition(self.topic, each, position) for each, position in self._positions.items()])

    def _come(
        self, marked: Marked, read_to: Callable[[int, int], None], *, within: float
    ) -> Iterator[tuple[int, Skipping]]:
        deadline = time.monotonic() + within
        if self._client is None:
            return
        while (message := self._client.poll(max(0.0, deadline - time.monotonic()))) is not None:
            error = message.error()
            partition, offset = message.partition() or 0, message.offset() or 0
            if partition not in self._positions:
                continue
            if error is None:
                self._positions[partition] = offset + 1
                told = marked(partition, message.key(), message.value(), tuple(message.headers() or ()))
                read_to(partition, offset + 1)
                if told is not None:
                    yield partition, told
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - it has no other name
                read_to(partition, offset)
            elif error.fatal():
                raise KafkaException(error)
