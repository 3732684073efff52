"""Reckoning."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 / -2", -3),
        ("-7 % 2", -1),
        ("1.0 / 0.0", "Infinity"),
        ("0.0 / 0.0", "NaN"),
        ("-1.0 / 0.0", "-Infinity"),
        ("-decimal('1.10')", "-1.10"),
        ("1 - decimal('0.5')", "0.5"),
    ],
)
def test_arithmetic_gives_what_the_specification_says(text: str, expected: object) -> None:
    """Integers are cut toward zero, doubles follow IEEE, decimals are exact."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("9223372036854775807 + 1", "more than 64 bits"),
        ("0u - 1u", "unsigned integer overflow"),
        ("1 / 0", "division by zero"),
        ("1 % 0", "modulus by zero"),
        (
            "[1].map(x, decimal('0.' + '1'.replace('1', '1111111111').replace('1', '1111111111').replace('1', '111'))).map(d, d * d * d * d)",
            "1,000 digits",
        ),
    ],
)
def test_arithmetic_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
