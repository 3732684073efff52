"""Order by the states that a key goes through, where routes say which state leads to which. Pure.

A key is in the state of the last record that was sent in order. A record carries a state:

    the key's state leads there             it is due                        → sent, and all held that is due then
    it was skipped                          its turn was given up            → late; from then on it is one that came
    a way of several steps leads there      something is missing             → held; a second one is a duplicate
    the key has been there                  it came before                   → duplicate
    none of these                           it never can be                  → an illegal transition, with its path

What is held is judged anew, by the same rows, whenever the key moves: an order that was canceled will never be shipped.

When a wait runs out, or the key holds more than `hold-at-most` (then its oldest record counts), the key moves to the state
of that record without what is missing; where other held records lie on the way, it goes by them. The states that it could
have gone through in between are remembered as skipped. What waited takes the fate that `on-gap` says.

Where states form a circle, a second record of a state may be a duplicate or one that came early; nothing can tell. It is
held as one that came early, and where its wait runs out it was a duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from router.order.effects import Cause, DeadLetter, Effect, Emit, Event, Held, Hold, Step
from router.order.fates import duplicate, in_vain, late, timer
from router.order.policy import OnDuplicate, OrderPolicy, States
from router.records.order_errors import IllegalTransition

__all__ = ["LONGEST_PATH", "StatesResequencer", "StatesState"]

LONGEST_PATH = 32
"""States of a key's path that are remembered, where it has been in no more: then the latest visit to each."""


@dataclass(frozen=True, slots=True)
class StatesState:
    """What is remembered of a key."""

    path: tuple[str, ...]
    """The states that it has gone through, the one that it is in last."""
    active: int
    """Where the log was at the key's last record, milliseconds since the epoch."""
    skipped: tuple[str, ...] = ()
    """States that were given up and have not come since, by name."""
    held: tuple[Held[str], ...] = ()
    """What waits, by offset. A tombstone's place is empty."""


class StatesResequencer:
    """The transitions of a key; holds nothing itself but the graph of states."""

    def __init__(self, policy: OrderPolicy) -> None:
        assert isinstance(policy.kind, States)
        self.policy = policy
        self.begins_anywhere = policy.kind.starts is None
        follow = policy.kind.transitions
        known = {*follow, *(state for states in follow.values() for state in states)}
        starts = tuple(sorted(known)) if policy.kind.starts is None else policy.kind.starts
        # Before its first state, a key is in none: its starts follow from that.
        self._follow: dict[str | None, tuple[str, ...]] = {None: starts} | dict(follow.items())
        self._distance = {state: self._distances(state) for state in (None, *known)}
        """By state, how many steps lead to each other that can be reached."""

    def arrive(self, state: StatesState | None, event: Event) -> Step[StatesState]:
        """A record of the key has come; its place is a state, or None where it has no value."""
        if state is not None and not state.held and self.policy.forgets(state.active, event.log):
            state = None
        if event.place is None and (state is None or not state.held):
            return Step(None, (Emit(event.offset, Cause.TOMBSTONE),))
        before = StatesState((), event.log) if state is None else replace(state, active=max(state.active, event.log))
        one = Held("" if event.place is None else str(event.place), event.offset, event.received, event.place is None)
        again = not one.tombstone and any(each.place == one.place and not each.tombstone for each in before.held)
        change = _Change(self, before)
        if one.tombstone or (again and self.policy.on_duplicate is OnDuplicate.RELEASE):
            change.hold(one)
        elif again:
            change.effects.append(duplicate(self.policy, one.offset))
        else:
            change.judge(one, Cause.IN_ORDER)
        if len(change.held) > self.policy.hold_at_most:
            change.go_to(change.held[0], event.received, Cause.FULL)
        return change.step(before.held, own=one if one in change.held else None)

    def expire(self, state: StatesState, now: int) -> Step[StatesState]:
        """The lane has read all that was in the log at this time: what has waited long enough waits no more."""
        change = _Change(self, state)
        # Routes may have other transitions than when these were held.
        change.settle()
        for each in state.held:
            if each.since + self.policy.patience_ms <= now and each in change.held and not each.tombstone:
                change.go_to(each, now, Cause.GAP)
        # The timer that brought us here is gone.
        return change.step((), own=None)

    def distance(self, here: str | None, there: str) -> int | None:
        """How many steps lead from one state to another, one at least; None where none do."""
        return self._distance.get(here, {}).get(there)

    def allowed(self, here: str | None) -> tuple[str, ...]:
        """The states that may come next."""
        return self._follow.get(here, ())

    def between(self, here: str | None, there: str) -> set[str]:
        """The states that a key can go through on its way, neither of the ends among them."""
        on_the_way = {state for state in self._distance.get(here, {}) if self.distance(state, there) is not None}
        return {state for state in on_the_way if state not in {here, there}}

    def _distances(self, start: str | None) -> dict[str, int]:
        found: dict[str, int] = {}
        reached: Iterable[str | None] = (start,)
        steps = 0
        while reached:
            steps += 1
            reached = [
                state
                for state in dict.fromkeys(each for here in reached for each in self._follow.get(here, ()))
                if found.setdefault(state, steps) == steps
            ]
        return found


