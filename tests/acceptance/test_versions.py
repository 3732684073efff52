"""Consumers of other versions than their source's get their own, exactly once, from workers that are killed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import fastavro
import pytest
from support.stage import EVENT, Stage
from support.waiting import until

pytestmark = pytest.mark.process

OTHER = EVENT | {
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "paint", "type": {"type": "enum", "name": "Paint", "symbols": ["red", "other"]}},
    ]
}
STEPS = """
fields:
  id: '"n-" + string(number)'
  paint: {from: colour, symbols: {red: red}, otherwise: other}
loses: [number, note, colour]
"""
ROUTES = """
version: 1
team: painters
exchanges:
  colours: {type: topic, sources: [@event.v1], routing-key: "{colour}"}
topics:
  @red.event.v1: {from: [{exchange: colours, binding-key: red}]}
  @cold.event.v2: {from: [{exchange: colours, binding-key: [green, blue]}]}
  @all.event.v2: {from: [{exchange: colours}]}
"""


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[Stage]:
    """The two versions, the way between them, and topics of both."""
    stage = Stage(bootstrap=kafka, word=unique, home=tmp_path)
    try:
        stage.schema("event", OTHER, version=2)
        (tmp_path / "schemas" / "event" / "v1_to_v2.yaml").write_text(STEPS, encoding="utf-8")
        stage.routes(painters=ROUTES)
        own = ("@event.v1", "@event.v1.unroutable", "@event.v1.dead-letters")
        stage.create(*own, "@red.event.v1", "@cold.event.v2", "@all.event.v2", partitions=2)
        yield stage
    finally:
        stage.end()


def test_each_consumer_gets_its_own_version(stage: Stage) -> None:
    """With the keys, headers and places of the records that they were made of."""
    first = stage.worker(session_timeout="6s").until_ready(lanes=2)
    stage.feed(2_000)
    until(lambda: sum(map(len, stage.read("@all.event.v2"))) > 100, within=40, what="copies come")
    first.kill()
    stage.feed(2_000, first=2_000)
    stage.worker(session_timeout="6s").until_ready(lanes=2)
    stage.until_routed()
    wanted = stage.wanted(range(4_000))
    schema = fastavro.parse_schema(OTHER)
    for name, destination in (("cold", "@cold.event.v2"), ("all", "@all.event.v2")):
        found = [each for partition in stage.read(destination) for each in partition]
        assert sorted(each.origin for each in found) == sorted(wanted[name])
        for each in found:
            partition, offset = each.origin
            number = offset * 2 + partition
            assert each.value is not None
            assert each.key == b"key-%d" % (number % 101)
            assert fastavro.schemaless_reader(io.BytesIO(each.value), schema, None) == {
                "id": f"n-{number}",
                "paint": "red" if number % 4 == 0 else "other",
            }
    assert sum(map(len, stage.read("@red.event.v1"))) == len(wanted["red"])
    assert not any(stage.read("@event.v1.dead-letters"))
