"""Values that are kept on a compacted topic of one partition, by their keys: everybody reads them, and of several who write one does."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable, TransientError
from router.lanes import connections, deliveries
from router.lanes.directory import KafkaDirectory
from router.lanes.producer import OrderedProducer
from router.log_ends import ends_of
from router.settings import Settings

__all__ = ["Form", "KeptValues"]

_LOOK_MS = 100
_WITHIN = 10.0
"""Seconds that nothing comes after which no more is waited for."""
_TRIES = 8
_AGAIN = 0.2
"""Seconds within which who was shut out tries again, by chance; twice as many before each further try. A try takes about as long."""
_MOST_AGAIN = 3.0
_BATCH_BYTES = 1 << 20
_SHUT_OUT = (kafka_errors.ProducerFenced, kafka_errors.IllegalOperation)
"""By whoever came next; the second where that came to light between two steps."""
_REFUSED = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
)
"""It is not kept, and would not be by another try."""

V = TypeVar("V")


class Form(Protocol[V]):
    """How values stand in their topic."""

    topic: str

    def read(self, value: bytes | None) -> V | None:
        """The value of a record; None for what is none, or is gone."""

    def key(self, value: V) -> str:
        """By what it is kept."""

    def written(self, value: V) -> bytes:
        """The record of a value."""

    def moved(self, value: V) -> TransientError:
        """The error of who would write it, and was not the only one."""


class KeptValues(Generic[V]):
    """Reads and writes what is kept. Its errors are BrokerUnavailable, and that of its form."""

    def __init__(self, settings: Settings, form: Form[V]) -> None:
        self._form = form
        self._at = TopicPartition(form.topic, 0)
        self._bootstrap = settings.broker
        self._security: Mapping[str, Any] = settings.aiokafka_security()
        self._connections = connections.Connections.of(settings, client_id=form.topic)
        self._directory = KafkaDirectory(self._bootstrap, self._security)
        self._consumer: AIOKafkaConsumer | None = None
        self._found: dict[str, V] = {}
        self._asking = asyncio.Lock()
        """Lanes that open together ask together, and share one connection."""
        self._writing = asyncio.Lock()

    async def close(self) -> None:
        """Let go of all connections."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await connections.stop(consumer)
        await self._directory.close()

    async def latest(self) -> Mapping[str, V]:
        """All values by their keys, as they are now."""
        async with self._asking:
            try:
                consumer = await self._reading()
                if consumer is not None:
                    await self._read_on(consumer)
            except kafka_errors.KafkaError as error:
                raise self._unavailable(error) from error
            return dict(self._found)

    async def write(self, value: V, *, before: V | None) -> None:
        """Keep a value, if what is kept is still what it was. Of several who write the same, each has."""
        unclear = await self._written(value, before=before, perhaps=False)
        for attempt in range(_TRIES - 1):
            if unclear is None:
                return
            # Perhaps by who wrote another value, which is no matter: the next look tells. Not all at the same time.
            await asyncio.sleep(random.uniform(0, min(_MOST_AGAIN, _AGAIN * 2**attempt)))  # noqa: S311 - no secret
            unclear = await self._written(value, before=before, perhaps=True)
        if isinstance(unclear, _SHUT_OUT):
            raise self._form.moved(value)
        if unclear is not None:
            raise self._unavailable(unclear) from unclear

    async def _written(self, value: V, *, before: V | None, perhaps: bool) -> Exception | None:
        """What it failed for, where it is unclear whether it is kept; `perhaps`: it was so before, so that it may be ours."""
        async with self._writing:
            return await self._write(value, before=before, perhaps=perhaps)

    async def _write(self, value: V, *, before: V | None, perhaps: bool) -> Exception | None:
        form, topic = self._form, self._form.topic
        unclear: Exception | None = None
        producer = OrderedProducer(
            bootstrap_servers=self._bootstrap, transactional_id=topic, client_id=topic, **self._security
        )
        try:
            # Who comes next shuts this one out, and reads what it had written: KIP-98's fencing is the lock.
            await producer.start()
            kept = (await self.latest()).get(form.key(value))
            if perhaps and kept == value:
                return None
            if kept != before:
                raise form.moved(value)
            await producer.learn([topic])
            batch = deliveries.RecordBatch(_BATCH_BYTES, compression_type=0, is_transactional=1)
            batch.append(timestamp=None, key=form.key(value).encode(), value=form.written(value), headers=[])
            try:
                await producer.begin_transaction()
                await producer.enqueue(batch, topic, partition=0)
                await producer.commit_transaction()
            except _REFUSED:
                raise
            except (kafka_errors.KafkaError, kafka_errors.IllegalOperation) as error:
                unclear = error
        except kafka_errors.ProducerFenced as error:
            unclear = error
        except kafka_errors.KafkaError as error:
            raise self._unavailable(error) from error
        finally:
            await deliveries.stop(producer)
        return unclear

    def _unavailable(self, error: Exception) -> BrokerUnavailable:
        return BrokerUnavailable(brokers=self._bootstrap, problem=deliveries.said(error))

    async def _reading(self) -> AIOKafkaConsumer | None:
        """None while the topic is not there: nothing is kept."""
        if self._consumer is None and self._form.topic in await self._directory.partition_counts():
            consumer = await self._connections.opened()
            try:
                connections.read_from(consumer, await consumer.beginning_offsets([self._at]))
            except BaseException:
                await connections.stop(consumer)
                raise
            self._consumer = consumer
        return self._consumer

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        at, form = self._at, self._form
        end = (await ends_of(consumer, [at]))[at]
        moved = time.monotonic()
        while (before := await consumer.position(at)) < end:
            for record in (await consumer.getmany(at, timeout_ms=_LOOK_MS)).get(at, ()):
                value = form.read(record.value)
                if value is not None:
                    self._found[form.key(value)] = value
                else:
                    self._found.pop((record.key or b"").decode(errors="replace"), None)
            if await consumer.position(at) != before:
                moved = time.monotonic()
            elif time.monotonic() - moved > _WITHIN:
                problem = f"nothing came from {form.topic} within {_WITHIN:.0f} s, though it reaches to {end}"
                raise BrokerUnavailable(brokers=self._bootstrap, problem=problem)
            await asyncio.sleep(0)
