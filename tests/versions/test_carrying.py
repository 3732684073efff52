"""Carrying values from one type to another, against fastavro's schema resolution."""

import io
import json
import random
from pathlib import Path
from typing import Any

import fastavro
import pytest
from versions.avro_bytes import random_bytes

from router.errors import InvalidSchema, Unreadable
from router.versions.avro_nodes import AvroNode, parse_avro_value
from router.versions.carrying import Carrier, Uncarried, alike
from router.versions.conversion import link
from router.versions.conversion_text import parse_version, resolve_revision
from router.versions.encoding import ConversionFailed
from router.versions.plain_values import PlainReaders

VERDICTS = [json.loads(line) for line in (Path(__file__).parent / "avro_verdicts.jsonl").read_text().splitlines()]
ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B", "C"]}


def carried(source: Any, target: Any, value: bytes, *, refusing: bool = False) -> Any:
    """The plain value that comes out, of types that hold no records."""
    one, other = parse_avro_value(source, file="s"), parse_avro_value(target, file="t")
    carrier = Carrier(refusing=refusing)

    def leaf(source: AvroNode, target: AvroNode, path: str, to: str) -> str:
        raise AssertionError((source, target, path, to))

    name = carrier.carry(one, other, "s", "t", leaf)
    made = link(carrier, name, file="")[0](value)
    plain, end = PlainReaders().reader(other)(made, 0)
    assert end == len(made)
    return plain, [each.path for each in carrier.losses]


def test_compatible_records_are_resolved_as_fastavro_resolves_them() -> None:
    """Of the random pairs that are compatible, what is carried reads as fastavro reads the writer's bytes with the reader."""
    draw, compared = random.Random(11), 0
    for pair in VERDICTS:
        if '"float"' in json.dumps(pair["reader"]):  # which fastavro reads of an int without rounding it
            continue
        if pair["verdict"] != "COMPATIBLE" or "record" not in {each.get("type") for each in _objects(pair)}:
            continue
        try:
            writer = parse_version(json.dumps(pair["writer"]), version=1, file="w")
            reader = parse_version(json.dumps(pair["reader"]), version=1, file="r")
            resolve = resolve_revision(writer, reader)
            value = random_bytes(writer.root, draw)
        except (InvalidSchema, RecursionError):  # bytes are no text by themselves; and what contains itself always
            continue
        parsed = writer.schema.types.parsed, reader.schema.types.parsed
        try:
            expected = fastavro.schemaless_reader(io.BytesIO(value), *parsed)
        except Exception:  # noqa: BLE001 -- it does not know all of Java's rules of names
            continue
        assert _raw(PlainReaders().reader(reader.root)(resolve(value), 0)[0]) == _raw(expected)
        compared += 1
    assert compared > 60


