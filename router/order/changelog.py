"""Reads changelogs for all tables of a worker: in bulk, and in a thread of its own.

Two who want something of it: a lane that opens has its disk brought to the changelog's end, and waits for that; a standby has
its disk follow for as long as the partition is another worker's. Both are the same reading, of one consumer that belongs to no
group and sees only what was committed.

    lane:     restore ──► opened ──► read ... ──► at the end: ready, and no longer read
    standby:  follow  ──► opened ──► read ... and on

Faust would send every record of a changelog through its own event loop, one by one, and wait for the log's last offset to
arrive, which in a transactional log is a commit marker and never does. Here the end is asked for, and what is committed
read up to there, by position. It is the last word (`ends_of`): had a table been restored to the end of a while ago, what was held since would be lost.
Other lanes go on meanwhile, in their loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable, RouterError
from router.lanes.deliveries import said
from router.lanes.fetching import FetchedRecord, unpack_lightly
from router.log_ends import ends_of
from router.observe.logs import get_logger

__all__ = ["ChangelogReader", "Progress", "Replica"]

log = get_logger("router.order")

_RECORDS = 20_000
"""The most that are applied at a time."""
_PARTITION_BYTES = 2 << 20
_WAIT = 0.5
"""Seconds that a fetch waits where nothing is new."""
_SHORT_WAIT = 0.02
"""The same while a lane waits: the last it waits for may be a commit marker, of which a fetch says nothing."""
_AGAIN = 0.5
"""Seconds until a consumer that failed is followed by another."""
_ENDS_WITHIN = 5.0
"""Seconds within which it must be certain where changelogs end; lanes that were told that it is not, come again."""
_SAY_EVERY = 5.0


class Replica(Protocol):
    """What a changelog is applied to. Its methods are called in the reader's thread."""

    def begin(self, *, start: int, end: int) -> int:
        """The changelog reaches from `start` to `end`; returns from where to read."""

    def apply(self, records: list[FetchedRecord], position: int) -> None:
        """What it says, up to a position."""


@dataclass(slots=True)
class Progress:
    """How far a table is on its way to the end of its changelog."""

    begun: float
    """By its clock."""
    first: int = -1
    """Where reading began; -1 before it has."""
    position: int = 0
    end: int = 0
    records: int = 0
    clock: Callable[[], float] = time.monotonic

    def __str__(self) -> str:
        if self.first < 0:
            return "its table waits to be restored"
        share = (self.position - self.first) / max(1, self.end - self.first)
        left = self.end - self.position
        text = f"its table is restored to {share:.0%}: {self.records:,} changes read, {left:,} offsets to go"
        seconds = self.clock() - self.begun
        if 0 < share < 1 and seconds > 1:
            text += f", about {seconds / share * (1 - share):.0f} s"
        return text


@dataclass(slots=True, eq=False)
class _Reading:
    replica: Replica
    done: Future[None] | None
    """Of a lane that waits; None for a standby."""
    progress: Progress
    opened: bool = False


