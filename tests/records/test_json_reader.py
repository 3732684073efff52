"""Fields of JSON values, against orjson itself."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import Unreadable
from router.records.json_reader import format_json, json_picker, json_reader, parse_json
from router.records.json_schema import JsonSchema, parse_json_schema

SCHEMA = parse_json_schema(
    json.dumps(
        {
            "type": "object",
            "required": ["sku", "count", "place"],
            "properties": {
                "sku": {"type": "string"},
                "count": {"type": "integer"},
                "price": {"type": "number"},
                "state": {"enum": ["in", "out", None]},
                "open": {"type": "boolean"},
                "place": {"type": "object", "required": ["shelf"], "properties": {"shelf": {"type": "string"}}},
                "note": {"type": ["string", "integer"]},
            },
        }
    ),
    file="stock.schema.json",
)


def read(value: object, *paths: str, schema: JsonSchema | None = None, whole: bool = False) -> tuple[Any, ...]:
    """Facts, and back to values."""
    reader = json_reader(paths, schema=schema, whole=whole)
    facts = reader.read(value if isinstance(value, bytes) else json.dumps(value).encode())
    hash(facts)
    return reader.values(facts)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
names = st.sampled_from(["a", "b", "c"])
objects = st.recursive(
    st.dictionaries(names, scalars), lambda inner: st.dictionaries(names, scalars | inner), max_leaves=8
)


def scalar_paths(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Every path to a scalar, and what is there."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            found |= scalar_paths(inner, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = inner
    return found


@given(objects)
def test_values_are_those_of_orjson(value: dict[str, Any]) -> None:
    """Every scalar at every path reads as orjson parses it, with its type."""
    text = orjson.dumps(value)
    expected = scalar_paths(orjson.loads(text))
    got = read(text, *expected)
    assert [(type(one), one) for one in got] == [(type(one), one) for one in expected.values()]


@given(
    st.binary(max_size=30)
    | objects.map(orjson.dumps).flatmap(lambda text: st.integers(0, 60).map(lambda end: text[:end]))
)
def test_any_bytes_read_as_something_or_are_unreadable(value: bytes) -> None:
    """Nothing but a tuple or `Unreadable` comes out, whatever goes in."""
    reader = json_reader(["a", "b.c"])
    fault = None
    try:
        assert len(reader.values(reader.read(value))) == 2
    except Unreadable as error:
        fault = error
    assert fault is None or fault.position <= len(value)


def test_facts_differ_where_values_do() -> None:
    """Python takes 1, 1.0 and true for equal; a memo must not."""
    reader = json_reader(["a"])
    facts = {
        reader.read(text)
        for text in (b'{"a":1}', b'{"a":1.0}', b'{"a":true}', b'{"a":"1"}', b'{"a":-0.0}', b'{"a":0.0}')
    }
    assert len(facts) == 6


@pytest.mark.parametrize(
    ("value", "path"),
    [({}, "a"), ({"a": None}, "a"), ({"a": None}, "a.b"), ({}, "a.b.c"), ({"a": {}}, "a.b")],
    ids=["absent", "null", "inside-null", "inside-nothing", "absent-inside"],
)
def test_what_is_not_there_reads_as_none(value: object, path: str) -> None:
    """Absent and null are the same to a route."""
    assert read(value, path) == (None,)


@pytest.mark.parametrize(
    ("value", "path", "position", "problem"),
    [
        pytest.param(b"", "", 0, "it is not JSON", id="empty"),
        pytest.param(b'{"a":1', "", 6, "it is not JSON", id="cut"),
        pytest.param(b'{"a":1} x', "", 8, "it is not JSON", id="leftover"),
        pytest.param(b'{"a":NaN}', "", 5, "it is not JSON", id="nan"),
        pytest.param(b'{"a":"\xff"}', "", -1, "it is not JSON", id="not-utf8"),
        pytest.param(b"[" * 100_000, "", -1, "it is not JSON", id="deep"),
        pytest.param(b"[]", "", -1, "it is an array, not an object", id="array"),
        pytest.param(b"null", "", -1, "it is null, not an object", id="null"),
        pytest.param(b'{"a":{"b":[]}}', "a.b", -1, "it is an array", id="array-at-the-end"),
        pytest.param(b'{"a":{"b":{}}}', "a.b", -1, "it is an object", id="object-at-the-end"),
        pytest.param(b'{"a":[]}', "a.b", -1, "'a' is an array, not an object", id="array-on-the-way"),
        pytest.param(b'{"a":3}', "a.b", -1, "'a' is an integer, not an object", id="scalar-on-the-way"),
    ],
)
def test_unreadable_says_where_and_why(value: bytes, path: str, position: int, problem: str) -> None:
    """The dead letter's reader learns the field, the place where there is one, and the fault."""
    with pytest.raises(Unreadable) as caught:
        json_reader(["a.b"]).read(value)
    assert caught.value.field == path
    assert problem in caught.value.problem
    assert caught.value.position in {position, -1} if "deep" in problem else caught.value.position >= -1
    if position >= 0:
        assert caught.value.position == position


