"""What a lane does with rejections, acknowledgements, and times that have passed: the effects of their steps, carried out.

Everything is written by the lane's copier and table, and so commits in one transaction with how far the rejections were read.
"""

from __future__ import annotations

from dataclasses import replace

from router.failure import parking
from router.failure.keys import KeptKeys
from router.failure.ledger import Ledger, ledger_of
from router.failure.letters import MALFORMED, dead_letter, malformed_letter, mark, renewed, sent_again
from router.failure.parking import Back, KeyState, Place, Step
from router.failure.policy import FailurePolicy, Keep, Kept
from router.failure.rejections import Acknowledgement, Lane, Malformed, Rejection, read_rejected
from router.failure.stored import (
    back_key,
    by_key,
    decode_ledger,
    encode_ledger,
    held_key,
    key_of_ident,
    ledger_key,
    of_one,
    parts_of_state_key,
    state_key,
)
from router.failure.topics import rejected_of
from router.lanes.batch import SourcePartition
from router.lanes.copies import Tally
from router.lanes.copying import CopyWriter
from router.language.topics import dead_letters_of
from router.observe.logs import get_logger
from router.records.record import PlainRecord, Record

__all__ = ["Performance"]

log = get_logger("router.failure")

REPEAT = "repeat"
"""As what a rejection is counted that was read before."""
REJECTED = "rejected"
"""As what the dead letters are counted, among all of their source, of what consumers rejected."""

_ORPHANED = FailurePolicy(retry_ms=())
"""Of a topic that says nothing of failure any more."""


