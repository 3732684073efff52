"""Real lanes on a modelled Kafka, a thousand times over: whatever goes wrong, what was promised is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from multiprocessing import get_context

import pytest
from support.proof import ROOT, Proof

from simulation import faults
from simulation.run import play
from simulation.scenario import scenario_of
from simulation.seeds import Tally, runs
from simulation.shrinking import shrunk, told

SEEDS = 1000
AT_A_TIME = 100
PROOF_SEEDS = 100_000
PROOF_AT_A_TIME = 500


@pytest.mark.parametrize("first", range(0, SEEDS, AT_A_TIME), ids="seeds from {}".format)
def test_promises_are_kept_whatever_goes_wrong(first: int) -> None:
    """Each copy is there, in order, once where that is promised, and no offset passes over one; else the story is told."""
    tally = runs(first, AT_A_TIME)
    if tally.failed:
        smallest = shrunk(play(scenario_of(tally.failed[0])))
        pytest.fail(f"seeds {tally.failed}; made as small as possible:\n{told(smallest)}", pytrace=False)


def test_everything_that_can_go_wrong_does() -> None:
    """A few hundred runs have every kind of fault, and lanes meet with every error that faults can lead to."""
    tally = Tally()
    kinds = {name for name in faults.__all__ if name != "Fault"}
    reasons = {"fenced", "gap", "delivery-refused", "delivery-failed", "destination-unavailable", "broker-unavailable"}
    reasons |= {"commit-failed", "offset-out-of-range"}
    for first in range(5000, 5400, 50):
        tally.add(runs(first, 50))
        if kinds <= tally.faults.keys() and reasons <= tally.errors.keys():
            return
    assert (kinds - tally.faults.keys(), reasons - tally.errors.keys()) == (set(), set())


def test_a_run_can_be_repeated() -> None:
    """The same seed tells the same story in another process, whose sets and hashes have another order."""
    program = (
        "from simulation.run import play\nfrom simulation.scenario import scenario_of\n"
        "for seed in range(30): print(play(scenario_of(seed)).story)"
    )
    stories = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": hashes, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    }
    assert len(stories) == 1
    assert "committed" in stories.pop()


@pytest.mark.proof
def test_promises_are_kept_a_hundred_thousand_times(proof: Proof) -> None:
    """The same at full size."""
    tally = Tally()
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        for part in processes.map(runs, range(0, PROOF_SEEDS, PROOF_AT_A_TIME), repeat(PROOF_AT_A_TIME)):
            tally.add(part)
            print(f"{tally.runs:,} runs, {len(tally.failed)} failed", flush=True)
            # Whoever ends it after an hour has an hour's worth.
            proof.write("simulation", _page(tally))
    if tally.failed:
        smallest = shrunk(play(scenario_of(tally.failed[0])))
        pytest.fail(f"seeds {tally.failed}; made as small as possible:\n{told(smallest)}", pytrace=False)


def _page(tally: Tally) -> str:
    table = partial("\n".join)
    count = "{:,}".format
    kept = "In all of them" if not tally.failed else f"In all but {len(tally.failed)} ({tally.failed[:20]})"
    fault_rows = table(f"| {kind} | {count(times)} |" for kind, times in tally.faults.most_common())
    error_rows = table(f"| {reason} | {count(times)} |" for reason, times in tally.errors.most_common())
    return f"""{count(tally.runs)} runs of whole workers on a modelled Kafka (tests/simulation), {count(tally.exactly_once)} of them exactly
once, the others at least once: {count(tally.copies)} copies written, {count(tally.commits)} commits, {count(round(tally.seconds / 3600))} hours by their
own clocks in {count(tally.steps)} steps, each chosen by lot. {kept}, every copy was there, in the source's order, exactly
once where that was promised, with no offset that passed over a copy, no transaction left open and no lane standing still.

| what went wrong | times |
|---|---|
{fault_rows}

| what lanes stopped for | times |
|---|---|
{error_rows}"""
