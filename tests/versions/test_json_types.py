"""What conversions ask of a JSON Schema."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from router.language.cel.types import DYN, CelType, Tag, list_of
from router.records.json_schema import parse_json_schema
from router.versions.compatibility import Verdict
from router.versions.encoding import ConversionFailed
from router.versions.json_types import JsonType, fitting, json_misfit, takes, undeclared


def of(schema: Any, **document: Any) -> JsonType:
    """A schema within a document of its definitions."""
    whole = parse_json_schema(
        json.dumps({"properties": {"it": schema if isinstance(schema, dict) else {}}, **document}), file="f"
    )
    return JsonType.of(whole, schema if not isinstance(schema, dict) else whole.document["properties"]["it"])


OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def test_an_object_tells_its_properties() -> None:
    """Also behind a reference, null, or where no type is said; a map or a wider choice has none."""
    assert of(OBJECT).property("a").types == {"string"}
    assert of(OBJECT).required == {"a"}
    behind = of({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/o"}]}, **{"$defs": {"o": OBJECT}})
    assert (behind.nullable, list(behind.properties), behind.rooted.field("a") is not None) == (True, ["a"], True)
    assert list(of({"properties": {"a": {}}}).properties) == ["a"]
    assert of({"type": ["object", "string"], "properties": {"a": {}}}).properties == {}
    assert of(True).types >= {"string", "object"}
    assert of(False).here == {"not": {}}


def test_what_lists_and_maps_hold_is_found() -> None:
    """However deep, within reason."""
    assert of({"type": "array", "items": {"type": "integer"}}).items is not None
    held = of({"type": "object", "additionalProperties": {"type": "array", "items": OBJECT}})
    assert held.object_within is not None
    assert list(held.object_within.properties) == ["a"]
    assert of({"type": "string"}).object_within is None
    assert of({"type": "string"}).values is None
    endless = of({"$ref": "#/$defs/list"}, **{"$defs": {"list": {"type": "array", "items": {"$ref": "#/$defs/list"}}}})
    assert endless.object_within is None


def test_symbols_are_texts_that_are_listed() -> None:
    """Null beside them is none; a number is no symbol."""
    assert of({"enum": ["a", None, "b"]}).symbols == ("a", "b")
    assert of({"enum": ["a", 1]}).symbols == ()


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        pytest.param({"additionalProperties": False}, {}, "none", id="closed"),
        pytest.param({}, {}, "carried", id="both open"),
        pytest.param({}, {"additionalProperties": False}, "lost", id="the other closed"),
        pytest.param({"additionalProperties": {"type": "integer"}}, {"additionalProperties": {"type": "number"}}, "carried", id="wider"),
        pytest.param({}, {"additionalProperties": {"type": "number"}}, "lost", id="narrower"),
    ],
)  # fmt: skip
def test_what_is_not_declared_is_carried_where_the_target_admits_it(source: Any, target: Any, expected: str) -> None:
    """Else it is lost, unless there can be none."""
    assert undeclared(of(OBJECT | source), of(OBJECT | target)) == expected


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [
        pytest.param({"type": "integer"}, {"type": "number"}, Verdict.COMPATIBLE, id="wider"),
        pytest.param({"type": "number"}, {"type": "integer"}, Verdict.INCOMPATIBLE, id="narrower"),
        pytest.param({"type": "string"}, {"type": "string", "pattern": "x"}, Verdict.UNKNOWN, id="not compared"),
        pytest.param(OBJECT, OBJECT, Verdict.COMPATIBLE, id="the same object"),
        pytest.param(OBJECT, {"type": "object"}, Verdict.COMPATIBLE, id="into any object"),
        pytest.param(
            OBJECT | {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}}, OBJECT, Verdict.INCOMPATIBLE, id="a property that is not declared",
        ),
        pytest.param(
            {"type": "array", "items": OBJECT | {"properties": {"a": {"type": "string"}, "b": {}}}}, {"type": "array", "items": OBJECT},
            Verdict.INCOMPATIBLE, id="inside a list",
        ),
    ],
)  # fmt: skip
def test_a_value_is_taken_as_it_is(source: Any, target: Any, verdict: Verdict) -> None:
    """Where the target admits all, and declares what the source declares."""
    assert takes(of(source), of(target))[0] is verdict


def test_schemas_that_contain_themselves_are_compared() -> None:
    """Once."""
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    one, other = (of({"$ref": "#/$defs/node"}, **{"$defs": {"node": node}}) for _ in range(2))
    assert takes(one, other)[0] is Verdict.COMPATIBLE


@pytest.mark.parametrize(
    ("given", "schema", "expected"),
    [
        pytest.param(CelType(Tag.INT), {"type": "number"}, "", id="an int is a number"),
        pytest.param(CelType(Tag.DOUBLE), {"type": "integer"}, "the field is integer", id="a double is no integer"),
        pytest.param(CelType(Tag.NULL), {"type": ["string", "null"]}, "", id="null"),
        pytest.param(CelType(Tag.NULL), {"anyOf": [{"type": "null"}, {"type": "string"}]}, "", id="null beside one"),
        pytest.param(CelType(Tag.TIMESTAMP), {"type": "string"}, "the field is string", id="a timestamp"),
        pytest.param(CelType(Tag.TIMESTAMP), {"anyOf": [{"type": "number"}, {"type": "string"}]}, "", id="a choice"),
        pytest.param(CelType(Tag.OPTIONAL), {}, "orValue", id="an optional"),
        pytest.param(DYN, {"type": "string"}, "", id="only the record tells"),
        pytest.param(list_of(DYN), {"type": "array"}, "", id="a list"),
        pytest.param(CelType(Tag.STRING, symbols=("a", "b")), {"enum": ["a"]}, "it can be b", id="a symbol too many"),
        pytest.param(CelType(Tag.STRING, symbols=("a",)), {"enum": ["a", "b"]}, "", id="known symbols"),
    ],
)
def test_types_tell_what_never_fits(given: CelType, schema: Any, expected: str) -> None:
    """What may fit is left to the record."""
    found = json_misfit(given, of(schema))
    assert expected in found
    assert bool(expected) is bool(found)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        pytest.param({"type": "string"}, "a", id="text"),
        pytest.param({"type": "integer", "title": "n"}, 5, id="whole"),
        pytest.param({"type": "number"}, 5, id="a whole number"),
        pytest.param({"type": "number"}, 5.5, id="number"),
        pytest.param({"type": "string", "enum": ["a", "b"]}, "b", id="symbol"),
        pytest.param({"type": "array", "items": {"type": ["null", "boolean"]}}, [True, None], id="list"),
        pytest.param({"type": "object"}, {"a": {"b": [1]}}, id="object"),
        pytest.param({"type": "string", "pattern": "x"}, "y", id="what is not judged"),
    ],
)
def test_what_the_schema_takes_is_given_back(schema: Any, value: object) -> None:
    """As it is."""
    assert fitting(of(schema))(value) is value


@pytest.mark.parametrize(
    ("schema", "value", "shown"),
    [
        pytest.param({"type": "integer"}, True, "True", id="true is no number"),
        pytest.param({"type": "string"}, None, "null", id="null"),
        pytest.param({"type": "string", "enum": ["a", "b"]}, "c", "'c'", id="no symbol"),
        pytest.param({"type": "integer", "minimum": 3}, 2, "2", id="too small"),
        pytest.param({}, float("nan"), "nan", id="no number"),
        pytest.param({}, [1 << 64], str(1 << 64), id="too many bits"),
        pytest.param({}, {"a": Decimal(1)}, r"Decimal\('1'\)", id="a decimal"),
        pytest.param({}, {1: "a"}, "1", id="a name that is no text"),
    ],
)
def test_what_json_or_the_schema_does_not_take_fails(schema: Any, value: object, shown: str) -> None:
    """With what it is."""
    with pytest.raises(ConversionFailed, match=f"does not take {shown}"):
        fitting(of(schema))(value)
