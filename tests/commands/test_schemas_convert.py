"""`router schemas convert`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from router.commands.schemas_convert import convert
from router.develop.topics import TopicSpec, ensure_topics

CENTS = '{"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}'


def schema(*fields: str) -> str:
    made = ", ".join(
        f'{{"name": {json.dumps(name)}, "type": {of}}}' for name, of in (each.split(" ", 1) for each in fields)
    )
    return f'{{"type": "record", "name": "R", "fields": [{made}]}}'


TEXTS = {
    "s/v1.avsc": schema('a "int"', 'old "string"'),
    "s/v2.avsc": schema(f"b {CENTS}", 'raw {"type": "fixed", "name": "F", "size": 2}'),
    "s/v3.avsc": schema(f"b {CENTS}"),
    "s/v1_to_v2.yaml": "fields: {b: decimal(a), raw: 'b\"hi\"'}\nloses: [old]\n",
    "s/v2_to_v3.yaml": "loses: [raw]\n",
    "s/v3_to_v2.yaml": "fields: {raw: nothing}\n",
    "j/v1.schema.json": '{"type": "object"}',
    "j/v2.schema.json": '{"type": "object"}',
    "o/v1.schema.json": '{"properties": {"a": {"type": "integer"}}, "required": ["a"]}',
    "o/v2.schema.json": '{"properties": {"b": {"type": "integer"}}, "required": ["b"]}',
    "o/v1_to_v2.yaml": "fields: {b: a + 1}\n",
    "r/v1.r1.avsc": schema('old "string"', 'a "int"'),
    "r/v1.avsc": schema('a "long"'),
    "r/v2.avsc": schema('b "long"'),
    "r/v1_to_v2.yaml": "fields: {b: a}\n",
    "r/subject.yaml": "encoding: confluent\ncompatibility: none\nconfluent-ids: {'7': v1.r1, '8': v1, '9': v2}\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in TEXTS.items():
        path = tmp_path / "schemas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(convert, arguments, input=stdin)


def test_each_step_is_shown() -> None:
    """Over two versions, every field with how it was made and what it became, and what was lost."""
    found = run("s", "v1", "v3", "--value", '{"a": 3}')
    assert found.exit_code == 0
    assert found.output.splitlines() == [
        "v1 to v2 (schemas/s/v1_to_v2.yaml)",
        '  b    expression  decimal(a)  "3.00"',
        '  raw  expression  b"hi"       "6869"',
        "  loses old",
        "v2 to v3 (schemas/s/v2_to_v3.yaml)",
        '  b  carried over  b  "3.00"',
        "  loses raw",
    ]


def test_programs_get_the_records_too() -> None:
    """The value before and after each conversion."""
    (told,) = json.loads(run("s", "1", "2", "--value", "-", "--json", stdin='{"a": 3}').output)["conversions"]
    assert (told["from"], told["to"], told["before"], told["after"]) == (
        "v1",
        "v2",
        {"a": 3, "old": ""},
        {"b": "3.00", "raw": "6869"},
    )


def test_objects_of_json_are_shown_too() -> None:
    """As records of Avro are."""
    found = run("o", "v1", "v2", "--value", '{"a": 3}')
    assert found.output.splitlines() == ["v1 to v2 (schemas/o/v1_to_v2.yaml)", "  b  expression  a + 1  4"]


@pytest.mark.parametrize(
    ("arguments", "status", "problem"),
    [
        (["t", "v1", "v2", "--value", "{}"], 2, "there is no subject 't': there is j, o, r, s"),
        (["s", "v1", "v9", "--value", "{}"], 2, "'s' has no version 'v9': there is v1, v2, v3"),
        (["s", "v1", "v2"], 2, "give either a --value or a place"),
        (["s", "v1", "v2", "--value", "{"], 2, "--value is not JSON"),
        (["s", "v1", "v2", "--value", '{"z": 1}'], 1, "--value does not fit v1"),
        (["s", "v3", "v2", "--value", "{}"], 1, "v3_to_v2.yaml:1:15 invalid-expression"),
        (["j", "v1", "v2", "--value", "{}"], 1, "no conversion leads from v1 of 'j' to v2"),
        (["s", "v1", "v2", "--value", '{"a": 99999999}'], 1, "field 'b': 99999999 is no decimal of 9 digits"),
        (["s", "v1", "v2", "--at", "other.v1/0/0"], 2, "the records of 'other.v1' are not v1 of 's'"),
    ],
)
def test_what_cannot_be_converted_is_said(arguments: list[str], status: int, problem: str) -> None:
    """The reason, and where it is written down."""
    found = run(*arguments)
    assert found.exit_code == status
    assert problem in found.output


@pytest.mark.kafka
def test_a_live_record_is_converted(kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of a topic of the subject's version, by its place; a tombstone has nothing to convert."""
    topic, revised = f"{unique}.s.v1", f"{unique}.r.v1"
    ensure_topics(kafka, [TopicSpec(each, partitions=1) for each in (topic, revised)])
    producer = Producer({"bootstrap.servers": kafka})
    for value in (b"\x06\x02x", None):
        producer.produce(topic, value=value, key=b"k")
    producer.produce(revised, value=b"\0\0\0\0\7\x02x\x0a")
    assert producer.flush(20) == 0
    monkeypatch.setenv("ROUTER_BROKER", kafka)
    assert '"3.00"' in run("s", "v1", "v2", "--at", f"{topic}/0/0").output
    assert "a tombstone is the same in every version" in run("s", "v1", "v2", "--at", f"{topic}/0/1").output
    # What an earlier revision wrote begins as the newest reads it.
    (told,) = json.loads(run("r", "v1", "v2", "--at", f"{revised}/0/0", "--json").output)["conversions"]
    assert (told["before"], told["after"]) == ({"a": 5}, {"b": 5})


SPLIT = {
    "e/v1.avsc": schema('type "string"', 'x ["null", "int"]', 'y ["null", "int"]'),
    "e.x/v1.avsc": schema('x "int"'),
    "e.y/v1.avsc": schema('y "int"'),
    "e/split.yaml": "of: v1\nby: type\ninto: {e.x.v1: {types: [x], has: [x]}, e.y.v1: {types: [y], has: [y], back: none}}\nelse: keep\n",
}


@pytest.fixture
def split(folder: None, tmp_path: Path) -> Path:
    """The folder has a subject that is split, besides."""
    for name, text in SPLIT.items():
        path = tmp_path / "schemas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "schemas" / "e" / "split.yaml"


@pytest.mark.usefixtures("split")
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["e", "v1", "split", "--value", '{"type": "x", "x": 5}'], "type 'x' is e.x.v1\ne.v1 to e.x.v1 (schemas/e/split.yaml)\n  x  carried over  x  5\n"),
        (["e", "v1", "e.x.v1", "--value", '{"type": "x", "x": 5}'], "type 'x' is e.x.v1\n"),
        (["e.x", "v1", "e.v1", "--value", '{"x": 5}'], "  type  constant      'x'           \"x\""),
        (["e", "v1", "split", "--value", '{"type": "z"}'], "field 'type' says 'z', which schemas/e/split.yaml does not name: it stays in the old topic"),
        (["e", "v1", "e.y.v1", "--value", '{"type": "x", "x": 5}'], "type 'x' is e.x.v1, and not e.y.v1"),
        (["e.y", "v1", "e.v1", "--value", '{"y": 5}'], "says `back: none`: nothing of e.y.v1 gets to the old topic"),
        (["e.x", "v1", "e.y.v1", "--value", '{"x": 5}'], "no split.yaml leads from e.x.v1 to 'e.y.v1'"),
        (["e", "v1", "split", "--value", '{"type": "x"}'], "it is not as records of type 'x' are"),
    ],
    ids=["split", "by name", "joined", "a type that nobody named", "another meaning", "nothing back", "no way", "not as its type"],
)  # fmt: skip
def test_a_split_is_shown(asked: list[str], said: str) -> None:
    """Forth by what the record says it is, and back to the one topic."""
    assert said in CliRunner().invoke(convert, asked).output


def test_a_split_that_is_wrong_is_told(split: Path) -> None:
    """By what is wrong with it."""
    split.write_text(SPLIT["e/split.yaml"].replace("[x]}", "[w]}"), encoding="utf-8")
    asked = CliRunner().invoke(convert, ["e", "v1", "split", "--value", "{}"])
    assert "unknown-field v1 has no field 'w'" in asked.output
    assert "no split.yaml leads from e.v1 to 'split'" in asked.output
    assert asked.exit_code == 1