SOUND = {"sku": "x", "count": 1, "place": {"shelf": "A"}}


@pytest.mark.parametrize(
    ("change", "path", "values"),
    [
        pytest.param({}, "sku", ("x",), id="string"),
        pytest.param({"count": 2.0}, "count", (2,), id="whole-number-is-an-integer"),
        pytest.param({"price": 2}, "price", (2,), id="integer-is-a-number"),
        pytest.param({"price": 2.5}, "price", (2.5,), id="number"),
        pytest.param({"state": None}, "state", (None,), id="null"),
        pytest.param({"state": "in"}, "state", ("in",), id="symbol"),
        pytest.param({"open": True}, "open", (True,), id="boolean"),
        pytest.param({"note": 7}, "note", (7,), id="one-of-two-types"),
        pytest.param({}, "price", (None,), id="optional"),
        pytest.param({}, "place.shelf", ("A",), id="inside"),
    ],
)
def test_a_schema_lets_sound_values_pass(change: dict[str, Any], path: str, values: tuple[Any, ...]) -> None:
    """What the schema allows reads as without one, walked whole or not."""
    assert read(SOUND | change, path, schema=SCHEMA) == values
    assert read(SOUND | change, path, schema=SCHEMA, whole=True) == values


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        pytest.param({"sku": None}, "sku", "it is required, and not there", id="required"),
        pytest.param({"sku": 5}, "sku", "it is an integer", id="not-a-string"),
        pytest.param({"count": 2.5}, "count", "it is a number", id="not-an-integer"),
        pytest.param({"count": True}, "count", "it is a boolean", id="boolean-is-no-integer"),
        pytest.param({"state": "lost"}, "state", "'lost' is not one of its symbols", id="unknown-symbol"),
        pytest.param({"place": {}}, "place.shelf", "it is required, and not there", id="required-inside"),
    ],
)
def test_a_schema_refuses_what_it_excludes(change: dict[str, Any], path: str, problem: str) -> None:
    """The fields that are read must be what the schema says; the others only when the value is walked whole."""
    for paths, whole in (((path,), False), ((), True)):
        with pytest.raises(Unreadable) as caught:
            read(SOUND | change, *paths, schema=SCHEMA, whole=whole)
        assert (caught.value.field, caught.value.problem) == (path, problem)
    assert read(SOUND | change, schema=SCHEMA) == ()


def test_a_path_may_be_asked_for_twice() -> None:
    """Values come in the order of the paths, repeated as they are."""
    assert read({"a": 1, "b": 2}, "b", "a", "b") == (2, 1, 2)


def test_a_path_is_picked_from_a_record_that_was_parsed() -> None:
    """As a reader reads it, by its kind."""
    schema = parse_json_schema(
        '{"properties": {"a": {"type": "number"}, "o": {"properties": {"b": {"type": "boolean"}}}}}', file="s"
    )
    record = parse_json(b'{"a": 1.5, "o": {"b": true}}')
    picked = [json_picker(path, schema.field(path))(record) for path in ("a", "o.b")]
    assert picked == [1.5, True]
    assert json_picker("c", None)(record) is None
    with pytest.raises(Unreadable, match="field 'a' cannot be read: it is a string"):
        json_picker("a", schema.field("a"))({"a": "1"})


def test_texts_are_parsed_and_written() -> None:
    """Without spaces; what is none is unreadable, where the text is one byte a character."""
    assert format_json(parse_json(b'{"a": [1, null]}')) == b'{"a":[1,null]}'
    with pytest.raises(Unreadable, match="at byte 2: it is not JSON"):
        parse_json(b"{ ]")
