"""Values that may be absent."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optional.ofNonZeroValue('').hasValue()", False),
        ("[1, 2][?5].orValue(7)", 7),
        ("optional.of([1])[?0].value()", 1),
        ("optional.none().or(optional.of(3)).value()", 3),
        ("optional.of(1) == optional.of(1.0) && optional.none() != optional.of(1)", True),
    ],
)
def test_optionals_gives_what_the_specification_says(text: str, expected: object) -> None:
    """An optional has a value or none, and says which."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("optional.none().value()", "an optional that has none"),
        ("1[?0]", "no such overload"),
        ("1.or(2)", "no such overload"),
        ("[?1]", "no such overload"),
    ],
)
def test_optionals_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
