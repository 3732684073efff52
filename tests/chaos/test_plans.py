"""Plans of strikes: repeatable, complete, and never two strikes at once on one target."""

from __future__ import annotations

from collections import Counter

import pytest

from chaos.plans import Kind, Strike, lasting, plan, read_plan

COUNTS = {Kind.KILL: 50, Kind.PAUSE: 20, Kind.LEAVE: 10, Kind.JOIN: 10, Kind.BROKER: 7, Kind.CONTROLLER: 3}
SEEDS = range(20)


def test_a_seed_makes_one_plan() -> None:
    """The same seed makes the same plan, and another seed another."""
    assert plan(7, COUNTS, workers=3, brokers=3) == plan(7, COUNTS, workers=3, brokers=3)
    assert plan(7, COUNTS, workers=3, brokers=3) != plan(8, COUNTS, workers=3, brokers=3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_has_all_that_was_asked_for(seed: int) -> None:
    """Each kind occurs as often as it was counted, in the order of time."""
    strikes = plan(seed, COUNTS, workers=3, brokers=3)
    assert Counter(strike.kind for strike in strikes) == COUNTS
    assert [strike.at for strike in strikes] == sorted(strike.at for strike in strikes)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_target_is_struck_once_at_a_time(seed: int) -> None:
    """No strike begins before the last one of the same target is over, and brokers count as one target."""
    over: dict[tuple[bool, int], float] = {}
    for strike in plan(seed, COUNTS, workers=3, brokers=3):
        target = (strike.kind.of_workers, strike.target if strike.kind.of_workers else 0)
        assert strike.at >= over.get(target, 0.0) - 0.005  # the time is rounded
        over[target] = strike.at + strike.lasts


@pytest.mark.parametrize("seed", SEEDS)
def test_somebody_always_stays(seed: int) -> None:
    """Who is away is neither struck nor leaves, only who is away joins, and not all are away."""
    away: set[int] = set()
    for strike in plan(seed, COUNTS, workers=3, brokers=3):
        if strike.kind is Kind.JOIN:
            away.remove(strike.target)
        elif strike.kind.of_workers:
            assert strike.target not in away
        if strike.kind is Kind.LEAVE:
            away.add(strike.target)
        assert len(away) < 3


def test_brokers_are_struck_one_after_the_other() -> None:
    """Each broker has its turn."""
    strikes = plan(3, {Kind.BROKER: 6}, workers=1, brokers=3)
    assert [(strike.target - strikes[0].target) % 3 for strike in strikes] == [0, 1, 2, 0, 1, 2]


def test_a_plan_can_be_kept_as_text() -> None:
    """What is written of a plan reads as the same plan, remarks aside."""
    strikes = plan(7, COUNTS | {Kind.CLOCK: 3, Kind.SLOW: 3}, workers=3, brokers=3)
    assert read_plan("# seed 7\n" + "\n".join(map(str, strikes))) == strikes


def test_a_plan_lasts_until_its_last_strike_is_over() -> None:
    """A long strike may outlast those that began after it."""
    assert lasting((Strike(1.0, Kind.PAUSE, 0, 9.0), Strike(2.0, Kind.KILL, 1, 0.5))) == 10.0
    assert lasting(()) == 0.0
