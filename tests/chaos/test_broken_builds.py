"""A build that lacks a cure is caught: the books of the same run balance with the cure, and do not without it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.broken import BUILDS
from chaos.plans import Kind, Strike, plan
from chaos.running import run
from chaos.scenario import HEAD, Outcome, Scenario

if TYPE_CHECKING:
    from pathlib import Path

    from support.proof import Proof

pytestmark = [pytest.mark.process, pytest.mark.kafka, pytest.mark.timeout(300)]

SEED = 7

SHRINKING = Scenario(
    name="a destination that takes small batches only",
    seed=SEED,
    strikes=(Strike(1.0, Kind.SHRINK, 0, 4.0), Strike(8.0, Kind.SHRINK, 0, 0.1)),
    records=8_000,
    workers=2,
    routed_within=25,
)
PAUSES = Scenario(
    name="pauses beyond the session",
    seed=SEED,
    strikes=tuple(Strike(2.0 + 6.0 * number, Kind.PAUSE, number % 2, 3.5 + 0.2 * number) for number in range(4)),
    records=30_000,
    workers=2,
    environ={"TROUBLE": "dawdle"},
    settings={"fetch_records": "100"},
    routed_within=60,
)
KILLS = Scenario(
    name="kills",
    seed=SEED,
    strikes=plan(SEED, {Kind.KILL: 6}, workers=2, every=(1.5, 3.0)),
    records=20_000,
    workers=2,
    routed_within=40,
)
RAISES = Scenario(
    name="an agent that raises",
    seed=SEED,
    strikes=(Strike(10.0, Kind.PAUSE, 0, 0.1),),
    records=10_000,
    workers=1,
    environ={"TROUBLE": "raise"},
    settings={"fetch_records": "50"},
    routed_within=60,
)
ABORTED = Scenario(
    name="producers that abort", seed=SEED, strikes=(), records=4_000, workers=1, aborted=True, fed_first=True,
    routed_within=30,
)  # fmt: skip
LATE = Scenario(
    name="a destination that is created late", seed=SEED, strikes=(), records=4_000, workers=1, late=("red",),
    fed_first=True, routed_within=30,
)  # fmt: skip

# The trouble, the guarantee, the cure that is taken out, and what then shows.
CAUGHT = {
    "believes-the-commit": (SHRINKING, "exactly_once", "missing"),
    "commits-early": (SHRINKING, "at_least_once", "missing"),
    "commits-past-an-error": (SHRINKING, "exactly_once", "missing"),
    "keeps-its-carrier": (SHRINKING, "exactly_once", "stuck"),
    "stays-down": (SHRINKING, "exactly_once", "stuck"),
    "one-id-a-worker": (PAUSES, "exactly_once", "doubled"),
    "offsets-apart": (KILLS, "exactly_once", "doubled"),
    "reads-uncommitted": (ABORTED, "exactly_once", "strangers"),
    "no-continuity": (RAISES, "exactly_once", "missing"),
    "stays-where-it-is": (LATE, "exactly_once", "stuck"),
}
QUICK = {"reads-uncommitted"}


def shown(outcome: Outcome) -> set[str]:
    """Which of the promises an outcome breaks."""
    numbers = {name for name in ("missing", "doubled", "strangers", "disorder", "changed") if outcome.total(name)}
    return numbers | {"stuck" for _ in filter(None, [outcome.stuck])} | {"crashed" for _ in outcome.crashes[:1]}


def rows(names: object) -> list[object]:
    """A row a build; all but the quick ones are proofs."""
    return [pytest.param(name, id=name, marks=() if name in QUICK else pytest.mark.proof) for name in names]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", rows(CAUGHT))
def test_a_build_without_the_cure_is_caught(name: str, kafka: str, unique: str, tmp_path: Path, proof: Proof) -> None:
    """What the missing cure was for is what the books show."""
    scenario, guarantee, symptom = CAUGHT[name]
    broken = replace(
        scenario,
        name=f"{name}, {scenario.name}",
        guarantee=guarantee,
        app="tests.chaos.broken",
        environ={**scenario.environ, "BROKEN": name},
    )
    outcome = run(broken, home=tmp_path, word=unique, kafka=kafka, expected=False)
    assert symptom in shown(outcome)
    if name not in QUICK:
        cure = (BUILDS[name].__doc__ or "").strip()
        told = f"A build that lacks a cure. {cure}\n\nCaught under {scenario.name}, {guarantee}: {'; '.join(outcome.faults)}."
        proof.section("exactly-once", HEAD, name, told)


WHOLE = {(scenario.name, guarantee): scenario for scenario, guarantee, _ in CAUGHT.values()}


@pytest.mark.proof
@pytest.mark.parametrize(("trouble", "guarantee"), [pytest.param(*key, id=", ".join(key)) for key in WHOLE])
def test_the_whole_build_survives_the_same(
    trouble: str, guarantee: str, kafka: str, unique: str, tmp_path: Path
) -> None:
    """So that it is the missing cure that is caught, and not the trouble."""
    scenario = replace(WHOLE[trouble, guarantee], guarantee=guarantee, app="tests.chaos.broken")
    assert run(scenario, home=tmp_path, word=unique, kafka=kafka).faults == []


def test_every_broken_build_has_its_row() -> None:
    """A cure that can be taken out is looked at."""
    assert set(BUILDS) == set(CAUGHT)
