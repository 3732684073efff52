"""Driving one key by hand: what comes when, and what becomes of each record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from router.order.effects import Arm, Cancel, DeadLetter, Drop, Effect, Emit, Event, Hold
from router.order.policy import ByTime, OnDuplicate, OnGap, OnLate, OrderPolicy, Sequence, States
from router.order.resequencer import Resequencer, new_resequencer
from router.order.stored import decode_state, encode_state

WAIT = 100
SHOP = {"created": ("paid", "canceled"), "paid": ("shipped", "refunded"), "shipped": ("delivered",)}


def policy(kind: Sequence | ByTime | States | None = None, **more: Any) -> OrderPolicy:
    """Return a policy with a wait of 100 ms, by sequence where nothing else is said."""
    return OrderPolicy(by="id", kind=kind or Sequence("n"), **{"wait_ms": WAIT, **more})


def words(effects: Iterable[Effect]) -> list[str]:
    """Return effects as a table states them: `emit 3 filled`."""
    return [_word(each) for each in effects]


def _word(effect: Effect) -> str:
    match effect:
        case Emit(offset, cause) | Drop(offset, cause):
            return f"{'emit' if isinstance(effect, Emit) else 'drop'} {offset} {cause}"
        case DeadLetter(offset, error):
            return f"dead {offset} {error.reason}"
        case Hold(offset):
            return f"hold {offset}"
        case Arm(at):
            return f"arm {at}"
        case Cancel():
            return "cancel"


@dataclass
class Key:
    """One key, whose records are numbered by their coming: the first has offset 1."""

    policy: OrderPolicy
    restarts: bool = True
    """Its state goes through bytes after every step."""
    state: Any = None
    now: int = 0
    log: int = 0
    offset: int = 0
    effects: list[Effect] = field(default_factory=list)
    """All that there were."""

    def __post_init__(self) -> None:
        """Compile the policy."""
        self.steps: Resequencer[Any] = new_resequencer(self.policy)

    def comes(self, *places: int | str | None) -> list[str]:
        """Let records come, and return what becomes of them."""
        told: list[str] = []
        for place in places:
            self.offset += 1
            told += self._take(self.steps.arrive(self.state, Event(place, self.offset, self.now, self.log)))
        return told

    def passes(self, milliseconds: int) -> list[str]:
        """Let time pass, which the lane has read up to, and return what becomes of what was held."""
        self.now += milliseconds
        return [] if self.state is None else self._take(self.steps.expire(self.state, self.now))

    def _take(self, step: Any) -> list[str]:
        self.state = step.state
        if self.restarts and self.state is not None:
            self.state = decode_state(encode_state(self.state))
            assert self.state == step.state
        self.effects += step.effects
        return words(step.effects)

    @property
    def sent(self) -> list[int]:
        """The offsets of what was sent, in order."""
        return [each.offset for each in self.effects if isinstance(each, Emit)]

    @property
    def fates(self) -> list[tuple[int, str]]:
        """The offset of each record that has left, in order, and how."""
        return [(one.offset, _word(one)) for one in self.effects if isinstance(one, Emit | DeadLetter | Drop)]


__all__ = ["SHOP", "WAIT", "Key", "OnDuplicate", "OnGap", "OnLate", "policy", "words"]
