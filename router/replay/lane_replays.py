"""Replays in a lane: a consumer gets a stretch of the source once more, and what comes meanwhile comes behind it.

A replay begins at the lane's position of that moment. From then on the lane writes nothing more for that topic as records come;
all of the topic's copies are written by the replay, which reads the source by itself from its start: of the records before that
position those that are meant, with a header; of those behind it all that routes send there, as they are. When it has read what
the lane has carried, it has caught up, and the lane writes the topic's copies again. So nothing is held, nothing is missed, nothing
overtakes, and nobody else waits:

    source      0 ─────── start ░░░░░░░░░░░░░ begun ─────────── position ─ ─ ─►
    the topic   as ever         │ meant records     everything            │ as ever again
                                └── by the replay ────────────────────────┘ caught up: here the lane takes over

Its position is the note of the lane's commits, in the same transaction as its copies: a replay goes on where it was, whoever
carries the lane next, and is done once. Other topics of the lane are not concerned.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from router.errors import RecordError
from router.exchange.decision import Decision
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, Keeper, Refusals
from router.lanes.table import BatchCopier
from router.records.record import Headers, PlainRecord, Record
from router.replay.plan import BEGINS_WITHIN_MS, REPLAY, Replay

__all__ = ["LaneReplays", "Stretch", "done_in", "replays_in"]

_FORMAT = 1
_REMEMBERED = 20
"""Replays of which it is remembered one by one that they are done; of all others, when the latest of them was asked for."""


@dataclass(slots=True, eq=False)
class Stretch:
    """One replay on its way through one lane."""

    replay: Replay
    next: int
    """Of the source, the next offset to be read: all before it is written."""
    begun: int
    """The lane's position when it began."""
    queue: deque[tuple[Sequence[Record], int]] = field(default_factory=deque)
    """What was read, each with the position behind it."""
    read_to: int = 0
    """The position behind all that is queued."""


class _Everything:
    """All keys, while anything is replayed."""

    def __init__(self, replays: LaneReplays, inner: Keeper | None) -> None:
        self._replays = replays
        self._inner = inner

    def __contains__(self, key: object) -> bool:
        return self._replays.withheld or (self._inner is not None and key in self._inner.keys)

    def __bool__(self) -> bool:
        return self._replays.withheld or (self._inner is not None and bool(self._inner.keys))


class _Withholding:
    """Fulfils `Keeper`: what is the replay's to write is not written as it comes."""

    def __init__(self, replays: LaneReplays, inner: Keeper | None) -> None:
        self._replays = replays
        self._inner = inner
        self.keys: Any = _Everything(replays, inner)

    def hold(self, topic: str, record: Record, headers: Headers) -> bool:
        """See Keeper."""
        if self._replays.withholds(topic):
            return True
        return self._inner is not None and record.key in self._inner.keys and self._inner.hold(topic, record, headers)


