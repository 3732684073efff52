"""Conversions between JSON Schemas, from bytes to bytes."""

from __future__ import annotations

from typing import Any

import pytest
from versions.json_converting import (
    NEXT_STATUS,
    NUMBER,
    STATUS,
    TEXT,
    closed,
    conversion_of,
    converted,
)

from router.errors import Unreadable
from router.versions.encoding import ConversionFailed


@pytest.mark.parametrize(
    ("value", "field", "problem"),
    [
        pytest.param(b"{", "", "it is not JSON", id="no json"),
        pytest.param(b"[]", "", "it is not what its schema says", id="no object"),
        pytest.param(b'{"s": "new"}', "n", "it is required, and not there", id="missing for an expression"),
        pytest.param(b'{"s": "new", "n": 1}', "c", "it is required, and not there", id="missing"),
        pytest.param(b'{"s": "old", "n": 1}', "s", "'old' is not one of its symbols", id="no symbol"),
        pytest.param(b'{"s": "new", "n": "1"}', "n", "it is a string", id="another type"),
        pytest.param(
            b'{"s": "new", "n": 1, "c": 1, "o": 5}', "", "it is not what its schema says", id="no object inside"
        ),
    ],
)
def test_what_is_no_record_of_its_schema_is_unreadable(value: bytes, field: str, problem: str) -> None:
    """As far as anything is made of it."""
    inner = closed("a", a=TEXT)
    source = closed("s n c", s=STATUS, n=NUMBER, c=NUMBER, o=inner)
    target = closed("s n m c", s=NEXT_STATUS, n=NUMBER, m=NUMBER, c=NUMBER, o=closed("b", b=TEXT))
    text = """
        fields:
          s: {from: s, symbols: {money_refunded: refunded, item_cancelled: changed}}
          m: n * 2
          o: {from: o, fields: {b: a}}
    """
    with pytest.raises(Unreadable) as error:
        conversion_of(source, target, text).convert(value)
    assert (error.value.field, error.value.problem.partition(":")[0]) == (field, problem)


@pytest.mark.parametrize(
    ("target", "text", "value", "problem"),
    [
        pytest.param(
            closed(a={"type": "integer", "maximum": 5}), "a * 2", 3, "the schema does not take 6", id="too large"
        ),
        pytest.param(
            closed(a={"type": "number"}), "1.0 / double(a)", 0, "the schema does not take inf", id="no number"
        ),
        pytest.param(closed(a=NUMBER), "5 / a", 0, "division by zero|divide by zero", id="no value"),
    ],
)
def test_what_cannot_be_made_fails_whole(target: Any, text: str, value: int, problem: str) -> None:
    """And says the field, and the file."""
    with pytest.raises(ConversionFailed, match=problem) as error:
        converted(closed("a", a=NUMBER), target, f"fields: {{a: {text}}}", {"a": value})
    assert (error.value.field, error.value.conversion) == ("a", "v1_to_v2.yaml")


def test_steps_are_told() -> None:
    """How each property is made, of what."""
    conversion = conversion_of(
        closed("a o", a=TEXT, o=closed("x", x=NUMBER)),
        closed("b o n v", b=TEXT, o=closed("x", x=NUMBER), n=NUMBER, v=NUMBER),
        "fields: {b: a, n: o.x + 1, v: {value: 3}}",
    )
    assert [(each.path, str(each.how), each.told) for each in conversion.steps] == [
        ("b", "renamed", "a"),
        ("o", "carried over", "o"),
        ("n", "expression", "o.x + 1"),
        ("v", "constant", "3"),
    ]
    assert (conversion.file, conversion.source, conversion.target) == ("v1_to_v2.yaml", 1, 2)
    assert "def make_" in conversion.text
