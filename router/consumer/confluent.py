"""The ready-made consumer over confluent-kafka: the thread that calls `run` talks to Kafka, another one processes.

One producer a consumer, with a transactional id of its own. What fences a former member is the group's metadata in each
transaction (KIP-447), so what a consumer may commit follows the assignment, and an open transaction of a member that died is
waited for: at most `transaction.timeout.ms`, 15 s here, or not at all where the consumer has a `transactional_id` that it had
in its former life.

    poll ──► buffer ──► meet ──► the bench, while this thread polls on with all partitions paused ──► gather ──► commit

Offsets without a rejection are committed plainly and waited for, in the same thread: no plain commit is on its way while a
transaction begins, and none overtakes one.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from router.consumer.bench import Bench
from router.consumer.client_settings import connecting_librdkafka, reading_librdkafka, transactional_id
from router.consumer.confluent_marks import Marks
from router.consumer.confluent_producer import Transactions, Unclear
from router.consumer.errors import GroupLost, TopicMissing
from router.consumer.gathering import Counts, Gathering, Met
from router.consumer.reasons import TryAgain, failure_of
from router.records.record import PlainRecord

__all__ = ["Consumer"]

log = logging.getLogger("router.consumer")
T = TypeVar("T")

_AT_ONCE = 500
"""Records that are taken from the client between two looks at everything else."""
_PATIENCE = 0.5
"""Seconds that a record is waited for before this thread goes on polling; how often it then looks around."""
_WAIT = 0.2
_AGAIN = 0.5
"""Seconds until a commit that failed is tried again."""
_MOST_FAILURES = 60
_STABLE = 5.0
"""Seconds that one question for the committed offsets may take; an open transaction makes it take them all."""
_SAY_EVERY = 10.0


class Consumer:
    """Reads one topic as a member of a group, until `stop`. Not for use by several threads, but for `stop`.

    Closing waits for the record in work and commits what was done; without closing, what was not committed is done again.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        topic: str,
        keep: bool = True,
        commit_every: float = 1.0,
        finish_within: float = 30.0,
        transactional_id: str | None = None,
        producer: Mapping[str, Any] | None = None,
        at: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`config` is librdkafka's, with `bootstrap.servers` and `group.id` at least.

        `keep`: where a record is rejected, its key waits; false where the topic's policy says `keep: nothing`.
        `commit_every`: seconds between offsets that are committed of records that are well; 0 commits each.
        `finish_within`: seconds that the record in work has when the consumer closes or its partition is taken away.
        `transactional_id`: a name that this consumer alone has, and has again when it comes back.
        `producer`: settings of the producer, beside those of `config` that connect.
        `at` is called with the name of each step, before it; tests kill consumers there.

        Raises UnfitClient, and TopicMissing.
        """
        reading = reading_librdkafka(config)
        self.topic = topic
        self._group = str(reading["group.id"])
        self._finish_within = finish_within
        self._at = at
        self._gathering = Gathering(topic, keep=keep, commit_every=commit_every)
        self._incremental = "cooperative" in str(reading["partition.assignment.strategy"])
        self._incremental = self._incremental or reading.get("group.protocol") == "consumer"
        self._buffer: deque[PlainRecord] = deque()
        self._working: PlainRecord | None = None
        self._bench: Bench[PlainRecord] | None = None
        self._paused = False
        self._stopping = False
        self._closed = False
        self._failures = 0
        self._unclear = False
        """A transaction may have come about or not: nothing may be committed before the brokers were asked."""
        self._stop_by: float | None = None
        self._rest_until = 0.0
        """When the record that was to be tried again is."""
        self._reset = str(reading["auto.offset.reset"])
        connecting = connecting_librdkafka(config)
        name = transactional_id or _transactional_id(self._group, topic)
        self._marks = Marks({**connecting, "group.id": self._group}, topic, required=keep)
        try:
            self._transactions = Transactions({**connecting, **(producer or {}), "transactional.id": name}, at=at)
            self._client = confluent_kafka.Consumer(reading, logger=log)
        except BaseException:
            self._marks.close()
            raise
        self._client.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self.close()

    @property
    def counts(self) -> Counts:
        """What has become of records so far."""
        return self._gathering.counts

    @property
    def parked(self) -> int:
        """How many keys of this consumer's partitions are parked."""
        return sum(self._gathering.parked.values())

    def stop(self) -> None:
        """Have `run` return once the record in work is done; from any thread, or a signal handler."""
        self._stopping = True

    def run(self, process: Callable[[PlainRecord], object]) -> None:
        """Process records until `stop`: `process` returns, or raises Reject, TryAgain, or any other error to reject the record.

        Errors of this consumer itself are raised: TopicMissing, Unrejectable, GroupLost; and what is no Exception, as
        KeyboardInterrupt.
        """
        self._bench = Bench(process)
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._bench.close()

    def close(self) -> None:
        """Commit what is done, leave the group, and close all clients. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._stopping = True
        try:
            self._conclude(self._finish_within)
            self._commit()
        finally:
            # It calls `_revoked`, which commits once more where that failed.
            self._client.close()
            self._marks.close()
            self._transactions.close()

    # --- one turn --------------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        self._tail()
        if not self._buffer:
            self._fetch(_WAIT)
        while self._buffer and not self._stopping:
            record = self._buffer.popleft()
            if self._gathering.meet(record, time.monotonic()) is Met.PROCESS:
                self._process(record)
            self._commit_where_due(idle=not self._buffer)
        self._commit_where_due(idle=True)

    def _fetch(self, within: float) -> None:
        # One by one: what a rebalance takes away meanwhile is dropped from the buffer, and nothing of it comes after.
        message = self._client.poll(within)
        while message is not None:
            self._take(message)
            if len(self._buffer) >= _AT_ONCE:
                return
            message = self._client.poll(0)

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is None:
            self._buffer.append(_record(message))
            return
        code = error.code()
        if code in _MISSING:
            raise TopicMissing(topic=self.topic, problem=error.str())
        if error.fatal() or code == KafkaError._FATAL:  # noqa: SLF001 - librdkafka's own code has no other name
            # It will never hear from its group again: fenced by its own former life, say, or by another of the same name.
            raise GroupLost(problem=f"{self.topic}: the client has ended for good, start again: {error.str()}")
        log.warning("%s: the client says: %s", self.topic, error)

    def _tail(self) -> None:
        for partition, skipping in self._marks.tail(self._gathering.marked):
            who = f" by {skipping.author}" if skipping.author else ""
            said = "is to be skipped" if skipping.skip else "is not to be skipped any more"
            log.warning("%s/%d/%d %s%s: %s", self.topic, partition, skipping.offset, said, who, skipping.reason)

    # --- one record ------------------------------------------------------------------------------------------------------

    def _process(self, record: PlainRecord) -> None:
        assert self._bench is not None
        self._at("process")
        self._working = record
        self._bench.begin(record)
        try:
            while not self._conclude(_PATIENCE):
                self._look_after(record)
            self._rest(record)
        finally:
            self._go_on()

    def _look_after(self, record: PlainRecord) -> None:
        """The record is in work, and that takes long."""
        self._poll_on()
        if self._working is not record:
            return
        if self._gathering.skips(record):
            self._abandon("it is to be skipped")
            self._gathering.meet(record, time.monotonic())
        elif self._stopping:
            self._stop_by = self._stop_by or time.monotonic() + self._finish_within
            if time.monotonic() > self._stop_by:
                self._abandon("it was not done in time, and is met again by whoever comes next")

    def _rest(self, record: PlainRecord) -> None:
        """Where the record is to be tried again: wait, until it is time, or it is not this consumer's any more."""
        while time.monotonic() < self._rest_until and not self._stopping:
            if not self._buffer or self._buffer[0] is not record or self._gathering.skips(record):
                break
            # Less than nothing would be for ever.
            self._poll_on(max(0.0, min(_PATIENCE, self._rest_until - time.monotonic())))
        self._rest_until = 0.0

    def _conclude(self, within: float) -> bool:
        """Gather what became of the record in work, if it is done within so many seconds; whether nothing is in work."""
        record, bench = self._working, self._bench
        if record is None or bench is None:
            return True
        outcome = bench.outcome(within)
        if outcome is None:
            return False
        self._working = None
        (error,) = outcome
        now = time.monotonic()
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
        return True

    def _abandon(self, why: str) -> None:
        assert self._bench is not None
        assert self._working is not None
        log.warning("%s/%d/%d is left in the middle of its work: %s", *_place(self._working), why)
        self._working = None
        self._bench.abandon()

    def _poll_on(self, within: float = 0.0) -> None:
        """Say to the group that this consumer lives, and move nothing."""
        if not self._paused:
            self._paused = True
            self._client.pause(self._client.assignment())
        message = self._client.poll(within)
        if message is not None:
            self._take(message)
        self._tail()
        self._commit_where_due(idle=False)

    def _go_on(self) -> None:
        if self._paused:
            self._paused = False
            self._client.resume(self._client.assignment())

    # --- committing ------------------------------------------------------------------------------------------------------

    def _commit_where_due(self, *, idle: bool) -> None:
        # Nothing more is met while something cannot be committed: the group learns meanwhile that this consumer lives.
        while self._unclear or self._gathering.due(time.monotonic(), idle=idle):
            if self._unclear:
                self._open_anew()
            elif self._commit():
                return
            if self._stopping:
                return
            message = self._client.poll(_AGAIN if self._failures else 0)
            if message is not None:
                self._take(message)

    def _commit(self) -> bool:
        """Commit what is gathered; whether it is. Raises GroupLost where that has failed for long."""
        shares = self._gathering.shares
        if not shares or self._unclear:
            return not self._unclear
        offsets = [TopicPartition(self.topic, share.partition, share.next) for share in shares]
        writes = [write for share in shares for write in share.writes]
        try:
            if writes:
                self._transactions.commit(writes, offsets, self._client.consumer_group_metadata())
            else:
                self._at("offset")
                _check(self._client.commit(offsets=offsets, asynchronous=False))
        except Unclear as error:
            log.warning("%s: nobody knows whether a transaction came about, all is asked anew: %s", self.topic, error)
            self._unclear = True
            self._failed(error)
            return False
        except KafkaException as error:
            log.warning("%s: not committed, tried again: %s", self.topic, error)
            self._failed(error)
            return False
        self._failures = 0
        self._at("committed")
        self._gathering.committed(shares, time.monotonic())
        return True

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures > _MOST_FAILURES:
            problem = f"{self.topic}: nothing could be committed {self._failures} times in a row: {error}"
            raise GroupLost(problem=problem) from error

    # --- partitions ------------------------------------------------------------------------------------------------------

    def _assigned(self, client: Any, partitions: Sequence[TopicPartition]) -> None:
        places = self._open([each.partition for each in partitions])
        if self._incremental:
            client.incremental_assign(places)
        else:
            client.assign(places)
        if self._paused:
            client.pause(places)

    def _revoked(self, _client: Any, partitions: Sequence[TopicPartition]) -> None:
        numbers = {each.partition for each in partitions}
        working = self._working
        if working is not None and working.partition in numbers and not self._conclude(self._finish_within):
            log.warning("%s/%d/%d is in work, and its partition is another's now", *_place(working))
            self._abandon("whoever has its partition meets it again")
        self._commit()
        self._forget(numbers)

    def _lost(self, _client: Any, partitions: Sequence[TopicPartition]) -> None:
        numbers = {each.partition for each in partitions}
        log.warning("%s: partitions %s were given to others", self.topic, sorted(numbers))
        if self._working is not None and self._working.partition in numbers:
            self._abandon("its partition is another's now")
        self._forget(numbers)

    def _forget(self, numbers: set[int]) -> None:
        for number in numbers:
            self._gathering.taken(number)
        self._marks.leave(numbers)
        self._buffer = deque(record for record in self._buffer if record.partition not in numbers)

    def _open(self, numbers: Sequence[int]) -> list[TopicPartition]:
        """Learn where to begin, and what is parked, in the order of docs/failure.md; returns where to begin."""
        if not numbers:
            return []
        self._at("open")
        # As a committed reader, librdkafka asks for offsets that are stable.
        wanted = [TopicPartition(self.topic, number) for number in numbers]
        committed = _check(self._insist(lambda: self._client.committed(wanted, timeout=_STABLE)))
        ends = self._insist(lambda: self._marks_ends(numbers))
        places = [self._place_to_begin(each) for each in committed]
        for place in places:
            self._gathering.given(place.partition, committed=max(place.offset, -1), marks_end=ends[place.partition])
        self._marks.read(numbers, self._gathering, stopping=lambda: self._stopping)
        return places

    def _marks_ends(self, numbers: Sequence[int]) -> Mapping[int, int]:
        """Where the marks of these end; 0 where there are none."""
        there = self._marks.there
        return self._transactions.sounded(self._marks.topic, numbers) if there else dict.fromkeys(numbers, 0)

    def _place_to_begin(self, committed: TopicPartition) -> TopicPartition:
        """The committed offset, or what `auto.offset.reset` says."""
        place = TopicPartition(self.topic, committed.partition)
        if committed.offset >= 0:
            place.offset = committed.offset
        elif self._reset in {"earliest", "smallest", "beginning"}:
            place.offset = confluent_kafka.OFFSET_BEGINNING
        else:
            # Committed at once: the end is another one when it is asked for again.
            _, place.offset = self._insist(lambda: self._client.get_watermark_offsets(place, timeout=_STABLE))
            self._client.commit(offsets=[place], asynchronous=False)
        return place

    def _insist(self, ask: Callable[[], T]) -> T:
        """Ask until there is an answer: while brokers are away, or a transaction on the offsets is open."""
        began = said = time.monotonic()
        while True:
            try:
                return ask()
            except KafkaException as error:
                if self._stopping or not _passes(error):
                    raise
                now = time.monotonic()
                if now - said > _SAY_EVERY:
                    said = now
                    log.warning(
                        "%s: after %.0f s it is not known where to begin; the transaction of a former member may be open: %s",
                        *(self.topic, now - began, error),
                    )

    def _open_anew(self) -> None:
        """After a transaction of which nobody knows: everything is as after an assignment."""
        numbers = self._gathering.partitions
        try:
            self._transactions.renew()
        except KafkaException as error:
            log.warning("%s: there is no producer, tried again: %s", self.topic, error)
            self._failed(error)
            return
        self._unclear = False
        self._forget(set(numbers))
        for place in self._open(sorted(numbers)):
            self._client.seek(place)


_MISSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka's own code has no other name
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
    }
)


def _check(places: list[TopicPartition]) -> list[TopicPartition]:
    """What an answer says of each partition. Raises KafkaException."""
    for place in places:
        if place.error is not None:
            raise KafkaException(place.error)
    return places


def _passes(error: KafkaException) -> bool:
    """It is worth another try."""
    told: KafkaError = error.args[0]
    return bool(told.retriable()) or told.code() in _PASSING


_PASSING = frozenset(
    {
        KafkaError._TIMED_OUT,  # noqa: SLF001 - as above
        KafkaError._TIMED_OUT_QUEUE,  # noqa: SLF001 - as above
        KafkaError._TRANSPORT,  # noqa: SLF001 - as above
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001 - as above
        KafkaError._WAIT_COORD,  # noqa: SLF001 - as above
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)


def _record(message: Message) -> PlainRecord:
    _, timestamp = message.timestamp()
    return PlainRecord(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=timestamp,
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )


def _place(record: PlainRecord) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def _transactional_id(group: str, topic: str) -> str:
    return transactional_id(group, topic, uuid4().hex)
