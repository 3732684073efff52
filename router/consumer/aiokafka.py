"""The ready-made consumer over aiokafka: `process` may be a coroutine function, or a plain one, which gets a thread.

aiokafka knows less of transactions than librdkafka, so a former member is shut out by the transactional id, which belongs to
the partition (`aiokafka_producer`). What that leaves open is a member that the group has given up and that opens a producer
again: after opening, the group is asked whether this is still its member, and only then a record is met. All members of a
group must therefore be of this kind.

Rebalances are another task's: while partitions are being taken away, the record in work is waited for, and nothing is met.
After a transaction that failed, its partition is opened anew, in place: producer, committed offset, marks, seek.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Self

import aiokafka
from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.consumer.aiokafka_marks import Marks
from router.consumer.aiokafka_producer import Transactions, Unclear
from router.consumer.client_settings import connecting_asyncio, reading_asyncio, transactional_id
from router.consumer.errors import GroupLost, TopicMissing
from router.consumer.gathering import Counts, Gathering, Met, Share
from router.consumer.reasons import TryAgain, failure_of
from router.records.record import PlainRecord
from router.refused_offsets import heed_refusals

__all__ = ["Consumer"]

log = logging.getLogger("router.consumer")

_AT_ONCE = 500
_PATIENCE = 0.5
"""Seconds that a record is waited for before all partitions are paused; how often this then looks around."""
_WAIT_MS = 200
_AGAIN = 0.5
"""Seconds until what failed is tried again."""
_MOST_FAILURES = 60
Process = Callable[[PlainRecord], object]


class Consumer:
    """Reads one topic as a member of a group, until `stop`. To be used in one event loop.

    Closing waits for the record in work and commits what was done; without closing, what was not committed is done again.
    """

    def __init__(
        self,
        *,
        topic: str,
        keep: bool = True,
        commit_every: float = 1.0,
        finish_within: float = 30.0,
        producer: dict[str, Any] | None = None,
        at: Callable[[str], None] = lambda _: None,
        **settings: Any,
    ) -> None:
        """`settings` are those of AIOKafkaConsumer, with `bootstrap_servers` and `group_id` at least.

        `keep`: where a record is rejected, its key waits; false where the topic's policy says `keep: nothing`.
        `commit_every`: seconds between offsets that are committed of records that are well; 0 commits each.
        `finish_within`: seconds that the record in work has when the consumer closes or its partition is taken away.
        `producer`: settings of the producers, beside those of `settings` that connect.
        `at` is called with the name of each step, before it; tests kill consumers there.

        Raises UnfitClient.
        """
        reading = reading_asyncio(settings)
        connecting = connecting_asyncio(settings)
        self.topic = topic
        self._group = str(reading["group_id"])
        self._keep = keep
        self._finish_within = finish_within
        self._at = at
        self._producing = {**connecting, **(producer or {})}
        self._from_start = reading["auto_offset_reset"] != "latest"
        self._gathering = Gathering(topic, keep=keep, commit_every=commit_every)
        self._transactions: dict[int, Transactions] = {}
        self._to_open: set[int] = set()
        """Partitions of which nothing may be met before they were opened."""
        self._epochs: dict[int, int] = {}
        """How often a partition was given, or opened anew: what was fetched before is not met after."""
        self._buffer: deque[PlainRecord] = deque()
        self._working: tuple[PlainRecord, asyncio.Future[Any]] | None = None
        self._rest_until = 0.0
        self._paused = False
        """All partitions are, because of a record that takes its time."""
        self._calm = asyncio.Event()
        """No rebalance is going on."""
        self._calm.set()
        self._stopping = asyncio.Event()
        self._marks_came = asyncio.Event()
        self._committing = asyncio.Lock()
        self._failures = 0
        self._problem: Exception | None = None
        """What went wrong while partitions were taken away."""
        self._closed = False
        self._client = AIOKafkaConsumer(**reading)
        heed_refusals(self._client)
        self._marks = Marks(connecting, topic, came=self._mark_came, read_to=self._marks_read)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def counts(self) -> Counts:
        """What has become of records so far."""
        return self._gathering.counts

    @property
    def parked(self) -> int:
        """How many keys of this consumer's partitions are parked."""
        return sum(self._gathering.parked.values())

    async def start(self) -> None:
        """Join the group. Raises TopicMissing, and KafkaError."""
        try:
            await self._marks.start(required=self._keep)
            self._client.subscribe([self.topic], listener=_Listener(self))
            await self._client.start()
        except BaseException:
            self._closed = True
            await self._marks.close()
            await self._client.stop()
            raise

    def stop(self) -> None:
        """Have `run` return once the record in work is done. From a signal handler: `loop.add_signal_handler`."""
        self._stopping.set()

    async def run(self, process: Callable[[PlainRecord], Awaitable[object] | object]) -> None:
        """Process records until `stop`: `process` returns, or raises Reject, TryAgain, or any other error to reject the record.

        Errors of this consumer itself are raised: TopicMissing, Unrejectable, GroupLost, KafkaError.
        """
        while not self._stopping.is_set():
            await self._turn(process)

    async def close(self) -> None:
        """Commit what is done, leave the group, and close all clients. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._stopping.set()
        try:
            await self._settle()
            await self._commit()
        finally:
            await self._client.stop()
            await self._marks.close()
            for each in self._transactions.values():
                await each.close()

    # --- one turn --------------------------------------------------------------------------------------------------------

    async def _turn(self, process: Process) -> None:
        if not await self._is_calm():
            return
        if self._problem is not None:
            raise self._problem
        for partition in sorted(self._to_open):
            await self._open(partition)
        if not self._buffer:
            await self._fetch(_WAIT_MS)
        while self._buffer and not self._stopping.is_set() and self._calm.is_set():
            record = self._buffer.popleft()
            if self._gathering.meet(record, time.monotonic()) is Met.PROCESS:
                await self._process(process, record)
            await self._commit_where_due(idle=not self._buffer)
        await self._commit_where_due(idle=True)

    async def _is_calm(self) -> bool:
        """Wait out a rebalance; whether it is over, since `stop` waits for none: other members may take long."""
        if not self._calm.is_set():
            waiting = [asyncio.ensure_future(each.wait()) for each in (self._calm, self._stopping)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for each in waiting:
                each.cancel()
        return self._calm.is_set()

    async def _fetch(self, within_ms: int) -> None:
        epochs = dict(self._epochs)
        try:
            found = await self._client.getmany(timeout_ms=within_ms, max_records=_AT_ONCE)
        except (kafka_errors.TopicAuthorizationFailedError, kafka_errors.UnknownTopicOrPartitionError) as error:
            raise TopicMissing(topic=self.topic, problem=str(error) or "is not there") from error
        for place, records in found.items():
            if epochs.get(place.partition) == self._epochs.get(place.partition):
                self._buffer.extend(_record(each) for each in records)

    # --- one record ------------------------------------------------------------------------------------------------------

    async def _process(self, process: Process, record: PlainRecord) -> None:
        self._at("process")
        work = asyncio.ensure_future(_worked(process, record))
        self._working = record, work
        stop_by: float | None = None
        try:
            # What waits for nothing is done by now.
            await asyncio.sleep(0)
            while self._working is not None and not (work.done() or (await asyncio.wait({work}, timeout=_PATIENCE))[0]):
                await self._poll_on()
                if self._gathering.skips(record):
                    self._abandon("it is to be skipped")
                    self._gathering.meet(record, time.monotonic())
                elif self._stopping.is_set():
                    stop_by = stop_by or time.monotonic() + self._finish_within
                    if time.monotonic() > stop_by:
                        self._abandon("it was not done in time, and is met again by whoever comes next")
            self._conclude()
            await self._rest(record)
        except asyncio.CancelledError:
            self._abandon("the consumer is cancelled")
            raise
        finally:
            self._go_on()

    def _conclude(self) -> None:
        """Gather what became of the record in work, if it is done."""
        if self._working is None or not self._working[1].done():
            return
        (record, work), self._working = self._working, None
        now = time.monotonic()
        error = asyncio.CancelledError() if work.cancelled() else work.exception()
        if error is None:
            self._at("processed")
            self._gathering.processed(record, now)
        elif isinstance(error, TryAgain):
            log.warning("%s/%d/%d again in %g s: %s", *_place(record), error.after, error)
            self._buffer.appendleft(record)
            self._rest_until = now + error.after
        elif isinstance(error, Exception):
            failure = failure_of(error)
            log.warning("%s/%d/%d is rejected: %s: %s", *_place(record), failure.reason, failure.error)
            self._gathering.failed(record, failure, now)
        else:
            raise error

    async def _rest(self, record: PlainRecord) -> None:
        """Where the record is to be tried again: wait, until it is time, or it is not this consumer's any more."""
        while time.monotonic() < self._rest_until and not self._stopping.is_set() and self._calm.is_set():
            if not self._buffer or self._buffer[0] is not record or self._gathering.skips(record):
                break
            await self._poll_on()
            await asyncio.sleep(min(_PATIENCE, max(0.0, self._rest_until - time.monotonic())))
        self._rest_until = 0.0

    def _abandon(self, why: str) -> None:
        if self._working is not None:
            (record, work), self._working = self._working, None
            log.warning("%s/%d/%d is left in the middle of its work: %s", *_place(record), why)
            work.cancel()

    async def _poll_on(self) -> None:
        """Say to the client that this consumer lives, and move nothing."""
        self._paused = True
        self._client.pause(*self._client.assignment())
        await self._fetch(0)
        await self._commit_where_due(idle=False)

    def _go_on(self) -> None:
        if self._paused:
            self._paused = False
            held = [each for each in self._client.assignment() if each.partition not in self._to_open]
            self._client.resume(*held)

    # --- committing ------------------------------------------------------------------------------------------------------

    async def _commit_where_due(self, *, idle: bool) -> None:
        # Nothing more is met while something cannot be committed.
        while self._calm.is_set() and self._gathering.due(time.monotonic(), idle=idle):
            if await self._commit() or self._stopping.is_set() or self._to_open:
                return
            await asyncio.sleep(_AGAIN)

    async def _commit(self) -> bool:
        """Commit what is gathered; whether it is. Raises GroupLost where that has failed for long."""
        async with self._committing:
            shares = self._gathering.shares
            done = [await self._write(share) for share in shares if share.writes]
            plain = [share for share in shares if not share.writes]
            return all([*done, not plain or await self._move(plain)])

    async def _write(self, share: Share) -> bool:
        """Commit a share with its writes, in one transaction."""
        try:
            await self._transactions[share.partition].commit(share)
        except Unclear as error:
            log.warning(
                "%s/%d: nobody knows whether a transaction came about, all is asked anew: %s",
                *(self.topic, share.partition, error),
            )
            self._shut(share.partition)
            self._failed(error)
            return False
        self._done([share])
        return True

    async def _move(self, shares: list[Share]) -> bool:
        """Commit offsets alone."""
        offsets = {TopicPartition(self.topic, each.partition): OffsetAndMetadata(each.next, "") for each in shares}
        try:
            self._at("offset")
            await self._client.commit(offsets)
        except (kafka_errors.KafkaError, ValueError) as error:
            log.warning("%s: not committed, tried again: %r", self.topic, error)
            self._failed(error)
            return False
        self._done(shares)
        return True

    def _done(self, shares: list[Share]) -> None:
        self._failures = 0
        self._at("committed")
        self._gathering.committed(shares, time.monotonic())

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures > _MOST_FAILURES:
            problem = f"{self.topic}: nothing could be committed {self._failures} times in a row: {error!r}"
            raise GroupLost(problem=problem) from error

    # --- partitions ------------------------------------------------------------------------------------------------------

    async def taking(self) -> None:
        """All partitions are taken away, perhaps to be given again: the client waits for this."""
        self._calm.clear()
        if self._closed:
            return
        try:
            await self._settle()
            await self._commit()
        except Exception as error:  # noqa: BLE001 - whoever calls this only logs it: `run` raises it
            self._problem = error
        for partition in self._gathering.partitions | self._to_open:
            self._gathering.taken(partition)
        self._marks.leave(list(self._transactions))
        self._to_open.clear()
        self._buffer.clear()
        for each in self._transactions.values():
            await each.close()
        self._transactions.clear()

    def given(self, places: Iterable[TopicPartition]) -> None:
        """These partitions are this consumer's."""
        for place in places:
            self._client.pause(place)
            self._to_open.add(place.partition)
            self._epochs[place.partition] = self._epochs.get(place.partition, 0) + 1
        self._calm.set()

    async def _settle(self) -> None:
        """The record in work has so long to be done, and then counts; or it counts no more."""
        if self._working is not None:
            await asyncio.wait({self._working[1]}, timeout=self._finish_within)
            self._conclude()
            self._abandon("whoever has its partition next meets it again")

    def _shut(self, partition: int) -> None:
        """Nothing more of it is met before it was opened anew."""
        self._gathering.taken(partition)
        self._marks.leave([partition])
        self._buffer = deque(record for record in self._buffer if record.partition != partition)
        if self._calm.is_set() and not self._closed:
            self.given([TopicPartition(self.topic, partition)])

    async def _open(self, partition: int) -> None:
        """Shut out the former member, then learn where to begin, and what is parked, in the order of docs/failure.md."""
        self._at("open")
        epoch = self._epochs[partition]
        place = TopicPartition(self.topic, partition)
        if partition not in self._transactions:
            self._transactions[partition] = Transactions(
                self._producing,
                place=place,
                group=self._group,
                transactional_id=transactional_id(self._group, self.topic, partition),
                at=self._at,
            )
        try:
            await self._transactions[partition].open()
            committed = await self._client.committed(place)
            begin = committed if committed is not None else await self._beginning(place)
            ends = await self._marks.ends([partition])
            # Where the group has given it to another, opening the producer has shut that one out: it opens again.
            mine = await self._client._coordinator._do_heartbeat()  # noqa: SLF001 - nothing public asks the group
        except kafka_errors.KafkaError as error:
            log.warning("%s/%d cannot be opened, tried again: %r", self.topic, partition, error)
            self._failed(error)
            await asyncio.sleep(_AGAIN)
            return
        if not mine:
            log.warning("%s/%d is not this consumer's any more: it waits for the group", self.topic, partition)
            await asyncio.sleep(_AGAIN)
            return
        if epoch != self._epochs[partition] or not self._calm.is_set():
            return
        self._gathering.given(partition, committed=-1 if committed is None else committed, marks_end=ends[partition])
        self._marks.follow([partition])
        while not self._gathering.ready(partition):
            self._marks_came.clear()
            if self._stopping.is_set() or not self._calm.is_set():
                return
            await self._wait_for_marks()
        self._client.seek(place, begin)
        self._client.resume(place)
        self._to_open.discard(partition)

    async def _beginning(self, place: TopicPartition) -> int:
        """Where nothing is committed: what `auto_offset_reset` says."""
        if self._from_start:
            found = await self._client.beginning_offsets([place])
        else:
            found = await self._client.end_offsets([place])
            # Committed at once: the end is another one when it is asked for again.
            await self._client.commit({place: OffsetAndMetadata(found[place], "")})
        offset: int = found[place]
        return offset

    async def _wait_for_marks(self) -> None:
        waiting = asyncio.ensure_future(self._marks_came.wait())
        await asyncio.wait({waiting}, timeout=_PATIENCE)
        waiting.cancel()

    def _mark_came(self, partition: int, record: aiokafka.ConsumerRecord) -> None:
        told = self._gathering.marked(partition, record.key, record.value, tuple(record.headers))
        if told is not None:
            said = "is to be skipped" if told.skip else "is not to be skipped any more"
            who = f" by {told.author}" if told.author else ""
            log.warning("%s/%d/%d %s%s: %s", self.topic, partition, told.offset, said, who, told.reason)
        self._marks_came.set()

    def _marks_read(self, partition: int, position: int) -> bool:
        self._gathering.marks_read(partition, position)
        self._marks_came.set()
        return self._gathering.ready(partition)


class _Listener(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka is untyped for us
    """What the client calls, in a task of its own."""

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - all are
        await self._consumer.taking()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._consumer.given(assigned)


async def _worked(process: Process, record: PlainRecord) -> None:
    if inspect.iscoroutinefunction(process):
        await process(record)
        return
    result = await asyncio.to_thread(process, record)
    if inspect.isawaitable(result):
        await result


def _record(found: Any) -> PlainRecord:
    return PlainRecord(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        timestamp=found.timestamp,
        key=found.key,
        value=found.value,
        headers=tuple(found.headers),
    )


def _place(record: PlainRecord) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset
