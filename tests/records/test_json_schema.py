"""Which fields a JSON Schema has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.errors import InvalidSchema
from router.records.field_type import LISTED_PATHS, PATH_LIMIT, FieldType, Kind
from router.records.json_schema import parse_json_schema

STOCK = parse_json_schema(
    json.dumps(
        {
            "type": "object",
            "required": ["sku", "count", "place", "maybe", "either", "state"],
            "properties": {
                "sku": {"type": "string"},
                "count": {"type": "integer"},
                "price": {"type": "number"},
                "open": {"type": ["boolean", "null"]},
                "nothing": {"type": "null"},
                "state": {"enum": ["in", "out", None]},
                "level": {"type": "integer", "enum": [1, 2]},
                "place": {"$ref": "#/$defs/place"},
                "maybe": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/place"}]},
                "only": {"oneOf": [{"type": "string"}]},
                "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
                "mixed": {"type": ["string", "integer"]},
                "tags": {"type": "array", "items": {"type": "string"}},
                "untyped": {"properties": {"x": {"type": "string"}}},
                "odd~/name": {"type": "string"},
                "alias": {"$ref": "#/properties/odd~0~1name"},
                "round": {"$ref": "#/properties/round"},
            },
            "$defs": {
                "place": {
                    "type": "object",
                    "required": ["shelf"],
                    "properties": {"shelf": {"type": "string"}, "in": {"$ref": "#/$defs/place"}},
                }
            },
        }
    ),
    file="stock.schema.json",
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("sku", FieldType(kind=Kind.STRING, scalar=True), id="string"),
        pytest.param("count", FieldType(kind=Kind.LONG, scalar=True), id="integer"),
        pytest.param("price", FieldType(kind=Kind.DOUBLE, nullable=True, scalar=True), id="optional"),
        pytest.param("open", FieldType(kind=Kind.BOOLEAN, nullable=True, scalar=True), id="nullable"),
        pytest.param("nothing", FieldType(kind=Kind.NULL, nullable=True), id="null"),
        pytest.param("state", FieldType(kind=Kind.ENUM, nullable=True, symbols=("in", "out"), scalar=True), id="enum"),
        pytest.param("level", FieldType(kind=Kind.LONG, nullable=True, scalar=True), id="enum-of-numbers"),
        pytest.param("place", FieldType(kind=Kind.RECORD), id="reference"),
        pytest.param("place.shelf", FieldType(kind=Kind.STRING, scalar=True), id="inside"),
        pytest.param("place.in.in.shelf", FieldType(kind=Kind.STRING, nullable=True, scalar=True), id="inside-itself"),
        pytest.param("maybe", FieldType(kind=Kind.RECORD, nullable=True), id="null-or-reference"),
        pytest.param("maybe.shelf", FieldType(kind=Kind.STRING, nullable=True, scalar=True), id="inside-nullable"),
        pytest.param("only", FieldType(kind=Kind.STRING, nullable=True, scalar=True), id="choice-of-one"),
        pytest.param("either", FieldType(kind=Kind.UNION), id="choice-of-several"),
        pytest.param("mixed", FieldType(kind=Kind.UNION, nullable=True, scalar=True), id="several-scalars"),
        pytest.param("tags", FieldType(kind=Kind.ARRAY, nullable=True), id="array"),
        pytest.param("tags.x", None, id="inside-an-array"),
        pytest.param("untyped", FieldType(kind=Kind.RECORD, nullable=True), id="properties-make-an-object"),
        pytest.param("alias", FieldType(kind=Kind.STRING, nullable=True, scalar=True), id="escaped-reference"),
        pytest.param("round", FieldType(kind=Kind.UNION, nullable=True), id="reference-to-itself"),
        pytest.param("colour", None, id="unknown"),
        pytest.param("place" + ".in" * PATH_LIMIT, None, id="too-long"),
    ],
)
def test_field(path: str, expected: FieldType | None) -> None:
    """A path leads through properties and references; what is not required is nullable."""
    assert STOCK.field(path) == expected


def test_paths_are_the_scalars_in_order() -> None:
    """What can be suggested is what can be read, and what contains itself is entered once."""
    listed = STOCK.paths()
    assert listed[:4] == ("sku", "count", "price", "open")
    assert {"place.shelf", "maybe.shelf", "untyped.x"} <= set(listed)
    assert "place.in.shelf" not in listed
    assert STOCK.format == "json"


def test_paths_end_somewhere() -> None:
    """Definitions that repeat each other have more paths than anybody can list."""
    definitions: dict[str, Any] = {"d0": {"properties": {"x": {"type": "string"}, "y": {"type": "string"}}}}
    for number in range(1, 14):
        inner = {"$ref": f"#/$defs/d{number - 1}"}
        definitions[f"d{number}"] = {"properties": {"x": inner, "y": inner}}
    schema = parse_json_schema(json.dumps({"$ref": "#/$defs/d13", "$defs": definitions}), file="wide.schema.json")
    assert len(schema.paths()) == LISTED_PATHS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(
            "{", "it is not JSON: Expecting property name enclosed in double quotes at line 1, column 2", id="no-json"
        ),
        pytest.param("[]", "#: a schema is not an object", id="list"),
        pytest.param("true", "#: a schema is not an object", id="boolean"),
        pytest.param('{"type":"text"}', "#: 'type' is 'text'", id="unknown-type"),
        pytest.param('{"type":7}', "#: 'type' is 7", id="type-is-a-number"),
        pytest.param('{"type":[{}]}', "#: 'type' is [{}]", id="type-is-an-object"),
        pytest.param('{"properties":[]}', "#: 'properties' is not an object", id="properties"),
        pytest.param('{"required":"a"}', "#: 'required' is not a list", id="required"),
        pytest.param('{"properties":{"a":7}}', "#/properties/a: a schema is not an object", id="inside"),
        pytest.param('{"anyOf":[{"type":"text"}]}', "#/anyOf/0: 'type' is 'text'", id="inside-a-choice"),
        pytest.param(
            '{"$ref":7}', "#: '$ref' is 7: only references within the document are followed", id="reference-type"
        ),
        pytest.param(
            '{"$ref":"http://x"}', "#: '$ref' is 'http://x': only references within", id="reference-elsewhere"
        ),
        pytest.param('{"$ref":"#/$defs/a"}', "#: '$ref' is '#/$defs/a', where nothing is", id="reference-to-nothing"),
        pytest.param('{"$ref":"#/a/b","a":7}', "#: '$ref' is '#/a/b', where nothing is", id="reference-into-a-number"),
        pytest.param('{"$ref":"#/a","a":7}', "#/a: a schema is not an object", id="reference-to-no-schema"),
        pytest.param('{"properties":{"a":' * 5000, "it is nested too deeply", id="deep"),
    ],
)
def test_unusable_schema_says_why(text: str, problem: str) -> None:
    """Whatever the text, the answer is a schema or `InvalidSchema` with the file and the place inside."""
    with pytest.raises(InvalidSchema) as caught:
        parse_json_schema(text, file="s.schema.json")
    assert caught.value.file == "s.schema.json"
    assert problem in caught.value.problem
