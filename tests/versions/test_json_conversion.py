"""Conversions between JSON Schemas, from bytes to bytes."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from versions.json_converting import (
    LINE,
    MAYBE,
    NEXT_LINE,
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
from router.versions.json_values import accepts


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


ORDER = closed(
    "id status amount items",
    id=TEXT,
    status=STATUS,
    amount=NUMBER,
    comment=MAYBE,
    customer={"anyOf": [{"type": "null"}, closed("id", id=NUMBER, email=TEXT)]},
    items={"type": "array", "items": LINE},
)
NEXT_ORDER = closed(
    "id status cents lines channel",
    id=TEXT,
    status=NEXT_STATUS,
    cents=NUMBER,
    note=MAYBE,
    customer={"anyOf": [{"type": "null"}, closed("customer_id", customer_id=NUMBER, email=TEXT)]},
    lines={"type": "array", "items": NEXT_LINE},
    channel={"type": "string", "default": "web"},
)
THERE = """
fields:
  status: {from: status, symbols: {money_refunded: refunded, item_cancelled: changed}}
  cents: amount * 100
  note: comment
  customer: {from: customer, fields: {customer_id: id}}
  lines: {each: items, fields: {quantity: qty}}
"""
BACK = """
fields:
  status: {from: status, symbols: {refunded: money_refunded, changed: item_cancelled}}
  amount: cents / 100
  comment: note
  customer: {from: customer, fields: {id: customer_id}}
  items: {each: lines, fields: {qty: quantity}}
loses: [channel]
"""


def any_value(schema: Any, draw: random.Random) -> Any:  # noqa: PLR0911 -- one return a type is the plainest dispatch
    """A random value that the schema admits."""
    if "anyOf" in schema:
        return any_value(draw.choice(schema["anyOf"]), draw)
    if "enum" in schema:
        return draw.choice(schema["enum"])
    match schema["type"] if isinstance(schema["type"], str) else draw.choice(schema["type"]):
        case "object":
            names = [each for each in schema["properties"] if each in schema["required"] or draw.random() < 0.5]
            return {each: any_value(schema["properties"][each], draw) for each in names}
        case "array":
            return [any_value(schema["items"], draw) for _ in range(draw.randint(0, 3))]
        case "integer":
            return draw.randint(-(1 << 40), 1 << 40)
        case "null":
            return None
    return "".join(draw.choices("aé\u2028\U0001f600 ", k=draw.randint(0, 4)))


def test_random_records_become_valid_ones_and_come_back() -> None:
    """What is not declared lost is what it was."""
    there, back = conversion_of(ORDER, NEXT_ORDER, THERE), conversion_of(NEXT_ORDER, ORDER, BACK)
    assert (there.loses, back.loses) == ((), ("channel",))
    draw = random.Random(8)
    for _ in range(500):
        order = any_value(ORDER, draw)
        made = there.convert(json.dumps(order).encode())
        assert accepts(NEXT_ORDER, json.loads(made), NEXT_ORDER) is True
        assert json.loads(back.convert(made)) == order
