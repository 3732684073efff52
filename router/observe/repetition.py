"""How often one line may be said: once an interval, with a count of what was left out. Pure; the time is an argument.

A client that cannot reach its broker says so hundreds of times a second. The first line tells all that there is to know; the
rest hide everything else. The first of a kind passes at once, its repetitions within the interval are counted, and the next
one that passes carries the count. If none comes, `overdue` hands out what is still untold.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Repetition", "Untold"]

Line = TypeVar("Line")


@dataclass(slots=True)
class _Said(Generic[Line]):
    at: float
    suppressed: int
    last: Line | None


@dataclass(frozen=True, slots=True)
class Untold(Generic[Line]):
    """Lines of one kind that were suppressed and never followed by one that passed."""

    last: Line
    count: int


class Repetition(Generic[Line]):
    """What was said lately. It remembers a kind for one interval, so it stays as small as one interval's kinds."""

    def __init__(self, interval: float = 1.0) -> None:
        self._interval = interval
        """Seconds."""
        self._said: dict[Hashable, _Said[Line]] = {}
        self._looked = float("-inf")

    def admit(self, kind: Hashable, line: Line, now: float) -> int | None:
        """Whether a line of this kind may be said at this time (seconds): how many were suppressed before it, or None."""
        said = self._said.get(kind)
        if said is None or not 0 <= now - said.at < self._interval:
            self._said[kind] = _Said(now, 0, None)
            return said.suppressed if said else 0
        said.suppressed += 1
        said.last = line
        return None

    def overdue(self, now: float) -> list[Untold[Line]]:
        """What was suppressed and has waited for an interval to be told; each is handed out once."""
        if 0 <= now - self._looked < self._interval:
            return []
        self._looked = now
        old = [kind for kind, said in self._said.items() if not 0 <= now - said.at < self._interval]
        return self._untold(old)

    def drain(self) -> list[Untold[Line]]:
        """All that is still untold, when no more is to come."""
        return self._untold(list(self._said))

    def _untold(self, kinds: list[Hashable]) -> list[Untold[Line]]:
        gone = [self._said.pop(kind) for kind in kinds]
        return [Untold(said.last, said.suppressed) for said in gone if said.last is not None]
