"""A case's value as bytes: filled in where it is silent, checked where it speaks."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from router.language.case_values import Misfit, encode_value
from router.records.avro import decode_whole
from router.records.schema import AvroSchema, parse_avro, parse_json_schema


def record(**fields: Any) -> AvroSchema:
    """Return the schema of a record with these fields; a dict with `of` has a default beside its type."""
    declared = [
        {"name": name, "type": of["of"], "default": of["default"]} if isinstance(of, dict) and "of" in of else {"name": name, "type": of}
        for name, of in fields.items()
    ]  # fmt: skip
    return parse_avro(json.dumps({"type": "record", "name": "R", "fields": declared}), file="r.avsc")


def logical(kind: str, name: str, **more: int) -> dict[str, Any]:
    """Return a logical type."""
    return {"type": kind, "logicalType": name} | more


INNER = {
    "type": "record",
    "name": "I",
    "fields": [{"name": "x", "type": "int"}, {"name": "y", "type": ["null", "int"]}],
}
ENUM = {"type": "enum", "name": "E", "symbols": ["first", "second"]}
FIXED = {"type": "fixed", "name": "F", "size": 3}
DECIMAL = logical("bytes", "decimal", precision=9, scale=2)
NOTHINGS = [
    ("null", None),
    ("boolean", False),
    ("int", 0),
    ("long", 0),
    ("float", 0.0),
    ("double", 0.0),
    ("string", ""),
    ("bytes", b""),
    (ENUM, "first"),
    (FIXED, b"\0\0\0"),
    ({"type": "array", "items": "int"}, []),
    ({"type": "map", "values": "int"}, {}),
    (["null", "int"], None),
    (["int", "null"], None),
    (["int", "string"], 0),
    ([ENUM, "string"], "first"),
    (INNER, {"x": 0, "y": None}),
    (DECIMAL, Decimal("0.00")),
    (logical("string", "uuid"), "00000000-0000-0000-0000-000000000000"),
    ({"of": "int", "default": 7}, 7),
    ({"of": ["null", "int"], "default": None}, None),
]


@pytest.mark.parametrize(("of", "nothing"), NOTHINGS, ids=lambda each: json.dumps(each, default=str)[:30])
def test_what_is_left_out_is_a_default_or_nothing(of: Any, nothing: object) -> None:
    """The schema's default, else null where it may be, else the nothing of its type."""
    schema = record(a=of)
    value = decode_whole(schema.types, encode_value(schema, {}))
    assert isinstance(value, dict)
    assert str(value["a"]) == str(nothing)


STATED = [
    ("boolean", True, True),
    ("int", -5, -5),
    ("double", 5, 5.0),
    ("string", "x", "x"),
    ("bytes", "é", "é".encode()),
    (FIXED, "abc", b"abc"),
    (ENUM, "second", "second"),
    ({"type": "array", "items": ENUM}, ["second"], ["second"]),
    ({"type": "map", "values": INNER}, {"k": {"x": 1}}, {"k": {"x": 1, "y": None}}),
    (["null", "int", "string"], "x", "x"),
    (["null", INNER, ENUM], {"y": 2}, {"x": 0, "y": 2}),
    (["null", "int"], None, None),
    (DECIMAL, 12.5, Decimal("12.50")),
    (DECIMAL, "12.50", Decimal("12.50")),
    (DECIMAL, 12, Decimal("12.00")),
    (logical("int", "date"), "1970-01-03", "1970-01-03"),
    (logical("int", "date"), 2, "1970-01-03"),
    (logical("int", "time-millis"), "00:00:01.500", "00:00:01.500000"),
    (logical("long", "time-micros"), "00:00:01", "00:00:01"),
    (logical("long", "timestamp-millis"), "2026-03-01T09:30:00Z", "2026-03-01 09:30:00+00:00"),
    (logical("long", "timestamp-micros"), "2026-03-01T09:30:00+03:00", "2026-03-01 06:30:00+00:00"),
    (logical("long", "local-timestamp-millis"), "2026-03-01T09:30:00", "2026-03-01 09:30:00"),
    (logical("string", "uuid"), "12345678-1234-5678-1234-567812345678", "12345678-1234-5678-1234-567812345678"),
]


@pytest.mark.parametrize(("of", "stated", "read"), STATED, ids=lambda each: json.dumps(each, default=str)[:30])
def test_what_is_stated_is_written(of: Any, stated: object, read: object) -> None:
    """As any producer would write it."""
    schema = record(a=of, b="int")
    value = decode_whole(schema.types, encode_value(schema, {"a": stated}))
    assert isinstance(value, dict)
    assert str(value["a"]) == str(read)


def test_nanoseconds_are_counted() -> None:
    """Which fastavro gives back as it finds them."""
    schema = record(a=logical("long", "timestamp-nanos"))
    assert encode_value(schema, {"a": "1970-01-01T00:00:00.000001Z"}) == encode_value(record(a="long"), {"a": 1000})


