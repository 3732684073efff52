"""Carries out a command about dead letters: a lane of its own over each partition of them.

One transaction holds what is sent, which dead letters are decided by it, and how far it has read. So a command that is killed,
or given twice, or by two people at a time, sends each once:

    open        shut out whoever carried one out over this partition, then read what was decided
    a fetch ──► which of it is meant, and not decided ──► its copies, to the topic or to its lanes ──► marks ──► commit

Whoever asks to stop is heard between two transactions.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from router.errors import DeliveryRefused, Fenced, TransientError
from router.failure.audit import AuditEvent
from router.failure.causes import Symptom, symptom_of
from router.failure.commands import REDRIVEN, end_headers, redrive_headers
from router.failure.letters import renewed
from router.failure.obeying import CARRIED
from router.failure.rejections import Lane
from router.failure.topics import rejected_of
from router.lanes.carrier import Carrier
from router.lanes.copies import Copies, Tally
from router.records.catalogue import Catalogue
from router.records.headers import Origin
from router.records.partition import partition_of
from router.records.record import Headers, PlainRecord
from router.redrive.command import Command, Kind, Partition
from router.redrive.kafka import RedriveKafka
from router.redrive.marks import REDRIVEN_TOPIC, Decided, Marks
from router.redrive.plan import Plan
from router.redrive.selection import DeadLetter, Selection, read_letter
from router.redrive.ways import Left, Sending, Ways, with_headers

__all__ = ["LaneAt", "Outcome", "Redriver", "Superseded"]

_MOST_AT_ONCE = 5_000
"""Dead letters that one transaction looks at."""
_TURN = 250
"""Dead letters between two turns of whoever else is in the event loop: a commit that is under way."""
_STEPS_A_SECOND = 5
"""Transactions a second, at least, where a rate is asked for."""
_TRIES = 5
_AGAIN = 0.5
_UNTOLD = Symptom("", "", "", "", "")
_ASK_EVERY = 2.0
_LOOK_EVERY = 0.1

LaneAt = tuple[str, str, int]
"""A destination, and the source partition whose lane writes it."""


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


class Redriver:
    """For one set of routes."""

    def __init__(
        self,
        kafka: RedriveKafka,
        ways: Ways,
        catalogue: Catalogue,
        *,
        retention_ms: Mapping[str, int] | None = None,
        at_once: int = _MOST_AT_ONCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`retention_ms` has the topics of which it is known for how long they keep their records; `at_once` is how many
        dead letters are looked at without letting others in this event loop have a turn.
        """
        self._at_once = at_once
        self._kafka = kafka
        self._ways = ways
        self._catalogue = catalogue
        self._retention_ms = retention_ms or {}
        self._clock = clock

    async def plan(self, command: Command, *, edited: PlainRecord | None = None, looked: Callable[[int], None]) -> Plan:
        """What the command would do; `looked` is told how many dead letters were looked at since it was last told."""
        await self._kafka.counts()
        plan, marks = Plan(), await self._kafka.marks(command.topics)
        considering = _Considering(command, self._selection(command), self._ways, marks, edited, causes=True)
        for at, end in command.ends.items():
            async for records, _ in self._kafka.records(
                at, start=command.starts.get(at, 0), end=end, most=self._at_once
            ):
                for _ in considering.of(records, plan):
                    continue
                looked(len(records))
        plan.left["unasked"] += considering.selection.unasked
        return plan

    async def carry_out(
        self,
        command: Command,
        *,
        rate: float = 0.0,
        edited: PlainRecord | None = None,
        done: Callable[[int], None] = lambda _: None,
        stop: asyncio.Event | None = None,
        patience: float = 10.0,
    ) -> Outcome:
        """Do it; `done` is told how many dead letters were decided by each transaction, `rate` is the most in a second.

        `edited` takes the place of each record. For the lanes' answers it waits so many seconds at most. Raises Superseded,
        and other TransientErrors where it fails again and again: what was committed stays so.
        """
        await self._kafka.make_own_topics()
        since = await self._kafka.audit_end()
        await self._kafka.begin(command)
        stop = stop or asyncio.Event()
        outcome, pace = Outcome(), _Pace(rate, self._at_once)
        selection = self._selection(command)
        try:
            for at, end in command.ends.items():
                carrying = _Carrying(self, command, selection, edited, outcome, pace, stop, done)
                await carrying.run(at, end)
        except BaseException:
            outcome.interrupted = True
            raise
        finally:
            outcome.interrupted = outcome.interrupted or stop.is_set()
            outcome.done.left["unasked"] += selection.unasked
            await self._tell_end(command, outcome)
        if not outcome.interrupted:
            await self._ask(command, outcome, since=since, within=patience)
        return outcome

    def _selection(self, command: Command) -> Selection:
        return Selection(self._catalogue, **command.selection)  # type: ignore[arg-type] # by its own names

    async def _tell_end(self, command: Command, outcome: Outcome) -> None:
        how = "interrupted" if outcome.interrupted else "ended"
        event = AuditEvent(
            command=command.id,
            type=f"router.{command.kind}.{how}",
            source=self._kafka.group,
            subject=", ".join(command.topics),
            at=round(self._clock() * 1000),
            data={"author": command.author, "reason": command.reason, **outcome.done.to_json()},
        )
        await self._kafka.tell(event)

    async def _ask(self, command: Command, outcome: Outcome, *, since: int, within: float) -> None:
        """Have the lanes say that they have carried it out."""
        if not outcome.lanes:
            return
        ends = time.monotonic() + within
        asked = 0.0
        while outcome.silent and time.monotonic() < ends:
            if time.monotonic() - asked > _ASK_EVERY:
                asked = time.monotonic()
                await self._kafka.write([_question(command, lane, outcome.lanes[lane]) for lane in outcome.silent])
            await asyncio.sleep(_LOOK_EVERY)
            async for event in self._kafka.events(since=since):
                if event.command == command.id and event.type == CARRIED:
                    topic, _, lane = event.subject.partition(" ")
                    source, _, number = lane.rpartition("/")
                    outcome.answers[topic, source, int(number)] = {
                        name: int(event.data.get(name, 0)) for name in ("written", "joined")
                    }


