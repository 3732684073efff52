"""Containment of JSON Schemas."""

import random
from typing import Any

import pytest

from router.versions.compatibility import Verdict
from router.versions.json_compatibility import json_compatibility
from router.versions.json_values import accepts


def closed(required: list[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


INT, TEXT = {"type": "integer"}, {"type": "string"}


@pytest.mark.parametrize(
    ("reader", "writer", "expected"),
    [
        pytest.param({}, TEXT, [], id="anything takes a text"),
        pytest.param(TEXT, False, [], id="nothing is ever written"),
        pytest.param(False, TEXT, [("false", "/")], id="nothing is ever taken"),
        pytest.param({"type": "number"}, INT, [], id="a number takes an integer"),
        pytest.param(INT, {"type": "number"}, [("type", "/type")], id="an integer takes no number"),
        pytest.param(TEXT, {"type": ["string", "null"]}, [("type", "/type")], id="a null is not taken"),
        pytest.param(TEXT, True, [("type", "/type")], id="not everything is a text"),
        pytest.param({"enum": ["a", "b"]}, {"enum": ["a"]}, [], id="a value less"),
        pytest.param({"enum": ["a"]}, {"enum": ["a", "b"]}, [("enum", "/enum")], id="a value more"),
        pytest.param({"enum": ["a"]}, TEXT, [("enum", "/enum")], id="any text for some"),
        pytest.param({"const": 1}, INT, [("const", "/const")], id="any number for one"),
        pytest.param(TEXT, {"const": 1}, [("type", "/type")], id="a constant of another type"),
        pytest.param({"type": "boolean"}, {"enum": [True]}, [], id="a value of the type"),
        pytest.param({"enum": [True]}, {"type": "boolean"}, [("enum", "/enum")], id="both truths for one"),
        pytest.param({"minimum": 1}, {**INT, "minimum": 2}, [], id="a bound further in"),
        pytest.param({"minimum": 3}, {**INT, "minimum": 2}, [("minimum", "/minimum")], id="a bound further out"),
        pytest.param({"minimum": 3}, INT, [("minimum", "/minimum")], id="no bound"),
        pytest.param({"minimum": 3}, {**INT, "exclusiveMinimum": 2}, [], id="a whole number above two is three"),
        pytest.param(
            {"minimum": 3},
            {"type": "number", "exclusiveMinimum": 2},
            [("minimum", "/minimum")],
            id="a number above two is not",
        ),
        pytest.param({"exclusiveMaximum": 3}, {**INT, "maximum": 2}, [], id="an upper bound"),
        pytest.param(
            {"exclusiveMaximum": 3},
            {"type": "number", "maximum": 3},
            [("exclusiveMaximum", "/exclusiveMaximum")],
            id="an upper bound that is reached",
        ),
        pytest.param(
            {"minimum": 3, "exclusiveMinimum": True},
            {"type": "number", "minimum": 3},
            [("minimum", "/minimum")],
            id="the older form of an exclusive bound",
        ),
        pytest.param({"maxLength": 3}, {**TEXT, "maxLength": 2}, [], id="a shorter text"),
        pytest.param(
            {"maxLength": 3, "minLength": 1},
            TEXT,
            [("minLength", "/minLength"), ("maxLength", "/maxLength")],
            id="a text of any length",
        ),
        pytest.param({"minProperties": 1}, closed(["a"], a=INT), [], id="what is required counts"),
        pytest.param({"items": INT}, {"type": "array", "items": INT}, [], id="items"),
        pytest.param({"items": INT}, {"type": "array", "items": TEXT}, [("type", "/items/type")], id="other items"),
        pytest.param({"items": INT}, {"type": "array", "maxItems": 0}, [], id="no items"),
        pytest.param(
            {"uniqueItems": True}, {"type": "array"}, [("uniqueItems", "/uniqueItems")], id="items may repeat"
        ),
        pytest.param(closed(["a"], a=INT), closed(["a"], a=INT), [], id="an object and itself"),
        pytest.param(closed(["a"], a=INT), closed([], a=INT), [("required", "/required")], id="what may be left out"),
        pytest.param(
            closed([]), closed([], a=INT), [("additionalProperties", "/additionalProperties")], id="what is not taken"
        ),
        pytest.param(closed([], a=INT, b=TEXT), closed([], a=INT), [], id="a new property of a closed object"),
        pytest.param(
            {"properties": {"b": TEXT}},
            {"type": "object"},
            [("properties", "/properties/b")],
            id="a new property of an open object",
        ),
        pytest.param(
            closed([], a=INT),
            {"type": "object", "properties": {"a": INT}},
            [("additionalProperties", "/additionalProperties")],
            id="an object that was open",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": INT},
            closed([], a=TEXT),
            [("type", "/additionalProperties/type")],
            id="a property of the others' type",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": INT},
            {"type": "object", "additionalProperties": INT},
            [],
            id="maps",
        ),
        pytest.param({"anyOf": [INT, TEXT]}, {**INT, "minimum": 3}, [], id="a branch takes it"),
        pytest.param({"anyOf": [INT, TEXT]}, {"type": "array"}, [("anyOf", "/anyOf")], id="no branch takes the type"),
        pytest.param({"oneOf": [INT, TEXT]}, INT, [], id="one branch takes it, the other is apart"),
        pytest.param(INT, {"anyOf": [INT, TEXT]}, [("type", "/type")], id="a branch that is not taken"),
        pytest.param(
            {"anyOf": [TEXT], "maxLength": 2}, TEXT, [("maxLength", "/maxLength")], id="what stands beside a choice"
        ),
    ],
)
def test_containment_is_judged(reader: Any, writer: Any, expected: list[tuple[str, str]]) -> None:
    """What the reader does not take of what the writer may write is told, with keyword and place."""
    found = json_compatibility(reader, writer)
    assert [(each.type, each.location) for each in found.incompatibilities] == expected
    assert found.verdict is (Verdict.INCOMPATIBLE if expected else Verdict.COMPATIBLE)


@pytest.mark.parametrize(
    ("reader", "writer", "place"),
    [
        pytest.param({"pattern": "a"}, TEXT, "/pattern", id="a pattern"),
        pytest.param(
            {"anyOf": [{**TEXT, "maxLength": 1}, {**TEXT, "minLength": 1}]},
            TEXT,
            "/anyOf",
            id="branches that only together take it",
        ),
        pytest.param({"oneOf": [INT, {"type": "number"}]}, INT, "/oneOf", id="two branches take it"),
        pytest.param(INT, {"oneOf": [INT, TEXT]}, "/", id="a branch of the writer's choice of one"),
        pytest.param(
            {"patternProperties": {"a": INT}}, {"type": "object"}, "/patternProperties", id="properties by pattern"
        ),
        pytest.param({"pattern": "a"}, {"enum": ["a"]}, "/", id="a value that is not judged"),
    ],
)
def test_what_is_not_compared_is_unknown(reader: Any, writer: Any, place: str) -> None:
    """No guess is made: the verdict is UNKNOWN, with the place."""
    found = json_compatibility(reader, writer)
    assert found.verdict is Verdict.UNKNOWN
    assert not found.compatible
    assert place in [each.location for each in found.unknown]


def test_the_same_keyword_on_both_sides_changes_nothing() -> None:
    """A pattern that both have, and properties by the same pattern, are compatible."""
    assert json_compatibility({**TEXT, "pattern": "a"}, {**TEXT, "pattern": "a"}).compatible
    both = {"type": "object", "patternProperties": {"a": INT}}
    assert json_compatibility(both, dict(both)).compatible


def test_recursion_and_references_are_compared() -> None:
    """A schema that contains itself is compared once; fields are named by their path."""
    tree = {
        "$ref": "#/$defs/t",
        "$defs": {"t": closed(["n"], n=INT, next={"$ref": "#/$defs/t"}, in_=closed([], x=INT))},
    }
    other = {
        "$ref": "#/$defs/t",
        "$defs": {"t": closed(["n"], n=INT, next={"$ref": "#/$defs/t"}, in_=closed([], x=TEXT))},
    }
    assert json_compatibility(tree, tree).compatible
    found = json_compatibility(tree, other).incompatibilities
    assert [(each.location, each.field) for each in found] == [("/properties/in_/properties/x/type", "in_.x")]


@pytest.mark.parametrize(
    "reader",
    [
        {"minimum": "x"},
        {"properties": []},
        {"required": 5},
        {"$ref": "#/nowhere"},
        {"$ref": 5},
        {"anyOf": [5]},
        {"type": [[]]},
    ],
    ids=str,
)
def test_malformed_keywords_are_no_crash(reader: Any) -> None:
    """A keyword with a value that it cannot have gives no proof of anything."""
    assert not json_compatibility(reader, {"type": ["integer", "object"], "minimum": 3}).compatible


def test_schemas_without_end_are_unknown() -> None:
    """A schema that is nested beyond all measure is not judged."""
    deep: dict[str, Any] = {"type": "integer"}
    for _ in range(3000):
        deep = {"type": "array", "items": deep}
    assert json_compatibility(deep, deep | {"title": "other"}).verdict is Verdict.UNKNOWN


def _random_schema(draw: random.Random, depth: int) -> dict[str, Any]:
    kind = draw.choice(["integer", "string", "boolean", "number", *(["object", "array"] if depth else [])])
    schema: dict[str, Any] = {"type": kind}
    match kind:
        case "integer" | "number":
            for keyword in ("minimum", "exclusiveMaximum"):
                if draw.random() < 0.4:
                    schema[keyword] = draw.randint(-3, 3)
        case "string" if draw.random() < 0.5:
            schema["maxLength"] = draw.randint(0, 3)
        case "string":
            schema["enum"] = draw.sample(["", "a", "bb"], draw.randint(1, 3))
        case "array":
            schema["items"] = _random_schema(draw, depth - 1)
        case "object":
            schema["properties"] = {
                name: _random_schema(draw, depth - 1) for name in draw.sample("ab", draw.randint(0, 2))
            }
            schema["required"] = [name for name in schema["properties"] if draw.random() < 0.5]
            schema["additionalProperties"] = draw.choice([False, True])
    return schema


def _random_value(draw: random.Random, depth: int) -> Any:
    kinds = [
        lambda: draw.randint(-4, 4),
        lambda: draw.choice(["", "a", "bb", "cccc"]),
        lambda: draw.choice([True, 0.5]),
    ]
    if depth:
        kinds.append(lambda: [_random_value(draw, depth - 1) for _ in range(draw.randint(0, 2))])
        kinds.append(lambda: {name: _random_value(draw, depth - 1) for name in draw.sample("abc", draw.randint(0, 3))})
    return draw.choice(kinds)()


def test_no_value_disproves_a_compatible_verdict() -> None:
    """Of random schemas that are called compatible, no random value is the writer's and not the reader's."""
    draw, tried = random.Random(2), 0
    for _ in range(3000):
        reader, writer = _random_schema(draw, 2), _random_schema(draw, 2)
        if not json_compatibility(reader, writer).compatible:
            continue
        for _ in range(30):
            value = _random_value(draw, 2)
            if accepts(writer, value, writer):
                tried += 1
                assert accepts(reader, value, reader), (reader, writer, value)
    assert tried > 500
