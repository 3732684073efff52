"""Plain values of Avro's bytes, against fastavro's."""

import json
import random
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from versions.avro_bytes import random_bytes
from versions.avro_pairs import Maker

from router.errors import InvalidSchema, Unreadable
from router.records.avro import decode_whole, parse_types
from router.versions.avro_nodes import parse_avro_value
from router.versions.plain_values import PlainReaders, read_long

LOGICAL = [
    {"type": "long", "logicalType": "timestamp-millis"},
    {"type": "long", "logicalType": "timestamp-micros"},
    {"type": "long", "logicalType": "local-timestamp-millis"},
    {"type": "long", "logicalType": "local-timestamp-micros"},
    {"type": "long", "logicalType": "timestamp-nanos"},
    {"type": "long", "logicalType": "time-micros"},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "int", "logicalType": "date"},
    {"type": "string", "logicalType": "uuid"},
    {"type": "bytes", "logicalType": "decimal", "precision": 60, "scale": 3},
]


def same_as_fastavro(schema: Any, draw: random.Random) -> None:
    node = parse_avro_value(schema, file="f")
    value = random_bytes(node, draw)
    plain, end = PlainReaders().reader(node)(value, 0)
    assert end == len(value)
    expected = decode_whole(parse_types(json.dumps(schema), file="f"), value)
    assert plain == (str(expected) if isinstance(expected, UUID) else expected)


def test_random_values_are_read_as_fastavro_reads_them() -> None:
    """Of random schemas, values come out as fastavro has them, and reading ends where the value does."""
    draw, read = random.Random(7), 0
    for _ in range(400):
        schema = Maker(draw).schema(3)
        try:
            parse_types(json.dumps(schema), file="f")
            same_as_fastavro(schema, draw)
        except (InvalidSchema, RecursionError):  # as a record that contains itself always
            continue
        read += 1
    assert read > 300


@pytest.mark.parametrize("schema", LOGICAL, ids=lambda each: f"{each['type']} {each['logicalType']}")
def test_logical_values_are_those_of_fastavro(schema: Any) -> None:
    """Moments, times, dates, decimals and UUIDs are the values that conditions see as well."""
    draw = random.Random(1)
    for _ in range(20):
        same_as_fastavro(schema, draw)


def test_fixed_bytes_are_what_they_say() -> None:
    """Sixteen bytes that say so are a UUID, and others a decimal."""
    decimal = parse_avro_value(
        {"type": "fixed", "name": "D", "size": 2, "logicalType": "decimal", "precision": 4, "scale": 1}, file="f"
    )
    assert PlainReaders().reader(decimal)(b"\x01\x02", 0) == (Decimal("25.8"), 2)
    node = parse_avro_value({"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}, file="f")
    assert PlainReaders().reader(node)(bytes(16), 0) == (UUID(int=0), 16)


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ("string", b"\x06ab", "ends too early"),
        ("string", b"\x01", "ends too early"),
        ("string", b"\x02\xff", "not UTF-8"),
        ("double", b"\0\0", "ends too early"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x02", "no symbol 1"),
        (["null"], b"\x02", "no branch 1"),
        ({"type": "array", "items": "null"}, b"\x80\x01", "more items than the value has bytes"),
        ({"type": "int", "logicalType": "time-millis"}, b"\x01", "-1 is no time-millis"),
        ("long", b"\xff" * 10, "more than 64 bits"),
    ],
)
def test_bytes_that_are_no_value_are_refused(schema: Any, value: bytes, problem: str) -> None:
    """Whatever is wrong with the bytes is said."""
    with pytest.raises(Unreadable, match=problem):
        PlainReaders().reader(parse_avro_value(schema, file="f"))(value, 0)


def test_end_of_the_bytes_is_an_index_error() -> None:
    """A number that ends in the middle leads out of the bytes."""
    with pytest.raises(IndexError):
        read_long(b"\x80", 0)
