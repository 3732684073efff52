"""What the console reads from Kafka: which topics there are, how far they and their readers are, and records. Joins no group, writes nothing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.structs import TopicPartition

from router.console.measuring import At
from router.errors import BrokerUnavailable
from router.lanes.deliveries import said
from router.lanes.directory import KafkaDirectory
from router.records.record import PlainRecord
from router.refused_offsets import REFUSALS, heed_refusals

__all__ = ["Fetched", "Kafka", "KafkaReads"]

_ANSWER_WITHIN_MS = 5_000
_FETCH_WAIT_MS = 250
_LEAST_PAUSE = 1.0
_LONGEST_PAUSE = 15.0
"""Seconds for which a group that does not move is not asked where it stands."""
_AT_ONCE = 6
"""Readers of records at a time: the rest wait for their turn."""

Fetched = tuple[Sequence[PlainRecord], Mapping[At, int]]
"""Some records, and how far each partition has been read."""


class KafkaReads(Protocol):
    """A way to look into Kafka. Everything raises BrokerUnavailable."""

    async def partition_counts(self) -> Mapping[str, int]:
        """All topics that may be seen."""

    async def ends(self, partitions: Sequence[At]) -> Mapping[At, int]:
        """Where these partitions end."""

    async def begins(self, partitions: Sequence[At]) -> Mapping[At, int]:
        """Where these partitions begin."""

    async def at_time(self, partitions: Sequence[At], milliseconds: int) -> Mapping[At, int]:
        """The first offset of each that is so new; its end where none is."""

    async def committed(self) -> Mapping[str, Mapping[At, int]]:
        """By consumer group, where it goes on."""

    async def configs(self, topics: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """Settings by topic."""

    def read(self, starts: Mapping[At, int], ends: Mapping[At, int] | None) -> AsyncIterator[Fetched]:
        """Committed records from these offsets on, up to these ends; without ends for ever, with nothing now and then."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a group stood when it was asked last."""

    at: Mapping[At, int]
    pause: float
    again: float
    """When to ask again: seconds of a monotonic clock."""


