"""A consumer gets a stretch once more: each record once, in order, what comes meanwhile behind it, and nobody else notices."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.stage import Stage
from support.waiting import until

from router.commands.replay import replay

pytestmark = pytest.mark.process


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[Stage]:
    """The usual routes."""
    stage = Stage(bootstrap=kafka, word=unique, home=tmp_path)
    try:
        yield stage.coloured()
    finally:
        stage.end()


def run(stage: Stage, *asked: str, fails: bool = False) -> str:
    """The command, as an operator runs it; returns what it says."""
    environ = {
        "ROUTER_BROKER": stage.bootstrap,
        "ROUTER_GROUP": stage.group,
        "ROUTER_ROUTES": str(stage.home / "routes"),
        "ROUTER_SCHEMAS": str(stage.home / "schemas"),
    }
    who = ["--author", "ada", "--reason", "to see it", "--yes"]
    done = CliRunner().invoke(
        replay, [*(stage.name(each) for each in asked), *who], env=environ, catch_exceptions=False
    )
    assert (done.exit_code != 0) is fails, done.output
    return done.output


def placed(stage: Stage, topic: str) -> list[list[tuple[int, bool]]]:
    """By partition, the source offsets of a topic's copies, and whether each is of a replay."""
    return [[(each.origin[1], each.header("router-replay") is not None) for each in part] for part in stage.read(topic)]


def test_a_stretch_comes_once_more_and_what_follows_behind_it(stage: Stage) -> None:
    """Through a worker's death in the midst of it; other topics have theirs once."""
    first = stage.worker(session_timeout="6s").until_ready(lanes=2)
    stage.feed(20_000)
    stage.until_routed()
    told = json.loads(run(stage, "--to", "@all.event.v1", "--from", "0", "--dry-run", "--json"))
    assert (told["read"], told["meant"]) == (20_000, 20_000)
    stage.worker(session_timeout="6s")
    output: list[str] = []
    asking = threading.Thread(
        target=lambda: output.append(run(stage, "--to", "@all.event.v1", "--from", "0", "--json"))
    )
    asking.start()
    stage.feed(4_000, first=20_000)
    until(
        lambda: any(marked for part in placed(stage, "@all.event.v1") for _, marked in part),
        within=60,
        what="it begins",
    )
    first.kill()
    stage.feed(4_000, first=24_000)
    asking.join(timeout=100)
    assert not asking.is_alive()
    stage.until_routed()
    for part in placed(stage, "@all.event.v1"):
        again = [offset for offset, marked in part if marked]
        begun = len(again)
        assert again == list(range(begun))
        assert begun >= 10_000
        kinds = [marked for _, marked in part]
        start = kinds.index(True)
        assert part == [
            *((offset, False) for offset in range(start)),
            *((offset, True) for offset in range(begun)),
            *((offset, False) for offset in range(begun, 14_000)),
        ]
        assert start == begun
    books = stage.balance(stage.wanted(range(28_000)))
    for name in ("red", "cold"):
        books[name].assert_exact(name)
    assert json.loads(output[0].splitlines()[-1])["done"] is True


def test_only_what_is_meant_is_sent(stage: Stage) -> None:
    """By key, by offsets, and by what the record says; a topic that it does not go to is refused."""
    stage.worker(session_timeout="6s").until_ready(lanes=2)
    stage.feed(2_000)
    stage.until_routed()
    run(
        stage,
        "--to",
        "@all.event.v1",
        "--from",
        "100",
        "--until",
        "500",
        "--partition",
        "1",
        "--where",
        "number % 10 == 1",
    )
    again = [[offset for offset, marked in part if marked] for part in placed(stage, "@all.event.v1")]
    assert again == [[], [offset for offset in range(100, 500) if (offset * 2 + 1) % 10 == 1]]
    told = run(stage, "--to", "@red.event.v1", "--from", "0", "--key", "key-8", "--json")
    assert json.loads(told.splitlines()[0])["meant"] == sum(n % 101 == 8 and n % 4 == 0 for n in range(2_000))
    assert "no route leads there" in run(stage, "--to", "@other.event.v1", "--from", "0", fails=True)
    assert "no_such" in run(stage, "--to", "@all.event.v1", "--from", "0", "--where", "no_such == 1", fails=True)
