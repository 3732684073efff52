"""A little of everything that happens to workers, brokers and networks; then the books must balance.

`make proof` has the full size (test_full_size.py), and shows that broken builds are noticed (test_broken_builds.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chaos.plans import Kind, plan
from chaos.running import run
from chaos.scenario import Scenario

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.process, pytest.mark.kafka, pytest.mark.timeout(300)]

SEED = 20_160_904


def test_each_record_arrives_exactly_once_whatever_is_struck(unique: str, tmp_path: Path) -> None:
    """Workers are killed, paused beyond their session, and leave and join; one of three brokers dies; a network is cut."""
    strikes = plan(
        SEED,
        {Kind.KILL: 2, Kind.PAUSE: 1, Kind.LEAVE: 1, Kind.JOIN: 1, Kind.CONTROLLER: 1, Kind.CUT: 1, Kind.SILENT: 1},
        workers=3,
        brokers=3,
        every=(1.0, 3.0),
        lasts={Kind.PAUSE: (3.0, 4.0), Kind.SILENT: (2.5, 3.0)},
    )
    scenario = Scenario(
        name="a little of everything",
        seed=SEED,
        strikes=strikes,
        records=30_000,
        brokers=3,
        behind_proxy=frozenset({0}),
        settings={"fetch_records": "200"},
        routed_within=60,
    )
    assert run(scenario, home=tmp_path, word=unique).faults == []


def test_without_transactions_records_may_come_twice_and_are_never_missing_or_out_of_order(
    unique: str, tmp_path: Path
) -> None:
    """At-least-once, under kills, a pause and a broker that dies."""
    scenario = Scenario(
        name="at least once",
        seed=SEED,
        strikes=plan(SEED, {Kind.KILL: 3, Kind.PAUSE: 1, Kind.BROKER: 1}, workers=2, every=(1.0, 3.0)),
        records=15_000,
        workers=2,
        guarantee="at_least_once",
        settings={"fetch_records": "50"},
        routed_within=60,
    )
    assert run(scenario, home=tmp_path, word=unique).faults == []
