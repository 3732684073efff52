"""One command over one partition of dead letters: transaction after transaction, each made while the brokers commit the one before."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from router.errors import DeliveryRefused, Fenced, TransientError
from router.failure.commands import REDRIVEN, redrive_headers
from router.failure.letters import renewed
from router.failure.topics import rejected_of
from router.lanes.carrier import Carrier
from router.lanes.copies import Copies, CopyBatch, Tally
from router.records.partition import partition_of
from router.records.record import PlainRecord, Record, plain_record
from router.redrive.command import Command, Partition
from router.redrive.considering import Considering, LaneAt
from router.redrive.kafka import RedriveKafka
from router.redrive.marks import REDRIVEN_TOPIC, Decided
from router.redrive.plan import Plan
from router.redrive.selection import DeadLetter, Selection
from router.redrive.usual import UsualCopy
from router.redrive.ways import Sending, Ways, with_headers

__all__ = ["Carrying", "Outcome", "Pace", "Superseded", "Work"]

_TURN = 500
"""Dead letters between two turns of whoever else is in the event loop: a commit that is under way, another partition."""
_STEPS_A_SECOND = 5
"""Transactions a second, at least, where a rate is asked for."""
_TRIES = 5
_AGAIN = 0.5


class Superseded(TransientError):
    """Another command over the same dead letters has begun."""

    reason = "superseded"

    def __init__(self, *, topic: str, partition: int) -> None:
        super().__init__(topic, partition)
        self.topic = topic
        self.partition = partition

    def __str__(self) -> str:
        where = f"{self.topic}/{self.partition}"
        return (
            f"another command over {where} has begun, so that this one ends: what it sent stays sent, and is sent once"
        )


@dataclass(slots=True)
class Outcome:
    """What came of a command."""

    done: Plan = field(default_factory=Plan)
    lanes: Counter[LaneAt] = field(default_factory=Counter)
    """Records that each lane got now; 0 for one that got some of these before."""
    answers: dict[LaneAt, Mapping[str, int]] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def silent(self) -> list[LaneAt]:
        """Lanes that have not said yet that they carried it out."""
        return sorted(self.lanes.keys() - self.answers.keys())


class Pace:
    """At most so many in a second."""

    def __init__(self, rate: float, at_once: int) -> None:
        self.rate = rate
        self.most = at_once if rate <= 0 else max(1, min(at_once, int(rate / _STEPS_A_SECOND)))
        self._due = 0.0

    async def wait(self, stop: asyncio.Event) -> None:
        """Until more may be sent, or somebody says stop."""
        left = self._due - time.monotonic()
        if left > 0:
            try:
                async with asyncio.timeout(left):
                    await stop.wait()
            except TimeoutError:
                return

    def sent(self, count: int) -> None:
        """So many were."""
        if self.rate > 0:
            self._due = max(self._due, time.monotonic()) + count / self.rate


@dataclass(slots=True, kw_only=True)
class Work:
    """One command, as all the partitions that it goes over share it."""

    kafka: RedriveKafka
    ways: Ways
    command: Command
    selection: Selection
    edited: PlainRecord | None
    """What takes the place of each record."""
    retention_ms: Mapping[str, int]
    clock: Callable[[], float]
    pace: Pace
    stop: asyncio.Event
    done: Callable[[int], None]
    """Told how many dead letters were decided by each transaction."""
    outcome: Outcome = field(default_factory=Outcome)
    failed: bool = False
    """It failed at one partition: the others end behind the transaction that is open."""

    @property
    def ends(self) -> bool:
        """Nothing more is to be begun."""
        return self.failed or self.stop.is_set()

    def now(self) -> int:
        """Milliseconds since the epoch."""
        return round(self.clock() * 1000)


class Carrying:
    """One command over one partition of dead letters."""

    def __init__(self, work: Work, at: Partition, end: int) -> None:
        """`end` is the offset behind the last of them that is meant."""
        self._work = work
        self._kafka = work.kafka
        self._at = at
        self._end = end
        self._redriven = (REDRIVEN, work.command.id.encode())
        self._position = work.command.starts.get(at, 0)
        """Behind what is committed."""
        self._refused: dict[int, str] = {}
        """By the dead letter's offset, why the broker does not take it."""
        self._careful = False
        """A batch was refused: each has one record, until the one at fault is found."""

    async def run(self) -> None:
        """All of it. Raises Superseded, and TransientError where it fails again and again."""
        failures, work = 0, self._work
        while not work.ends:
            before = self._position
            try:
                await self._open_and_carry()
            except Fenced as error:
                raise Superseded(topic=self._at[0], partition=self._at[1]) from error
            except DeliveryRefused as error:
                self._learn(error)
            except TransientError:
                failures = failures + 1 if self._position == before else 1
                if failures == _TRIES:
                    raise
                await asyncio.sleep(_AGAIN * failures)
            else:
                return

    def _learn(self, error: DeliveryRefused) -> None:
        if error.records == 1:
            self._refused[error.last_offset] = error.problem
        elif self._careful:
            raise error
        self._careful = True

    async def _open_and_carry(self) -> None:
        work, at = self._work, self._at
        carrier, committing = self._kafka.carrier(at), None
        try:
            await carrier.open()
            marks = await self._kafka.marks([at[0]])
            considering = Considering(
                work.command, work.selection, work.ways, marks, work.edited, at=at, refused=self._refused
            )
            reading = self._kafka.records(at, start=self._position, end=self._end, most=work.pace.most)
            async with aclosing(reading) as fetches:  # type: ignore[type-var] # an async generator
                async for records, position in fetches:
                    await work.pace.wait(work.stop)
                    if work.ends:
                        break
                    made = await self._make(carrier, considering, records, position)
                    if committing is not None:
                        await committing
                    # While the brokers commit it, the next one is made.
                    committing = asyncio.create_task(self._commit(carrier, made))
            if committing is not None:
                await committing
        finally:
            if committing is not None:
                await asyncio.wait([committing])
                # Whatever became of it: who is here with an error has the first one.
                _ = committing.cancelled() or committing.exception()
            await carrier.close()

    async def _make(
        self, carrier: Carrier, considering: Considering, records: Sequence[Record], position: int
    ) -> _Made:
        """The next transaction, as far as it can be made without the brokers."""
        made = _Made(position)
        writing = _Writing(made.copies, carrier, careful=self._careful)
        considering.lanes = made.lanes
        for first in range(0, len(records), _TURN):
            self._write_all(writing, considering, records[first : first + _TURN], made.plan)
            await asyncio.sleep(0)
        now = self._work.now()
        for change in considering.marks.take_changes():
            made.changes = True
            writing.append(REDRIVEN_TOPIC, 0, replace(change, timestamp=now), [], position)
        self._work.pace.sent(made.plan.letters)
        return made

    def _write_all(self, writing: _Writing, considering: Considering, records: Sequence[Record], plan: Plan) -> None:
        now, sent, skipped = self._work.now(), [], []
        for record, sending in considering.of(records, plan):
            if isinstance(sending, UsualCopy):
                if sending.way.sources:
                    rejected = rejected_of(sending.way.topic)
                    writing.append(rejected, sending.partition, record, sending.headers, record.offset)
                else:
                    self._write_directly(
                        writing, sending.way.topic, record, sending.headers, (sending.source, sending.partition), now
                    )
            elif sending is None:
                skipped.append(record.offset)
                continue
            else:
                letter, goes = sending
                self._write(writing, letter, goes, now)
            sent.append(record.offset)
        considering.marks.put_all(*self._at, sent, Decided.SENT)
        considering.marks.put_all(*self._at, skipped, Decided.SKIPPED)

    async def _commit(self, carrier: Carrier, made: _Made) -> None:
        if made.changes:
            made.copies.seal()
            await carrier.send(made.copies)
            await carrier.commit(made.position)
        # Only now: what is not committed never was.
        outcome = self._work.outcome
        self._position = made.position
        outcome.done.add(made.plan)
        outcome.lanes.update(made.lanes)
        for lane in made.lanes:
            outcome.lanes.setdefault(lane, 0)
        self._work.done(made.plan.letters)

    def _write(self, writing: _Writing, letter: DeadLetter, sending: Sending, now: int) -> None:
        """The long way."""
        record, death, origin = letter.record, letter.death, sending.origin
        for way in sending.ways:
            headers = [*way.record.headers, self._redriven]
            if way.lane is not None:
                told = redrive_headers(
                    with_headers(way.record, headers),
                    self._work.command.id,
                    letter.at,
                    copy=sending.copy,
                    reason=death.reason,
                    error=death.message,
                    error_class=death.error_class,
                    place=death.place,
                )
                writing.append(rejected_of(way.topic), way.lane.partition, way.record, told, record.offset)
            else:
                source = None if origin is None else (origin.topic, origin.partition)
                self._write_directly(writing, way.topic, way.record, headers, source, now)

    def _write_directly(  # noqa: PLR0917 - a record's own, from two places
        self,
        writing: _Writing,
        topic: str,
        record: Record,
        headers: list[tuple[str, bytes | None]],
        source: tuple[str, int] | None,
        now: int,
    ) -> None:
        retention = self._work.retention_ms.get(topic)
        if retention is not None and now - record.timestamp > retention // 2:
            record = renewed(with_headers(plain_record(record), headers), now)
            headers = list(record.headers)
        writing.append(topic, self._partition(topic, record, source), record, headers, record.offset)

    def _partition(self, topic: str, record: Record, source: tuple[str, int] | None) -> int:
        """As a lane chooses it: its source's where both have equally many, else by the key. Raises DestinationUnavailable."""
        destinations = self._kafka.destinations
        count = destinations.partitions(topic)
        if source is not None and destinations.count(source[0]) == count:
            return source[1] % count
        if record.key is not None:
            return partition_of(record.key, count)
        return (record.partition if source is None else source[1]) % count


