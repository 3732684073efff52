"""Values that are kept on a compacted topic of one partition, by their keys: everybody reads them, and of several who write one does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable, TransientError
from router.lanes.directory import KafkaDirectory
from router.settings import Settings

__all__ = ["Form", "KeptValues"]

_LOOK_MS = 100
_WITHIN = 10.0
"""Seconds that nothing comes after which no more is waited for."""
_TRIES = 10
_AGAIN = 0.05
"""Seconds until the second try of who was shut out, and so much more before each further one."""

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
        self._directory = KafkaDirectory(self._bootstrap, self._security)
        self._consumer: AIOKafkaConsumer | None = None
        self._found: dict[str, V] = {}
        self._asking = asyncio.Lock()
        """Lanes that open together ask together, and share one connection."""

    async def close(self) -> None:
        """Let go of all connections."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
        await self._directory.close()

    async def latest(self) -> Mapping[str, V]:
        """All values by their keys, as they are now."""
        async with self._asking:
            try:
                consumer = await self._reading()
                if consumer is not None:
                    await self._read_on(consumer)
            except kafka_errors.KafkaError as error:
                raise BrokerUnavailable(brokers=self._bootstrap, problem=str(error)) from error
            return dict(self._found)

    async def write(self, value: V, *, before: V | None) -> None:
        """Keep a value, if what is kept is still what it was."""
        for attempt in range(_TRIES):
            try:
                await self._write(value, before=before)
            except (kafka_errors.ProducerFenced, kafka_errors.IllegalOperation):
                # Shut out, perhaps by who wrote another value, which is no matter: the next look tells.
                await asyncio.sleep(_AGAIN * (attempt + 1))
            except kafka_errors.KafkaError as error:
                raise BrokerUnavailable(brokers=self._bootstrap, problem=str(error)) from error
            else:
                return
        raise self._form.moved(value)

    async def _write(self, value: V, *, before: V | None) -> None:
        form, topic = self._form, self._form.topic
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, transactional_id=topic, client_id=topic, **self._security
        )
        try:
            # Who comes next shuts this one out, and reads what it had written: KIP-98's fencing is the lock.
            await producer.start()
            if (await self.latest()).get(form.key(value)) != before:
                raise form.moved(value)
            await producer.begin_transaction()
            await producer.send_and_wait(topic, form.written(value), form.key(value).encode(), partition=0)
            await producer.commit_transaction()
        finally:
            await producer.stop()

    async def _reading(self) -> AIOKafkaConsumer | None:
        """None while the topic is not there: nothing is kept."""
        if self._consumer is None and self._form.topic in await self._directory.partition_counts():
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                client_id=self._form.topic,
                enable_auto_commit=False,
                isolation_level="read_committed",
                **self._security,
            )
            try:
                await consumer.start()
                start = (await consumer.beginning_offsets([self._at]))[self._at]
            except BaseException:
                await consumer.stop()
                raise
            # No await in between: a consumer without a position looks for one, and its answer would undo the seek.
            consumer.assign([self._at])
            consumer.seek(self._at, start)
            self._consumer = consumer
        return self._consumer

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        at, form = self._at, self._form
        end = (await consumer.end_offsets([at]))[at]
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
