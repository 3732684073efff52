"""What a table knows of a key, explained for people and programs. Pure.

    the bytes that are stored (`order.stored`)  +  the order that routes declare  +  the time  →  KeyView

A view says what the key waits for, what is held and until when, what it has given up, and how far it has got. It decides
nothing: what becomes of a record is said by `order.resequencer` alone.

A key is in one or more of these conditions, which lists are filtered by:

    waiting      it holds records, which wait for what comes before them
    parked       and the wait of one has run out in vain: its exchange has it wait on, for what is missing, for so long
    overdue      and the wait of one has run out: it goes as soon as its lane has read what came in time
    late         it went on without something that has not come since
    idle         it holds nothing
    unreadable   its bytes are damaged, or of a later version of the router
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from router.errors import UnreadableState
from router.order.event_time import TimeState
from router.order.policy import ByTime, OnGap, OrderPolicy, Sequence, States
from router.order.resequencer import KeyState, fits
from router.order.sequence import SequenceState
from router.order.states import StatesResequencer
from router.order.stored import SEQUENCE_HEAD, SEQUENCE_TAG, decode_state

__all__ = ["Condition", "Explainer", "HeldView", "KeyView", "bytes_json", "instant", "kind_of"]

_AT_REST = SEQUENCE_TAG.to_bytes(2, "big")
Placing = int | str
"""A number, an instant or a state, as the record carries it."""


class Condition(StrEnum):
    """See the table above."""

    WAITING = "waiting"
    PARKED = "parked"
    OVERDUE = "overdue"
    LATE = "late"
    IDLE = "idle"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class HeldView:
    """A record that waits. Times are milliseconds since the epoch."""

    place: Placing
    offset: int
    since: int
    deadline: int
    """When its wait runs out, and where it is parked behind a gap, that: it goes then, once its lane has read what came
    in time."""
    tombstone: bool

    def to_json(self) -> dict[str, Any]:
        """As an answer of the API has it."""
        return {
            "place": self.place,
            "offset": self.offset,
            "since": instant(self.since),
            "deadline": instant(self.deadline),
            "tombstone": self.tombstone,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """One key of a table."""

    key: bytes
    partition: int
    kind: str
    """`sequence`, `time` or `states`; empty where it cannot be read."""
    conditions: tuple[Condition, ...]
    expects: tuple[Placing, ...] = ()
    """What is due next; of states, each that may come. By time nothing is."""
    last: Placing | None = None
    """How far the key has got: the last place that it went past; None where it has not begun."""
    path: tuple[str, ...] = ()
    """The states that it went through, the latest last."""
    missing: str = ""
    """What the held records wait for, in words."""
    given_up: tuple[str, ...] = ()
    """What it went on without, and has not come since: numbers and runs of them, or states."""
    held: tuple[HeldView, ...] = ()
    """In the order in which they go."""
    active: int | None = None
    """Where the log was at the key's last record, milliseconds since the epoch."""
    problem: str = ""
    """Why it cannot be read, or why it is not what routes ask for."""

    @property
    def deadline(self) -> int | None:
        """When the first wait runs out; None where nothing waits."""
        return min((each.deadline for each in self.held), default=None)

    @property
    def since(self) -> int | None:
        """Since when the record waits that has waited longest; None where nothing waits."""
        return min((each.since for each in self.held), default=None)

    @property
    def sentence(self) -> str:
        """The key in one sentence."""
        if self.problem:
            return self.problem
        count = len(self.held)
        if not count:
            return f"holds nothing{self._behind}"
        records = f"{count:,} {'record' if count == 1 else 'records'}"
        missing = f"waits for {self.missing}" if self.missing else "waits for what may be older"
        late = Condition.OVERDUE in self.conditions
        when = "it goes on as soon as its lane has read what came in time" if late else "it goes on without it from"
        return f"{missing}, with {records} held; {when}{'' if late else f' {instant(self.deadline)}'}{self._behind}"

    @property
    def _behind(self) -> str:
        return f"; went on without {', '.join(self.given_up)}" if self.given_up else ""

    def to_json(self, *, whole: bool = True) -> dict[str, Any]:
        """As an answer of the API has it; of what is held, lists have the number only."""
        told: dict[str, Any] = {
            "key": bytes_json(self.key),
            "partition": self.partition,
            "conditions": list(self.conditions),
            "kind": self.kind,
            "expects": list(self.expects),
            "last": self.last,
            "missing": self.missing,
            "given_up": list(self.given_up),
            "holds": len(self.held),
            "since": instant(self.since),
            "deadline": instant(self.deadline),
            "active": instant(self.active),
            "problem": self.problem,
            "sentence": self.sentence,
        }
        if whole:
            told |= {"path": list(self.path), "held": [each.to_json() for each in self.held]}
        return told


