"""What becomes of an Avro schema's text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import InvalidSchema, Unreadable
from router.records.avro import DEPTH_LIMIT, AvroType, decode_whole, encode_whole, parse_types
from router.records.field_type import Kind


def record(*types: Any, **more: Any) -> dict[str, Any]:
    """A record `shop.r` with fields a, b, c… of these types."""
    fields = [{"name": name, "type": inner} for name, inner in zip("abcdef", types, strict=False)]
    return {"type": "record", "name": "r", "namespace": "shop", "fields": fields, **more}


def lowered(inner: Any) -> AvroType:
    """The type of the only field of a record."""
    ((_, found),) = parse_types(json.dumps(record(inner)), file="r.avsc").records["shop.r"]
    return found


def nested(levels: int) -> Any:
    """Arrays in arrays."""
    return {"type": "array", "items": nested(levels - 1)} if levels else "int"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param("int", AvroType(kind=Kind.INT), id="name"),
        pytest.param({"type": "int"}, AvroType(kind=Kind.INT), id="object"),
        pytest.param(
            {"type": "array", "items": "int"},
            AvroType(kind=Kind.ARRAY, branches=(AvroType(kind=Kind.INT),)),
            id="array",
        ),
        pytest.param(
            {"type": "map", "values": "int"}, AvroType(kind=Kind.MAP, branches=(AvroType(kind=Kind.INT),)), id="map"
        ),
        pytest.param(
            {"type": "enum", "name": "e", "symbols": ["A"]},
            AvroType(kind=Kind.ENUM, name="shop.e", symbols=("A",)),
            id="enum",
        ),
        pytest.param(
            {"type": "fixed", "name": "x.f", "size": 3}, AvroType(kind=Kind.FIXED, name="x.f", size=3), id="fixed"
        ),
        pytest.param(record(name="s"), AvroType(kind=Kind.RECORD, name="shop.s"), id="record"),
        pytest.param(record(name="s", type="error"), AvroType(kind=Kind.RECORD, name="shop.s"), id="error-is-a-record"),
        pytest.param(
            ["null", "r"],
            AvroType(kind=Kind.UNION, branches=(AvroType(kind=Kind.NULL), AvroType(kind=Kind.RECORD, name="shop.r"))),
            id="reference-to-itself",
        ),
        pytest.param({"type": "int", "logicalType": "date"}, AvroType(kind=Kind.INT, logical="date"), id="date"),
        pytest.param({"type": "long", "logicalType": "date"}, AvroType(kind=Kind.LONG), id="logical-on-another-kind"),
        pytest.param({"type": "int", "logicalType": "mood"}, AvroType(kind=Kind.INT), id="unknown-logical"),
        pytest.param({"type": "int", "logicalType": 7}, AvroType(kind=Kind.INT), id="logical-is-no-text"),
        pytest.param(
            {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2},
            AvroType(kind=Kind.BYTES, logical="decimal", precision=4, scale=2),
            id="decimal",
        ),
        pytest.param(
            {"type": "bytes", "logicalType": "decimal"}, AvroType(kind=Kind.BYTES), id="decimal-of-no-precision"
        ),
        pytest.param(
            {"type": "fixed", "name": "f", "size": 16, "logicalType": "uuid"},
            AvroType(kind=Kind.FIXED, name="shop.f", size=16, logical="uuid"),
            id="uuid-on-fixed",
        ),
        pytest.param(
            {"type": "fixed", "name": "f", "size": 9, "logicalType": "uuid"},
            AvroType(kind=Kind.FIXED, name="shop.f", size=9),
            id="uuid-of-another-size",
        ),
    ],
)
def test_type_of(schema: Any, expected: AvroType) -> None:
    """Each form of the text has one tree; attributes that the specification bids to ignore are not in it."""
    assert lowered(schema) == expected


def test_items_are_what_an_array_holds() -> None:
    """The one type inside arrays and maps has a name of its own."""
    assert lowered({"type": "map", "values": "int"}).items == AvroType(kind=Kind.INT)


def test_names_resolve_within_their_namespace() -> None:
    """A type is defined once and referred to by its short or full name."""
    enum = {"type": "enum", "name": "e", "symbols": ["A"]}
    fields = parse_types(json.dumps(record(enum, "e", "shop.e")), file="r.avsc").records["shop.r"]
    assert len({inner for _, inner in fields}) == 1


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "{", "it is not JSON: Expecting property name enclosed in double quotes at line 1, column 2", id="no-json"
        ),
        pytest.param("7", "it is not an Avro schema", id="number"),
        pytest.param("{}", "it is not an Avro schema: a type lacks 'type'", id="no-type"),
        pytest.param('{"type":"array"}', "it is not an Avro schema: a type lacks 'items'", id="no-items"),
        pytest.param('{"type":{"type":"int"}}', "it is not an Avro schema", id="type-in-type"),
        pytest.param('{"type":"enum","name":"e","symbols":["1"]}', "it is not an Avro schema", id="bad-symbol"),
        pytest.param('{"type":"enum","name":"e","symbols":[]}', "enum 'e' has no symbols", id="no-symbols"),
        pytest.param('{"type":"fixed","name":"f","size":-1}', "fixed 'f' has the size -1", id="negative-size"),
        pytest.param('{"type":"fixed","name":"f","size":"1"}', "fixed 'f' has the size '1'", id="size-is-text"),
        pytest.param("[]", "a union has no types", id="empty-union"),
        pytest.param('["int",["string"]]', "a union stands directly in a union", id="union-in-union"),
        pytest.param(
            json.dumps(record("order")), "it names the type 'shop.order', which it does not define", id="unknown-name"
        ),
        pytest.param(json.dumps(record("r")), "record 'shop.r' contains 'shop.r': no value of it ends", id="endless"),
        pytest.param(
            json.dumps(
                record(
                    record({"type": "array", "items": "r"}, name="s"),
                    record("s", name="t"),
                    {"type": "map", "values": "t"},
                )
            ),
            None,
            id="not-endless",
        ),
        pytest.param(
            json.dumps(record("int") | {"fields": [{"name": "a.b", "type": "int"}]}),
            "record 'shop.r' has a field with the name 'a.b'",
            id="dot-in-a-name",
        ),
        pytest.param(
            json.dumps(record("int") | {"fields": [{"name": "a", "type": "int"}] * 2}),
            "record 'shop.r' has the field 'a' twice",
            id="field-twice",
        ),
        pytest.param(json.dumps(nested(DEPTH_LIMIT - 1)), None, id="deep"),
        pytest.param(
            json.dumps(nested(DEPTH_LIMIT)), f"its types stand deeper than {DEPTH_LIMIT} in each other", id="too-deep"
        ),
        pytest.param('{"type":"array","items":' * 100_000, "its types stand deeper", id="deeper-than-the-stack"),
        pytest.param(
            '{"__fastavro_parsed":true,"type":"nonsense"}', "which it does not define", id="claims-to-be-parsed"
        ),
    ],
)
def test_unusable_schema_says_why(text: str, problem: str | None) -> None:
    """Whatever the text, the answer is types or `InvalidSchema` with the file."""
    if problem is None:
        assert parse_types(text, file="r.avsc").root
        return
    with pytest.raises(InvalidSchema) as caught:
        parse_types(text, file="r.avsc")
    assert caught.value.file == "r.avsc"
    assert problem in caught.value.problem


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param("int", (Kind.INT, False), id="plain"),
        pytest.param("null", (Kind.NULL, True), id="null"),
        pytest.param(["null", "int"], (Kind.INT, True), id="nullable"),
        pytest.param(["int", "null"], (Kind.INT, True), id="null-second"),
        pytest.param(["int"], (Kind.INT, False), id="only-one"),
        pytest.param(["null"], (Kind.UNION, True), id="only-null"),
        pytest.param(["int", "string"], (Kind.UNION, False), id="several"),
        pytest.param(["int", "null", "string"], (Kind.UNION, True), id="several-and-null"),
    ],
)
def test_unwrapping_finds_the_type_behind_null(schema: Any, expected: tuple[Kind, bool]) -> None:
    """A union of null and one other type is that type, nullable."""
    types = parse_types(json.dumps(schema), file="r.avsc")
    inner, nullable = types.unwrap(types.root)
    assert (inner.kind, nullable) == expected


def test_whole_values_round_trip() -> None:
    """What `encode_whole` writes `decode_whole` reads."""
    types = parse_types(json.dumps(record("int", ["null", "string"])), file="r.avsc")
    value = {"a": 7, "b": "x"}
    assert decode_whole(types, encode_whole(types, value)) == value


@pytest.mark.parametrize(
    "value", [{}, {"a": "text"}, 7, {"a": 2**70}], ids=["missing", "wrong-type", "no-record", "too-large"]
)
def test_a_value_that_does_not_fit_is_told(value: object) -> None:
    """A route case with a wrong value fails with a reason, not with fastavro's internals."""
    types = parse_types(json.dumps(record("int")), file="r.avsc")
    with pytest.raises(Unreadable, match="the value does not fit the schema"):
        encode_whole(types, value)


@pytest.mark.parametrize("value", [b"", b"\x80", b"\x02\x06ab"], ids=["empty", "cut-number", "cut-text"])
def test_bytes_that_do_not_decode_are_told(value: bytes) -> None:
    """What people are shown of a dead letter may be anything."""
    with pytest.raises(Unreadable):
        decode_whole(parse_types(json.dumps(record("int", "string")), file="r.avsc"), value)
