"""Writing Avro values: what fits, and what does not."""

import json
import random
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from versions.avro_bytes import random_bytes
from versions.avro_pairs import Maker

from router.errors import InvalidSchema
from router.language.cel.values import Duration, Timestamp, Uint
from router.records.avro import decode_whole, parse_types
from router.versions.avro_nodes import parse_avro_value
from router.versions.encoding import ConversionFailed, Encoders, default_bytes, encode_long
from router.versions.plain_values import PlainReaders, read_long

ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
RECORD = {
    "type": "record",
    "name": "R",
    "fields": [{"name": "a", "type": "int"}, {"name": "b", "type": "string", "default": "x"}],
}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
FIXED = {"type": "fixed", "name": "F", "size": 2}


def encoded(schema: Any, value: Any) -> bytes:
    return Encoders().encoder(parse_avro_value(schema, file="f"))(value)


def test_random_values_come_back() -> None:
    """What is read of random bytes and written again reads as the same value."""
    draw, written = random.Random(5), 0
    for _ in range(300):
        try:
            node = parse_avro_value(Maker(draw).schema(3), file="f")
            value = random_bytes(node, draw)
        except (InvalidSchema, RecursionError):
            continue
        plain, _ = PlainReaders().reader(node)(value, 0)
        again = Encoders().encoder(node)(plain)
        assert PlainReaders().reader(node)(again, 0) == (plain, len(again))
        written += 1
    assert written > 200


@pytest.mark.parametrize("number", [0, -1, 1, 63, 64, -64, -65, 2**31, 2**63 - 1, -(2**63)])
def test_numbers_are_zigzag(number: int) -> None:
    """A number is read back as it was."""
    assert read_long(encode_long(number), 0) == (number, len(encode_long(number)))


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ("null", None, None),
        ("boolean", True, True),
        ("int", Uint(7), 7),
        ("double", 3, 3.0),
        ("float", 0.5, 0.5),
        ("string", UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        ("bytes", b"\xff", b"\xff"),
        (ENUM, "B", "B"),
        (FIXED, b"ab", b"ab"),
        (DECIMAL, Decimal("1.5"), Decimal("1.50")),
        (DECIMAL, 7, Decimal("7.00")),
        ({**FIXED, "logicalType": "decimal", "precision": 4, "scale": 2}, Decimal("-1.25"), Decimal("-1.25")),
        ({"type": "array", "items": "int"}, (1, 2), [1, 2]),
        ({"type": "map", "values": "int"}, {"a": 1}, {"a": 1}),
        (RECORD, {"a": 1}, {"a": 1, "b": "x"}),
        (["null", "int"], 5, 5),
        (["float", "double"], 0.1, 0.1),
    ],
    ids=str,
)
def test_values_that_fit_are_written(schema: Any, value: Any, expected: Any) -> None:
    """What was written is what fastavro reads."""
    assert decode_whole(parse_types(json.dumps(schema), file="f"), encoded(schema, value)) == expected


@pytest.mark.parametrize(
    ("logical", "kind", "value", "number"),
    [
        ("timestamp-millis", "long", Timestamp(1_999_999), 1),
        ("timestamp-micros", "long", Timestamp(-1), -1),
        ("timestamp-nanos", "long", Timestamp(5), 5),
        ("date", "int", Timestamp(86_400_000_000_000 * 3 + 1), 3),
        ("time-millis", "int", Duration(2_000_000), 2),
    ],
)
def test_moments_are_written_in_their_unit(logical: str, kind: str, value: Any, number: int) -> None:
    """A moment loses only what its unit does not have."""
    assert read_long(encoded({"type": kind, "logicalType": logical}, value), 0)[0] == number