def _question(command: Command, lane: LaneAt, count: int) -> PlainRecord:
    topic, source, partition = lane
    headers = end_headers(command.id, Lane(source, partition), count)
    key = command.id.encode()  # aiokafka takes no record without key and value
    return PlainRecord(topic=rejected_of(topic), partition=partition, timestamp=-1, key=key, headers=tuple(headers))


class _Pace:
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


class _Considering:
    """Which dead letters of a fetch are meant, and where each goes."""

    def __init__(
        self,
        command: Command,
        selection: Selection,
        ways: Ways,
        marks: Marks,
        edited: PlainRecord | None,
        *,
        causes: bool = False,
        refused: Mapping[int, str] | None = None,
    ) -> None:
        """Causes are told apart where that is asked for: in a dry run. `refused` is what the broker did not take, by offset."""
        self._causes = causes
        self._refused = refused or {}
        self.selection = selection
        self.marks = marks
        self.lanes: Counter[LaneAt] = Counter()
        self._command = command
        self._ways = ways
        self._edited = edited

    def of(self, records: Sequence[PlainRecord], plan: Plan) -> Iterator[tuple[DeadLetter, Sending | None]]:
        """Those that are to be decided now, counted in the plan; with where they go, where they are to be sent."""
        kind, brief = self._command.kind, not self.selection.asks_when
        for record in records:
            plan.looked_at += 1
            letter = read_letter(record, brief=brief)
            if not self.selection.takes(letter):
                continue
            plan.meant += 1
            decided = self.marks.of(record.topic, record.partition, record.offset)
            if decided is Decided.SKIPPED:
                plan.skipped_before += 1
                continue
            if kind is Kind.SKIP and decided is Decided.OPEN:
                plan.letters += 1
                yield letter, None
                continue
            sending = self._ways.of(letter, self._edited)
            if decided is Decided.SENT:
                plan.sent_before += 1
                self._count(sending, 0)
            elif record.offset in self._refused:
                plan.leave(Left("refused", self._refused[record.offset]))
            elif isinstance(sending, Left):
                plan.leave(sending)
            else:
                plan.send(sending, symptom_of(letter.death) if self._causes else _UNTOLD)
                self._count(sending, 1)
                yield letter, sending

    def _count(self, sending: Sending | Left, count: int) -> None:
        for way in () if isinstance(sending, Left) else sending.ways:
            if way.lane is not None:
                self.lanes[way.topic, way.lane.topic, way.lane.partition] += count


