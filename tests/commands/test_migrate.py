"""`router migrate`: what it says and asks, on a real Kafka; tests/acceptance has it with mirrors and workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.migrating import MigratingStage

from router.commands.migrate import migrate

pytestmark = pytest.mark.kafka

ROUTES = """
version: 1
team: painters
exchanges:
  events: {type: fanout, sources: [@event.v1]}
topics:
  @all.event.v1: {from: [{exchange: events}]}
"""


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[MigratingStage]:
    """Return one with v1 alone, of two partitions, and a record in it."""
    stage = MigratingStage(bootstrap=kafka, word=unique, home=tmp_path)
    stage.versions().routes(painters=ROUTES)
    stage.create("@event.v1", partitions=2)
    stage.topics.produce([{"topic": stage.name("@event.v1"), "partition": 0, "value": b"\x02\x00\x00"}])
    yield stage
    stage.end()


def run(stage: MigratingStage, *arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(migrate, arguments, env=stage.environ, input=said)


def test_a_plan_says_everything_and_does_nothing(stage: MigratingStage) -> None:
    """What is converted, made and read, and which exchanges name the topic itself."""
    said = stage.migrate("plan")
    name = stage.name("@event")
    for part in (
        f"{name}.v1: 2 partitions, 1 offsets retained", f"{name}.v2", "v1_to_v2.yaml", "v2_to_v1.yaml",
        "none that have committed", f"events read {name}.v1 by its name: write '{name}' in their `sources:`",
    ):  # fmt: skip
        assert part in " ".join(said.split())
    assert '"obstacles": []' in stage.migrate("plan", "--json")
    assert "there is no migration" in run(stage, "status", name).output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("plan", "@event", "--from", "v7"), "the catalogue has no v7 of it", id="no such version"),
        pytest.param(("plan", "@nothing"), "there is no topic", id="no such topic"),
        pytest.param(("plan", "@event", "--from", "first"), "'first' is no version: write v2", id="no number"),
        pytest.param(("plan", "@event", "--from", "v0"), "'v0' is no version", id="none that there is"),
        pytest.param(("flip", "@event", "--sunset", "soon"), "--sunset soon is no date", id="no date"),
        pytest.param(("drain", "@event", "--quiet-for", "long"), "--quiet-for long", id="no time"),
        pytest.param(("flip", "@event", "--author", "ada"), "--reason", id="no reason"),
        pytest.param(("status", "@event"), "there is no migration of", id="nothing is under way"),
    ],
)
def test_wrong_calls_are_told(stage: MigratingStage, arguments: tuple[str, ...], told: str) -> None:
    """With what is wrong, and no traceback."""
    done = run(stage, *(stage.name(each) for each in arguments))
    assert done.exit_code != 0
    assert told in done.output


def test_steps_are_asked_about_and_status_says_what_holds_them_up(stage: MigratingStage) -> None:
    """Whoever says no has done nothing; whoever looks is told that nobody copies."""
    name = stage.name("@event")
    who = ("--author", "ada", "--reason", "cents")
    assert "nothing was done" in run(stage, "start", name, *who, said="n\n").output
    assert run(stage, "start", name, "--dry-run").exit_code == 0
    assert "there is no migration" in run(stage, "status", name).output
    assert "is in phase 'mirror'" in stage.migrate("start")
    assert "it is under way, in phase 'mirror'" in run(stage, "start", name, *who, said="y\n").output
    said = run(stage, "status").output
    for part in (
        f"{name}.v1 to v2",
        "mirror since",
        "by a test: to see it",
        "wrong: nobody copies",
        "flip: may be taken",
    ):
        assert part in said
    told = stage.status()
    assert (told["phase"], told["generation"], told["next"]) == ("mirror", 1, {"flip": []})
    assert told["mirrors"][0]["behind"] == 1
    assert ["nobody copies" in each for each in told["troubles"]] == [True]
    assert "'drain' follows 'flip'" in stage.migrate("drain", fails=True)
    assert "is in phase 'flip'" in stage.migrate("flip", "--sunset", "2030-01-01")
    assert "announced end" in run(stage, "status", name).output
    stage.migrate("abort")
    assert stage.name("@event.v2") not in stage.topics.admin.list_topics(timeout=10).topics
    assert stage.status()["phase"] == "aborted"
    assert "there is no topic" in stage.migrate("flip", fails=True)
    assert "is in phase 'mirror'" in stage.migrate("start")
    assert stage.status()["generation"] == 2
