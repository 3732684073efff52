"""From a run that failed to the smallest that still does, and to a story that somebody can read.

Whatever is left out, the rest is drawn anew: so a smaller run may go well where the whole one did not, and is then not taken,
but tried with other seeds where nothing smaller fails with its own. What is looked for is a failure, not the same failure: the smallest says most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import TypeVar

from simulation.run import Outcome, play
from simulation.scenario import Scenario
from simulation.worker import Build

__all__ = ["shrunk", "told"]

_T = TypeVar("_T")

_SEEDS = 8
"""How many are tried for each smaller run."""
_FEW = 6


def shrunk(outcome: Outcome, build: Build | None = None, *, most_runs: int = 300) -> Outcome:
    """A smaller run that fails, as small as so many tries find."""
    runs = 0
    smaller = True
    while smaller and runs < most_runs:
        smaller = False
        for scenario in _with_other_seeds(outcome.scenario):
            if runs >= most_runs:
                break
            runs += 1
            tried = play(scenario, build)
            if tried.failed:
                outcome, smaller = tried, True
                break
    return outcome


def _with_other_seeds(scenario: Scenario) -> Iterator[Scenario]:
    """Smaller ones with its own seed, then with others."""
    for seed in range(scenario.seed, scenario.seed + _SEEDS):
        yield from (replace(smaller, seed=seed) for smaller in _smaller(scenario))


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Scenarios with a little less in them, those with much less first."""
    yield from _without(len(scenario.faults), lambda kept: replace(scenario, faults=_at(scenario.faults, kept)))
    records = scenario.published
    yield from _without(len(records), lambda kept: replace(scenario, published=_at(records, kept)))
    if scenario.shuffled:
        yield replace(scenario, shuffled=0)
    if scenario.fetch_records < 500:
        yield replace(scenario, fetch_records=500)
    if scenario.workers > 1 and all(getattr(fault, "worker", 0) < scenario.workers - 1 for fault in scenario.faults):
        yield replace(scenario, workers=scenario.workers - 1)
    if scenario.partitions > 1 and all(each.partition < scenario.partitions - 1 for each in records):
        yield replace(scenario, partitions=scenario.partitions - 1)


def _without(count: int, kept: Callable[[list[int]], Scenario]) -> Iterator[Scenario]:
    """Without one half, one quarter … one thing at a time, and of few things without any two."""
    size = count
    while size >= 1:
        for begin in range(0, count, size):
            left = [index for index in range(count) if not begin <= index < begin + size]
            yield kept(left)
        size //= 2
    if count <= _FEW:
        yield from map(kept, map(list, combinations(range(count), max(0, count - 2))))


def _at(things: tuple[_T, ...], places: list[int]) -> tuple[_T, ...]:
    return tuple(things[place] for place in places)


def told(outcome: Outcome) -> str:
    """What happened, in order, in words."""
    faults = [f"    {fault}" for fault in outcome.scenario.faults] or ["    none"]
    problems = [f"    {problem}" for problem in outcome.problems[:10]]
    return "\n".join(
        [str(outcome.scenario), "faults:", *faults, "what came of it:", *problems, "the story:", *outcome.story.lines()]
    )