class LaneReplays:
    """Stands in a lane's copier's place. Fulfils what a lane expects of one; all of it runs in the lane's loop."""

    def __init__(
        self,
        source: SourcePartition,
        inner: BatchCopier,
        *,
        copier: Copier,
        known: Callable[[], Mapping[str, Replay]],
        asks: Callable[[Replay], Callable[[Record], bool]],
    ) -> None:
        """`known` gives the replays that there are, by id; `asks` what evaluates a replay's `where`."""
        self.source = source
        self._inner = inner
        self._copier = copier
        self._known = known
        self._asks = asks
        self._stretches: dict[str, Stretch] = {}
        self._holds: dict[str, Callable[[Record], bool]] = {}
        self._done: dict[str, int] = {}
        """By id, when it was asked for."""
        self._floor = 0
        """None that was asked for by then is begun any more."""
        self._writing = False
        self._pending: dict[int, str] = {}
        self._note = ""
        copier.keeper = _Withholding(self, copier.keeper)

    # --- what a lane and its service ask ---------------------------------------------------------------------------------

    @property
    def withheld(self) -> bool:
        """Copies of some topic are not written as they come."""
        return bool(self._stretches) and not self._writing

    def withholds(self, topic: str) -> bool:
        """Whether copies of this topic are the replay's to write now."""
        return not self._writing and any(each.replay.topic == topic for each in self._stretches.values())

    @property
    def stretches(self) -> Collection[Stretch]:
        """What is on its way."""
        return self._stretches.values()

    def missing(self, now: int) -> list[Replay]:
        """Replays of this lane's source that it has not begun and not done; one a topic, the oldest first.

        `now` in milliseconds since the epoch.
        """
        least = max(self._floor, now - BEGINS_WITHIN_MS)
        busy = {each.replay.topic for each in self._stretches.values()}
        found = []
        for each in sorted(self._known().values(), key=lambda one: (one.at, one.id)):
            new = each.id not in self._stretches and each.id not in self._done and each.at > least
            if (
                new
                and each.source == self.source.topic
                and self.source.partition in each.starts
                and each.topic not in busy
            ):
                busy.add(each.topic)
                found.append(each)
        return found

    def begin(self, asked: Replay, position: int) -> None:
        """From now on the topic's copies are the replay's to write; the lane stands at this position."""
        start = min(asked.starts[self.source.partition], position)
        self._stretches[asked.id] = Stretch(asked, start, position, read_to=start)
        self._holds[asked.id] = self._asks(asked)

    def feed(self, replay_id: str, records: Sequence[Record], position: int) -> None:
        """Something was read for a replay; the records all stand before what the lane has carried."""
        stretch = self._stretches.get(replay_id)
        if stretch is not None:
            stretch.queue.append((records, position))
            stretch.read_to = position

    # --- notes -----------------------------------------------------------------------------------------------------------

    def resume(self, note: str) -> None:
        """Go on from a commit by its note: what was on its way is on its way again, from where it was committed."""
        self._stretches.clear()
        self._pending.clear()
        self._note = note
        told = _read(note)
        self._done = dict(told.get("done", ()))
        self._floor = int(told.get("floor", 0))
        for name, (position, begun) in told.get("replays", {}).items():
            asked = self._known().get(name)
            if asked is not None:
                self._stretches[name] = Stretch(asked, position, begun, read_to=position)
                self._holds[name] = self._asks(asked)

    def sent(self, copies: Copies) -> None:
        """These copies go into the transaction that is open."""
        self._note = self._pending.pop(id(copies), self._note)

    def note(self, _offset: int) -> str:
        """What is to be kept with the next commit."""
        return self._note

    def _text(self) -> str:
        if not self._stretches and not self._done:
            return ""
        return json.dumps(
            {
                "format": _FORMAT,
                "replays": {name: [each.next, each.begun] for name, each in self._stretches.items()},
                "done": [[name, at] for name, at in self._done.items()],
                "floor": self._floor,
            },
            separators=(",", ":"),
        )

    # --- copying ---------------------------------------------------------------------------------------------------------

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """Write what replays have read, let those go that have caught up, and copy the batch. Raises what the copier raises."""
        if not self._stretches:
            return self._inner.copy(batch, into=into, new_batch=new_batch, refusals=refusals)
        told = Tally()
        for name, stretch in list(self._stretches.items()):
            while stretch.queue:
                records, position = stretch.queue.popleft()
                self._write(stretch, records, batch, into=into, new_batch=new_batch, refusals=refusals, tally=told)
                stretch.next = position
            if stretch.next >= batch.follows:
                # All that the lane has carried is written: from this batch on the lane writes it, as ever.
                del self._stretches[name]
                self._done[name] = stretch.replay.at
                while len(self._done) > _REMEMBERED:
                    oldest = min(self._done, key=lambda each: self._done[each])
                    self._floor = max(self._floor, self._done.pop(oldest))
        tally = self._inner.copy(batch, into=into, new_batch=new_batch, refusals=refusals)
        tally.take(told)
        self._pending[id(into)] = self._text()
        return tally

    def _write(
        self,
        stretch: Stretch,
        records: Sequence[Record],
        batch: Batch,
        *,
        into: Copies,
        new_batch: Callable[[str], CopyBatch],
        refusals: Refusals,
        tally: Tally,
    ) -> None:
        """Copies of these records for the replay's topic alone."""
        asked, number = stretch.replay, self.source.partition
        end = min(stretch.begun, asked.ends.get(number, stretch.begun))
        holds = self._holds[asked.id]
        wanted: list[Record] = []
        for record in records:
            if record.offset >= stretch.begun:
                wanted.append(record)
            elif record.offset < end and asked.means(record, holds):
                wanted.append(_marked(record, asked.id))
        if not wanted:
            return
        piece = replace(batch, records=wanted)
        decisions = self._copier.decisions(wanted)
        writer = self._copier.writer(piece, into=into, new_batch=new_batch, refusals=refusals, tally=tally)
        self._writing = True
        try:
            for record, decision in zip(wanted, decisions, strict=True):
                # One that cannot be decided is a dead letter since it came.
                if not isinstance(decision, RecordError) and asked.topic in decision.topics:
                    writer.write_part(record, _only(decision, asked.topic))
        finally:
            self._writing = False


def _marked(record: Record, name: str) -> Record:
    return PlainRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=[*record.headers, (REPLAY, name.encode())],
    )


def _only(decision: Decision, topic: str) -> Decision:
    walks = tuple(
        replace(
            walk,
            deliveries=tuple(each for each in walk.deliveries if each.topic == topic),
            steps=tuple(replace(step, failed=()) for step in walk.steps),
        )
        for walk in decision.walks
    )
    return Decision(walks, tombstone=decision.tombstone, takes_off_bcc=decision.takes_off_bcc)


def replays_in(note: str) -> dict[str, tuple[int, int]]:
    """By id of a replay that was on its way at a commit, how far it was, and the lane's position when it began."""
    return {name: (position, begun) for name, (position, begun) in _read(note).get("replays", {}).items()}


def done_in(note: str) -> list[str]:
    """The replays that were done at a commit, the latest last."""
    return [str(each) for each, _ in _read(note).get("done", ())]


def _read(note: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(note)
        return told if told["format"] == _FORMAT and "replays" in told else {}
    except (ValueError, TypeError, KeyError):
        return {}