@dataclass(slots=True)
class _Made:
    """One transaction, and what it comes to."""

    position: int
    """Behind what it has looked at."""
    plan: Plan = field(default_factory=Plan)
    copies: Copies = field(default_factory=Copies)
    lanes: Counter[LaneAt] = field(default_factory=Counter)
    changes: bool = False
    """Something is decided by it."""


class _Writing:
    """Copies of one transaction, batch by batch."""

    def __init__(self, copies: Copies, carrier: Carrier, *, careful: bool) -> None:
        self._copies = copies
        self._carrier = carrier
        self._careful = careful

    def append(
        self, topic: str, partition: int, record: Record, headers: list[tuple[str, bytes | None]], offset: int
    ) -> None:
        """One record with these headers; `offset` tells which dead letter a refused batch of one was of."""
        at, copies = (topic, partition), self._copies
        current = copies.open.get(at)
        if current is not None:
            if not self._careful and _took(current, record, headers):
                return
            copies.close(at, offset, Tally())
        current = copies.begin(at, self._carrier.new_batch(topic), offset)
        _took(current, record, headers)


def _took(batch: CopyBatch, record: Record, headers: list[tuple[str, bytes | None]]) -> bool:
    return batch.append(timestamp=record.timestamp, key=record.key, value=record.value, headers=headers) is not None
