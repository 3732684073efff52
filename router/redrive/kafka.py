"""What commands about dead letters need of a Kafka: reading topics without a group, the audit, what was decided before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.admin import NewTopic
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable, DestinationUnavailable
from router.failure.audit import AUDIT, AuditEvent, audit_record, read_audit
from router.lanes.batch import SourcePartition
from router.lanes.connections import Connections, read_from
from router.lanes.destinations import Destinations
from router.lanes.directory import KafkaDirectory
from router.lanes.fetching import unpack_lightly
from router.lanes.kafka import TransactionalCarrier
from router.log_ends import ends_of
from router.records.record import PlainRecord, Record
from router.redrive.command import Command, Partition, begun_event, resumed
from router.redrive.marks import REDRIVEN_TOPIC, Marks
from router.redrive.selection import WrongSelection
from router.settings import Settings

__all__ = ["RedriveKafka"]

_WITHIN = 10.0
"""Seconds that nothing comes after which no more is waited for."""
_LOOK_MS = 200
_FETCH_BYTES = 2 << 20
_OWN_TOPICS: Mapping[str, Mapping[str, str]] = {
    AUDIT: {"retention.ms": "-1"},
    REDRIVEN_TOPIC: {"cleanup.policy": "compact"},
}


class RedriveKafka:
    """One cluster, as the settings name it. Its errors are BrokerUnavailable and DestinationUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self.group = settings.group
        self._bootstrap = settings.broker
        self._security: Mapping[str, Any] = settings.aiokafka_security()
        self._connections = Connections.of(settings, client_id="router-redrive")
        self._timeout_ms = settings.transaction_timeout_ms
        self._directory = KafkaDirectory(self._bootstrap, self._security)
        self.destinations = Destinations(self._directory)
        self._producer: AIOKafkaProducer | None = None

    async def close(self) -> None:
        """Let go of all connections."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()
        await self._directory.close()

    async def counts(self) -> Mapping[str, int]:
        """Every topic, with its number of partitions."""
        await self.destinations.refresh()
        return await self._directory.partition_counts()

    # --- reading ---------------------------------------------------------------------------------------------------------

    async def ends(self, topics: Iterable[str]) -> dict[Partition, int]:
        """Where each partition of these topics ends now, for readers of what is committed."""
        counts = await self.counts()
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(counts.get(topic, 0))]
        if not partitions:
            return {}
        async with self._consumer() as consumer:
            ends = await ends_of(consumer, partitions)
        return {(tp.topic, tp.partition): ends[tp] for tp in partitions}

    async def records(
        self, at: Partition, *, end: int, most: int, start: int = 0
    ) -> AsyncIterator[tuple[list[Record], int]]:
        """What is committed in a partition, so many at a time, each with the offset behind it."""
        tp = TopicPartition(*at)
        async with self._consumer() as consumer:
            position = max(start, (await consumer.beginning_offsets([tp]))[tp])
            read_from(consumer, {tp: position})
            moved = time.monotonic()
            while position < end:
                fetched = await consumer.getmany(tp, timeout_ms=_LOOK_MS, max_records=most)
                found: list[Record] = fetched.get(tp, [])
                if found and found[-1].offset >= end:
                    found = [record for record in found if record.offset < end]
                before, position = position, min(await consumer.position(tp), end)
                if position != before:
                    moved = time.monotonic()
                    yield found, position
                elif time.monotonic() - moved > _WITHIN:
                    problem = f"nothing came from {tp.topic}/{tp.partition} within {_WITHIN:.0f} s, though it reaches to {end}"
                    raise BrokerUnavailable(brokers=self._bootstrap, problem=problem)

    async def marks(self, topics: Sequence[str]) -> Marks:
        """What was decided about the dead letters of these topics, by all that has ended or was shut out by now."""
        marks = Marks()
        if not self.destinations.count(REDRIVEN_TOPIC):
            return marks
        at = (REDRIVEN_TOPIC, 0)
        # The end as an uncommitted reader sees it: that of committed ones may lie before a transaction that is decided,
        # because of another's that is not.
        async with self._consumer(isolation_level="read_uncommitted") as consumer:
            end = (await ends_of(consumer, [TopicPartition(*at)], committed=False))[TopicPartition(*at)]
        async for records, _ in self.records(at, end=end, most=2_000):
            for record in records:
                marks.read(record.key, record.value, topics=topics)
        return marks

    # --- writing ---------------------------------------------------------------------------------------------------------

    def carrier(self, at: Partition) -> TransactionalCarrier:
        """What sends in transactions, for one partition of dead letters; it shuts out the one before."""
        return TransactionalCarrier(
            SourcePartition(*at),
            bootstrap=self._bootstrap,
            security=self._security,
            group=f"{self.group}-redrive",
            transaction_timeout_ms=self._timeout_ms,
            destinations=self.destinations,
            waiting=lambda _: None,
        )

    async def write(self, records: Sequence[PlainRecord]) -> None:
        """Write records into the partitions that they name, each once they were all taken."""
        producer = await self._started()
        try:
            sent = [
                await producer.send(
                    record.topic,
                    record.value,
                    record.key,
                    record.partition,
                    record.timestamp if record.timestamp >= 0 else None,
                    list(record.headers),
                )
                for record in records
            ]
            await asyncio.gather(*sent)
        except kafka_errors.KafkaError as error:
            topic = records[0].topic
            raise DestinationUnavailable(topic=topic, problem=f"it takes nothing: {error!r}") from error

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                client_id="router-redrive",
                enable_idempotence=True,
                **self._security,
            )
            try:
                await producer.start()
            except kafka_errors.KafkaError as error:
                await producer.stop()
                raise BrokerUnavailable(brokers=self._bootstrap, problem=str(error)) from error
            self._producer = producer
        return self._producer

    async def make_own_topics(self) -> None:
        """Make the topics of the audit and of what was decided, where they are missing."""
        missing = [name for name in _OWN_TOPICS if name not in await self.counts()]
        if not missing:
            return
        await self._connections.make(*(NewTopic(name, 1, -1, {}, dict(_OWN_TOPICS[name])) for name in missing))

    # --- the audit -------------------------------------------------------------------------------------------------------

    async def tell(self, event: AuditEvent) -> None:
        """Put an event into the audit."""
        await self.write([audit_record(event)])

    async def begin(self, command: Command) -> None:
        """Tell that a command begins."""
        await self.tell(begun_event(command, group=self.group, at=round(time.time() * 1000)))

    async def find(self, command: str) -> Command:
        """A command that once began, by its id. Raises WrongSelection where there is none."""
        async for event in self.events(since=0):
            if event.command == command and event.type.endswith(".begun"):
                return resumed(event)
        raise WrongSelection(f"no command '{command}' is in {AUDIT}")

    async def audit_end(self) -> int:
        """Where the audit ends now."""
        return (await self.ends([AUDIT])).get((AUDIT, 0), 0)

    async def events(self, *, since: int) -> AsyncIterator[AuditEvent]:
        """What the audit tells from this offset to its end of now."""
        async for records, _ in self.records((AUDIT, 0), start=since, end=await self.audit_end(), most=1_000):
            for record in records:
                event = read_audit(record)
                if event is not None:
                    yield event

    @asynccontextmanager
    async def _consumer(self, isolation_level: str = "read_committed") -> AsyncIterator[AIOKafkaConsumer]:
        fetched = {"max_partition_fetch_bytes": _FETCH_BYTES}
        async with self._connections.reader(isolation_level=isolation_level, **fetched) as consumer:
            unpack_lightly(consumer._fetcher)  # noqa: SLF001 - a consumer does not show its fetcher
            yield consumer
