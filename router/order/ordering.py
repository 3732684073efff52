"""A lane's records in order: what stands in the copier's place where routes say `order:`.

Each record is decided as ever. Then its key takes a step (`resequencer`), on the bytes that the lane's table keeps of it:

    the record is simply next   its copies are written as decided; this is the usual way, and makes no other value
    anything else               what does not wait gets its copies at once, and the effects of the step are carried out:
                                the record is held, set aside or dropped; what was held and is due is decided anew

The table is changed as records come. Its changes go into the same transaction as the copies (`write_changes`), so that
nothing of a step is ever there without the rest of it, and a lane that fails begins again before the step.

Copies of a key leave in sequence, because all that is written goes through one lane, in the order of its steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from time import perf_counter
from typing import Any

from router.errors import InvariantError, KeyMismatch, RecordError, UnreadableState
from router.exchange.decision import Decision
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, CopyBatch, OrderTally, Tally
from router.lanes.copying import Copier, CopyWriter, Decided, Refusals
from router.lanes.table import Holding, KeptBack, LaneTable, append_changes
from router.language.routes import SourceOrder
from router.order.effects import Arm, Cancel, Cause, DeadLetter, Drop, Effect, Emit, Event, Hold, deadline
from router.order.key_steps import KeySteps
from router.order.places import key_of, places
from router.order.policy import ByTime
from router.order.resequencer import fits
from router.order.splitting import on_arrival, on_release
from router.order.stored import (
    LOG_ENTRY,
    RECORD_PREFIX,
    STATE_PREFIX,
    SWEEP_ENTRY,
    StoredRecord,
    decode_log,
    decode_record,
    decode_state,
    encode_log,
    encode_record,
    idle_since,
    key_of_record,
    record_key,
    state_key,
)
from router.order.timers import Deadlines, Progress, Timer
from router.records.order_errors import IllegalTransition, Late, OrderGap
from router.records.reader import FieldReader
from router.records.record import Record

__all__ = ["Ordering"]

_ASK_EVERY_MS = 100
"""How soon the end of the log may be asked for again."""
_MOST_AT_ONCE = 200
"""Keys whose waits run out at once; after so many, others get their turn."""
_SWEEPS = 2
"""How often all keys are looked through for forgotten ones, in the time after which one is."""
_SWEEP_EVERY = 1_024
"""Records after which a part of them is looked through: while it is time for that, of twice as many keys."""
_SWEEP_EVERY_MS = 3_600_000
"""The same, of the log's time: where few records come."""


