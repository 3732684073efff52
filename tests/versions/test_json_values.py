"""JSON Schemas and single values."""

from typing import Any

import pytest

from router.versions.json_values import accepts, deref, types_of

ADDRESS = {
    "type": "object",
    "required": ["city"],
    "properties": {"city": {"type": "string"}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (True, [None, 1], []),
        (False, [], [None, 1]),
        ({}, [None, [], {}], []),
        ({"type": "integer"}, [1, 1.0], [1.5, True, "1", None]),
        ({"type": "number"}, [1, 1.5], [True]),
        ({"type": ["string", "null"]}, ["", None], [0]),
        ({"enum": [1, "a"]}, [1, 1.0, "a"], [True, 2]),
        ({"const": 0}, [0], [False]),
        ({"minimum": 1, "maximum": 2}, [1, 2, "x"], [0, 3]),
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, [2], [1, 3]),
        ({"minimum": 1, "exclusiveMinimum": True}, [2], [0]),
        ({"minLength": 2, "maxLength": 3}, ["ab", 5], ["a", "abcd"]),
        ({"items": {"type": "integer"}, "maxItems": 2}, [[], [1]], [["a"], [1, 2, 3]]),
        ({"minProperties": 1}, [{"a": 1}], [{}]),
        (ADDRESS, [{"city": "x"}], [{}, {"city": 1}, {"city": "x", "zip": 1}]),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, [3], [2, "x"]),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, [1, "x"], [None]),
        ({"oneOf": [{"type": "integer"}, {"minimum": 3}]}, [1, 3.5], [4]),
    ],
    ids=str,
)
def test_values_are_judged(schema: Any, good: list[Any], bad: list[Any]) -> None:
    """A value is admitted or not."""
    assert [accepts(schema, each, schema) for each in good] == [True] * len(good)
    assert [accepts(schema, each, schema) for each in bad] == [False] * len(bad)


@pytest.mark.parametrize(
    "schema",
    [
        {"pattern": "^a"},
        {"not": {"type": "integer"}},
        {"anyOf": [{"pattern": "x"}, {"type": "integer"}]},
        {"oneOf": [{"pattern": "x"}]},
    ],
    ids=str,
)
def test_what_is_not_judged_is_unknown(schema: Any) -> None:
    """A keyword that is beyond us gives no answer, unless another refuses."""
    assert accepts(schema, "a", schema) is None
    assert accepts({"type": "integer", **schema}, "a", schema) is False


def test_pattern_properties_are_unknown() -> None:
    """An object of properties by pattern is not judged."""
    assert accepts({"patternProperties": {}}, {}, {}) is None


def test_references_are_followed_to_their_end() -> None:
    """A reference stands for what it points at; one that leads to itself, and one that is nested without end, for anything."""
    document = {
        "$defs": {
            "a~b/c": {"type": "string"},
            "loop": {"$ref": "#/$defs/loop"},
            "deep": {"items": {"$ref": "#/$defs/deep"}},
        }
    }
    assert deref({"$ref": "#/$defs/a~0b~1c"}, document) == {"type": "string"}
    assert deref({"$ref": "#/$defs/loop"}, document) is True
    assert deref({"$ref": "http://elsewhere"}, document) == {"$ref": "http://elsewhere"}
    value: Any = []
    for _ in range(70):
        value = [value]
    assert accepts({"$ref": "#/$defs/deep"}, value, document) is None


def test_types_are_those_that_are_admitted() -> None:
    """An integer is a number; what says nothing admits all."""
    assert types_of({"type": ["integer", "number"]}) == {"number"}
    assert types_of({"type": "integer"}) == {"integer"}
    assert types_of(False) == frozenset()
    assert types_of({}) == types_of(True) == {"null", "boolean", "number", "string", "array", "object"}
