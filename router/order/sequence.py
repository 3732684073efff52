"""Order by a number that counts each key's records without gaps. Pure.

A key awaits one number. Every number has one fate, the first time that it comes:

    below `next`, never skipped    it came before            → a duplicate
    below `next`, skipped          its gap was given up      → late; from then on it is one that came
    `next`                         it is due                 → sent, and all that is held directly behind it
    above `next`                   something is missing      → held; a second one of that number is a duplicate

A gap is given up in two ways: a record behind it has waited for `wait` (and, where `on-gap` parks it, for `park-for`), or the key holds more than `hold-at-most`. The
first gives up every gap up to that record, so that none waits longer; the second only the first gap. Giving up moves
`next` behind what waited, and remembers the numbers in between as skipped. What waited directly behind the gap shares one
fate, `on-gap`; the key goes on behind it.

Skipped numbers are remembered in at most `MOST_SKIPPED` runs. Of what lies before the oldest of them nobody knows whether
it was skipped or came; it is set aside, so that nothing is sent twice and nothing is lost.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, replace

from router.order.effects import Cause, DeadLetter, Effect, Emit, Event, Held, Hold, Step
from router.order.fates import duplicate, in_vain, late, timer
from router.order.policy import OnDuplicate, OrderPolicy, Sequence
from router.records.order_errors import OrderUnknown

__all__ = ["MOST_SKIPPED", "SequenceResequencer", "SequenceState"]

MOST_SKIPPED = 32

Run = tuple[int, int]
"""The first and the last of numbers that follow each other."""


@dataclass(frozen=True, slots=True)
class SequenceState:
    """What is remembered of a key."""

    next: int
    """The number that is due."""
    active: int
    """Where the log was at the key's last record, milliseconds since the epoch."""
    known_from: int = 0
    """Of numbers below, nobody knows any more whether they were skipped."""
    skipped: tuple[Run, ...] = ()
    """Numbers that were given up and have not come since: ascending, and apart."""
    held: tuple[Held[int], ...] = ()
    """What waits, by number and offset."""


