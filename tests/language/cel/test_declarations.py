"""What the front end is told of functions."""

import pytest
from support.expressions import problems, where

from router.language.cel.declarations import configuration


def test_ids_of_overloads_are_unique() -> None:
    """The front end refuses two overloads of one id."""
    ids = [line for line in configuration().splitlines() if "- id:" in line]
    assert len(ids) == len(set(ids)) > 100


@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">=", "==", "!="])
def test_numbers_of_all_types_compare(symbol: str) -> None:
    """An int compares with a double and a decimal, as the specification allows; a text with no number."""
    for left in ("amount", "weight", "price", "1u"):
        for right in ("amount", "weight", "price", "1u"):
            assert where(f"{left} {symbol} {right}").constant is (
                where(f"1u {symbol} 1u").constant if left == right == "1u" else None
            )
    assert problems(f"amount {symbol} id")[0].message == f"'{symbol}' cannot be used with int and string"


def test_reckoning_wants_one_type() -> None:
    """Only decimals reckon with other numbers, since only they do so exactly."""
    assert where("price * amount + weight > 1")
    assert problems("amount + weight > 1")[0].message == "'+' cannot be used with int and double"
