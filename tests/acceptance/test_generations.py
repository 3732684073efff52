"""A topic gets more partitions: what waits in one becomes N shares at once, each key's order and all that is known of it kept."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import fastavro
import pytest
from support.migrating import MigratingStage, event_of
from support.stage import EVENT_SCHEMA, event
from support.waiting import until

from router.language.topics import changelog_of

pytestmark = pytest.mark.process

WAITING, KEYS, SHARES = 20_000, 200, 4
NARROW = """
version: 1
team: painters
exchanges:
  events: {type: fanout, sources: [@event.v1]}
topics:
  @hot.event.v1: {partitions: 1, from: [{exchange: events}]}
"""


ORDERED = """
version: 1
team: painters
exchanges:
  events:
    type: fanout
    sources: [@event.v1]
    key: note
    order: {by: note, sequence: number, wait: 10m, on-gap: dead-letter, on-duplicate: drop, forget-after: forever}
topics:
  @all.event.v1: {from: [{exchange: events}]}
"""
FEW = 30
"""Keys of the source that is put in order."""


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[MigratingStage]:
    """A source of two partitions, and a narrow topic of one."""
    stage = MigratingStage(bootstrap=kafka, word=unique, home=tmp_path)
    try:
        stage.versions().routes(painters=NARROW)
        stage.create("@event.v1", "@event.v1.unroutable", "@event.v1.dead-letters", partitions=2)
        stage.create("@hot.event.v1")
        yield stage
    finally:
        stage.end()


def numbered(stage: MigratingStage, topic: str, numbers: range | list[int], *, partitions: int) -> None:
    """Events of a few keys with these numbers, each laid as Java's clients do."""
    stage.topics.produce(
        {
            "topic": stage.name(topic),
            "partition": stage.partition(f"key-{key}", partitions),
            "key": f"key-{key}",
            "value": event(number, "red", f"key-{key}"),
        }
        for number in numbers
        for key in range(FEW)
    )


def sent_in_order(stage: MigratingStage) -> dict[str, list[int]]:
    """By key the numbers that the consumer has got."""
    found: dict[str, list[int]] = {}
    for part in stage.read("@all.event.v1"):
        for each in part:
            value = fastavro.schemaless_reader(io.BytesIO(each.value), EVENT_SCHEMA, None)
            found.setdefault(str(value["note"]), []).append(int(value["number"]))
    return found


def test_what_is_known_of_each_key_goes_with_it(stage: MigratingStage) -> None:
    """A source that is put in order gets twice the partitions while records wait: mirrors and workers are killed, nothing starts anew."""
    source, new = stage.name("@event.v1"), stage.name("@event.v1.g2")
    stage.routes(painters=ORDERED)
    stage.create("@all.event.v1", partitions=4)
    stage.topics.create(changelog_of(stage.group, source), partitions=2, cleanup_policy="compact")
    worker = stage.worker().until_ready(lanes=2)
    numbered(stage, "@event.v1", range(1, 6), partitions=2)
    numbered(stage, "@event.v1", [7, 8], partitions=2)
    stage.until_routed("@event.v1")
    stage.generations("repartition", "--partitions", "4", topic="@event.v1")
    mirrors = stage.mirrors()
    assert "members that read" in stage.generations("move", stage.group, topic="@event.v1", fails=True)
    worker.kill()
    mirrors.kill()
    stage.mirrors()
    until(
        lambda: "goes on with" in stage.generations("move", stage.group, topic="@event.v1", fails=None),
        within=60, what="the group has no members, and moves", every=0.5,
    )  # fmt: skip

    numbered(stage, "@event.v1", [9], partitions=2)
    stage.routes(painters=ORDERED.replace("@event.v1]", "@event.v1.g2]"))
    worker = stage.worker()
    numbered(stage, "@event.v1.g2", [3, 8, 10], partitions=4)
    worker.until_ready(lanes=4)
    stage.until_routed("@event.v1.g2")
    assert sent_in_order(stage) == {f"key-{key}": [1, 2, 3, 4, 5] for key in range(FEW)}
    worker.kill()
    stage.worker().until_ready(lanes=4)
    numbered(stage, "@event.v1.g2", [6], partitions=4)
    stage.until_routed("@event.v1.g2")
    assert sent_in_order(stage) == {f"key-{key}": list(range(1, 11)) for key in range(FEW)}
    assert not any(stage.read("@event.v1.g2.dead-letters"))

    # Who starts with the former name says so, and carries nothing.
    stage.routes(painters=ORDERED)
    wrong = stage.worker()
    wrong.until_problem("moved-on")
    assert stage.topics.committed(stage.group, new)


