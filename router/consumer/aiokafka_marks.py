"""The marks of a topic, read with aiokafka: to their end after an assignment, and on from there for marks that skip.

Two clients: one asks where the log of the marks ends, as an uncommitted reader; the other reads it, as a committed one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from router.consumer.errors import TopicMissing
from router.failure.topics import parked_of, rejected_of
from router.log_ends import ends_of

__all__ = ["Marks"]

log = logging.getLogger("router.consumer")

_WAIT_MS = 500
_SHORT_WAIT_MS = 20
"""The same while marks are read to their end: of a transaction's end a fetch says nothing, only the position does."""
_AGAIN = 0.5
Came = Callable[[int, Any], None]
"""Takes a mark: its partition, and the record."""
ReadTo = Callable[[int, int], bool]
"""Takes how far a partition's marks were read; says whether that was all it waited for."""


class Marks:
    """Those of one topic, for the partitions that its consumer has."""

    def __init__(self, settings: Mapping[str, Any], topic: str, *, came: Came, read_to: ReadTo) -> None:
        self.topic = parked_of(topic)
        self.there = False
        self._of = topic
        self._came = came
        self._read_to = read_to
        self._asker = AIOKafkaConsumer(**settings, isolation_level="read_uncommitted", enable_auto_commit=False)
        self._reader = AIOKafkaConsumer(
            **settings,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=_WAIT_MS,
        )
        self._positions: dict[int, int] = {}
        self._waiting: set[int] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self, *, required: bool) -> None:
        """Raises TopicMissing where one of the topics is not there; that of the marks only where they are required."""
        await self._asker.start()
        # All topics: naming one creates it where brokers allow that.
        known = await self._asker.topics()
        self.there = self.topic in known
        for needed in (self._of, rejected_of(self._of), *((self.topic,) if required else ())):
            if needed not in known:
                raise TopicMissing(topic=needed, problem="is not there, or this client may not see it")
        if self.there:
            await self._reader.start()
            self._task = asyncio.create_task(self._run(), name="router-consumer-marks")

    async def ends(self, partitions: Collection[int]) -> dict[int, int]:
        """Behind everything, committed or not, as the last word. Raises KafkaError."""
        if not self.there or not partitions:
            return dict.fromkeys(partitions, 0)
        asked = [TopicPartition(self.topic, each) for each in partitions]
        found = await ends_of(self._asker, asked, committed=False)
        return {place.partition: offset for place, offset in found.items()}

    def follow(self, partitions: Collection[int]) -> None:
        """Read the marks of these from their beginning, and on from there."""
        self._positions.update(dict.fromkeys(partitions, 0))
        self._waiting.update(partitions)
        self._changed.set()

    def leave(self, partitions: Collection[int]) -> None:
        """Follow these no longer."""
        for partition in partitions:
            self._positions.pop(partition, None)
            self._waiting.discard(partition)
        self._changed.set()

    async def close(self) -> None:
        """Close the clients."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        for client in (self._asker, self._reader):
            with suppress(Exception):
                await client.stop()

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except KafkaError as error:
                log.warning("%s: marks cannot be read, tried again: %s", self.topic, error)
                await asyncio.sleep(_AGAIN)

    async def _read(self) -> None:
        """Until what is to be read changes."""
        self._changed.clear()
        if not self._positions:
            await self._changed.wait()
            return
        places = {TopicPartition(self.topic, each): position for each, position in self._positions.items()}
        self._reader.assign(list(places))
        for place, position in places.items():
            self._reader.seek(place, position)
        while not self._changed.is_set():
            found = await self._fetch()
            for place, records in found.items():
                for record in records:
                    if record.offset >= self._positions.get(place.partition, record.offset + 1):
                        self._positions[place.partition] = record.offset + 1
                        self._came(place.partition, record)
            for partition in self._waiting.intersection(self._positions):
                if self._changed.is_set():
                    break
                position = await self._reader.position(TopicPartition(self.topic, partition))
                if partition in self._positions and not self._changed.is_set():
                    self._positions[partition] = max(position, self._positions[partition])
                    if self._read_to(partition, position):
                        self._waiting.discard(partition)

    async def _fetch(self) -> Mapping[TopicPartition, Any]:
        """What has come; nothing where something changes meanwhile: all positions are sought anew then."""
        wait = _SHORT_WAIT_MS if self._waiting else _WAIT_MS
        fetching = asyncio.ensure_future(self._reader.getmany(timeout_ms=wait))
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((fetching, changing), return_when=asyncio.FIRST_COMPLETED)
            return fetching.result() if fetching.done() else {}
        finally:
            for each in (fetching, changing):
                each.cancel()
            await asyncio.wait((fetching, changing))