MISFITS = [
    ("boolean", 1, (), "true or false, not 1"),
    ("null", 1, (), "null, not 1"),
    ("int", "5", (), "a whole number, not '5'"),
    ("int", True, (), "a whole number, not true"),
    ("int", 1.5, (), "a whole number, not 1.5"),
    ("int", 2**31, (), "more than 32 bits"),
    ("long", -(2**63) - 1, (), "more than 64 bits"),
    ("double", "5", (), "a number, not '5'"),
    ("double", True, (), "a number, not true"),
    ("string", 5, (), "a text, not 5"),
    ("string", None, (), "a text, not null"),
    ("bytes", [1], (), "a text, not a list"),
    (FIXED, "ab", (), "3 bytes, not 2"),
    (ENUM, "frist", (), "one of first, second, not 'frist'"),
    (ENUM, ["first"], (), "not a list"),
    ({"type": "array", "items": "int"}, {"a": 1}, (), "a list, not a mapping"),
    ({"type": "array", "items": "int"}, [1, "x"], (1,), "a whole number"),
    ({"type": "map", "values": "int"}, {"k": "x"}, ("k",), "a whole number"),
    (INNER, {"x": 1, "z": 2}, ("z",), "no field 'z' here"),
    (INNER, "x", (), "a mapping, not 'x'"),
    (["null", "int"], "x", (), "a whole number"),
    (["null", "int", ENUM], "x", (), "none of null or int or E"),
    (DECIMAL, "x", (), "a decimal, not 'x'"),
    (DECIMAL, True, (), "a decimal, not true"),
    (DECIMAL, "1.234", (), "2 digits behind the point"),
    (DECIMAL, ".inf", (), "a decimal"),
    (DECIMAL, float("nan"), (), ""),
    (DECIMAL, 12_345_678_901, (), "fit the schema"),
    (logical("int", "date"), "tomorrow", (), "in ISO 8601, not 'tomorrow'"),
    (logical("long", "timestamp-millis"), "9999-99-99", (), "in ISO 8601"),
    (logical("string", "uuid"), "x", (), "a UUID, not 'x'"),
]


@pytest.mark.parametrize(
    ("of", "stated", "path", "words"), MISFITS, ids=lambda each: json.dumps(each, default=str)[:30]
)
def test_what_does_not_fit_is_told_at_its_path(of: Any, stated: object, path: tuple[object, ...], words: str) -> None:
    """In words, with the way to it from the value's root."""
    with pytest.raises(Misfit) as raised:
        encode_value(record(a=of), {"a": stated})
    assert raised.value.path in {("a", *path), ()}
    assert words in str(raised.value)


def test_a_misspelt_field_or_symbol_is_suggested() -> None:
    """The nearest that the schema has."""
    with pytest.raises(Misfit) as raised:
        encode_value(record(country="string"), {"contry": "x"})
    assert raised.value.suggestion == "did you mean 'country'?"
    with pytest.raises(Misfit) as raised:
        encode_value(record(a=ENUM), {"a": "secnd"})
    assert raised.value.suggestion == "did you mean 'second'?"


def test_a_value_that_is_no_mapping_is_told() -> None:
    """A record is one."""
    with pytest.raises(Misfit, match="the value: it is a mapping, not a list"):
        encode_value(record(a="int"), [1])


def test_a_record_inside_itself_ends() -> None:
    """At the null that it must have somewhere."""
    tree = {
        "type": "record",
        "name": "T",
        "fields": [{"name": "v", "type": "int"}, {"name": "next", "type": ["null", "T"]}],
    }
    schema = parse_avro(json.dumps(tree), file="t.avsc")
    value = decode_whole(schema.types, encode_value(schema, {"next": {"v": 2}}))
    assert value == {"v": 0, "next": {"v": 2, "next": None}}


JSON = parse_json_schema(
    json.dumps(
        {
            "type": "object",
            "required": ["sku", "hall", "state", "count", "price", "open"],
            "properties": {
                "sku": {"type": "string"},
                "hall": {"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}},
                "state": {"enum": ["low", "high"]},
                "count": {"type": "integer"},
                "price": {"type": "number"},
                "open": {"type": "boolean"},
                "note": {"type": ["string", "null"]},
                "tags": {"type": "array"},
                "any": {"type": "object"},
                "mixed": {"type": ["string", "integer"]},
            },
        }
    ),
    file="s.schema.json",
)


def test_json_is_filled_with_what_is_required() -> None:
    """An optional property stays away, as it may."""
    assert json.loads(encode_value(JSON, {"hall": {}, "any": {"x": {"y": 1}}, "note": None, "mixed": 5})) == {
        "sku": "",
        "hall": {"code": ""},
        "state": "low",
        "count": 0,
        "price": 0.0,
        "open": False,
        "any": {"x": {"y": 1}},
        "note": None,
        "mixed": 5,
    }


@pytest.mark.parametrize(
    ("stated", "path", "words"),
    [
        ({"sku": 5}, ("sku",), "a text, not 5"),
        ({"sku": None}, ("sku",), "a text, not null"),
        ({"count": 1.5}, ("count",), "a whole number"),
        ({"count": True}, ("count",), "a whole number, not true"),
        ({"state": "lwo"}, ("state",), "one of low, high"),
        ({"hall": {"cod": "x"}}, ("hall", "cod"), "no field 'cod' here"),
        ({"hall": "x"}, ("hall",), "a mapping, not 'x'"),
        ({"tags": {}}, ("tags",), "a list, not a mapping"),
        ({"skoo": 1}, ("skoo",), "no field 'skoo' here"),
    ],
)
def test_json_that_does_not_fit_is_told_at_its_path(stated: object, path: tuple[str, ...], words: str) -> None:
    """A misspelt property, too, though JSON would let it pass: a case states what routes read."""
    with pytest.raises(Misfit) as raised:
        encode_value(JSON, stated)
    assert raised.value.path == path
    assert words in str(raised.value)


def test_json_without_a_schema_is_as_it_stands() -> None:
    """Any value will do, unless JSON has no form for it."""
    assert encode_value(None, {"a": [1, None]}) == b'{"a":[1,null]}'
    assert encode_value(JSON, [1]) == b"[1]"
    with pytest.raises(Misfit, match="cannot be written as JSON"):
        encode_value(None, {"a": 2**80})