def order_of(notes: list[str]) -> dict[str, list[int]]:
    """By key the steps, as they stand in a partition."""
    found: dict[str, list[int]] = {}
    for note in notes:
        key, _, step = note.partition("-")
        found.setdefault(key, []).append(int(step))
    return found


def produce(stage: MigratingStage, topic: str, steps: range, *, keys: int = KEYS, partitions: int = 1) -> None:
    """Events of these keys, laid as Java's clients do."""
    stage.topics.produce(
        {
            "topic": stage.name(topic),
            "partition": stage.partition(f"key-{key}", partitions),
            "key": f"key-{key}",
            "value": event_of(1, step, f"{key}-{step}"),
        }
        for step in steps
        for key in range(keys)
    )


def test_what_waits_in_one_partition_becomes_shares_at_once(stage: MigratingStage) -> None:
    """A consumer with 20,000 records to read goes on in four partitions with just these, while a mirror is killed and copies go on."""
    worker = stage.worker().until_ready(lanes=2)
    steps = WAITING // KEYS
    produce(stage, "@event.v1", range(10), partitions=2)
    stage.until_routed("@event.v1")
    hot, reader = stage.name("@hot.event.v1"), stage.name("@reader")
    read = stage.topics.bounds(hot, 0)[1]
    stage.topics.commit(reader, hot, 0, read)
    produce(stage, "@event.v1", range(10, 10 + steps), partitions=2)
    stage.until_routed("@event.v1")

    refused = stage.generations("repartition", "--partitions", "3", topic="@event.v1", fails=True)
    assert "a multiple of that" in refused
    stage.generations("repartition", "--partitions", str(SHARES))
    mirrors = stage.mirrors()
    until(lambda: stage.topics.bounds(f"{hot}.g2", 0)[1], within=60, what="copying has begun")
    mirrors.kill()
    stage.mirrors()
    assert f"group '{reader}' goes from" in stage.generations("move", reader)
    new = stage.name("@hot.event.v1.g2")
    behind = stage.topics.behind(reader, new)
    assert len(behind) == SHARES

    # Workers that name the new generation write behind what the former one has.
    stage.routes(painters=NARROW.replace("@hot.event.v1: {partitions: 1", f"@hot.event.v1.g2: {{partitions: {SHARES}"))
    produce(stage, "@event.v1", range(10 + steps, 20 + steps), partitions=2)
    worker.kill()
    stage.worker().until_ready(lanes=2)
    stage.until_routed("@event.v1")
    parts = stage.notes("@hot.event.v1.g2", 1)
    assert sorted(note for part in parts for note in part) == sorted(
        f"{key}-{step}" for key in range(KEYS) for step in range(20 + steps)
    )
    for part in parts:
        assert len(part) > WAITING / SHARES / 2
        for key, seen in order_of(part).items():
            assert seen == list(range(20 + steps)), f"key {key} is out of order"
    # What it had read is not in its shares, and all else is.
    committed = stage.topics.committed(reader, new)
    left = [
        note
        for number, part in enumerate(stage.read("@hot.event.v1.g2"))
        for note in part
        if note.offset >= committed[number]
    ]
    assert len(left) == KEYS * (10 + steps)
