"""What moving to a topic's next generation asks of a Kafka: places in one for places in the other, tables, shutting out writers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable
from router.lanes.batch import SourcePartition
from router.lanes.connections import partitions_of, read_from
from router.lanes.kafka import transactional_id
from router.log_ends import ends_of
from router.migrations.log import MigrationLog
from router.migrations.survey import Survey, group_of, plain_record, records_between
from router.records.headers import HOP, ORIGIN, Origin, decode_hop, decode_origin
from router.records.record import PlainRecord, Record
from router.settings import Settings

__all__ = ["GenerationKafka", "WorkerStanding", "origin_of"]

_LOOK_MS = 200
_LOOKS = 25
_SEND_BYTES = 900_000
_AT_ONCE = 8
_FEW = 8
_FIRST = 1_000
"""Records at the beginning of a partition that are looked at: a mirror begins there, before producers may write."""


def origin_of(record: Record) -> Origin | None:
    """Which record of which topic this one is the copy of, by the last that says so."""
    return next((decode_origin(value) for name, value in reversed(record.headers) if name == ORIGIN), None)


class WorkerStanding:
    """What a worker's lanes ask. Fulfils `Standing` of `generation_lanes`; it connects when it is asked, which is seldom."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._survey = Survey(settings)

    async def committed(self, group: str) -> dict[SourcePartition, int]:
        """All places of a group."""
        return await GenerationKafka(self._settings, self._survey).committed(group)

    async def has_copied(self, group: str, origin: SourcePartition, topic: str, *, every: int) -> bool:
        """See KnowsPlaces of `under_way`. Of many partitions, a few are looked at."""
        async with self._survey.connections.reader() as consumer:
            count = len(await partitions_of(consumer, topic))
            numbers = range(origin.partition, count, every or count or 1)[:_FEW]
            partitions = [TopicPartition(topic, each) for each in numbers]
            starts, ends = await consumer.beginning_offsets(partitions), await ends_of(consumer, partitions)
            for tp in partitions:
                async for each in records_between(consumer, tp, starts[tp], min(ends[tp], starts[tp] + _FIRST)):
                    record = plain_record(each)
                    told = origin_of(record)
                    hop = (
                        decode_hop(record.headers[-1][1]) if told is not None and record.headers[-1][0] == HOP else None
                    )
                    if told is not None and _is_from(told, origin) and hop is not None and hop.service == group:
                        return True
        return False

    async def left(self, topic: str) -> Callable[[], Awaitable[int]] | None:
        """See Standing: what its former generation has by now, in open transactions as well."""
        log = MigrationLog(self._settings)
        try:
            kept = (await log.latest()).values()
        finally:
            await log.close()
        migration = next((each for each in kept if each.target_topic == topic and each.ways), None)
        if migration is None or migration.counts is None:
            return None
        former, group = migration.source_topic, migration.group
        async with self._survey.connections.reader() as consumer:
            numbers = await partitions_of(consumer, former)
            tps = [TopicPartition(former, number) for number in numbers]
            starts = await consumer.beginning_offsets(tps)
            ends = await ends_of(consumer, tps, committed=False)

        async def left() -> int:
            async with self._survey.connections.admin() as admin:
                stands = {
                    tp: at for tp, (at, _) in (await group_of(admin, group)).committed.items() if tp.topic == former
                }
            # Most often there is nothing more than a transaction's marker between the two, which the mirror passes as well.
            return sum(max(0, end - stands.get(tp, starts[tp])) for tp, end in ends.items())

        return left


