"""Expressions evaluated by themselves, for the tests of what they are made of."""

from typing import Any

import pytest

from router.language.cel.cases import evaluate
from router.language.cel.environment import Environment
from router.language.cel.failure import WhereFailed
from router.language.cel.front_end import parse
from router.language.cel.lower import lower
from router.language.cel.problems import InvalidWhere, WhereProblem
from router.language.cel.regex import Re2
from router.language.cel.tree import Node
from router.language.cel.where import Where, compile_where
from router.records.schema import parse_avro

__all__ = ["ORDERS", "failure", "problems", "tree", "value", "where"]

ORDER = parse_avro(
    """{"type": "record", "name": "shop.Order", "fields": [
      {"name": "id", "type": "string"},
      {"name": "country", "type": {"type": "enum", "name": "Country", "symbols": ["RU", "KZ"]}},
      {"name": "status", "type": ["null", "string"]},
      {"name": "type", "type": "string"},
      {"name": "key", "type": "int"},
      {"name": "amount", "type": "long"},
      {"name": "weight", "type": "double"},
      {"name": "urgent", "type": ["null", "boolean"]},
      {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
      {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
      {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
      {"name": "either", "type": ["string", "long"]},
      {"name": "tags", "type": {"type": "array", "items": "string"}},
      {"name": "notes", "type": ["null", {"type": "map", "values": "string"}]},
      {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
        {"name": "sku", "type": "string"}, {"name": "count", "type": "int"}]}}},
      {"name": "customer", "type": ["null", {"type": "record", "name": "Customer", "fields": [
        {"name": "email", "type": ["null", "string"]}, {"name": "name", "type": "string"}]}]}
    ]}""",
    file="order.avsc",
)
ORDERS = Environment.of_schema(ORDER)
"""Orders with a field of most types."""


def value(text: str, *, check: bool = False, **bindings: dict[str, Any]) -> Any:
    """The value of an expression, as JSON has it."""
    return evaluate(text, bindings=bindings, type_env={}, engine=Re2(), check=check)["v"]


def failure(text: str) -> str:
    """What an expression that has no value says of it, be it found before or in its evaluation."""
    with pytest.raises((WhereFailed, InvalidWhere)) as caught:
        value(text)
    return str(caught.value)


def tree(text: str, *, check: bool = True, **variables: Any) -> Node:
    """The tree of an expression over these variables."""
    environment = Environment(variables=variables)
    return lower(parse(text, environment, check=check), environment)


def where(text: str, environment: Environment = ORDERS) -> Where:
    """A compiled condition, over orders where nothing else is said."""
    return compile_where(text, environment, engine=Re2())


def problems(text: str, environment: Environment = ORDERS) -> tuple[WhereProblem, ...]:
    """What is wrong with a condition."""
    with pytest.raises(InvalidWhere) as caught:
        where(text, environment)
    return caught.value.problems
