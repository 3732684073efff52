"""Order by the time that records carry: wait for what may be on its way, then go by time. Pure.

Nothing says that a record is missing, so each waits for `wait`, and whatever is older than it and comes meanwhile goes
before it:

    earlier than the last that was sent    its place was passed           → late
    the same time                          nothing can come before it     → sent at once
    later                                                                 → held

When a wait runs out, that record is sent, and before it all that is held of an earlier time, though their own waits have
not run out: sent later they would be late. Records of the same time go in the order of the log. A key that holds more than
`hold-at-most` sends the earliest. Two records of the same time are not each other's duplicates, so there are none here.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, replace

from router.order.effects import Cause, Effect, Emit, Event, Held, Hold, Step
from router.order.fates import late, timer
from router.order.policy import ByTime, OrderPolicy

__all__ = ["TimeResequencer", "TimeState"]


@dataclass(frozen=True, slots=True)
class TimeState:
    """What is remembered of a key."""

    sent: int | None
    """The time of the last that was sent in order; None where none was."""
    active: int
    """Where the log was at the key's last record, milliseconds since the epoch."""
    held: tuple[Held[int], ...] = ()
    """What waits, by time and offset."""


class TimeResequencer:
    """The transitions of a key; holds nothing itself."""

    def __init__(self, policy: OrderPolicy) -> None:
        assert isinstance(policy.kind, ByTime)
        self.policy = policy

    def arrive(self, state: TimeState | None, event: Event) -> Step[TimeState]:
        """A record of the key has come; its place is an instant, or None where it has no value."""
        if state is not None and not state.held and self.policy.forgets(state.active, event.log):
            state = None
        begun = TimeState(None, event.log) if state is None else replace(state, active=max(state.active, event.log))
        if event.place is None:
            if not begun.held:
                return Step(None, (Emit(event.offset, Cause.TOMBSTONE),))
            return self._hold(begun, begun.held[-1].place, event)
        assert isinstance(event.place, int)
        if begun.sent is not None and event.place < begun.sent:
            return Step(begun, (late(self.policy, event.offset, place=event.place, reached=begun.sent),))
        if event.place == begun.sent:
            return Step(begun, (Emit(event.offset, Cause.IN_ORDER),))
        return self._hold(begun, event.place, event)

    def expire(self, state: TimeState, now: int) -> Step[TimeState]:
        """The lane has read all that was in the log at this time: what has waited long enough waits no more."""
        ripe = [number for number, each in enumerate(state.held, 1) if each.since + self.policy.patience_ms <= now]
        if not ripe:
            return Step(state, timer(self.policy, (), state.held))
        # The timer that brought us here is gone.
        return self._release((), state, ripe[-1], Cause.WAITED)

    def _hold(self, state: TimeState, place: int, event: Event) -> Step[TimeState]:
        one = Held(place, event.offset, event.received, tombstone=event.place is None)
        held = [*state.held]
        insort(held, one, key=lambda each: (each.place, each.offset))
        after = replace(state, held=tuple(held))
        if len(held) <= self.policy.hold_at_most:
            return Step(after, (Hold(event.offset), *timer(self.policy, state.held, after.held)))
        step = self._release(state.held, after, 1, Cause.FULL)
        kept = () if held[0] is one else (Hold(event.offset),)
        return Step(step.state, (*kept, *step.effects))

    def _release(self, before: SequenceOf[Held[int]], state: TimeState, count: int, cause: Cause) -> Step[TimeState]:
        """The earliest ones. A key ends with a tombstone that leaves nothing held."""
        gone, left = state.held[:count], state.held[count:]
        effects: SequenceOf[Effect] = [Emit(each.offset, Cause.TOMBSTONE if each.tombstone else cause) for each in gone]
        moved = timer(self.policy, before, left)
        after = None if gone[-1].tombstone and not left else replace(state, sent=gone[-1].place, held=left)
        return Step(after, (*effects, *moved))
