"""What is known of an expression before any record."""

import pytest
from support.expressions import problems, where


@pytest.mark.parametrize(
    ("text", "constant"),
    [("1 < 2", True), ("amount > 1 && false", False), ("amount / 0 > 1 || true", True), ("amount > 1 && true", None)],
)
def test_constant_expressions_are_known(text: str, constant: bool | None) -> None:
    """What no record can change is known before any record."""
    assert where(text).constant is constant


def test_constant_parts_are_computed_once() -> None:
    """A constant part stands in the code as its value; macros and what reads a record stay as they are."""
    assert where("amount > int('5')").compile(("amount",))((6,)) is True
    assert where("true ? amount > 5 : false").compile(("amount",))((6,)) is True
    assert where("amount > 5 || false || false").compile(("amount",))((6,)) is True


@pytest.mark.parametrize(
    "text",
    [
        "timestamp('x') < at",
        "amount > 1 / 0",
        "{'a': 1, 'a': 2}.size() == amount",
        "[1][5] == amount",
        "has({'a': 1}.b.c)",
    ],
)
def test_constant_parts_that_can_only_fail_are_mistakes(text: str) -> None:
    """Nobody means what has no value whatever the record."""
    assert len(problems(text)) == 1