class _Change:
    """A key on its way from one state to the next."""

    def __init__(self, resequencer: StatesResequencer, state: StatesState) -> None:
        self._rules = resequencer
        self._policy = resequencer.policy
        self._active = state.active
        self.path = list(state.path)
        self.skipped = set(state.skipped)
        self.held = list(state.held)
        self.effects: list[Effect] = []

    @property
    def here(self) -> str | None:
        """The state that the key is in."""
        return self.path[-1] if self.path else None

    def step(self, before: Sequence[Held[str]], *, own: Held[str] | None) -> Step[StatesState]:
        """The result. A key ends with a tombstone that leaves nothing held."""
        held = tuple(self.held)
        effects = self.effects if own is None else [Hold(own.offset), *self.effects]
        moved = timer(self._policy, before, held)
        ended = not held and bool(effects) and isinstance(last := effects[-1], Emit) and last.cause is Cause.TOMBSTONE
        state = StatesState(tuple(self.path), self._active, tuple(sorted(self.skipped)), held)
        # Of a key that has not begun, and whose records are all set aside, there is nothing to remember.
        nothing = ended or not (self.path or held)
        return Step(None if nothing else state, (*effects, *moved))

    def hold(self, one: Held[str]) -> None:
        """Keep it where it is not kept already."""
        if one not in self.held:
            self.held.append(one)

    def judge(self, one: Held[str], cause: Cause) -> None:
        """By the rows of the table above."""
        if self._is_due(one):
            self._go(one, cause)
            self.settle()
        else:
            self._judge_undue(one)

    def _go(self, one: Held[str], cause: Cause) -> None:
        if self.here is None and self._rules.begins_anywhere:
            self.skipped |= self._rules.between(None, one.place)
        self._leave(one, Emit(one.offset, cause))
        self._move(one.place)

    def _judge_undue(self, one: Held[str]) -> None:
        rules, state = self._rules, one.place
        if state in self.skipped:
            self._leave(one, late(self._policy, one.offset, place=state, reached=str(self.here)))
            self.skipped.discard(state)
            # It has come, whatever becomes of it: on the path it stands before what it leads to.
            onward = (at for at, each in enumerate(self.path) if rules.distance(state, each) is not None)
            self.path.insert(next(onward, len(self.path) - 1), state)
            self._shorten()
        elif rules.distance(self.here, state) is not None:
            self.hold(one)
        elif state in self.path:
            self._leave(one, duplicate(self._policy, one.offset))
        else:
            error = IllegalTransition(
                field=self._policy.kind.field,
                path=tuple(self.path),
                state=state,
                allowed=rules.allowed(self.here),
            )
            self._leave(one, DeadLetter(one.offset, error))

    def settle(self) -> None:
        """Judge anew all that is held: what is due first, then what never will be, then tombstones that nothing precedes."""
        while (due := next((each for each in self.held if self._is_due(each)), None)) is not None:
            self._go(due, Cause.FILLED)
        for each in [one for one in self.held if not one.tombstone]:
            self._judge_undue(each)
        while self.held and self.held[0].tombstone:
            self._leave(self.held[0], Emit(self.held[0].offset, Cause.TOMBSTONE))

    def go_to(self, one: Held[str], now: int, cause: Cause) -> None:
        """Give up what a held record waits for: go there by the others that are held on the way."""
        rules = self._rules
        while one in self.held:
            if one.place in self.path:
                self._leave(one, duplicate(self._policy, one.offset))
                self.settle()
                return
            by: Held[str] = min(
                (each for each in self.held if each is one or self._leads_to(each, one)),
                key=lambda each: (rules.distance(self.here, each.place) or 0, each.offset),
            )
            between = rules.between(self.here, by.place)
            before = sorted(state for state in between if by.place in rules.allowed(state))
            missing = " or ".join(before)
            self._leave(by, in_vain(self._policy, by, missing=missing, now=now, cause=cause))
            self.skipped |= between - set(self.path)
            self._move(by.place)
            self.settle()

    def _is_due(self, one: Held[str]) -> bool:
        return not one.tombstone and one.place in self._rules.allowed(self.here)

    def _leads_to(self, one: Held[str], other: Held[str]) -> bool:
        return not one.tombstone and self._rules.distance(one.place, other.place) is not None

    def _leave(self, one: Held[str], effect: Effect) -> None:
        if one in self.held:
            self.held.remove(one)
        self.effects.append(effect)

    def _move(self, state: str) -> None:
        self.skipped.discard(state)
        self.path.append(state)
        self._shorten()

    def _shorten(self) -> None:
        if len(self.path) > LONGEST_PATH:
            # What was visited again since goes first: each state that was visited stays known.
            again = next((at for at, each in enumerate(self.path) if each in self.path[at + 1 :]), None)
            if again is not None:
                del self.path[again]