class GenerationKafka:
    """One cluster. Its errors are BrokerUnavailable."""

    def __init__(self, settings: Settings, survey: Survey) -> None:
        self._settings = settings
        self._survey = survey
        self._security: Mapping[str, Any] = settings.aiokafka_security()

    async def committed(self, group: str) -> dict[SourcePartition, int]:
        """All places of a group."""
        async with self._survey.connections.admin() as admin:
            found = (await group_of(admin, group)).committed
        return {SourcePartition(tp.topic, tp.partition): at for tp, (at, _) in found.items()}

    async def samples(self, topic: str, *, most: int) -> list[PlainRecord]:
        """The last records of each partition, about so many of each."""
        found = []
        async with self._survey.connections.reader() as consumer:
            partitions = [TopicPartition(topic, each) for each in sorted(await partitions_of(consumer, topic))]
            starts, ends = await consumer.beginning_offsets(partitions), await ends_of(consumer, partitions)
            for tp in partitions:
                start = max(starts[tp], ends[tp] - most)
                found += [plain_record(each) async for each in records_between(consumer, tp, start, ends[tp])]
        return found

    async def held_from(self, at: SourcePartition) -> int:
        """The offset of the first record that a partition holds; its end where it holds none."""
        async with self._survey.connections.reader() as consumer:
            tp = TopicPartition(at.topic, at.partition)
            start, end = (await consumer.beginning_offsets([tp]))[tp], (await ends_of(consumer, [tp]))[tp]
            record = await _first(consumer, tp, start, end)
            return end if record is None else int(record.offset)

    async def cuts(
        self, topic: str, wanted: Mapping[int, tuple[SourcePartition, int]], ends: Sequence[int]
    ) -> dict[int, int]:
        """By partition, before which of its first records all are copies from before a place in the partition that it is copied from.

        Origins rise within a partition, so that a place is found by halving; `ends` are where partitions end, at most.
        """
        found = {}
        async with self._survey.connections.reader() as consumer:
            partitions = [TopicPartition(topic, each) for each in wanted]
            starts = await consumer.beginning_offsets(partitions)
            for tp in partitions:
                origin, at = wanted[tp.partition]
                low, high = starts[tp], max(starts[tp], ends[tp.partition])
                while low < high:
                    middle = (low + high) // 2
                    record = await _first(consumer, tp, middle, high)
                    if record is None or _offset_from(plain_record(record), origin) >= at:
                        high = middle
                    else:
                        low = record.offset + 1
                found[tp.partition] = low
        return found

    async def copies(
        self, at: SourcePartition, origin: SourcePartition, offsets: Collection[int], *, end: int
    ) -> dict[int, Record]:
        """By their offsets in the partition that they were copied from, the copies of these records; those that are there."""
        if not offsets:
            return {}
        starts = await self.cuts(at.topic, {at.partition: (origin, min(offsets))}, [end] * (at.partition + 1))
        found: dict[int, Record] = {}
        wanted = set(offsets)
        async with self._survey.connections.reader() as consumer:
            async for each in records_between(
                consumer, TopicPartition(at.topic, at.partition), starts[at.partition], end
            ):
                record = plain_record(each)
                told = origin_of(record)
                if told is not None and _is_from(told, origin) and told.offset in wanted:
                    found[told.offset] = record
                    if len(found) == len(wanted):
                        break
        return found

    async def entries(self, changelog: str, partition: int) -> dict[bytes, bytes]:
        """What a table's changelog comes to."""
        found: dict[bytes, bytes] = {}
        tp = TopicPartition(changelog, partition)
        async with self._survey.connections.reader() as consumer:
            await partitions_of(consumer, changelog)
            start, end = (await consumer.beginning_offsets([tp]))[tp], (await ends_of(consumer, [tp]))[tp]
            async for record in records_between(consumer, tp, start, end):
                if record.value is None:
                    found.pop(record.key, None)
                elif record.key is not None:
                    found[record.key] = record.value
        return found

    async def shut_out(self, group: str, sources: Iterable[SourcePartition], *, needed: bool = True) -> None:
        """Let whoever carries these partitions for a group write and commit nothing any more: brokers refuse it from now on.

        Whatever it had begun is undone, and what it had committed is complete, when this returns. Where it is not `needed`, ids
        that may not be used here are left alone.
        """
        few = asyncio.Semaphore(_AT_ONCE)

        async def shut_out(source: SourcePartition) -> None:
            async with few:
                producer = self._producer(group, source)
                try:
                    await producer.start()
                except kafka_errors.KafkaError as error:
                    if isinstance(error, kafka_errors.TransactionalIdAuthorizationFailed) and not needed:
                        return
                    raise BrokerUnavailable(brokers=f"the coordinator of {source}", problem=repr(error)) from error
                finally:
                    await producer.stop()

        await asyncio.gather(*map(shut_out, sources))

    async def seed(
        self,
        group: str,
        source: SourcePartition,
        position: int,
        *,
        changelog: str,
        entries: Mapping[bytes, bytes | None],
    ) -> None:
        """Let a group begin a partition here, with a table that has these entries, and none where they say None: in one transaction."""
        producer = self._producer(group, source)
        try:
            await producer.start()
            async with producer.transaction():
                sent = [
                    await producer.send(changelog, value, key, partition=source.partition)
                    for key, value in sorted(entries.items())
                ]
                for each in sent:
                    await each
                await producer.send_offsets_to_transaction(
                    {TopicPartition(source.topic, source.partition): position}, group
                )
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers=f"the table of {source}", problem=repr(error)) from error
        finally:
            await producer.stop()

    def _producer(self, group: str, source: SourcePartition) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._settings.broker,
            client_id="router-migrate",
            transactional_id=transactional_id(group, source),
            transaction_timeout_ms=self._settings.transaction_timeout_ms,
            max_request_size=_SEND_BYTES * 8,
            **self._security,
        )


def _offset_from(record: Record, origin: SourcePartition) -> int:
    """Of the record that this one is a copy of; -1 for what is no copy from there, but was written by a producer."""
    told = origin_of(record)
    return told.offset if told is not None and _is_from(told, origin) else -1


def _is_from(told: Origin, origin: SourcePartition) -> bool:
    return (told.topic, told.partition) == (origin.topic, origin.partition)


async def _first(consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int) -> Any:
    """The first committed record of a stretch; None where it holds none."""
    if start >= end:
        return None
    read_from(consumer, {tp: start})
    for _ in range(_LOOKS):
        found = (await consumer.getmany(tp, timeout_ms=_LOOK_MS, max_records=1)).get(tp, ())
        if found:
            return found[0] if found[0].offset < end else None
        if await consumer.position(tp) >= end:
            return None
    raise BrokerUnavailable(brokers=str(tp), problem=f"nothing comes of it, though it reaches to {end}")
