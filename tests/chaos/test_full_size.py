"""The full size: a million records and fifty kills, brokers, networks, disks and clocks. `make proof` runs it.

`CHAOS_SEED=8 make proof` makes other plans. What a run did, and its books, are printed and kept in docs/proof/exactly-once.md;
of one that fails, var/proof/ keeps the plan, what happened when, all logs, and the offending records with their neighbours.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.clock import why_no_clock

from chaos.field import why_no_small_disk
from chaos.plans import Kind, plan
from chaos.running import run
from chaos.scenario import HEAD, Scenario, report

if TYPE_CHECKING:
    from pathlib import Path

    from support.proof import Proof

pytestmark = [pytest.mark.process, pytest.mark.kafka, pytest.mark.proof, pytest.mark.timeout(1_500)]

SEED = int(os.environ.get("CHAOS_SEED", "20160904"))
SCENARIOS = {
    "workers": Scenario(
        name="workers",
        seed=SEED,
        strikes=plan(
            SEED, {Kind.KILL: 50, Kind.PAUSE: 20, Kind.LEAVE: 10, Kind.JOIN: 10}, workers=3, every=(0.8, 3.2)
        ),
        records=1_000_000,
        partitions=6,
    ),
    "brokers": Scenario(
        name="brokers",
        seed=SEED,
        strikes=plan(
            SEED, {Kind.BROKER: 7, Kind.CONTROLLER: 3, Kind.FREEZE: 3, Kind.KILL: 3}, workers=3, brokers=3,
            every=(1.0, 4.0),
        ),
        records=200_000,
        brokers=3,
    ),
    "network": Scenario(
        name="network",
        seed=SEED,
        strikes=plan(
            SEED, {Kind.CUT: 5, Kind.SILENT: 5, Kind.DEAF: 4, Kind.SLOW: 4, Kind.BREAKING: 4, Kind.PAUSE: 2},
            workers=3, brokers=3, every=(0.5, 2.5),
        ),
        records=200_000,
        brokers=3,
        behind_proxy=frozenset({0, 1}),
    ),
    "disk of one of three": Scenario(
        name="disk of one of three",
        seed=SEED,
        strikes=plan(SEED, {Kind.DISK: 2, Kind.KILL: 2}, workers=2, brokers=3, every=(3.0, 6.0)),
        records=100_000,
        workers=2,
        brokers=3,
    ),
    "disk of the only broker": Scenario(
        name="disk of the only broker",
        seed=SEED,
        strikes=plan(SEED, {Kind.DISK: 2, Kind.KILL: 2}, workers=2, every=(3.0, 6.0)),
        records=60_000,
        workers=2,
    ),
    "clocks": Scenario(
        name="clocks",
        seed=SEED,
        strikes=plan(
            SEED, {Kind.CLOCK: 8, Kind.BROKER_CLOCK: 6, Kind.KILL: 3, Kind.PAUSE: 2}, workers=2, every=(0.5, 3.0)
        ),
        records=100_000,
        workers=2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_record_arrives_exactly_once(name: str, unique: str, tmp_path: Path, proof: Proof) -> None:
    """Whatever happens to workers, brokers, networks, disks or clocks."""
    scenario = SCENARIOS[name]
    kinds = {strike.kind for strike in scenario.strikes}
    why_not = (why_no_small_disk(tmp_path) if Kind.DISK in kinds else "") or (
        why_no_clock() if kinds & {Kind.CLOCK, Kind.BROKER_CLOCK} else ""
    )
    if why_not:
        pytest.skip(why_not)
    outcome = run(scenario, home=tmp_path, word=unique)
    proof.section("exactly-once", HEAD, name, report(outcome))
    assert outcome.faults == []
