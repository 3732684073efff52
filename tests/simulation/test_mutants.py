"""The simulation can fail: without any one of the cures, some promise is broken soon, and the run says how."""

from __future__ import annotations

import pytest

from simulation.mutants import MUTANTS, Mutant
from simulation.run import Outcome, play
from simulation.shrinking import shrunk, told

WITHIN = 1000
"""Seeds within which each must be caught: as many as every test run plays."""


def caught(mutant: Mutant) -> Outcome:
    """The first run in which it breaks a promise."""
    for seed in range(WITHIN):
        outcome = play(mutant.scenario(seed), mutant.build)
        if outcome.failed:
            return outcome
    pytest.fail(f"{WITHIN} seeds go well without this cure: {mutant.without}")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_missing_cure_is_noticed(mutant: Mutant) -> None:
    """A run fails with the mutant, and goes well with the real thing."""
    outcome = caught(mutant)
    assert not play(outcome.scenario).failed


def test_a_failure_is_shrunk_to_a_story() -> None:
    """Of a worker that woke up and committed what another had committed meanwhile, little more is left than just that."""
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "an id a worker")
    smallest = shrunk(caught(mutant), mutant.build)
    assert len(smallest.scenario.faults) <= 2
    assert len(smallest.scenario.published) <= 3
    story = told(smallest)
    assert story.index("2 copies of orders.v1/") < story.index("the story:") < story.index("FAULT")
    assert story.count("is committed") >= 2