class Kafka:
    """Fulfils KafkaReads, over connections that it keeps."""

    def __init__(self, bootstrap: str, security: Callable[[], Mapping[str, Any]]) -> None:
        self._bootstrap = bootstrap
        self._security = security
        self._directory = KafkaDirectory(bootstrap, security())
        self._standing: dict[str, _Standing] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None
        self._one_at_a_time = asyncio.Lock()
        self._readers = asyncio.Semaphore(_AT_ONCE)
        # Its errors come as exceptions; what it logs beside them says them once more.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

    async def partition_counts(self) -> Mapping[str, int]:
        """See KafkaReads."""
        async with self._one_at_a_time:
            return await self._directory.partition_counts()

    async def ends(self, partitions: Sequence[At]) -> Mapping[At, int]:
        """See KafkaReads."""
        return await self._offsets("end_offsets", partitions)

    async def begins(self, partitions: Sequence[At]) -> Mapping[At, int]:
        """See KafkaReads."""
        return await self._offsets("beginning_offsets", partitions)

    async def at_time(self, partitions: Sequence[At], milliseconds: int) -> Mapping[At, int]:
        """See KafkaReads."""
        ends = await self.ends(partitions)
        wanted = {TopicPartition(*at): milliseconds for at in partitions}
        async with self._failing(), self._one_at_a_time:
            found = await (await self._opened()).offsets_for_times(wanted) if wanted else {}
        return {at: ends[at] if (told := found.get(TopicPartition(*at))) is None else told.offset for at in partitions}

    async def _offsets(self, what: str, partitions: Sequence[At]) -> Mapping[At, int]:
        if not partitions:
            return {}
        wanted = [TopicPartition(*at) for at in partitions]
        async with self._failing(), self._one_at_a_time:
            found = await getattr(await self._opened(), what)(wanted)
        return {(at.topic, at.partition): offset for at, offset in found.items()}

    async def committed(self) -> Mapping[str, Mapping[At, int]]:
        """See KafkaReads."""
        async with self._failing(), self._one_at_a_time:
            admin = await self._asked()
            groups = [name for name, kind, *_ in await admin.list_consumer_groups() if kind in {"consumer", ""}]
            self._standing = {name: self._standing[name] for name in groups if name in self._standing}
            now = time.monotonic()
            for group in groups:
                known = self._standing.get(group)
                if known is not None and now < known.again:
                    continue
                try:
                    offsets = await admin.list_consumer_group_offsets(group)
                except (kafka_errors.GroupAuthorizationFailedError, *REFUSALS):
                    continue
                stands = {(at.topic, at.partition): each.offset for at, each in offsets.items() if each.offset >= 0}
                # A cluster has hundreds of groups of which a few move: the others are asked less and less often.
                still = known is not None and known.at == stands
                pause = min(known.pause * 2 + _LEAST_PAUSE, _LONGEST_PAUSE) if known is not None and still else 0.0
                self._standing[group] = _Standing(stands, pause, now + pause)
        return {name: each.at for name, each in self._standing.items()}

    async def configs(self, topics: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """See KafkaReads."""
        if not topics:
            return {}
        async with self._failing(), self._one_at_a_time:
            resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
            answers = await (await self._asked()).describe_configs(resources)
        return {
            name: {entry[0]: entry[1] or "" for entry in entries}
            for answer in answers
            for _code, _message, _kind, name, entries in answer.resources
        }

    async def read(self, starts: Mapping[At, int], ends: Mapping[At, int] | None) -> AsyncIterator[Fetched]:
        """See KafkaReads."""
        wanted = {at: start for at, start in starts.items() if ends is None or start < ends[at]}
        if not wanted:
            return
        async with self._failing(), self._readers:
            consumer = self._new_consumer("router-console-records", isolation_level="read_committed")
            try:
                await consumer.start()
                async for each in _fetched(consumer, wanted, ends):
                    yield each
            finally:
                await consumer.stop()

    async def _opened(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = self._new_consumer("router-console")
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer

    async def _asked(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(
                bootstrap_servers=self._bootstrap, client_id="router-console", request_timeout_ms=_ANSWER_WITHIN_MS,
                **self._security(),
            )  # fmt: skip
            heed_refusals(admin)
            try:
                await admin.start()
            except BaseException:
                await admin.close()
                raise
            self._admin = admin
        return self._admin

    def _new_consumer(self, name: str, **more: Any) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, client_id=name, enable_auto_commit=False, auto_offset_reset="earliest",
            request_timeout_ms=_ANSWER_WITHIN_MS + 1_000, **more, **self._security(),
        )  # fmt: skip

    @asynccontextmanager
    async def _failing(self) -> AsyncIterator[None]:
        """What a client raises, as the error that says which brokers; the next question opens new connections."""
        try:
            yield
        except (kafka_errors.KafkaError, OSError) as error:
            await self._let_go()
            raise BrokerUnavailable(brokers=self._bootstrap, problem=said(error)) from error

    async def _let_go(self) -> None:
        consumer, self._consumer = self._consumer, None
        admin, self._admin = self._admin, None
        if consumer is not None:
            await consumer.stop()
        if admin is not None:
            await admin.close()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._let_go()
        await self._directory.close()


async def _fetched(
    consumer: AIOKafkaConsumer, starts: Mapping[At, int], ends: Mapping[At, int] | None
) -> AsyncIterator[Fetched]:
    # Assigned and sought without an await in between: a consumer that has no position yet looks for one by itself.
    consumer.assign([TopicPartition(*at) for at in starts])
    for at, offset in starts.items():
        consumer.seek(TopicPartition(*at), offset)
    positions = dict(starts)
    left = dict.fromkeys(starts)
    moved = time.monotonic()
    while left:
        found = await consumer.getmany(*(TopicPartition(*at) for at in left), timeout_ms=_FETCH_WAIT_MS)
        records = [
            PlainRecord(
                topic=each.topic, partition=each.partition, offset=each.offset, timestamp=each.timestamp, key=each.key,
                value=each.value, headers=tuple(each.headers),
            )
            for some in found.values() for each in some
            if ends is None or each.offset < ends[each.topic, each.partition]
        ]  # fmt: skip
        before = dict(positions)
        for at in left:
            # Where only markers are left no record comes: the position alone says that the end is reached.
            position = await consumer.position(TopicPartition(*at))
            positions[at] = position if ends is None else min(position, ends[at])
        if positions != before:
            moved = time.monotonic()
        yield records, dict(positions)
        if ends is not None:
            left = {at: None for at in left if positions[at] < ends[at]}
            if time.monotonic() - moved > _ANSWER_WITHIN_MS / 1000:
                # What is left is held back by a transaction that nobody has ended.
                return
