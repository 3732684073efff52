"""Many runs, and what they come to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from simulation.run import play
from simulation.scenario import scenario_of

__all__ = ["Tally", "runs"]


@dataclass(slots=True)
class Tally:
    """What so many runs came to."""

    runs: int = 0
    failed: list[int] = field(default_factory=list)
    """The seeds of those in which a promise was not kept."""
    exactly_once: int = 0
    seconds: float = 0.0
    """By the runs' own clocks."""
    steps: int = 0
    copies: int = 0
    commits: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    """By kind."""
    errors: Counter[str] = field(default_factory=Counter)
    """What lanes stopped for, by reason."""

    def add(self, other: Tally) -> None:
        """Take another's figures in."""
        self.runs += other.runs
        self.failed += other.failed
        self.exactly_once += other.exactly_once
        self.seconds += other.seconds
        self.steps += other.steps
        self.copies += other.copies
        self.commits += other.commits
        self.faults += other.faults
        self.errors += other.errors


def runs(first: int, count: int) -> Tally:
    """Play so many seeds."""
    tally = Tally()
    for seed in range(first, first + count):
        outcome = play(scenario_of(seed))
        scenario = outcome.scenario
        tally.add(
            Tally(
                1,
                [seed] if outcome.failed else [],
                int(scenario.exactly_once),
                outcome.seconds,
                outcome.steps,
                outcome.copies,
                outcome.commits,
                Counter(type(fault).__name__ for fault in scenario.faults),
                Counter(outcome.errors),
            )
        )
    return tally