def _raw(value: Any) -> Any:
    """Texts as their bytes: of a text that is read as bytes, fastavro gives the text."""
    if isinstance(value, dict):
        return {key: _raw(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_raw(each) for each in value]
    return value.encode() if isinstance(value, str) else value


def _objects(pair: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in (pair["reader"], pair["writer"]) if isinstance(each, dict)]


@pytest.mark.parametrize(
    ("source", "target", "value", "expected", "losses"),
    [
        pytest.param("int", "long", b"\x06", 3, [], id="an int is a long"),
        pytest.param("int", "double", b"\x06", 3.0, [], id="an int becomes a double"),
        pytest.param("long", "float", b"\x06", 3.0, ["s"], id="a long is rounded to a float"),
        pytest.param("float", "double", b"\0\0\0?", 0.5, [], id="a float becomes a double"),
        pytest.param("string", "bytes", b"\x02a", b"a", [], id="a text is bytes"),
        pytest.param("int", ["null", "long"], b"\x06", 3, [], id="a type enters a union"),
        pytest.param(["int", "null"], ["null", "string", "long"], b"\x00\x06", 3, [], id="branches move"),
        pytest.param(["int"], "double", b"\x00\x06", 3.0, [], id="a union of one is left"),
        pytest.param(
            {"type": "array", "items": "int"},
            {"type": "array", "items": "double"},
            b"\x01\x02\x06\x02\x02\x00",
            [3.0, 1.0],
            [],
            id="a list in blocks",
        ),
        pytest.param(
            {"type": "map", "values": "int"},
            {"type": "map", "values": "double"},
            b"\x02\x02a\x06\x00",
            {"a": 3.0},
            [],
            id="a map",
        ),
        pytest.param(ENUM, {**ENUM, "symbols": ["C", "B", "A"]}, b"\x00", "A", [], id="symbols move"),
        pytest.param(
            ENUM, {**ENUM, "symbols": ["B"], "default": "B"}, b"\x04", "B", ["s"], id="symbols become the default"
        ),
    ],
)
def test_values_become_what_they_are(source: Any, target: Any, value: bytes, expected: Any, losses: list[str]) -> None:
    """A value is the same value in its new type, or the loss is told."""
    assert carried(source, target, value) == (expected, losses)


def moment(unit: str, name: str = "timestamp", kind: str = "long") -> dict[str, str]:
    return {"type": kind, "logicalType": f"{name}-{unit}"}


def test_moments_stay_the_moment_they_are() -> None:
    """Another unit has another number for the same moment; a coarser one loses what is finer, and says so."""
    fine, losses = carried(moment("millis"), moment("micros"), b"\x06")
    assert (fine.microsecond, losses) == (3000, [])
    coarse, losses = carried(moment("micros"), moment("millis"), b"\xf0\xae\x01")
    assert (coarse.microsecond, losses) == (11_000, ["s"])
    with pytest.raises(Unreadable, match="more than 64 bits"):
        carried(moment("millis"), moment("micros"), b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01")


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        pytest.param("string", "int", "string does not become int by itself", id="another kind"),
        pytest.param(
            moment("millis"),
            moment("millis", "local-timestamp"),
            "timestamp-millis does not become local",
            id="another meaning",
        ),
        pytest.param(
            {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2},
            {"type": "bytes", "logicalType": "decimal", "precision": 5},
            r"decimal \(5, 2\) does not become decimal \(5, 0\)",
            id="another scale",
        ),
        pytest.param(
            ENUM, {**ENUM, "symbols": ["A"]}, "'E' does not have B, C: say `symbols:`", id="a symbol is missing"
        ),
        pytest.param(
            {"type": "fixed", "name": "F", "size": 1},
            {"type": "fixed", "name": "F", "size": 2},
            "'F' does not become 'F'",
            id="another size",
        ),
        pytest.param(["null", "int"], "int", "null does not become int", id="null has no counterpart"),
        pytest.param("string", ["null", "int"], "no type of the union takes string", id="no branch"),
        pytest.param(ENUM, ["null", {**ENUM, "symbols": ["A"]}], "does not have B, C", id="the namesake's own problem"),
    ],
)
def test_what_does_not_become_the_other_by_itself_is_told(source: Any, target: Any, problem: str) -> None:
    """A type that needs a word of its author is not guessed at."""
    with pytest.raises(Uncarried, match=f"^field 't': .*{problem}"):
        carried(source, target, b"")


@pytest.mark.parametrize(
    ("source", "target", "good", "bad"),
    [
        pytest.param("long", "int", b"\x06", b"\x80\x80\x80\x80\x20", id="a long that is no longer than an int"),
        pytest.param("bytes", "string", b"\x02a", b"\x02\xff", id="bytes that are text"),
        pytest.param(["null", "int"], "int", b"\x02\x06", b"\x00", id="null is refused"),
        pytest.param(ENUM, {**ENUM, "symbols": ["A"]}, b"\x00", b"\x02", id="a symbol that is not there"),
        pytest.param("long", ["null", "int"], b"\x06", b"\x80\x80\x80\x80\x20", id="a branch that takes some"),
        pytest.param(["int", "boolean"], ["null", "int"], b"\x00\x06", b"\x02\x01", id="a branch that none takes"),
    ],
)
def test_stricter_types_refuse_by_value(source: Any, target: Any, good: bytes, bad: bytes) -> None:
    """Where it is left to the values, each is taken or refused by itself."""
    carried(source, target, good, refusing=True)
    with pytest.raises(ConversionFailed):
        carried(source, target, bad, refusing=True)


@pytest.mark.parametrize(
    ("source", "target", "same"),
    [
        ("int", "long", True),
        ("long", "int", False),
        (moment("millis"), "long", False),
        (["null", "int"], ["null", "long", "string"], True),
        (["null", "int"], ["int", "null"], False),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}, True),
        (ENUM, {**ENUM, "symbols": ["A", "B", "C", "D"]}, True),
        (ENUM, {**ENUM, "symbols": ["B", "A", "C"]}, False),
    ],
    ids=str,
)
def test_types_that_are_written_alike_are_known(source: Any, target: Any, same: bool) -> None:
    """Alike is what has the same bytes for every value, and means the same."""
    assert alike(parse_avro_value(source, file="s"), parse_avro_value(target, file="t")) is same


def test_damaged_bytes_are_refused() -> None:
    """A symbol or a branch that is none, a block without end, a value that is too short or too long: all are unreadable."""
    lists = {"type": "array", "items": "int"}, {"type": "array", "items": "double"}
    for source, target, value in (
        (ENUM, {**ENUM, "symbols": ["C", "B", "A"]}, b"\x06"),
        (["int", "null"], ["null", "int"], b"\x04"),
        (*lists, b"\x80\x08"),
        (*lists, b"\x02\x06"),
        ("int", "double", b"\x06\x00"),
    ):
        with pytest.raises(Unreadable):
            carried(source, target, value)