class Performance:
    """Carries out steps, in one turn of the lane."""

    def __init__(  # noqa: PLR0917 - made in one place, from one call's own names
        self,
        source: SourcePartition,
        kept: Kept,
        keys: KeptKeys,
        writer: CopyWriter,
        tally: Tally,
        now: int,
    ) -> None:
        """`now` is in milliseconds since the epoch."""
        self._source = source
        self._kept = kept
        self._keys = keys
        self._table = keys.table
        self._writer = writer
        self._tally = tally
        self._now = now

    def read(self, record: Record) -> None:
        """A record among the rejections."""
        source = self._source
        match read_rejected(record):
            case Rejection() as rejection:
                if rejection.origin.topic == source.topic:
                    self._reject(rejection, record)
            case Acknowledgement(key, epoch, lane):
                if lane.topic == source.topic:
                    topic = record.topic.removesuffix(rejected_of(""))
                    entry = state_key(topic, by_key(key))
                    step = self._keys.step(entry, lambda state: parking.acknowledge(state, epoch, now=self._now))
                    self._perform(entry, step)
            case Malformed(problem):
                self._refuse(record, problem)

    def _refuse(self, record: Record, problem: str) -> None:
        """Set aside what says nothing that could be done."""
        log.warning("a rejection says nothing", topic=record.topic, offset=record.offset, problem=problem)
        topic = record.topic.removesuffix(rejected_of(""))
        self._tally.failing.rejected[topic, MALFORMED] += 1
        self._count_dead(topic, MALFORMED)
        letter, letters = malformed_letter(record, problem), dead_letters_of(topic)
        self._writer.write_note(letters, letter, self._writer.partition_of(letters, letter))

    def _reject(self, rejection: Rejection, record: Record) -> None:
        topic, source = rejection.copy.topic, rejection.origin.offset
        policy = self._policy(topic)
        key = rejection.record.key
        # A consumer that has parked a key waits for its release mark, whatever the policy says by now.
        whole = key is not None and (rejection.parks or policy.keep is Keep.KEY)
        entry = state_key(topic, by_key(key) if whole and key is not None else of_one(source))
        ledger = self._ledger(topic, source).merged(ledger_of(rejection.record.headers))
        if not rejection.behind:
            ledger = ledger.died(topic, rejection.reason, self._now)
        back = Back((rejection.copy.partition, rejection.copy.offset), source)

        def take(state: KeyState | None) -> Step:
            return parking.reject(
                state,
                back,
                behind=rejection.behind,
                parks=rejection.parks,
                deaths=max(1, ledger.count(topic)),
                now=self._now,
                policy=policy,
            )

        step = self._keys.step(entry, take)
        repeated = any(isinstance(each, parking.Repeat) for each in step.effects)
        if ledger.entries and not repeated:
            self._table.put(ledger_key(topic, source), encode_ledger(ledger))
        counts = self._tally.failing
        counts.rejected[topic, REPEAT if repeated else rejection.reason] += 1
        if step.state is not None and not repeated:
            counts.parked[topic] += any(each.parked and each.place == back.place for each in step.state.back)
        self._perform(entry, step, kept=record)

    def expire(self, entry: bytes) -> None:
        """A key whose time has come."""
        topic, _ = parts_of_state_key(entry)
        policy = self._policy(topic)
        orphaned = policy is _ORPHANED

        def take(state: KeyState | None) -> Step:
            if state is None:
                return Step(None, ())
            return (
                parking.release(state, now=self._now)
                if orphaned
                else parking.expire(state, now=self._now, policy=policy)
            )

        self._perform(entry, self._keys.step(entry, take))

    def _perform(self, entry: bytes, step: Step, kept: Record | None = None) -> None:
        topic, ident = parts_of_state_key(entry)
        for effect in step.effects:
            match effect:
                case parking.Keep(place):
                    assert kept is not None, "only a rejection is kept"
                    self._keys.keep(topic, back_key(entry, place), kept)
                case parking.Mark(epoch, first):
                    self._write_mark(topic, ident, epoch, first)
                case parking.Return(place):
                    rejection = self._came_back(entry, place)
                    ledger = self._ledger(topic, rejection.origin.offset)
                    self._tally.failing.retried[topic] += 1
                    self._write(topic, sent_again(rejection, ledger))
                case parking.Release(number):
                    self._tally.failing.released[topic] += 1
                    self._write(topic, self._keys.take(topic, held_key(entry, number)))
                case parking.SetAside(place):
                    rejection = self._came_back(entry, place)
                    self._set_aside(topic, rejection)
                case parking.Skip(place):
                    rejection = self._came_back(entry, place)
                    self._tally.failing.skipped[topic] += 1
                    self._table.put(ledger_key(topic, rejection.origin.offset), None)
                case _:
                    # Timers follow the state, and repeats change nothing.
                    continue

    def _write_mark(self, topic: str, ident: bytes, epoch: int, first: Place | None) -> None:
        key, source = key_of_ident(ident), self._source
        assert key is not None, "only a key is parked by its consumer"
        written = mark(Lane(source.topic, source.partition), topic, key, epoch=epoch, first=first)
        like = replace(written, key=key, timestamp=self._now)
        at = self._writer.partition_of(topic, like) if first is None else first[0]
        self._writer.write_note(topic, replace(written, timestamp=self._now), at)

    def _came_back(self, entry: bytes, place: Place) -> Rejection:
        topic, _ = parts_of_state_key(entry)
        said = self._reread(self._keys.take(topic, back_key(entry, place)))
        assert isinstance(said, Rejection), "it was read as one when it was kept"
        return said

    def _reread(self, kept: PlainRecord) -> object:
        """What was kept of a copy that came back, as it was read when it came."""
        return read_rejected(kept)

    def _set_aside(self, topic: str, rejection: Rejection) -> None:
        source = rejection.origin.offset
        ledger = self._ledger(topic, source)
        self._table.put(ledger_key(topic, source), None)
        self._count_dead(topic, rejection.reason)
        dialect = self._policy(topic).dialect
        letter = dead_letter(rejection, ledger, dialect, now=self._now)
        # It is kept for as long as the topic's records are.
        self._writer.write(dead_letters_of(topic), self._current(topic, letter))

    def _write(self, topic: str, copy: PlainRecord) -> None:
        self._writer.write(topic, self._current(topic, copy))

    def _current(self, topic: str, copy: PlainRecord) -> PlainRecord:
        """The copy with a time that retention spares."""
        return renewed(copy, self._now) if self._kept.renews(topic, copy.timestamp, now=self._now) else copy

    def _count_dead(self, topic: str, reason: str) -> None:
        self._tally.dead_letters[REJECTED] += 1
        self._tally.failing.dead[topic, reason] += 1

    def _ledger(self, topic: str, source: int) -> Ledger:
        stored = self._table.get(ledger_key(topic, source))
        return Ledger() if stored is None else decode_ledger(stored)

    def _policy(self, topic: str) -> FailurePolicy:
        """What the topic says, or what holds where it says nothing any more."""
        return self._kept.policies.get(topic, _ORPHANED)