class _Carrying:
    """One command over one partition of dead letters."""

    def __init__(  # noqa: PLR0917 - made in one place, from one call's own names
        self,
        redriver: Redriver,
        command: Command,
        selection: Selection,
        edited: PlainRecord | None,
        outcome: Outcome,
        pace: _Pace,
        stop: asyncio.Event,
        done: Callable[[int], None],
    ) -> None:
        self._kafka = redriver._kafka  # noqa: SLF001 - a part of it
        self._ways = redriver._ways  # noqa: SLF001 - as above
        self._retention_ms = redriver._retention_ms  # noqa: SLF001 - as above
        self._clock = redriver._clock  # noqa: SLF001 - as above
        self._command = command
        self._selection = selection
        self._edited = edited
        self._outcome = outcome
        self._pace = pace
        self._stop = stop
        self._done = done
        self._position = 0
        """Behind what is committed."""
        self._refused: dict[int, str] = {}
        """By the dead letter's offset, why the broker does not take it."""
        self._careful = False
        """A batch was refused: each has one record, until the one at fault is found."""

    async def run(self, at: Partition, end: int) -> None:
        """All of it. Raises Superseded, and TransientError where it fails again and again."""
        failures = 0
        self._position = self._command.starts.get(at, 0)
        while not self._stop.is_set():
            before = self._position
            try:
                await self._open_and_carry(at, end)
            except Fenced as error:
                raise Superseded(topic=at[0], partition=at[1]) from error
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

    async def _open_and_carry(self, at: Partition, end: int) -> None:
        carrier, committing = self._kafka.carrier(at), None
        try:
            await carrier.open()
            marks = await self._kafka.marks([at[0]])
            considering = _Considering(
                self._command, self._selection, self._ways, marks, self._edited, refused=self._refused
            )
            reading = self._kafka.records(at, start=self._position, end=end, most=self._pace.most)
            async with aclosing(reading) as fetches:  # type: ignore[type-var] # an async generator
                async for records, position in fetches:
                    await self._pace.wait(self._stop)
                    if self._stop.is_set():
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
        self, carrier: Carrier, considering: _Considering, records: Sequence[PlainRecord], position: int
    ) -> _Made:
        """The next transaction, as far as it can be made without the brokers."""
        made = _Made(position)
        writing = _Writing(made.copies, carrier, careful=self._careful)
        considering.lanes = made.lanes
        for first in range(0, len(records), _TURN):
            for letter, sending in considering.of(records[first : first + _TURN], made.plan):
                record = letter.record
                if sending is not None:
                    self._write(writing, letter, sending)
                decided = Decided.SKIPPED if sending is None else Decided.SENT
                considering.marks.put(record.topic, record.partition, record.offset, decided)
            await asyncio.sleep(0)
        now = self._now()
        for change in considering.marks.take_changes():
            made.changes = True
            writing.append(REDRIVEN_TOPIC, 0, replace(change, timestamp=now), (), position)
        self._pace.sent(made.plan.letters)
        return made

    async def _commit(self, carrier: Carrier, made: _Made) -> None:
        if made.changes:
            made.copies.seal()
            await carrier.send(made.copies)
            await carrier.commit(made.position)
        # Only now: what is not committed never was.
        self._position = made.position
        self._outcome.done.add(made.plan)
        self._outcome.lanes.update(made.lanes)
        for lane in made.lanes:
            self._outcome.lanes.setdefault(lane, 0)
        self._done(made.plan.letters)

    def _write(self, writing: _Writing, letter: DeadLetter, sending: Sending) -> None:
        record, command, death = letter.record, self._command.id, letter.death
        for way in sending.ways:
            copy = with_headers(way.record, [*way.record.headers, (REDRIVEN, command.encode())])
            if way.lane is not None:
                told = redrive_headers(
                    copy,
                    command,
                    letter.at,
                    copy=sending.copy,
                    reason=death.reason,
                    error=death.message,
                    error_class=death.error_class,
                    place=death.place,
                )
                writing.append(rejected_of(way.topic), way.lane.partition, copy, told, record.offset)
            else:
                copy = self._renewed(way.topic, copy)
                writing.append(
                    way.topic, self._partition(way.topic, record, sending.origin), copy, copy.headers, record.offset
                )

    def _renewed(self, topic: str, copy: PlainRecord) -> PlainRecord:
        retention, now = self._retention_ms.get(topic), self._now()
        return renewed(copy, now) if retention is not None and now - copy.timestamp > retention // 2 else copy

    def _partition(self, topic: str, record: PlainRecord, origin: Origin | None) -> int:
        """As a lane chooses it: its source's where both have equally many, else by the key. Raises DestinationUnavailable."""
        destinations = self._kafka.destinations
        count = destinations.partitions(topic)
        if origin is not None and destinations.count(origin.topic) == count:
            return origin.partition % count
        if record.key is not None:
            return partition_of(record.key, count)
        return (record.partition if origin is None else origin.partition) % count

    def _now(self) -> int:
        return round(self._clock() * 1000)


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

    def append(self, topic: str, partition: int, record: PlainRecord, headers: Headers, offset: int) -> None:
        """One record; `offset` tells which dead letter a refused batch of one was of."""
        at, copies, told = (topic, partition), self._copies, list(headers)
        current = copies.open.get(at)
        if current is not None:
            full = self._careful or not _took(current, record, told)
            if not full:
                return
            copies.close(at, offset, Tally())
        current = copies.begin(at, self._carrier.new_batch(topic), offset)
        _took(current, record, told)


def _took(batch: object, record: PlainRecord, headers: list[tuple[str, bytes | None]]) -> bool:
    append = batch.append  # type: ignore[attr-defined] # a CopyBatch
    return append(timestamp=record.timestamp, key=record.key, value=record.value, headers=headers) is not None
