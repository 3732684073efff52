"""The two worlds in which the lanes' ports must behave alike: memory, and a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace
from typing import Any, Protocol, TypeVar

import aiokafka
from aiokafka.structs import TopicPartition

from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Carrier, Positions
from router.lanes.copies import Copies
from router.lanes.destinations import Destinations, TopicDirectory
from router.lanes.directory import KafkaDirectory
from router.lanes.kafka import IdempotentCarrier, TransactionalCarrier
from router.lanes.positions import ConsumerPositions
from router.lanes.transport import BatchThread
from router.log_ends import SharedEnds
from router.refused_offsets import heed_refusals
from router.testing import (
    BrokerAway,
    MemoryBroker,
    MemoryCarrier,
    MemoryConsumer,
    MemoryDirectory,
    MemoryTransactionalCarrier,
)
from support.topics import Topics

__all__ = ["KafkaWorld", "Member", "MemoryWorld", "World", "Written", "copies_of"]

T = TypeVar("T")
Headers = tuple[tuple[str, bytes | None], ...]
Written = tuple[int, int, bytes | None, bytes | None, Headers]
"""Partition, timestamp, key, value and headers of a record."""


class Member(Protocol):
    """A member of a group: the lanes' port, and what fetches for it."""

    positions: Positions

    async def fetch(self, source: SourcePartition) -> list[Batch]:
        """What there is now, or comes within a second."""

    def paused(self, source: SourcePartition) -> AbstractAsyncContextManager[None]:
        """While nothing is fetched ahead."""


class World(Protocol):
    """What a test needs of a broker, whichever it is."""

    directory: TopicDirectory
    destinations: Destinations

    async def create(
        self, topic: str, *, partitions: int = 1, most_bytes: int = 0, compacted: bool = False
    ) -> None: ...

    async def publish(self, topic: str, *values: bytes, partition: int = 0) -> None: ...

    async def read(self, topic: str) -> list[Written]: ...

    async def expire(self, source: SourcePartition, before: int) -> None: ...

    async def member(self, group: str, source: SourcePartition) -> Member: ...

    def carrier(self, source: SourcePartition, positions: Positions, waiting: Callable[[str], None]) -> Carrier:
        """At-least-once."""

    def transactional_carrier(self, source: SourcePartition, group: str, waiting: Callable[[str], None]) -> Carrier:
        """Exactly-once."""

    def absent_directory(self) -> TopicDirectory:
        """One whose broker does not answer."""

    async def end(self) -> None: ...


class MemoryMember:
    """The consumer in memory."""

    def __init__(self, consumer: MemoryConsumer) -> None:
        self.positions = consumer

    async def fetch(self, source: SourcePartition) -> list[Batch]:
        return self.positions.fetch([source])

    @asynccontextmanager
    async def paused(self, source: SourcePartition) -> AsyncIterator[None]:
        yield


