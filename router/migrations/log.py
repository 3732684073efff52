"""The topic in which migrations are kept: `router.migrations`, compacted, a record a pair of versions; anybody may read it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable, TransientError
from router.lanes.directory import KafkaDirectory
from router.migrations.phases import Migration, read_migration
from router.settings import Settings

__all__ = ["MIGRATIONS", "MigrationLog", "MigrationMoved"]

MIGRATIONS = "router.migrations"
"""The topic; it has one partition."""
_AT = TopicPartition(MIGRATIONS, 0)
_LOOK_MS = 100
_WITHIN = 10.0
"""Seconds that nothing comes after which no more is waited for."""


class MigrationMoved(TransientError):
    """Somebody else has taken a migration a step further meanwhile."""

    reason = "migration-moved"

    def __init__(self, *, migration: str) -> None:
        super().__init__(migration)
        self.migration = migration

    def __str__(self) -> str:
        return f"{self.migration} was changed by somebody else at this moment: nothing was done; look again"


class MigrationLog:
    """Reads and writes what is kept. Its errors are BrokerUnavailable and MigrationMoved."""

    def __init__(self, settings: Settings) -> None:
        self._bootstrap = settings.broker
        self._security: Mapping[str, Any] = settings.aiokafka_security()
        self._directory = KafkaDirectory(self._bootstrap, self._security)
        self._consumer: AIOKafkaConsumer | None = None
        self._found: dict[str, Migration] = {}

    async def close(self) -> None:
        """Let go of all connections."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
        await self._directory.close()

    async def latest(self) -> Mapping[str, Migration]:
        """All migrations by their keys, as they are now; those that have ended, too."""
        try:
            consumer = await self._reading()
            if consumer is not None:
                await self._read_on(consumer)
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers=self._bootstrap, problem=str(error)) from error
        return dict(self._found)

    async def write(self, migration: Migration, *, before: Migration | None) -> None:
        """Keep a migration, if it is still what it was. Of several who try at the same time one succeeds."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, transactional_id=MIGRATIONS, client_id="router-migrate", **self._security
        )
        try:
            # Who comes next shuts this one out, and reads what it had written: KIP-98's fencing is the lock.
            await producer.start()
            if (await self.latest()).get(migration.key) != before:
                raise MigrationMoved(migration=str(migration))
            await producer.begin_transaction()
            value = json.dumps(migration.to_json(), ensure_ascii=False).encode()
            await producer.send_and_wait(MIGRATIONS, value, migration.key.encode(), partition=0)
            await producer.commit_transaction()
        except kafka_errors.ProducerFenced as error:
            raise MigrationMoved(migration=str(migration)) from error
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers=self._bootstrap, problem=str(error)) from error
        finally:
            await producer.stop()

    async def _reading(self) -> AIOKafkaConsumer | None:
        """None while the topic is not there: there are no migrations."""
        if self._consumer is None and MIGRATIONS in await self._directory.partition_counts():
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                client_id="router-migrate",
                enable_auto_commit=False,
                isolation_level="read_committed",
                **self._security,
            )
            try:
                await consumer.start()
                start = (await consumer.beginning_offsets([_AT]))[_AT]
            except BaseException:
                await consumer.stop()
                raise
            # No await in between: a consumer without a position looks for one, and its answer would undo the seek.
            consumer.assign([_AT])
            consumer.seek(_AT, start)
            self._consumer = consumer
        return self._consumer

    async def _read_on(self, consumer: AIOKafkaConsumer) -> None:
        end = (await consumer.end_offsets([_AT]))[_AT]
        moved = time.monotonic()
        while (before := await consumer.position(_AT)) < end:
            for record in (await consumer.getmany(_AT, timeout_ms=_LOOK_MS)).get(_AT, ()):
                migration = read_migration(record.value)
                if migration is not None:
                    self._found[migration.key] = migration
                else:
                    self._found.pop((record.key or b"").decode(errors="replace"), None)
            if await consumer.position(_AT) != before:
                moved = time.monotonic()
            elif time.monotonic() - moved > _WITHIN:
                problem = f"nothing came from {MIGRATIONS} within {_WITHIN:.0f} s, though it reaches to {end}"
                raise BrokerUnavailable(brokers=self._bootstrap, problem=problem)
            await asyncio.sleep(0)