class ChangelogReader:
    """One for a worker. Its thread begins with the first who wants something, and ends with `close`."""

    def __init__(self, bootstrap: str, security: Callable[[], Mapping[str, Any]]) -> None:
        self._bootstrap = bootstrap
        self._security = security
        self._readings: dict[TopicPartition, _Reading] = {}
        self._changed = False
        self._wake: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping = False

    # --- from any thread --------------------------------------------------------------------------------------------------

    async def restore(self, topic: str, partition: int, replica: Replica, progress: Progress) -> None:
        """Bring a replica to the end that its changelog has now. Raises BrokerUnavailable, and what the replica raises.

        It takes the place of who reads that partition; where it is cancelled, nothing is applied any more.
        """
        tp = TopicPartition(topic, partition)
        done: Future[None] = Future()
        reading = _Reading(replica, done, progress)
        self._call(lambda: self._put(tp, reading))
        try:
            await asyncio.wrap_future(done)
        except asyncio.CancelledError:
            with suppress(RuntimeError):  # its loop is closed: then nothing is applied any more
                self._call(lambda: self._drop(tp, reading))
            raise

    def follow(self, topic: str, partition: int, replica: Replica) -> None:
        """Keep a replica at the end of its changelog, until `leave`. Errors are logged, and it goes on."""
        reading = _Reading(replica, None, Progress(time.monotonic()))
        self._call(lambda: self._put(TopicPartition(topic, partition), reading))

    def leave(self, topic: str, partition: int, then: Callable[[], None]) -> None:
        """Read this partition no more; what comes `then` is called once nothing of it is applied any more."""
        if self._loop is None:
            then()
            return
        self._call(lambda: self._drop(TopicPartition(topic, partition), None, then))

    async def close(self) -> None:
        """End the thread."""
        thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        loop.call_soon_threadsafe(self._stop)
        await asyncio.to_thread(thread.join, 5.0)
        self._thread = self._loop = None

    # --- in its thread ----------------------------------------------------------------------------------------------------

    def _call(self, what: Callable[[], None]) -> None:
        if self._loop is None:
            loop = asyncio.new_event_loop()
            self._loop = loop
            self._stopping = False
            self._thread = threading.Thread(target=self._live, args=(loop,), name="changelogs", daemon=True)
            self._thread.start()
        self._loop.call_soon_threadsafe(what)

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._run())
        finally:
            loop.close()

    def _stop(self) -> None:
        self._stopping = True
        self._notify()

    def _notify(self) -> None:
        self._changed = True
        if self._wake is not None:
            self._wake.set()

    def _put(self, tp: TopicPartition, reading: _Reading) -> None:
        former = self._readings.get(tp)
        if former is not None:
            _let_go(former, "somebody else reads the partition now")
        self._readings[tp] = reading
        self._notify()

    def _drop(self, tp: TopicPartition, reading: _Reading | None, then: Callable[[], None] | None = None) -> None:
        # One that has taken its place is not meant.
        if reading is None or self._readings.get(tp) is reading:
            self._readings.pop(tp, None)
            self._notify()
        if then is not None:
            then()

    async def _run(self) -> None:
        self._wake = asyncio.Event()
        while not self._stopping:
            self._wake.clear()
            if not self._readings:
                await self._wake.wait()
                continue
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                client_id="router-changelogs",
                isolation_level="read_committed",
                enable_auto_commit=False,
                auto_offset_reset="none",
                max_partition_fetch_bytes=_PARTITION_BYTES,
                metadata_max_age_ms=60_000,
                **self._security(),
            )
            try:
                await consumer.start()
                unpack_lightly(consumer._fetcher)  # noqa: SLF001 - a consumer does not show its fetcher
                await self._read(consumer)
            except (kafka_errors.KafkaError, OSError) as error:
                self._failed(BrokerUnavailable(brokers=self._bootstrap, problem=said(error)))
                await self._rest()
            except Exception as error:
                log.exception("reading changelogs failed")
                self._failed(BrokerUnavailable(brokers="a changelog", problem=repr(error)))
                await self._rest()
            finally:
                with suppress(Exception):
                    await consumer.stop()
        for tp in list(self._readings):
            _let_go(self._readings.pop(tp), "the worker ends")

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_AGAIN):
                await self._when_changed()

    async def _when_changed(self) -> None:
        assert self._wake is not None, "set when the thread began"
        self._wake.clear()
        await self._wake.wait()

    def _failed(self, error: RouterError) -> None:
        """Lanes hear of it, and come again; standbys begin anew with the next consumer."""
        for tp, reading in list(self._readings.items()):
            reading.opened = False
            if reading.done is not None:
                self._end(tp, reading, error)
        if self._readings:
            log.warning("standbys wait for their changelogs", error=error)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        """Until an error, or until nobody is left who wants anything."""
        fetcher = consumer._fetcher  # noqa: SLF001 - it alone hands out what is there of all partitions in one go
        subscription = consumer._subscription  # noqa: SLF001 - where aiokafka keeps the positions
        said_at = time.monotonic()
        self._changed = True
        while self._readings and not self._stopping:
            if self._changed:
                self._changed = False
                await self._assign(consumer)
                continue
            within = _WAIT if all(reading.done is None for reading in self._readings.values()) else _SHORT_WAIT
            with subscription.fetch_context():
                fetched = await self._interruptible(
                    fetcher.fetched_records(set(self._readings), timeout=within, max_records=_RECORDS)
                )
            assigned = subscription.subscription.assignment
            for tp, reading in list(self._readings.items()):
                state = assigned.state_value(tp)
                if state is None or not reading.opened:
                    continue
                self._apply(tp, reading, fetched.get(tp) or [], state)
            if time.monotonic() - said_at > _SAY_EVERY:
                said_at = time.monotonic()
                for tp, reading in self._readings.items():
                    if reading.done is not None:
                        log.info(
                            "restoring a table", changelog=f"{tp.topic}/{tp.partition}", progress=str(reading.progress)
                        )

    async def _interruptible(self, fetching: Coroutine[Any, Any, dict[Any, Any]]) -> dict[Any, Any]:
        """What was fetched; nothing where something else is wanted meanwhile.

        The fetcher takes records and moves on in one step, so that one which is cancelled while it waits has taken none.
        """
        assert self._wake is not None, "set when the thread began"
        self._wake.clear()
        if self._changed:
            fetching.close()
            return {}
        task, woken = asyncio.ensure_future(fetching), asyncio.ensure_future(self._wake.wait())
        await asyncio.wait((task, woken), return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
        return {} if task.cancelled() else task.result()

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        """Read what is wanted now, each from where it is."""
        new = {tp: reading for tp, reading in self._readings.items() if not reading.opened}
        starts = await consumer.beginning_offsets(list(new)) if new else {}
        ends = await self._ends(consumer, new)
        for tp, reading in new.items():
            if tp not in ends or self._readings.get(tp) is not reading:
                # Somebody came in between, who must not have an answer from before he asked.
                continue
            progress = reading.progress
            try:
                progress.position = progress.first = reading.replica.begin(start=starts[tp], end=ends[tp])
            except RouterError as error:
                self._end(tp, reading, error)
                continue
            progress.end = ends[tp]
            reading.opened = True
            self._end_where_reached(tp, reading)
        wanted = {tp: reading for tp, reading in self._readings.items() if reading.opened}
        if wanted:
            consumer.assign(list(wanted))
            for tp, reading in wanted.items():
                consumer.seek(tp, reading.progress.position)

    async def _ends(
        self, consumer: AIOKafkaConsumer, new: Mapping[TopicPartition, _Reading]
    ) -> Mapping[TopicPartition, int]:
        """Of lanes, behind all that was written: nobody else writes there, and what of it is not committed must first be ended.

        Where that is not certain of some, their lanes hear of it, and others go on. A standby is complete with no end.
        """
        lanes = [tp for tp, reading in new.items() if reading.done is not None]
        standbys = [tp for tp, reading in new.items() if reading.done is None]
        found: dict[TopicPartition, int] = dict(await consumer.end_offsets(standbys)) if standbys else {}
        try:
            return found | await ends_of(consumer, lanes, committed=False, within=_ENDS_WITHIN)
        except kafka_errors.KafkaError:
            for tp in lanes:
                try:
                    found |= await ends_of(consumer, [tp], committed=False, within=_ENDS_WITHIN / len(lanes))
                except kafka_errors.KafkaError as error:
                    self._end(tp, new[tp], BrokerUnavailable(brokers=self._bootstrap, problem=said(error)))
            return found

    def _apply(self, tp: TopicPartition, reading: _Reading, records: list[FetchedRecord], state: Any) -> None:
        progress = reading.progress
        position = state.position if state.has_valid_position else progress.position
        if records or position != progress.position:
            try:
                reading.replica.apply(records, position)
            except RouterError as error:
                self._end(tp, reading, error)
                return
            progress.position = position
            progress.records += len(records)
            if reading.done is None:
                progress.end = max(position, state.lso or 0)
        self._end_where_reached(tp, reading)

    def _end_where_reached(self, tp: TopicPartition, reading: _Reading) -> None:
        if reading.done is None or reading.progress.position < reading.progress.end:
            return
        # What goes on to be fetched of it until the next assignment is dropped unseen.
        self._readings.pop(tp, None)
        if not reading.done.done():
            reading.done.set_result(None)
        progress = reading.progress
        seconds = time.monotonic() - progress.begun
        say = log.info if progress.records else log.debug
        say(
            "table restored",
            changelog=f"{tp.topic}/{tp.partition}",
            changes=progress.records,
            seconds=round(seconds, 3),
            position=progress.position,
        )

    def _end(self, tp: TopicPartition, reading: _Reading, error: RouterError) -> None:
        if self._readings.get(tp) is reading:
            del self._readings[tp]
        if reading.done is None:
            log.warning("a standby follows no more", changelog=f"{tp.topic}/{tp.partition}", error=error)
        elif not reading.done.done():
            reading.done.set_exception(error)


def _let_go(reading: _Reading, why: str) -> None:
    if reading.done is not None and not reading.done.done():
        reading.done.set_exception(BrokerUnavailable(brokers="the reader of changelogs", problem=why))
