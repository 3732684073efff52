"""What expressions may name, from Avro's and JSON's schemas; and every type that a record can have, read and compiled."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from router.language.cel.environment import Environment
from router.language.cel.regex import Re2
from router.language.cel.types import DYN, CelType, Tag
from router.language.cel.where import compile_where
from router.records.schema import parse_avro, parse_json_schema

FIELDS: dict[str, tuple[Any, Any, str, str]] = {
    "flag": ("boolean", True, "bool", "flag"),
    "number": ("int", 5, "int", "number + 1 == 6"),
    "big": ("long", 2**62, "int", "big > 1"),
    "ratio": ("float", 0.5, "double", "ratio * 2.0 == 1.0"),
    "raw": ("bytes", b"ab", "bytes", "raw == b'ab' && raw.size() == 2"),
    "text": ("string", "é", "string", "text.size() == 1"),
    "choice": ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "A", "string", "choice in ['A']"),
    "hash": ({"type": "fixed", "name": "F", "size": 2}, b"ab", "bytes", "hash == b'ab'"),
    "nothing": ("null", None, "null", "nothing == null"),
    "price": (
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
        Decimal("1.50"),
        "decimal",
        "price == 1.5",
    ),
    "id": (
        {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"},
        UUID(int=1),
        "string",
        "id.endsWith('01')",
    ),
    "day": ({"type": "int", "logicalType": "date"}, date(2024, 5, 31), "timestamp", "day.getDate() == 31"),
    "hour": ({"type": "int", "logicalType": "time-millis"}, time(1, 30), "duration", "hour == duration('90m')"),
    "at": (
        {"type": "long", "logicalType": "timestamp-micros"},
        datetime(2024, 5, 31, tzinfo=UTC),
        "timestamp",
        "at.getMonth() == 4",
    ),
    "local": (
        {"type": "long", "logicalType": "local-timestamp-millis"},
        datetime(2024, 5, 31, tzinfo=UTC).replace(tzinfo=None),
        "timestamp",
        "local == at",
    ),
    "fine": ({"type": "long", "logicalType": "timestamp-nanos"}, 1_000_000_001, "timestamp", "fine > timestamp(1)"),
    "either": (["string", "long"], 5, "dyn", "either == 5"),
    "moment": (
        ["string", {"type": "long", "logicalType": "timestamp-millis"}],
        datetime(1970, 1, 1, tzinfo=UTC),
        "dyn",
        "moment == timestamp(0)",
    ),
    "list": (
        {"type": "array", "items": ["null", "int"]},
        [1, None],
        "list(int or null)",
        "list[1] == null && list[0] > 0",
    ),
    "grid": (
        {"type": "array", "items": {"type": "array", "items": "int"}},
        [[1]],
        "list(list(int))",
        "grid[0][0] == 1",
    ),
    "some": (
        ["null", {"type": "array", "items": "int"}],
        [1],
        "list(int) or null",
        "some != null && some.exists(x, x == 1)",
    ),
    "names_of": ({"type": "map", "values": "string"}, {"a": "b"}, "map(string, string)", "names_of.a == 'b'"),
    "times": (
        {"type": "map", "values": {"type": "long", "logicalType": "timestamp-millis"}},
        {"a": datetime(1970, 1, 1, tzinfo=UTC)},
        "map(string, timestamp)",
        "times.a == timestamp(0)",
    ),
    "mixed": (["int", {"type": "array", "items": "int"}], [1], "dyn", "mixed == [1]"),
    "inner": (
        {
            "type": "record",
            "name": "x.Inner",
            "fields": [{"name": "deep", "type": ["null", "x.Inner"]}, {"name": "n", "type": "int"}],
        },
        {"deep": None, "n": 1},
        "Inner",
        "inner.n == 1 && inner.deep == null && inner.deep.n == null && record.inner.deep.deep.n == null",
    ),
}
SCHEMA = parse_avro(
    json.dumps(
        {
            "type": "record",
            "name": "R",
            "fields": [{"name": name, "type": of} for name, (of, _, _, _) in FIELDS.items()],
        }
    ),
    file="r.avsc",
)
ENVIRONMENT = Environment.of_schema(SCHEMA)
RECORD = {name: value for name, (_, value, _, _) in FIELDS.items()}


@pytest.mark.parametrize("name", FIELDS)
def test_every_avro_type_has_its_meaning(name: str) -> None:
    """A field of each type is declared as such, and an expression over it is true of its plain value, compiled or walked."""
    _, _, shown, text = FIELDS[name]
    assert str(ENVIRONMENT.variables[name]) == shown
    for written in (text, f"record.{name} == record.{name}"):
        found = compile_where(written, ENVIRONMENT, engine=Re2())
        values = []
        for path in found.paths:
            here: Any = RECORD
            for part in path.split("."):
                here = None if here is None else here[part]
            values.append(here)
        whole = {each: RECORD[each] for each in found.whole}
        assert found.compile(found.paths)(values, {}, "", whole) is True
        assert found.evaluate(value=RECORD, headers={}, key="") is True


def test_schema_that_is_no_record_leaves_names_open() -> None:
    """Where a schema names no fields, any name is one."""
    assert Environment.of_schema(parse_avro('"string"', file="x")).open
    assert Environment.of_schema(parse_json_schema("{}", file="x")).open
    assert not ENVIRONMENT.open
    assert "flag" in ENVIRONMENT.field_names
    assert "headers" not in ENVIRONMENT.field_names
    assert ENVIRONMENT.type_at(("inner", "n")) == CelType(Tag.INT)
    assert ENVIRONMENT.type_at(("flag", "x")) == DYN


def test_json_types() -> None:
    """A JSON schema's types are those of expressions; what it leaves open is dyn, what may be absent can be null."""
    properties = {
        "a": {"type": "integer"},
        "b": {"type": ["number", "null"]},
        "c": {"type": "boolean"},
        "d": {"enum": ["x", "y"]},
        "e": {"type": ["string", "integer"]},
        "f": {"type": "array"},
        "g": {"type": "object"},
        "h": {"$ref": "#/$defs/point"},
        "i": {},
        "j": {"type": "object", "properties": {"odd-name": {}}},
        "k": {"type": ["array", "string"]},
    }
    document = {
        "type": "object",
        "required": [name for name in properties if name != "c"],
        "properties": properties,
        "$defs": {
            "point": {"title": "Point", "properties": {"x": {"type": "number"}, "next": {"$ref": "#/$defs/point"}}}
        },
    }
    found = Environment.of_schema(parse_json_schema(json.dumps(document), file="x")).variables
    shown = {name: str(found[name]) for name in properties}
    assert shown == {
        "a": "int",
        "b": "double or null",
        "c": "bool or null",
        "d": "string",
        "e": "dyn",
        "f": "list(dyn)",
        "g": "map(string, dyn)",
        "h": "Point",
        "i": "dyn",
        "j": "dyn",
        "k": "dyn",
    }
    assert found["d"].symbols == ("x", "y")