def test_uuid_is_written_as_bytes_or_text() -> None:
    """A uuid on a fixed takes its text."""
    schema = {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}
    assert encoded(schema, str(UUID(int=1))) == UUID(int=1).bytes
    with pytest.raises(ConversionFailed, match="a UUID is wanted, not 'x'"):
        encoded(schema, "x")


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ("null", 1, "null is wanted, not 1"),
        ("boolean", 1, "true or false is wanted"),
        ("int", True, "a whole number is wanted"),
        ("int", 1.0, "a whole number is wanted"),
        ("int", 2**31, "more than 32 bits"),
        ("long", 2**63, "more than 64 bits"),
        ("double", "x", "a number is wanted"),
        ("float", 1e300, "too large"),
        ("string", None, "a text is wanted, not null"),
        ("bytes", "x", "bytes is wanted"),
        (ENUM, "C", "a symbol of 'E' is wanted"),
        (ENUM, 1, "a symbol of 'E' is wanted"),
        (FIXED, b"abc", "2 bytes is wanted"),
        (DECIMAL, Decimal("0.001"), "no decimal of 5 digits, 2 of them behind the point"),
        (DECIMAL, Decimal(1000), "no decimal of 5 digits"),
        (DECIMAL, 1.0, "a decimal is wanted"),
        (
            {"type": "fixed", "name": "G", "size": 1, "logicalType": "decimal", "precision": 5},
            Decimal(300),
            "more than 1 bytes",
        ),
        ({"type": "array", "items": "int"}, "x", "a list is wanted"),
        ({"type": "map", "values": "int"}, [], "a map is wanted"),
        (RECORD, [], "a record is wanted"),
        (RECORD, {"b": "y"}, "record 'R' needs its field 'a'"),
        (RECORD, {"a": 1, "c": 2}, "record 'R' has no field 'c'"),
        (["null", "int"], "x", "a value of one of the union's types is wanted"),
        ({"type": "long", "logicalType": "timestamp-millis"}, 5, "a timestamp is wanted"),
        ({"type": "int", "logicalType": "time-millis"}, Timestamp(0), "a duration is wanted"),
    ],
    ids=str,
)
def test_values_that_do_not_fit_fail(schema: Any, value: Any, problem: str) -> None:
    """Nothing is cut or guessed."""
    with pytest.raises(ConversionFailed, match=problem):
        encoded(schema, value)


@pytest.mark.parametrize(
    ("schema", "default", "expected"),
    [
        ("bytes", "\u00ff", b"\xff"),
        (FIXED, "ab", b"ab"),
        ("double", "NaN", None),
        ("float", 1, 1.0),
        ({"type": "long", "logicalType": "timestamp-nanos"}, 7, 7),
        (["null", "string"], "x", "x"),
        ({"type": "array", "items": "bytes"}, ["a", "b"], [b"a", b"b"]),
        ({"type": "array", "items": "bytes"}, [], []),
        ({"type": "map", "values": ["null", "int"]}, {"a": None}, {"a": None}),
        ({"type": "map", "values": "int"}, {}, {}),
        (RECORD, {"a": 5}, {"a": 5, "b": "x"}),
    ],
    ids=str,
)
def test_defaults_are_written_as_the_specification_has_them(schema: Any, default: Any, expected: Any) -> None:
    """Bytes are code points, a union takes the branch that fits, what a record leaves out is its field's default."""
    value = decode_whole(
        parse_types(json.dumps(schema), file="f"), default_bytes(parse_avro_value(schema, file="f"), default)
    )
    assert value == expected if expected is not None else value != value  # noqa: PLR0124 -- not a number is not itself


def test_a_default_of_no_branch_fails() -> None:
    """Where no branch takes it there are no bytes."""
    with pytest.raises(ConversionFailed):
        default_bytes(parse_avro_value(["null", "int"], file="f"), "x")


def test_failures_say_file_and_field() -> None:
    """The text of a failure has what is known of its place."""
    assert str(ConversionFailed(problem="p")) == "p"
    assert str(ConversionFailed(problem="p", field="a.b")) == "field 'a.b': p"
    assert str(ConversionFailed(problem="p", field="a", conversion="v1_to_v2.yaml")) == "v1_to_v2.yaml: field 'a': p"
