"""What a headers binding may ask of one header, and when a header's value meets it.

Kafka's headers are bytes without a type: a header equals a binding's value when its bytes are that value's text in UTF-8.
Where headers come typed (messages written as JSON), RabbitMQ's comparison holds: numbers are equal as numbers, while a
number is no text and true is no number; inside a list the kind of number counts too. In both, null is RabbitMQ's void.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

__all__ = ["MISSING", "HeaderTest", "HeaderValue", "Missing", "Operator", "as_header_text", "holds"]

HeaderValue = str | int | float | bool | None | list[Any] | dict[str, Any]


class Missing:
    """The header is not there at all; a header that is null is there."""

    def __repr__(self) -> str:
        return "missing"


MISSING = Missing()


class Operator(StrEnum):
    """How a header is compared."""

    EQUALS = "equals"
    PRESENT = "present"
    EXISTS = "exists"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    PREFIX = "prefix"
    MATCHES = "matches"
    NOT = "not"
    EVERY = "every"
    """Several operators on one header; each must hold."""


@dataclass(frozen=True, slots=True)
class HeaderTest:
    """One comparison. Equal tests are equal values, so that bindings can be compared."""

    operator: Operator
    operand: Any = None
    """A plain value; a tuple of values for `in`; a HeaderTest for `not`, a tuple of them for `every`."""

    def __str__(self) -> str:  # noqa: PLR0911 - one line an operator
        match self.operator:
            case Operator.EQUALS:
                return as_header_text(self.operand)
            case Operator.PRESENT:
                return "present"
            case Operator.EXISTS:
                return "present" if self.operand else "absent"
            case Operator.IN:
                return "one of " + ", ".join(map(as_header_text, self.operand))
            case Operator.EVERY:
                return " and ".join(map(str, self.operand))
            case Operator.NOT:
                return f"not {self.operand}"
            case _:
                return f"{self.operator} {as_header_text(self.operand)}"


Search = Callable[[str, str], bool]
"""Whether a pattern is found in a text: the regex engine, given from outside. It must take linear time."""


def as_header_text(value: Any) -> str:
    """A binding's value as the text that a Kafka header has: what JSON writes, but texts as they stand."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def holds(test: HeaderTest, value: HeaderValue | Missing, *, typed: bool, search: Search) -> bool:  # noqa: PLR0911 - one line an operator
    """Whether a header's value meets the test. `typed`: the value has its own type; else it is text, or null."""
    match test.operator:
        case Operator.NOT:
            return not holds(test.operand, value, typed=typed, search=search)
        case Operator.EVERY:
            return all(holds(each, value, typed=typed, search=search) for each in test.operand)
        case Operator.EXISTS:
            return (not isinstance(value, Missing)) is bool(test.operand)
        case Operator.PRESENT:
            return not isinstance(value, Missing)
        case Operator.EQUALS:
            return _equal(test.operand, value, typed=typed)
        case Operator.IN:
            return any(_equal(operand, value, typed=typed) for operand in test.operand)
        case Operator.PREFIX:
            return isinstance(value, str) and value.startswith(test.operand)
        case Operator.MATCHES:
            return isinstance(value, str) and search(test.operand, value)
        case _:
            return _ordered(test, value, typed=typed)


def _equal(operand: Any, value: HeaderValue | Missing, *, typed: bool) -> bool:
    if isinstance(value, Missing) or value is None:
        return operand is None and value is None
    if not typed:
        return operand is not None and as_header_text(operand) == value
    if _is_number(operand) and _is_number(value):
        return bool(operand == value)
    return _same(operand, value)


def _same(one: Any, other: Any) -> bool:
    """Equal in value and in type, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return bool(one == other)


def _ordered(test: HeaderTest, value: HeaderValue | Missing, *, typed: bool) -> bool:
    operand = test.operand
    if isinstance(operand, str):
        return isinstance(value, str) and _compare(test.operator, value, operand)
    number = _number(value, typed=typed)
    return number is not None and _compare(test.operator, number, Decimal(str(operand)))


def _compare(operator: Operator, one: Any, other: Any) -> bool:
    match operator:
        case Operator.GT:
            return bool(one > other)
        case Operator.GTE:
            return bool(one >= other)
        case Operator.LT:
            return bool(one < other)
        case _:
            return bool(one <= other)


def _number(value: HeaderValue | Missing, *, typed: bool) -> Decimal | None:
    """The value as a number; None where it is none, or not a finite one."""
    if typed:
        return Decimal(str(value)) if _is_number(value) else None
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
