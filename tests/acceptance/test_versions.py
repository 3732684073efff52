"""Consumers of other versions than their source's get their own, exactly once, from workers that are killed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import pytest
from support.stage import COLOURS, EVENT, Stage, encode
from support.waiting import until

from router.versions.subjects import read_subjects
from router.versions.writer import SCHEMA_HEADER, Writers, encode_schema_header, with_prefix

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


REVISED = EVENT | {
    "fields": [
        {"name": "shade", "type": "string", "default": "plain"},
        {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["black", *COLOURS]}},
        *(each for each in EVENT["fields"] if each["name"] != "colour"),
    ]
}
SAYING = "encoding: {}\ncompatibility: none\n"


@pytest.mark.parametrize("encoding", ["single-object", "header"])
def test_each_record_is_read_as_its_own_revision(stage: Stage, encoding: str) -> None:
    """What says one that nobody kept is a dead letter, and counted; consumers of the other version get its own mark."""
    folder = stage.home / "schemas" / "event"
    (folder / "v1.r1.avsc").write_text((folder / "v1.avsc").read_text())
    stage.schema("event", REVISED)
    (folder / "subject.yaml").write_text(SAYING.format(encoding))
    (folder / "v1_to_v2.yaml").write_text(STEPS.replace("loses: [", "loses: [shade, "))
    texts = {path.relative_to(folder.parent).as_posix(): path.read_text() for path in folder.iterdir()}
    subject = read_subjects(texts)[0]["event"]
    old, newest, other = subject.revisions
    schemas = {"old": fastavro.parse_schema(EVENT), "newest": fastavro.parse_schema(REVISED)}
    strange = b"\xc3\x01strange!" if encoding == "single-object" else b""

    def record(number: int) -> dict[str, Any]:
        kind, revision = ("old", old) if number % 3 else ("newest", newest)
        value = {"number": number, "colour": COLOURS[number % 4], "note": None}
        body = encode(schemas[kind], value)
        marked, header = with_prefix(subject, revision, body), encode_schema_header(revision)
        if number % 10 == 0:
            marked, header = strange + body, b"0" * 16
        headers = [(SCHEMA_HEADER, header)] if encoding == "header" else []
        topic = stage.name("@event.v1")
        return {"topic": topic, "partition": number % 2, "key": f"key-{number}", "value": marked, "headers": headers}

    numbers = [number for number in range(2_000) if number % 10]
    worker = stage.worker(session_timeout="6s").until_ready(lanes=2)
    stage.topics.produce(record(number) for number in range(2_000))
    stage.until_routed()
    letters = [each for partition in stage.read("@event.v1.dead-letters") for each in partition]
    assert (len(letters), {each.header("router-reason") for each in letters}) == (200, {b"unknown-revision"})
    assert 'reason="unknown-revision"' in worker.get("/metrics")[1]
    red = [each for partition in stage.read("@red.event.v1") for each in partition]
    assert sorted(each.key for each in red) == sorted(b"key-%d" % number for number in numbers if number % 4 == 0)
    wanted = {b"key-%d" % number: record(number) for number in numbers}
    for each in red:
        assert each.key is not None
        assert (each.value, each.header(SCHEMA_HEADER)) == (
            wanted[each.key]["value"],
            dict(wanted[each.key]["headers"]).get(SCHEMA_HEADER),
        )
    schema = fastavro.parse_schema(OTHER)
    made = {}
    for each in (each for partition in stage.read("@all.event.v2") for each in partition):
        written = Writers(subject, 2).written(each.value or b"", each.headers)
        assert written.revision is other
        made[each.key] = fastavro.schemaless_reader(io.BytesIO(written.body), schema, None)
    assert made == {
        b"key-%d" % number: {"id": f"n-{number}", "paint": "red" if number % 4 == 0 else "other"} for number in numbers
    }