class Ordering:
    """Fulfils what a lane expects of a copier, and `LaneOrder`."""

    def __init__(
        self,
        source: SourcePartition,
        order: SourceOrder,
        *,
        copier: Copier,
        reader: FieldReader,
        table: LaneTable,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`reader` reads `order.paths`, so that keys are verified here, and not by the copier's decider.

        `clock` tells the time in seconds since the epoch, as `Batch.received` has it.
        """
        if order.policy.repartition:
            raise InvariantError(f"records of {source.topic} are to be repartitioned before they are put in order")
        self.source = source
        self.order = order
        self.table = table
        self.steps = KeySteps(order.policy)
        self.copier = copier
        self.deadlines = Deadlines()
        self.held = 0
        self._place_of = places(order.policy, reader)
        self.record_place: Callable[[Record], int | str] | None = None
        """What reads a record's place, where that depends on more than its value and its key."""
        if reader.in_header:
            value_of, place_of = reader.value_of, self._place_of

            def place(record: Record) -> int | str:
                assert record.value is not None, "a record without a value has no place"
                return place_of(value_of(record.value, record.headers), record.key)

            self.record_place = place
        self._clock = clock
        self._log = 0
        self._progress = Progress()
        self._position = -1
        self._ask_again = 0
        self._sweep_from: bytes | None = None
        self._sweep_at = 0
        self._unswept = 0
        self._swept_at = 0

    # --- the copier's part -----------------------------------------------------------------------------------------------

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """Decide and order every record of the batch, and add to those that wait all copies that are due.

        Raises DestinationUnavailable, and UnreadableState: then the table must be discarded with the copies.
        """
        begun = perf_counter()
        tally = Tally(order=OrderTally())
        if batch.records:
            decisions = self.copier.decisions(batch.records)
            writer = self.copier.writer(batch, into=into, new_batch=new_batch, refusals=refusals, tally=tally)
            self._put_in_order(batch, decisions, _Performance(self, writer, tally))
            self._unswept += len(batch.records)
            if self._unswept >= _SWEEP_EVERY or self._log - self._swept_at >= _SWEEP_EVERY_MS:
                self._sweep(2 * max(self._unswept, _SWEEP_EVERY))
                self._unswept, self._swept_at = 0, self._log
        into.add(batch, tally)
        tally.seconds = perf_counter() - begun
        return tally

    def _put_in_order(self, batch: Batch, decisions: list[Decided], performance: _Performance) -> None:
        """The usual record is dealt with in this loop, in as few steps as can be."""
        records = batch.records
        received = int(batch.received * 1000)
        get, put, in_order, place_of = self.table.get, self.table.put, self.steps.in_order, self._place_of
        write_all = performance.writer.write_all
        log, record_place = self._log, self.record_place
        done = 0
        for number, record in enumerate(records):
            decision = decisions[number]
            if isinstance(decision, RecordError):
                continue
            timestamp, key, value = record.timestamp, record.key, record.value
            # As `log_time` has it.
            if log < timestamp:
                log = max(log, min(timestamp, received))
            place = problem = None
            try:
                if value is None:
                    key_of(key, field=self.order.policy.by)
                else:
                    place = place_of(value, key) if record_place is None else record_place(record)
                    entry = STATE_PREFIX + key  # type: ignore[operator]  # else it would have no place
                    after = in_order(get(entry), place, log)
                    if after is not None:
                        put(entry, after)
                        continue
            except RecordError as error:
                problem = error
            write_all(records[done:number], decisions[done:number])
            done = number + 1
            if problem is not None:
                performance.refuse(record, decision, problem)
            else:
                assert key is not None, "a record without a key has no place"
                performance.arrive(key, Event(place, record.offset, received, log), record, decision)
        if done:
            records, decisions = records[done:], decisions[done:]
        write_all(records, decisions)
        if log != self._log:
            self._log = log
            put(LOG_ENTRY, encode_log(log))

    # --- the lane's part -------------------------------------------------------------------------------------------------

    def resume(self, position: int) -> None:
        """See LaneOrder. Raises UnreadableState."""
        stored = self.table.get(LOG_ENTRY)
        self._log = 0 if stored is None else decode_log(stored)
        stored = self.table.get(SWEEP_ENTRY)
        self._sweep_from, self._sweep_at = None, 0 if stored is None else decode_log(stored)
        self._unswept, self._swept_at = 0, self._log
        # What was in the log at that time lies before where the lane stood then, and does still.
        read_to = self._progress.read_to
        known = Progress(awaited=(read_to, self._position) if read_to else None)
        self._progress = known.reached(position)
        self._position = position
        self._ask_again = 0
        self.deadlines = Deadlines()
        self.held = 0
        latest = None
        for entry, _ in self.table.scan(RECORD_PREFIX):
            self.held += 1
            key = key_of_record(entry)
            if key != latest:
                self.deadlines.arm(key, self._deadline_of(key))
                latest = key

    def _deadline_of(self, key: bytes) -> int:
        """When a key that holds records must be looked at: at once, where its exchange has another kind of order by now."""
        stored = self.table.get(state_key(key))
        if stored is None:
            raise UnreadableState(
                what="a key's state", position=0, problem=f"nothing is left of {key!r}, which holds some"
            )
        state = decode_state(stored)
        held: Sequence[Any] = state.held
        due = deadline(held, self.order.policy.patience_ms)
        return due if due is not None and fits(state, self.order.policy) else 0

    def looks_in(self) -> float | None:
        """See LaneOrder."""
        due = self.deadlines.next
        if due is None:
            return None
        now = self._now()
        if due > now:
            return (due - now) / 1000
        if due <= self._progress.read_to:
            return 0.0
        # Where no end is to be asked for, one is known that the lane has yet to reach.
        return max(0, self._ask_again - now) / 1000 if self._progress.asks(due, now=now) else None

    def asks(self) -> int | None:
        """See LaneOrder."""
        now = self._now()
        if now < self._ask_again or not self._progress.asks(self.deadlines.next, now=now):
            return None
        self._ask_again = now + _ASK_EVERY_MS
        return now

    def end_seen(self, *, at: int, end: int) -> None:
        """See LaneOrder."""
        # The lane may be there already, and would not tell again.
        self._progress = self._progress.end_seen(at=at, end=end).reached(self._position)

    def expire(
        self, position: int, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals
    ) -> Tally | None:
        """See LaneOrder. Raises UnreadableState, too."""
        self._position = position
        self._progress = self._progress.reached(position)
        read_to = self._progress.read_to
        keys = self.deadlines.ripe(read_to, most=_MOST_AT_ONCE)
        if not keys:
            return None
        begun = perf_counter()
        tally = Tally(order=OrderTally())
        batch = Batch(self.source, -1, position, position, (), self._clock())
        writer = self.copier.writer(batch, into=into, new_batch=new_batch, refusals=refusals, tally=tally)
        performance = _Performance(self, writer, tally)
        for key in keys:
            performance.expire(key, read_to)
        into.count(tally)
        tally.seconds = perf_counter() - begun
        return tally

    def write_changes(self, into: Copies, *, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> None:
        """See LaneOrder."""
        append_changes(
            self.table,
            self.source.partition,
            into=into,
            new_batch=new_batch,
            most=refusals.most_records,
            timestamp=self._now(),
            offset=max(0, self._position),
        )

    def forget(self) -> None:
        """See LaneOrder."""
        self.table.discard()

    @property
    def waiting(self) -> Holding:
        """See LaneOrder."""
        due = self.deadlines.next
        # One that must be looked at in any case says nothing of how long it has waited.
        since = due - self.order.policy.patience_ms if due else self._now()
        return Holding(self.held, max(0, self._now() - since) / 1000)

    def timers(self) -> Sequence[Timer]:
        """See LaneOrder."""
        return self.deadlines.copy()

    @property
    def kept_back(self) -> Mapping[str, KeptBack]:
        """See LaneOrder."""
        return {}

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _sweep(self, most: int) -> None:
        """Look through some of the keys for such as are forgotten by now: their states leave the table, and the changelog."""
        policy = self.order.policy
        if policy.forget_after_ms is None:
            return
        if self._sweep_from is None:
            if self._log < self._sweep_at:
                return
            if not self._sweep_at:
                # There is nothing to forget yet.
                self._sweep_later()
                return
            self._sweep_from = STATE_PREFIX
        found = list(islice(self.table.scan(STATE_PREFIX, start=self._sweep_from), most))
        for entry, stored in found:
            active = idle_since(stored)
            if active is not None and policy.forgets(active, self._log):
                self.table.put(entry, None)
        self._sweep_from = found[-1][0] + b"\0" if len(found) == most else None
        if self._sweep_from is None:
            self._sweep_later()

    def _sweep_later(self) -> None:
        """The next time is remembered, so that a lane that is opened again and again finds the time to forget."""
        assert self.order.policy.forget_after_ms is not None, "else nothing is forgotten"
        self._sweep_at = self._log + self.order.policy.forget_after_ms // _SWEEPS
        self.table.put(SWEEP_ENTRY, encode_log(self._sweep_at))


class _Performance:
    """Carries out the effects of steps, over one batch."""

    def __init__(self, ordering: Ordering, writer: CopyWriter, tally: Tally) -> None:
        self.writer = writer
        self._ordering = ordering
        self._table = ordering.table
        self._exchange = ordering.order.exchange
        self._at_once = ordering.order.at_once
        self._tally = tally
        assert tally.order is not None, "a source that is put in order is counted as one"
        self._counts = tally.order
        self._own: tuple[Record, Decision] | None = None
        """The record that has just come, and where it goes."""

    def refuse(self, record: Record, decision: Decision, error: RecordError) -> None:
        """A record of which nobody knows where it belongs; one whose key is wrong is nobody's."""
        if not isinstance(error, KeyMismatch):
            self._write_arrival(record, decision)
        self.writer.set_aside(record, error)

    def arrive(self, key: bytes, event: Event, record: Record, decision: Decision) -> None:
        """A record that is not simply next."""
        entry = state_key(key)
        stored = self._table.get(entry)
        after, effects = self._ordering.steps.arrive(stored, event)
        if after != stored:
            self._table.put(entry, after)
        self._own = record, decision
        self._perform(key, effects)
        self._own = None

    def expire(self, key: bytes, read_to: int) -> None:
        """A key whose timer has run out."""
        entry = state_key(key)
        stored = self._table.get(entry)
        if stored is None:
            raise InvariantError(f"key {key!r} has a timer, and nothing is known of it")
        after, effects = self._ordering.steps.expire(stored, read_to)
        if after != stored:
            self._table.put(entry, after)
        self._perform(key, effects)

    def _perform(self, key: bytes, effects: Sequence[Effect]) -> None:
        if any(self._gives_up(each) for each in effects):
            self._counts.gaps += 1
        deadlines = self._ordering.deadlines
        for effect in effects:
            match effect:
                case Arm(at):
                    deadlines.arm(key, at)
                case Cancel():
                    deadlines.cancel(key)
                case _ if self._own is not None and effect.offset == self._own[0].offset:
                    self._carry_out_own(key, effect, *self._own)
                case Hold():
                    raise InvariantError(f"offset {effect.offset} is to be held, and is not at hand")
                case _:
                    self._carry_out_held(effect, self._take(key, effect.offset))

    def _gives_up(self, effect: Effect) -> bool:
        if isinstance(effect, DeadLetter):
            return isinstance(effect.error, OrderGap)
        by_time = isinstance(self._ordering.order.policy.kind, ByTime)
        return isinstance(effect, Emit) and effect.cause in {Cause.GAP, Cause.FULL} and not by_time

    def _carry_out_own(
        self, key: bytes, effect: Emit | Hold | DeadLetter | Drop, record: Record, decision: Decision
    ) -> None:
        """The record that has just come."""
        if isinstance(effect, Emit):
            self._count(effect)
            self.writer.write_all((record,), (decision,))
            return
        given = self._write_arrival(record, decision)
        match effect:
            case Hold():
                self._table.put(record_key(key, record.offset), encode_record(record, given))
                self._ordering.held += 1
                self._counts.held += 1
            case DeadLetter(_, error):
                self._count(effect)
                self.writer.set_aside(record, error)
            case Drop():
                self._count(effect)
                self._dropped(given)

    def _carry_out_held(self, effect: Emit | DeadLetter | Drop, stored: StoredRecord) -> None:
        """A record that has waited, and has left the table."""
        record, given = stored.record, stored.given
        match effect:
            case Emit():
                self._counts.released[effect.cause] += 1
                self._release(record, given)
            case DeadLetter(_, error):
                self._count(effect)
                self.writer.set_aside(record, error)
            case Drop():
                self._count(effect)
                self._dropped(given)

    def _write_arrival(self, record: Record, decision: Decision) -> tuple[str, ...]:
        """The copies that do not wait; gives their topics."""
        if not self._at_once and len(decision.walks) == 1:
            return ()
        part = on_arrival(decision, exchange=self._exchange, at_once=self._at_once)
        if part.topics or part.unroutable or part.failed:
            self.writer.write_part(record, part)
        return part.topics

    def _release(self, record: Record, given: tuple[str, ...]) -> None:
        (decision,) = self._ordering.copier.decisions((record,))
        if isinstance(decision, RecordError):
            self.writer.set_aside(record, decision)
            return
        part = on_release(decision, exchange=self._exchange, at_once=self._at_once, given=given)
        self.writer.write_part(record, part)
        self._tally.count(decision, given=bool(given))

    def _take(self, key: bytes, offset: int) -> StoredRecord:
        entry = record_key(key, offset)
        stored = self._table.get(entry)
        if stored is None:
            raise UnreadableState(
                what="a held record", position=0, problem=f"offset {offset} of key {key!r} is not there"
            )
        self._table.put(entry, None)
        self._ordering.held -= 1
        return decode_record(stored)

    def _dropped(self, given: Sequence[str]) -> None:
        if given:
            self._tally.routed += 1
        else:
            self._tally.dropped += 1

    def _count(self, effect: Emit | DeadLetter | Drop) -> None:
        """What became of a record out of order, by what was wrong with it."""
        what = effect.error if isinstance(effect, DeadLetter) else effect.cause
        self._counts.late += what is Cause.LATE or isinstance(what, Late)
        self._counts.duplicates += what is Cause.DUPLICATE
        self._counts.illegal += isinstance(what, IllegalTransition)
