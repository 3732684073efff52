"""`router schemas check --against-topic`: which share of the retained records a stricter schema would refuse."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from router.commands import schemas_share
from router.commands.schemas_check import check
from router.develop.topics import TopicSpec, ensure_topics
from router.records.avro import encode_whole
from router.records.record import PlainRecord
from router.versions.subjects import read_subjects
from router.versions.writer import SCHEMA_HEADER, encode_schema_header

OLD = {"type": "record", "name": "R", "fields": [{"name": "a", "type": ["null", "int"]}, {"name": "n", "type": "long"}]}
STRICT = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}, {"name": "n", "type": "int"}]}
ADDING = {"type": "record", "name": "R", "fields": [*OLD["fields"], {"name": "z", "type": "int"}]}

Feed = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder where what was committed stands in `old`, and stand in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, state: str, **files: Any) -> None:
    for name, content in files.items():
        stem, _, ending = name.partition("__")
        path = folder / state / "s" / f"{stem.replace('_', '.')}.{ending.replace('_', '.')}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture
def feed(kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """Return what makes a topic of these values, spread over two partitions."""
    monkeypatch.setenv("ROUTER_BROKER", kafka)

    def fed(topic: str, values: list[bytes | None], headers: list[tuple[str, bytes]] | None = None) -> None:
        ensure_topics(kafka, [TopicSpec(topic, partitions=2)])
        producer = Producer({"bootstrap.servers": kafka})
        for number, value in enumerate(values):
            producer.produce(topic, value=value, key=b"k", partition=number % 2, headers=headers)
        assert producer.flush(20) == 0

    return fed


def run(*arguments: str) -> Result:
    return CliRunner().invoke(check, ["--against", "old", *arguments])


def bodies(*values: dict[str, Any]) -> list[bytes | None]:
    revision = read_subjects({"s/v1.avsc": json.dumps(OLD)})[0]["s"].revisions[0]
    return [encode_whole(revision.schema.types, each) for each in values]  # type: ignore[union-attr] # it is Avro


@pytest.mark.kafka
def test_bare_records_are_read_as_they_were_written(folder: Path, feed: Feed, unique: str) -> None:
    """Each record is read with the committed schema and asked of the new one; tombstones and other topics do not count."""
    write(folder, "old", v1__avsc=OLD)
    write(folder, "schemas", v1__avsc=STRICT)
    topic = f"{unique}.s.v1"
    good, null, long = {"a": 1, "n": 2}, {"a": None, "n": 2}, {"a": 1, "n": 1 << 40}
    feed(topic, [*bodies(good, null, good, null, long), None, b"\x80"])
    found = run("--against-topic", topic, "--json")
    (share,) = json.loads(found.output)["topics"]
    assert (share["topic"], share["read"], share["refused"]) == (topic, 6, 4)
    assert share["reasons"]["field 'a': null does not become int by itself: say how"] == 2
    assert len(share["examples"]) == 3
    assert f"{topic}: 4 of 6 retained records would be refused (66.67 %)" in run("--against-topic", topic).output


@pytest.mark.kafka
def test_a_field_that_nothing_fills_refuses_all(folder: Path, feed: Feed, unique: str) -> None:
    """A new field without a default has a share of everything."""
    write(folder, "old", v1__avsc=OLD)
    write(folder, "schemas", v1__avsc=ADDING)
    topic = f"{unique}.s.v1"
    feed(topic, bodies({"a": 1, "n": 2}))
    assert f"{topic}: 1 of 1 retained records would be refused (100.00 %)" in run("--against-topic", topic).output


@pytest.mark.kafka
def test_records_that_say_their_revision_are_read_by_it(folder: Path, feed: Feed, unique: str) -> None:
    """With the header, kept revisions are known."""
    said = "encoding: header\ncompatibility: none\n"
    write(folder, "old", v1__avsc=OLD, subject__yaml=said)
    write(folder, "schemas", v1__avsc=STRICT, v1_r1__avsc=OLD, subject__yaml=said)
    topic = f"{unique}.s.v1"
    old = read_subjects({"s/v1.avsc": json.dumps(OLD)})[0]["s"].revisions[0]
    feed(topic, bodies({"a": 1, "n": 2}, {"a": None, "n": 2}), [(SCHEMA_HEADER, encode_schema_header(old))])
    assert f"{topic}: 1 of 2 retained records" in run("--against-topic", topic).output


def test_json_behind_a_registry_s_id_is_judged_without_it() -> None:
    """And what has no id that is known is refused."""
    texts = {
        "s/v1.schema.json": '{"required": ["a"]}',
        "s/subject.yaml": "encoding: confluent\nconfluent-ids: {'7': v1}",
    }
    subjects, _ = read_subjects(texts)
    refuses = schemas_share._refusal("s.v1", subjects, subjects)
    reasons = [
        refuses(PlainRecord(topic="s.v1", value=value))
        for value in (b'\0\0\0\0\7{"a": 1}', b"\0\0\0\0\7{}", b'\0\0\0\0\x08{"a": 1}', b"\0\0\0\0\7{")
    ]
    assert [each.partition(":")[0] for each in reasons] == [
        "",
        "the schema does not take it",
        "the value cannot be read at byte 1",
        "it is not JSON",
    ]


@pytest.mark.kafka
def test_json_records_are_judged_by_value(folder: Path, feed: Feed, unique: str) -> None:
    """Each document is asked of the new JSON Schema."""
    write(folder, "old", v1__schema_json={"type": "object"})
    write(folder, "schemas", v1__schema_json={"type": "object", "required": ["a"]})
    topic = f"{unique}.s.v1"
    feed(topic, [b'{"a": 1}', b"{}", b"{"])
    (share,) = json.loads(run("--against-topic", topic, "--json").output)["topics"]
    assert (share["read"], share["refused"]) == (3, 2)


@pytest.mark.kafka
def test_an_empty_topic_and_none_are_told_apart(folder: Path, feed: Feed, unique: str) -> None:
    """Nothing retained is no share; a topic that is not there is said, and not created."""
    write(folder, "old", v1__avsc=OLD)
    write(folder, "schemas", v1__avsc=OLD)
    feed(f"{unique}.s.v1", [])
    assert "0 of 0 retained records" in run("--against-topic", f"{unique}.s.v1").output
    missing = run("--against-topic", f"{unique}.missing.s.v1")
    assert (missing.exit_code, "there is no topic" in missing.output) == (1, True)
    strange = run("--against-topic", "something")
    assert "says no subject and version" in strange.output


def test_without_a_broker_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is an error in words."""
    write(folder, "old", v1__avsc=OLD)
    write(folder, "schemas", v1__avsc=OLD)
    monkeypatch.setenv("ROUTER_BROKER", "127.0.0.1:1")
    found = run("--against-topic", "s.v1")
    assert (found.exit_code, "no answer from 127.0.0.1:1" in found.output) == (1, True)
