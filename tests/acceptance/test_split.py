"""An event of events is split into a subject a meaning, under load and through a kill: each event once on each side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest
from support.splitting import COLOURS, SplittingStage, former, meant

pytestmark = pytest.mark.process

KEYS = 6
EPOCH = round(time.time() * 1000) - 600_000
"""The time of the first step, in milliseconds: recent, or retention would delete it."""


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[SplittingStage]:
    """The topic that is split, which a consumer reads that stays."""
    stage = SplittingStage(bootstrap=kafka, word=unique, home=tmp_path)
    try:
        stage.split().routes()
        stage.create("@event.v1", "@event.v1.dead-letters", partitions=2)
        yield stage
    finally:
        stage.end()


def produce(stage: SplittingStage, steps: range, *, moved: bool, keys: Sequence[int] = range(KEYS)) -> None:
    """Write these steps of these keys, in the one topic or in their colours'; acknowledged when it returns."""
    stage.topics.produce(
        {
            "topic": stage.name(f"@event.{colour}.v1" if moved else "@event.v1"),
            "partition": key % 2,
            "key": f"key-{key}",
            "value": meant(step, colour, f"{key}-{step}") if moved else former(step, colour, f"{key}-{step}"),
            "timestamp": EPOCH + step,
        }
        for step in steps
        for key in keys
        for colour in [COLOURS[step % len(COLOURS)]]
    )


def wanted(steps: int, colour: str = "") -> list[str]:
    """The notes of so many steps, sorted; of one colour alone."""
    return sorted(
        f"{key}-{step}" for key in range(KEYS) for step in range(steps) if not colour or COLOURS[step % 3] == colour
    )


def assert_in_order(notes: Sequence[Sequence[str]]) -> None:
    """Each key's steps rise."""
    for key in range(KEYS):
        own = [int(each.partition("-")[2]) for each in chain.from_iterable(notes) if each.startswith(f"{key}-")]
        assert own == sorted(own), f"key {key} is out of order: {own}"


def test_a_topic_is_split_and_nobody_loses_an_event(stage: SplittingStage) -> None:
    """Producers move one after another, one consumer stays, and the mirror is killed; each key's order holds on both sides."""
    produce(stage, range(30), moved=False)
    assert "by 'colour' as" in stage.migrate("plan", "--split")
    stage.migrate("start", "--split")
    assert "one thing after another" in stage.migrate("plan", "--split", fails=True)
    mirrors = stage.mirrors()
    stage.until_all_copied()
    for colour in COLOURS:
        notes = stage.notes_in(colour)
        assert sorted(chain.from_iterable(notes)) == wanted(30, colour)
        assert_in_order(notes)

    stage.migrate("flip", "--sunset", "2030-01-01")
    movers, stayers = range(0, KEYS, 2), range(1, KEYS, 2)
    produce(stage, range(30, 40), moved=False)
    produce(stage, range(40, 70), moved=True, keys=movers)
    mirrors.kill()
    produce(stage, range(40, 70), moved=False, keys=stayers)
    mirrors = stage.mirrors()
    produce(stage, range(70, 100), moved=True)
    stage.until_all_copied()
    for colour in COLOURS:
        assert sorted(chain.from_iterable(stage.notes_in(colour))) == wanted(100, colour)
    joined = stage.notes_in()
    assert sorted(chain.from_iterable(joined)) == wanted(100)
    assert_in_order(joined)
    back = next(each for part in stage.read("@event.v1") for each in part if each.header("ce_deprecated"))
    assert back.header("ce_deprecationsunset") == b"2030-01-01T00:00:00Z"
    assert not any(stage.read("@event.v1.dead-letters"))
    assert "a producer wrote" in stage.migrate("drain", fails=True)