class MemoryWorld:
    """`router.testing`."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.directory = MemoryDirectory(self.broker)
        self.destinations = Destinations(self.directory)

    async def create(self, topic: str, *, partitions: int = 1, most_bytes: int = 0, compacted: bool = False) -> None:
        self.broker.create_topic(
            topic, partitions=partitions, max_message_bytes=most_bytes or 1_048_588, compacted=compacted
        )

    async def publish(self, topic: str, *values: bytes, partition: int = 0) -> None:
        for value in values:
            self.broker.publish(topic, key=b"k", value=value, partition=partition)

    async def read(self, topic: str) -> list[Written]:
        return [
            (each.partition, each.timestamp, each.key, each.value, tuple(each.headers))
            for each in self.broker.records(topic)
        ]

    async def expire(self, source: SourcePartition, before: int) -> None:
        self.broker.expire(source, before=before)

    async def member(self, group: str, source: SourcePartition) -> MemoryMember:
        return MemoryMember(MemoryConsumer(self.broker, group))

    def carrier(self, source: SourcePartition, positions: Positions, waiting: Callable[[str], None]) -> Carrier:
        return MemoryCarrier(
            source, broker=self.broker, positions=positions, destinations=self.destinations, waiting=waiting
        )

    def transactional_carrier(self, source: SourcePartition, group: str, waiting: Callable[[str], None]) -> Carrier:
        return MemoryTransactionalCarrier(
            source,
            group=group,
            broker=self.broker,
            positions=MemoryConsumer(self.broker, f"not {group}"),
            destinations=self.destinations,
            waiting=waiting,
        )

    def absent_directory(self) -> TopicDirectory:
        self.broker.suffer(BrokerAway(1e9))
        return self.directory

    async def end(self) -> None:
        pass


class InlineThread(BatchThread):
    """The transport's thread without a thread, so that a test needs no Faust app: its work is done where it is asked for."""

    def __init__(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._ends = SharedEnds(consumer)
        self._epochs, self._before, self._held = {}, {}, {}
        self.consumer = SimpleNamespace(flow_active=True)

    async def _in_thread(self, work: Awaitable[T]) -> T:
        return await work


class KafkaMember:
    """The transport's own fetching, seeking and committing, over a real consumer."""

    def __init__(self, consumer: aiokafka.AIOKafkaConsumer) -> None:
        self.thread = InlineThread(consumer)
        self.positions = ConsumerPositions(SimpleNamespace(thread=self.thread))  # type: ignore[arg-type]

    async def fetch(self, source: SourcePartition) -> list[Batch]:
        return await self.thread.fetch({TopicPartition(source.topic, source.partition)}, 1.0, 500)

    @asynccontextmanager
    async def paused(self, source: SourcePartition) -> AsyncIterator[None]:
        at = TopicPartition(source.topic, source.partition)
        self.thread._consumer.pause(at)
        await self.fetch(source)  # what had been asked for already is answered meanwhile
        yield
        self.thread._consumer.resume(at)


class KafkaWorld:
    """The adapters of `router.lanes` on a real Kafka, which is filled and read through another client."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.topics = Topics(bootstrap)
        self.directory = KafkaDirectory(bootstrap, {})
        self.destinations = Destinations(self.directory)
        self._consumers: list[aiokafka.AIOKafkaConsumer] = []

    async def create(self, topic: str, *, partitions: int = 1, most_bytes: int = 0, compacted: bool = False) -> None:
        config = {"retention_ms": "-1"} | ({"max_message_bytes": str(most_bytes)} if most_bytes else {})
        config |= {"cleanup_policy": "compact"} if compacted else {}
        await asyncio.to_thread(self.topics.create, topic, partitions=partitions, **config)

    async def publish(self, topic: str, *values: bytes, partition: int = 0) -> None:
        records: list[dict[str, Any]] = [
            {"topic": topic, "key": b"k", "value": value, "partition": partition} for value in values
        ]
        await asyncio.to_thread(self.topics.produce, records)

    async def read(self, topic: str) -> list[Written]:
        found = await asyncio.to_thread(self.topics.read, topic)
        return [(each.partition, each.timestamp, each.key, each.value, each.headers) for log in found for each in log]

    async def expire(self, source: SourcePartition, before: int) -> None:
        await asyncio.to_thread(self.topics.truncate, source.topic, source.partition, before)

    async def member(self, group: str, source: SourcePartition) -> KafkaMember:
        consumer = aiokafka.AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
        )
        heed_refusals(consumer)
        self._consumers.append(consumer)
        consumer.assign([TopicPartition(source.topic, source.partition)])
        await consumer.start()
        return KafkaMember(consumer)

    def carrier(self, source: SourcePartition, positions: Positions, waiting: Callable[[str], None]) -> Carrier:
        return IdempotentCarrier(
            source,
            bootstrap=self.bootstrap,
            security={},
            positions=positions,
            destinations=self.destinations,
            waiting=waiting,
        )

    def transactional_carrier(self, source: SourcePartition, group: str, waiting: Callable[[str], None]) -> Carrier:
        return TransactionalCarrier(
            source,
            bootstrap=self.bootstrap,
            security={},
            group=group,
            transaction_timeout_ms=20_000,
            destinations=self.destinations,
            waiting=waiting,
        )

    def absent_directory(self) -> TopicDirectory:
        return KafkaDirectory("127.0.0.1:1", {})

    async def end(self) -> None:
        for consumer in self._consumers:
            await consumer.stop()
        await self.directory.close()
        self.topics.close()


def copies_of(ready: Any, source: SourcePartition, offset: int) -> Copies:
    """What a lane would hand to its carrier."""
    return Copies([Batch(source, 1, 0, offset, (), 0.0)], ready)