class Explainer:
    """Explains the keys of one table, by the order that routes declare for its source."""

    def __init__(self, policy: OrderPolicy) -> None:
        self.policy = policy
        states = StatesResequencer(policy) if isinstance(policy.kind, States) else None
        self._allowed: Callable[[str | None], tuple[str, ...]] = (
            (lambda _: ()) if states is None else lambda here: tuple(sorted(states.allowed(here)))
        )
        self._between: Callable[[str | None, str], set[str]] = (
            (lambda _, __: set()) if states is None else states.between
        )

    def conditions(self, stored: bytes, *, now: int) -> tuple[Condition, ...]:
        """Those of the view, for a fraction of its cost: most keys that are looked through are not the ones that are meant."""
        if stored[:2] == _AT_REST and len(stored) == SEQUENCE_HEAD.size:
            # Nearly all keys of most tables: what a sequence is that holds nothing and has given nothing up.
            return (Condition.IDLE,)
        try:
            state = decode_state(stored)
        except UnreadableState:
            return (Condition.UNREADABLE,)
        return self._conditions(state, now)

    def _conditions(self, state: KeyState, now: int) -> tuple[Condition, ...]:
        held = state.held
        found = [Condition.WAITING] if held else [Condition.IDLE]
        since = min((each.since for each in held), default=now)
        if held and since + self._wait(state) <= now:
            found.append(Condition.OVERDUE)
        elif held and self.policy.on_gap is OnGap.PARK and since + self.policy.wait_ms <= now:
            found.append(Condition.PARKED)
        if self._given_up(state):
            found.append(Condition.LATE)
        return tuple(found)

    def _wait(self, state: KeyState) -> int:
        # What is of another kind of order is not waited for: it goes when its lane next looks at the key.
        return self.policy.patience_ms if fits(state, self.policy) else 0

    def view(self, key: bytes, partition: int, stored: bytes, *, now: int) -> KeyView:
        """The key whose state this is; `now` is milliseconds since the epoch. What cannot be read is a view that says so."""
        try:
            state = decode_state(stored)
        except UnreadableState as error:
            return KeyView(
                key=key, partition=partition, kind="", conditions=(Condition.UNREADABLE,), problem=str(error)
            )
        fit = fits(state, self.policy)
        wait = self._wait(state)
        held = tuple(
            HeldView(each.place, each.offset, each.since, each.since + wait, each.tombstone) for each in state.held
        )
        return KeyView(
            key=key,
            partition=partition,
            kind=_kind_of_state(state),
            conditions=self._conditions(state, now),
            expects=self._expects(state) if fit else (),
            last=_last(state),
            path=() if isinstance(state, SequenceState | TimeState) else state.path,
            missing=self._missing(state) if fit else "",
            given_up=self._given_up(state),
            held=held,
            active=state.active,
            problem="" if fit else self._unfit(state),
        )

    def _unfit(self, state: KeyState) -> str:
        what = f"it was put in order by {_kind_of_state(state)}, and routes ask for {kind_of(self.policy)} by now"
        return f"{what}: what it holds goes as soon as its lane looks at it" if state.held else what

    def _expects(self, state: KeyState) -> tuple[Placing, ...]:
        match state:
            case SequenceState():
                return (state.next,)
            case TimeState():
                return ()
            case _:
                return self._allowed(state.path[-1] if state.path else None)

    def _missing(self, state: KeyState) -> str:
        if not state.held:
            return ""
        match state:
            case SequenceState():
                return _run(state.next, state.held[0].place - 1)
            case TimeState():
                return ""
            case _:
                here = state.path[-1] if state.path else None
                first = next((each.place for each in state.held if not each.tombstone), None)
                return "" if first is None else " or ".join(sorted(self._between(here, first)))

    def _given_up(self, state: KeyState) -> tuple[str, ...]:
        match state:
            case SequenceState():
                # What lies before the first that was ever seen was never waited for.
                first_seen = isinstance(self.policy.kind, Sequence) and self.policy.kind.start is None
                return tuple(_run(*run) for run in state.skipped if not (first_seen and run[0] == 0))
            case TimeState():
                return ()
            case _:
                return state.skipped


def kind_of(policy: OrderPolicy) -> str:
    """What routes call this kind of order."""
    match policy.kind:
        case Sequence():
            return "sequence"
        case ByTime():
            return "time"
        case _:
            return "states"


def instant(milliseconds: int | None) -> str | None:
    """A time as people and programs read it; one that no calendar has, as the number that it is."""
    if milliseconds is None:
        return None
    if not 0 <= milliseconds < 253_402_300_800_000:  # the year 10000
        return str(milliseconds)
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def bytes_json(value: bytes) -> dict[str, str]:
    """Bytes as text where they are text, else as base64: reading them back gives the same bytes."""
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _kind_of_state(state: KeyState) -> str:
    match state:
        case SequenceState():
            return "sequence"
        case TimeState():
            return "time"
        case _:
            return "states"


def _last(state: KeyState) -> Placing | None:
    match state:
        case SequenceState():
            return state.next - 1 if state.next > 0 else None
        case TimeState():
            return state.sent
        case _:
            return state.path[-1] if state.path else None


def _run(first: int, last: int) -> str:
    return str(first) if last <= first else f"{first} to {last}"
