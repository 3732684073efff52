"""What a terminal shows of a migration, and what JSON says."""

from dataclasses import replace

import pytest

from router.commands.migrate_showing import plan_json, show_plan, show_status, status_json
from router.migrations.conducting import Plan
from router.migrations.crossing import Natives
from router.migrations.phases import GroupState, Migration, MirrorState, Observation, Phase, Step

STEP = Step(Phase.MIRROR, 1_700_000_000_000, "ada", "to see it")
MOVING = Migration(name="order", source=1, target=2, generation=1, workers="shop", steps=(STEP,))
SPREADING = replace(MOVING, name="hot.order.v1", counts=(1, 8), by="murmur2")
PLAN = Plan(
    migration=MOVING, partitions=4, held=1_234, forth="v1 to v2", back="", makes=("order.v2",), readers=("refunds",),
    follows=True, named=(), obstacles=("it is too early",),
)  # fmt: skip
SEEN = Observation(
    at=1_700_000_100_000,
    mirrors=(MirrorState(topic="order.v1", partition=0, position=5, end=7, unread=True, natives=Natives(3, 4, 1)),),
    groups=(GroupState(group="refunds", topic="order.v1", members=2, behind=17, follows=True),),
    goes_back=True,
    places_kept="168 h",
)


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (PLAN, ["4 partitions, 1,234 offsets retained", "no: producers cannot move", "follow by themselves", "in the way: it is too early"]),
        (replace(PLAN, follows=False, named=("orders",)), ["orders read order.v1 by its name: write 'order'"]),
        (replace(PLAN, follows=False, makes=(), readers=()), ["read it nowhere", "nothing", "none that have committed"]),
        (replace(PLAN, migration=SPREADING), ["hot.order.v1.g2", "who writes it writes 'hot.order.v1.g2'"]),
        (replace(PLAN, migration=SPREADING, named=("orders",)), ["write 'hot.order.v1.g2' in their `sources:`"]),
    ],
)  # fmt: skip
def test_a_plan_says_what_would_be_done(
    plan: Plan, told: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what stands in its way."""
    monkeypatch.setenv("COLUMNS", "250")
    show_plan(plan)
    said = capsys.readouterr().out
    assert [each for each in told if each not in said] == []


def test_a_state_says_who_holds_it_up(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitions, groups, what is wrong, and what the next step waits for."""
    monkeypatch.setenv("COLUMNS", "250")
    show_status(replace(MOVING, sunset="2030-01-01T00:00:00Z"), replace(SEEN, goes_back=False))
    said = capsys.readouterr().out
    for told in ("by ada: to see it", "2030-01-01", "refunds", "follows by itself", "expire 168 h", "held up:"):
        assert told in said
    show_status(MOVING, None)
    assert "refunds" not in capsys.readouterr().out


def test_programs_are_told_the_same() -> None:
    """As JSON."""
    assert plan_json(PLAN)["obstacles"] == ["it is too early"]
    told = status_json(SPREADING, SEEN)
    assert (told["partitions"], told["by"], told["moved"]) == ([1, 8], "murmur2", [])
    assert told["groups"] == [{"group": "refunds", "topic": "order.v1", "members": 2, "behind": 17, "follows": True}]
    assert list(told["next"]) == ["flip"]
    assert "mirrors" not in status_json(MOVING, None)