class SequenceResequencer:
    """The transitions of a key; holds nothing itself."""

    def __init__(self, policy: OrderPolicy) -> None:
        assert isinstance(policy.kind, Sequence)
        self.policy = policy
        self._field = policy.kind.field
        self._start = policy.kind.start

    def arrive(self, state: SequenceState | None, event: Event) -> Step[SequenceState]:
        """A record of the key has come; its place is a number, or None where it has no value."""
        if state is not None and not state.held and self.policy.forgets(state.active, event.log):
            state = None
        number = event.place
        if number is None:
            return self._tombstone(state, event)
        assert isinstance(number, int)
        if self._start is not None and number < self._start:
            problem = f"is below {self._start}, where its sequence starts"
            error = OrderUnknown(field=self._field, value=number, problem=problem)
            return Step(state, (DeadLetter(event.offset, error),))
        begun = self._begin(number, event) if state is None else replace(state, active=max(state.active, event.log))
        if number == begun.next:
            return self._due(begun, event)
        return self._early(begun, number, event) if number > begun.next else self._past(begun, number, event)

    def expire(self, state: SequenceState, now: int) -> Step[SequenceState]:
        """The lane has read all that was in the log at this time: what has waited long enough waits no more."""
        ripe = [each.place for each in state.held if each.since + self.policy.patience_ms <= now]
        if not ripe:
            return Step(state, timer(self.policy, (), state.held))
        after, effects = self._give_up(state, until=max(ripe), now=now, cause=Cause.GAP)
        # The timer that brought us here is gone.
        return self._settled((), after, effects)

    def _begin(self, number: int, event: Event) -> SequenceState:
        if self._start is not None:
            return SequenceState(self._start, event.log)
        return SequenceState(number, event.log, skipped=((0, number - 1),) if number else ())

    def _tombstone(self, state: SequenceState | None, event: Event) -> Step[SequenceState]:
        """It goes when all has gone that came before it; where nothing is held then, the key has ended."""
        if state is None or not state.held:
            return Step(None, (Emit(event.offset, Cause.TOMBSTONE),))
        return self._hold(replace(state, active=max(state.active, event.log)), state.held[-1].place, event)

    def _due(self, state: SequenceState, event: Event) -> Step[SequenceState]:
        effects: list[Effect] = [Emit(event.offset, Cause.IN_ORDER)]
        after, count = state.next + 1, 0
        for each in state.held:
            if each.place > after:
                break
            cause = Cause.TOMBSTONE if each.tombstone else Cause.FILLED if each.place == after else Cause.DUPLICATE
            effects.append(Emit(each.offset, cause))
            after = max(after, each.place + 1)
            count += 1
        return self._settled(state.held, replace(state, next=after, held=state.held[count:]), effects)

    def _early(self, state: SequenceState, number: int, event: Event) -> Step[SequenceState]:
        at = bisect_left(state.held, number, key=lambda each: each.place)
        again = any(each.place == number and not each.tombstone for each in state.held[at : at + 1])
        if again and self.policy.on_duplicate is OnDuplicate.DROP:
            return Step(state, (duplicate(self.policy, event.offset),))
        return self._hold(state, number, event)

    def _hold(self, state: SequenceState, number: int, event: Event) -> Step[SequenceState]:
        one = Held(number, event.offset, event.received, tombstone=event.place is None)
        held = [*state.held]
        insort(held, one, key=lambda each: (each.place, each.offset))
        after = replace(state, held=tuple(held))
        effects: list[Effect] = []
        if len(held) > self.policy.hold_at_most:
            after, effects = self._give_up(after, until=held[0].place, now=event.received, cause=Cause.FULL)
        if one in after.held:
            effects.insert(0, Hold(event.offset))
        return self._settled(state.held, after, effects)

    def _past(self, state: SequenceState, number: int, event: Event) -> Step[SequenceState]:
        reached = state.next
        if number < state.known_from:
            return Step(state, (late(self.policy, event.offset, place=number, reached=reached, forgotten=True),))
        run = next((run for run in state.skipped if run[0] <= number <= run[1]), None)
        if run is None:
            return Step(state, (duplicate(self.policy, event.offset),))
        left = ((run[0], number - 1), (number + 1, run[1]))
        skipped = sorted({*state.skipped, *(each for each in left if each[0] <= each[1])} - {run})
        effect = late(self.policy, event.offset, place=number, reached=reached)
        return Step(_remembering(state, skipped), (effect,))

    def _give_up(
        self, state: SequenceState, *, until: int, now: int, cause: Cause
    ) -> tuple[SequenceState, list[Effect]]:
        """Every gap before a number; with the first of what is held, only the first gap."""
        effects: list[Effect] = []
        skipped = [*state.skipped]
        after, count, missing = state.next, 0, ""
        for each in state.held:
            if each.place > after:
                if each.place > until:
                    break
                missing = str(after) if after == each.place - 1 else f"{after} to {each.place - 1}"
                skipped.append((after, each.place - 1))
            effects.append(in_vain(self.policy, each, missing=missing, now=now, cause=cause))
            after = max(after, each.place + 1)
            count += 1
        return replace(_remembering(state, skipped), next=after, held=state.held[count:]), effects

    def _settled(
        self, held: SequenceOf[Held[int]], after: SequenceState, effects: SequenceOf[Effect]
    ) -> Step[SequenceState]:
        """A key ends with a tombstone that leaves nothing held."""
        moved = timer(self.policy, held, after.held)
        ended = not after.held and isinstance(last := effects[-1], Emit) and last.cause is Cause.TOMBSTONE
        return Step(None if ended else after, (*effects, *moved))


def _remembering(state: SequenceState, skipped: SequenceOf[Run]) -> SequenceState:
    """With the newest of these runs."""
    forgotten = skipped[: max(0, len(skipped) - MOST_SKIPPED)]
    known_from = forgotten[-1][1] + 1 if forgotten else state.known_from
    return replace(state, known_from=known_from, skipped=tuple(skipped[len(forgotten) :]))
