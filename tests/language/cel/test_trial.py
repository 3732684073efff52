"""An expression tried out."""

import pytest
from support.expressions import ORDERS

from router.language.cel.environment import Environment
from router.language.cel.problems import InvalidWhere
from router.language.cel.regex import Re2
from router.language.cel.trial import try_out


def test_any_type_can_be_tried() -> None:
    """Not only conditions have a value to look at."""
    found = try_out("amount + 1", Environment.of_schema(None), engine=Re2(), record=({"amount": 4}, {}, ""))
    assert (found.value, found.failure) == ({"t": "int", "v": 5}, "")


def test_without_a_record_only_constants_have_a_value() -> None:
    """What reads a record has a type and facts all the same."""
    found = try_out("amount + 1", ORDERS, engine=Re2())
    assert (found.type, tuple(found.facts.paths), found.value) == ("int", ("amount",), None)
    assert try_out("1 + 1", ORDERS, engine=Re2()).value == {"t": "int", "v": 2}


def test_failures_and_mistakes_are_told_apart() -> None:
    """A failure is of this record, a mistake of the text."""
    found = try_out("amount / (amount - 4)", Environment.of_schema(None), engine=Re2(), record=({"amount": 4}, {}, ""))
    assert (found.value, found.failure) == (None, "division by zero")
    with pytest.raises(InvalidWhere):
        try_out("1 / 0", ORDERS, engine=Re2())
