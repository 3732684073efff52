"""A key's steps on what the table keeps of it: bytes in, bytes out. Pure.

Nearly every record is in order, and its key holds nothing. For these there is a short cut, `in_order`, which reads and
writes the few bytes that change and makes no other value. It gives exactly what the long way, `arrive`, would; where it
cannot, it gives nothing, and the long way is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from router.order.effects import Cause, Effect, Emit, Event
from router.order.policy import OrderPolicy, Sequence, States
from router.order.resequencer import KeyState, Resequencer, abandon, fits, new_resequencer
from router.order.stored import (
    SEQUENCE_HEAD,
    SEQUENCE_TAG,
    STATES_HEAD,
    STATES_TAG,
    decode_state,
    encode_state,
)

__all__ = ["InOrder", "KeySteps"]

InOrder = Callable[[bytes | None, Any, int], bytes | None]
"""(the state as it is stored, the place of what has come, where the log is) → the new state where that is simply next:
then the record is to be sent at once, and nothing else is to be done. None: nothing is said, ask `arrive`."""

_FOREVER = 2**64


class KeySteps:
    """The steps of one exchange's keys."""

    def __init__(self, policy: OrderPolicy, *, memory: int = 65_536) -> None:
        """`memory` bounds what is remembered of paths through states; it changes no answer."""
        self.policy = policy
        self._memory = memory
        self.resequencer: Resequencer[Any] = new_resequencer(policy)
        self.in_order: InOrder = self._short_cut()
        """An attribute, not a method, because it runs once a record."""

    def arrive(self, stored: bytes | None, event: Event) -> tuple[bytes | None, tuple[Effect, ...]]:
        """A record has come. Gives what to store, None for nothing, and what else to do. Raises UnreadableState."""
        state, before = self._state(stored)
        step = self.resequencer.arrive(state, event)
        return _encoded(step.state), (*before, *step.effects)

    def expire(self, stored: bytes, now: int) -> tuple[bytes | None, tuple[Effect, ...]]:
        """The lane has read all that was in the log at this time: gives what `arrive` does. Raises UnreadableState."""
        state, effects = self._state(stored)
        if state is None:
            return None, effects
        step = self.resequencer.expire(state, now)
        return _encoded(step.state), step.effects

    def _state(self, stored: bytes | None) -> tuple[KeyState | None, tuple[Effect, ...]]:
        """What is remembered; where that is of another kind of order than routes ask for by now, an end is put to it."""
        state = None if stored is None else decode_state(stored)
        if state is None or fits(state, self.policy):
            return state, ()
        return None, abandon(state).effects

    def _short_cut(self) -> InOrder:
        match self.policy.kind:
            case Sequence(start=start):
                return _sequence(start, self._forget_after)
            case States():
                return self._states()
            case _:
                return lambda stored, place, log: None  # noqa: ARG005 # by time, everything is held

    @property
    def _forget_after(self) -> int:
        return _FOREVER if self.policy.forget_after_ms is None else self.policy.forget_after_ms

    def _states(self) -> InOrder:
        """A key's path is one of few, so what a state makes of it is remembered."""
        memory: dict[tuple[bytes | None, str], bytes] = {}
        forget_after, size, most = self._forget_after, STATES_HEAD.size, self._memory
        pack, unpack = STATES_HEAD.pack, STATES_HEAD.unpack_from

        def in_order(stored: bytes | None, place: str, log: int) -> bytes | None:
            path = None
            if stored is not None:
                if len(stored) < size:
                    return None
                tag, active = unpack(stored)
                if tag != STATES_TAG or log - active >= forget_after:
                    return None
                log = max(log, active)
                path = stored[size:]
            after = memory.get((path, place))
            if after is None:
                after = self._path_after(stored, place)
                if after is None:
                    return None
                if len(memory) >= most:
                    memory.clear()
                memory[path, place] = after
            return pack(STATES_TAG, log) + after

        return in_order

    def _path_after(self, stored: bytes | None, place: str) -> bytes | None:
        state = None if stored is None else decode_state(stored)
        step = self.resequencer.arrive(None if state is None else replace(state, active=0), Event(place, 0, 0, 0))
        if step.state is None or step.effects != (Emit(0, Cause.IN_ORDER),):
            return None
        return encode_state(step.state)[STATES_HEAD.size :]


def _sequence(start: int | None, forget_after: int) -> InOrder:
    size, tagged = SEQUENCE_HEAD.size, SEQUENCE_TAG
    pack, unpack = SEQUENCE_HEAD.pack, SEQUENCE_HEAD.unpack_from

    def in_order(stored: bytes | None, place: int, log: int) -> bytes | None:
        if stored is None:
            return pack(tagged, log, place + 1) if place == start else None
        length = len(stored)
        if length < size:
            return None
        tag, active, due = unpack(stored)
        if due != place or tag != tagged or log - active >= forget_after:
            return None
        log = max(log, active)
        return pack(tagged, log, place + 1) if length == size else pack(tagged, log, place + 1) + stored[size:]

    return in_order


def _encoded(state: KeyState | None) -> bytes | None:
    return None if state is None else encode_state(state)
