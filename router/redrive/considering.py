"""Which dead letters of a fetch are meant and not decided, and where each goes: the usual way, or the long one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from router.failure.causes import Symptom, symptom_of
from router.records.record import PlainRecord, Record
from router.redrive.command import Command, Kind
from router.redrive.marks import Decided, Marks
from router.redrive.plan import Plan
from router.redrive.selection import DeadLetter, Selection, read_letter
from router.redrive.usual import Usual, UsualCopy
from router.redrive.ways import Left, Sending, Ways

__all__ = ["Considering", "LaneAt", "Undecided"]

LaneAt = tuple[str, str, int]
"""A destination, and the source partition whose lane writes it."""

Undecided = tuple[Record, UsualCopy | tuple[DeadLetter, Sending] | None]
"""A dead letter that is decided now, and what is written of it: one copy as usual, what its letter comes to, or nothing."""

_UNTOLD = Symptom("", "", "", "", "")


class Considering:
    """One command, over one partition of dead letters."""

    def __init__(
        self,
        command: Command,
        selection: Selection,
        ways: Ways,
        marks: Marks,
        edited: PlainRecord | None,
        *,
        at: tuple[str, int],
        causes: bool = False,
        refused: Mapping[int, str] | None = None,
    ) -> None:
        """Causes are told apart where that is asked for: in a dry run. `refused` is what the broker did not take, by offset."""
        self.selection = selection
        self.marks = marks
        self.lanes: Counter[LaneAt] = Counter()
        """Records for each lane; 0 for one that got some of these before."""
        self._causes = causes
        self._refused = refused or {}
        self._command = command
        self._ways = ways
        self._edited = edited
        usual = command.kind is Kind.REDRIVE and edited is None
        self._usual = Usual(ways, command.id, topic=at[0], partition=at[1]) if usual else None

    def of(self, records: Sequence[Record], plan: Plan) -> Iterator[Undecided]:
        """Those that are to be decided now, in their order; counted in the plan when all of them were taken."""
        usual, counts = self._usual, Counter[tuple[str, str, int, bool]]()
        all_meant, causes, decided = self.selection.takes_all, self._causes, self.marks.of
        plan.looked_at += len(records)
        for record in records:
            letter = None
            if not all_meant:
                letter = self._read(record)
                if not self.selection.takes(letter):
                    continue
            plan.meant += 1
            before = decided(record.topic, record.partition, record.offset)
            if before is Decided.SKIPPED:
                plan.skipped_before += 1
                continue
            if usual is not None and not before and record.offset not in self._refused:
                copy = usual.of(record)
                if copy is not None:
                    way = copy.way
                    if causes:
                        symptom = symptom_of((letter or self._read(record)).death)
                        plan.send_usual(way.topic, symptom, by_lanes=bool(way.sources))
                    else:
                        counts[way.topic, copy.source, copy.partition, bool(way.sources)] += 1
                    yield record, copy
                    continue
            yield from self._at_length(letter or self._read(record), before, plan)
        for (topic, source, partition, by_lanes), count in counts.items():
            plan.send_usual(topic, _UNTOLD, by_lanes=by_lanes, count=count)
            if by_lanes:
                self.lanes[topic, source, partition] += count

    def _read(self, record: Record) -> DeadLetter:
        return read_letter(record, brief=not self.selection.asks_when)

    def _at_length(self, letter: DeadLetter, before: Decided, plan: Plan) -> Iterator[Undecided]:
        record = letter.record
        if self._command.kind is Kind.SKIP and before is Decided.OPEN:
            plan.letters += 1
            yield record, None
            return
        sending = self._ways.of(letter, self._edited)
        if before is Decided.SENT:
            plan.sent_before += 1
            self._count(sending, 0)
        elif record.offset in self._refused:
            plan.leave(Left("refused", self._refused[record.offset]))
        elif isinstance(sending, Left):
            plan.leave(sending)
        else:
            plan.send(sending, symptom_of(letter.death) if self._causes else _UNTOLD)
            self._count(sending, 1)
            yield record, (letter, sending)

    def _count(self, sending: Sending | Left, count: int) -> None:
        for way in () if isinstance(sending, Left) else sending.ways:
            if way.lane is not None:
                self.lanes[way.topic, way.lane.topic, way.lane.partition] += count
