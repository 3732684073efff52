"""Progress: whether a worker moves while it has something to do. Pure.

What must move is a `Subject`: a lane, the loop that fetches for all lanes, the event loop itself. It moves when its mark
changes. One that owes nothing need not move: it has nothing to do, or waits for something outside that is known and shown (a
missing destination, a broker that is away), which no restart would bring back.

Time runs only while somebody looks. A process that was stopped in its tracks, or a machine that slept, comes back without
having stood still: between two looks at most `LONGEST_LOOK` counts.

          moves, or owes nothing
        ┌────────────────────────┐
        ▼                        │
    MOVING ── half the limit ──► STILL ── the whole limit ──► over: the worker ends itself
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["LONGEST_LOOK", "Progress", "Stall", "Subject"]

LONGEST_LOOK = 3.0
"""Seconds that count at most between two looks, which are a second apart unless something is wrong with whoever looks."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that must move while it owes work."""

    name: str
    mark: object
    """What changes when it moves."""
    owes: bool
    """It has something to do, and waits for nothing that is known."""
    allowance: float = 0.0
    """Seconds that it may take beyond the limit."""


@dataclass(frozen=True, slots=True)
class Stall:
    """What does not move."""

    subjects: tuple[str, ...]
    """Those that have stood still for half of their time or longer."""
    seconds: float
    """For how long that one has which is nearest to its limit."""
    limit: float
    """How long that one may."""

    @property
    def over(self) -> bool:
        """Its time has run out."""
        return self.seconds >= self.limit

    def __str__(self) -> str:
        return f"{', '.join(self.subjects)} did not move in {self.seconds:.0f} s, in spite of work to do"


class Progress:
    """Remembers since when each subject has stood still."""

    def __init__(self, limit: float) -> None:
        """`limit` is the time in seconds after which what stands still is taken for hung."""
        self._limit = limit
        self._still: dict[str, tuple[object, float]] = {}
        self._looked: float | None = None

    def look(self, subjects: Iterable[Subject], now: float) -> Stall | None:
        """What stands still, in order of name; None while nothing does. `now` is in seconds of a monotonic clock."""
        passed = 0.0 if self._looked is None else min(max(0.0, now - self._looked), LONGEST_LOOK)
        self._looked = now
        before, self._still = self._still, {}
        stalls = []
        for subject in subjects:
            mark, still = before.get(subject.name, (subject.mark, 0.0))
            still = still + passed if subject.owes and mark == subject.mark else 0.0
            self._still[subject.name] = (subject.mark, still)
            limit = self._limit + subject.allowance
            if still >= limit / 2:
                stalls.append((still / limit, still, limit, subject.name))
        if not stalls:
            return None
        _, seconds, limit, _ = max(stalls)
        return Stall(tuple(sorted(name for *_, name in stalls)), seconds, limit)
