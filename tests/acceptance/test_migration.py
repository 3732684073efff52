"""A topic moves from one version to the next, under load and through kills: each event once, in each key's order, in every version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest
from support.migrating import MigratingStage, event_of
from support.waiting import until

pytestmark = pytest.mark.process

ROUTES = """
version: 1
team: painters
exchanges:
  events: {type: fanout, sources: [@event]}
topics:
  @former.event.v1: {from: [{exchange: events}]}
  @new.event.v2: {from: [{exchange: events}]}
"""
KEYS = 10


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[MigratingStage]:
    """Routes that name the subject, and all topics but those of the next version."""
    stage = MigratingStage(bootstrap=kafka, word=unique, home=tmp_path)
    try:
        stage.versions().routes(painters=ROUTES)
        beside = [f"@event.v{version}.{what}" for version in (1, 2) for what in ("unroutable", "dead-letters")]
        stage.create("@event.v1", *beside, "@former.event.v1", "@new.event.v2", partitions=2)
        yield stage
    finally:
        stage.end()


def produce(stage: MigratingStage, version: int, steps: range, keys: Sequence[int] = range(KEYS)) -> None:
    """Write events of these keys to a version's topic, acknowledged when it returns; their notes are `key-step`."""
    stage.topics.produce(
        {
            "topic": stage.name(f"@event.v{version}"),
            "partition": key % 2,
            "key": f"key-{key}",
            "value": event_of(version, step, f"{key}-{step}"),
        }
        for step in steps
        for key in keys
    )


def assert_whole(stage: MigratingStage, topic: str, version: int, steps: int, *, ordered: bool = True) -> None:
    """Every event once; where that is promised, in its key's order."""
    notes = list(chain.from_iterable(stage.notes(topic, version)))
    assert sorted(notes) == sorted(f"{key}-{step}" for key in range(KEYS) for step in range(steps))
    for key in range(KEYS) if ordered else ():
        own = [note for note in notes if note.startswith(f"{key}-")]
        assert own == [f"{key}-{step}" for step in range(steps)], f"key {key} is out of order in {topic}"


def test_a_mirror_that_hung_writes_nothing_when_it_wakes(stage: MigratingStage) -> None:
    """Its migration was given up and begun anew meanwhile: it joins its group again, alone, and would copy what it had not."""
    produce(stage, 1, range(20))
    stage.migrate("start")
    mirrors = stage.mirrors()
    former, new = stage.name("@event.v1"), stage.name("@event.v2")
    stage.until_copied(former)
    with stage.hanging(mirrors):
        produce(stage, 1, range(20, 40))
        assert "is deleted" in stage.migrate("abort", "--quiet-for", "1ms")
        stage.migrate("start")
        stage.mirrors()
        stage.until_copied(former, versions="v1-v2-2")
    until(lambda: "is not copied by" in mirrors.text(), within=30, what=lambda: f"it wakes, and sees: {mirrors.tail()}")
    mirrors.resume()
    stage.until_copied(former, new, versions="v1-v2-2")
    assert_whole(stage, "@event.v2", 2, 40)


def test_a_topic_moves_and_nobody_loses_an_event(stage: MigratingStage) -> None:
    """Producers flip one after another while workers and mirrors are killed; routes need no change; then the proof is granted."""
    worker = stage.worker(session_timeout="6s").until_ready(lanes=2)
    produce(stage, 1, range(50))
    assert "retained" in stage.migrate("plan")
    stage.migrate("start")
    mirrors, others = stage.mirrors(), stage.mirrors(ROUTER_GROUP=f"{stage.group}-others")
    former, new = stage.name("@event.v1"), stage.name("@event.v2")
    stage.until_copied(former)
    # Of two groups that copy each record would come twice, and each group's copies go back as what producers wrote.
    until(lambda: "left to another group's" in others.text(), within=30, what=others.tail)
    assert_whole(stage, "@event.v2", 2, 50)

    assert "'drain' follows 'flip'" in stage.migrate("drain", fails=True)
    stage.migrate("flip", "--sunset", "2030-01-01")
    movers, stayers = range(0, KEYS, 2), range(1, KEYS, 2)
    produce(stage, 1, range(50, 60))
    produce(stage, 2, range(60, 80), movers)
    mirrors.kill()
    worker.kill()
    mirrors = stage.mirrors()
    worker = stage.worker(session_timeout="6s")
    produce(stage, 1, range(60, 80), stayers)
    worker.until_ready(lanes=4)
    produce(stage, 2, range(80, 100))
    stage.until_copied(former, new)
    stage.until_routed("@event.v1", "@event.v2")

    assert_whole(stage, "@former.event.v1", 1, 100)
    assert_whole(stage, "@new.event.v2", 2, 100)
    assert_whole(stage, "@event.v1", 1, 100)
    assert_whole(stage, "@event.v2", 2, 100, ordered=False)
    back = next(each for part in stage.read("@event.v1") for each in part if each.header("ce_deprecated"))
    assert back.header("ce_deprecationsunset") == b"2030-01-01T00:00:00Z"
    assert not any(stage.read("@event.v1.dead-letters"))
    assert not any(stage.read("@event.v2.dead-letters"))

    assert "a producer wrote" in stage.migrate("drain", fails=True)
    assert "goes on in" in stage.migrate("drain", "--quiet-for", "1ms")
    group = stage.name("@reader")
    ends = {number: stage.topics.bounds(former, number)[1] for number in (0, 1)}
    last = max(index for index, part in enumerate(stage.read("@event.v1")) if part)
    stage.topics.commit(group, former, 1 - last, ends[1 - last])
    stage.topics.commit(group, former, last, stage.read("@event.v1")[last][-1].offset)
    assert f"group '{group}' has up to" in stage.migrate("retire", "--delete", fails=True)
    assert "to read" in stage.migrate("move", group, fails=True)
    stage.topics.commit(group, former, last, ends[last])
    stage.migrate("move", group)
    produce(stage, 2, range(100, 110))
    assert sum(end - at for at, end in stage.topics.behind(group, new).values()) >= 10 * KEYS
    assert "no authorizer" in stage.migrate("retire", "--close", fails=True)
    assert stage.status()["phase"] == "drain"
    assert "is deleted" in stage.migrate("retire", "--delete")
    assert stage.status()["phase"] == "retired"
    stage.until_routed("@event.v2")
    assert_whole(stage, "@new.event.v2", 2, 110)
    assert_whole(stage, "@former.event.v1", 1, 110)
