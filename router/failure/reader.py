"""Reads rejections from Kafka for all lanes of a worker: one consumer, of no group, that sees what was committed.

Each lane says from where to read, as its table has it. When a lane opens or is left, the consumer is told anew what to read and
from where; what a fetch under way would have brought is fetched once more then. What comes for a sink that is full waits in the
consumer until there is room; where another reads the same partition meanwhile, it is fetched once more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.failure.keeping import RejectionSink
from router.lanes.fetching import unpack_lightly
from router.log_ends import ends_of
from router.observe.logs import get_logger

__all__ = ["RejectionReader"]

log = get_logger("router.failure")

_WAIT_MS = 500
"""For how long a fetch waits where nothing is new."""
_RECORDS = 1_000
_PARTITION_BYTES = 1 << 20
_AGAIN = 0.5
"""Seconds until a consumer that failed is followed by another."""


@dataclass(slots=True, eq=False)
class _Reading:
    sink: RejectionSink
    position: int
    checked: bool = False
    """Its position was compared with what the log has."""
    sought: bool = False
    """The consumer reads from its position on, or from an earlier one."""


class RejectionReader:
    """Fulfils `RejectionFeed`; all of it runs in the lanes' event loop. Its task begins with the first who wants something."""

    def __init__(self, bootstrap: str, security: Callable[[], Mapping[str, Any]]) -> None:
        self._bootstrap = bootstrap
        self._security = security
        # Lanes of several sources may read the same partition, each from its own place.
        self._readings: dict[TopicPartition, list[_Reading]] = {}
        self._changed = asyncio.Event()
        self._anew = False
        """Who reads what has changed, so that all positions are to be sought anew."""
        self._task: asyncio.Task[None] | None = None
        self.trouble: tuple[str, float] | None = None
        """Why nothing can be read, and since when, in seconds since the epoch; None while all is well."""

    def follow(self, partition: int, positions: Mapping[str, int], sink: RejectionSink) -> Callable[[], None]:
        """See RejectionFeed."""
        mine = {TopicPartition(topic, partition): _Reading(sink, position) for topic, position in positions.items()}
        for tp, reading in mine.items():
            self._readings.setdefault(tp, []).append(reading)
        if self._task is None and mine:
            self._task = asyncio.create_task(self._run(), name="rejections")
        self._ask_anew()

        def leave() -> None:
            for tp, reading in mine.items():
                left = self._readings.get(tp, [])
                if reading in left:
                    left.remove(reading)
                if not left:
                    self._readings.pop(tp, None)
            self._ask_anew()

        return leave

    def _ask_anew(self) -> None:
        self._anew = True
        self._changed.set()

    def room(self) -> None:
        """See RejectionFeed."""
        self._changed.set()

    async def close(self) -> None:
        """End its task."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        while True:
            while not self._readings:
                self._changed.clear()
                await self._changed.wait()
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                client_id="router-rejections",
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_partition_fetch_bytes=_PARTITION_BYTES,
                fetch_max_wait_ms=_WAIT_MS,
                metadata_max_age_ms=60_000,
                **self._security(),
            )
            try:
                await consumer.start()
                unpack_lightly(consumer._fetcher)  # noqa: SLF001 - a consumer does not show its fetcher
                while self._readings:
                    self._changed.clear()
                    await self._read(consumer)
            except (kafka_errors.KafkaError, OSError) as error:
                if self.trouble is None:
                    log.warning(
                        "rejections cannot be read: trying again", reason="rejections-unread", error=repr(error)
                    )
                self._in_trouble(error)
                await asyncio.sleep(_AGAIN)
            except Exception as error:
                log.exception("reading rejections failed", reason="rejections-unread")
                self._in_trouble(error)
                await asyncio.sleep(_AGAIN)
            finally:
                with suppress(Exception):
                    await consumer.stop()

    def _in_trouble(self, error: Exception) -> None:
        self.trouble = (
            f"what consumers reject cannot be read: {error!r}",
            self.trouble[1] if self.trouble else time.time(),
        )

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        """Until what is to be read changes."""
        self._anew = False
        await self._check(consumer)
        wanted: dict[TopicPartition, int] = {}
        for tp, readings in self._readings.items():
            for reading in readings:
                reading.sought = reading.checked and not reading.sink.full
                if reading.sought:
                    wanted[tp] = min(reading.position, wanted.get(tp, reading.position))
        if not wanted:
            await self._changed.wait()
            return
        consumer.assign(list(wanted))
        for tp, position in wanted.items():
            consumer.seek(tp, position)
        while not self._anew:
            self._changed.clear()
            if self._has_missed():
                return
            fetched = await self._fetch(consumer, [tp for tp in wanted if self._takes(tp)])
            self.trouble = None
            for tp, records in fetched.items():
                for reading in list(self._readings.get(tp, ())):
                    self._hand_out(tp, reading, records)

    def _takes(self, tp: TopicPartition) -> bool:
        """Whether somebody who reads there has room. What was fetched for others stays with the consumer until they have."""
        return any(reading.sought and not reading.sink.full for reading in self._readings.get(tp, ()))

    def _has_missed(self) -> bool:
        """Whether somebody has room again who has not had what others of that partition had meanwhile."""
        every = (reading for readings in self._readings.values() for reading in readings)
        return any(reading.checked and not reading.sought and not reading.sink.full for reading in every)

    async def _fetch(self, consumer: AIOKafkaConsumer, ready: list[TopicPartition]) -> Mapping[TopicPartition, Any]:
        """What has come for these; nothing where something changes meanwhile."""
        if not ready:
            await self._changed.wait()
            return {}
        fetching = asyncio.ensure_future(consumer.getmany(*ready, timeout_ms=_WAIT_MS, max_records=_RECORDS))
        changing = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((fetching, changing), return_when=asyncio.FIRST_COMPLETED)
            return fetching.result() if fetching.done() else {}
        finally:
            for each in (fetching, changing):
                each.cancel()
            await asyncio.wait((fetching, changing))

    def _hand_out(self, tp: TopicPartition, reading: _Reading, records: list[Any]) -> None:
        if reading.sink.full:
            # It gets the rest when it has room, and all is sought anew.
            reading.sought = False
        new = [record for record in records if record.offset >= reading.position]
        if new and reading.sought:
            reading.position = new[-1].offset + 1
            reading.sink.came(tp.topic, new, reading.position)

    async def _check(self, consumer: AIOKafkaConsumer) -> None:
        """Take positions that are not in the log for its start."""
        new = [tp for tp, readings in self._readings.items() if not all(reading.checked for reading in readings)]
        if not new:
            return
        starts, ends = await consumer.beginning_offsets(new), await consumer.end_offsets(new)
        # Of what one broker says: only who seems to stand behind the end needs the last word, which asks all replicas.
        beyond = [tp for tp in new if any(reading.position > ends[tp] for reading in self._readings.get(tp, ()))]
        ends |= await ends_of(consumer, beyond)
        for tp in new:
            for reading in self._readings.get(tp, ()):
                if not starts[tp] <= reading.position <= ends[tp]:
                    if reading.position:
                        log.error(
                            "rejections are lost: the log begins behind what was read",
                            topic=tp.topic,
                            partition=tp.partition,
                            read_to=reading.position,
                            earliest=starts[tp],
                            latest=ends[tp],
                        )
                    reading.position = starts[tp]
                reading.checked = True
