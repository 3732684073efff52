"""What a headers binding may ask of one header, and when a header's value meets it.

Kafka's headers are bytes without a type: a header equals a binding's value when its bytes are that value's text in UTF-8.
Where headers come typed (messages written as JSON), RabbitMQ's comparison holds: numbers are equal as numbers, while a
number is no text and true is no number; inside a list the kind of number counts too. In both, null is RabbitMQ's void: a
binding that says null asks for presence (`Operator.PRESENT`), while a message's null equals nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

__all__ = [
    "MISSING",
    "HeaderTest",
    "HeaderValue",
    "Missing",
    "Operator",
    "Search",
    "as_header_text",
    "holds",
    "text_token",
    "typed_token",
]

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
    operand: Any = field(default=None, hash=False)  # which may be a list
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


def text_token(value: Any) -> Hashable:
    """What equal values have in common where headers have no type: their text, or null."""
    return None if value is None else as_header_text(value)


def typed_token(value: Any) -> Hashable:
    """What equal values have in common where headers have types: `5` and `5.0` are equal, but not inside a list."""
    if isinstance(value, bool | list | dict):
        return (
            _exactly(value) if value or isinstance(value, bool) else ()
        )  # RabbitMQ tells no empty list from an empty table
    return value  # type: ignore[no-any-return]  # a text, a number or null, each of which is its own token


def _exactly(value: Any) -> Hashable:
    """Equal in value and in type, all the way down; a table's order counts, as in RabbitMQ."""
    if isinstance(value, list):
        return list, tuple(map(_exactly, value))
    if isinstance(value, dict):
        return dict, tuple((name, _exactly(each)) for name, each in value.items())
    return type(value), value


def _equal(operand: Any, value: HeaderValue | Missing, *, typed: bool) -> bool:
    if isinstance(value, Missing):
        return False
    return typed_token(operand) == typed_token(value) if typed else text_token(operand) == value


def _ordered(test: HeaderTest, value: HeaderValue | Missing, *, typed: bool) -> bool:
    if isinstance(test.operand, str):
        return isinstance(value, str) and _compare(test.operator, value, test.operand)
    operand = _number(test.operand)
    number = _number(value) if typed else _number_in_text(value)
    return number is not None and operand is not None and _compare(test.operator, number, operand)


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


def _number(value: object) -> Decimal | None:
    """The value as a number, a float as it is written; None where it is none, or not a finite one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    return number if number.is_finite() else None


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)


def _number_in_text(value: object) -> Decimal | None:
    """The number that a text is; None where it is none."""
    return Decimal(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None
