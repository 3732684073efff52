"""Equality, order, membership and lookup."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("type(1u) == uint && type(type(1)) == type", True),
        ("{1: 'a', true: 'b'}[1]", "a"),
        ("{1: 'a', true: 'b'}[true]", "b"),
        ("1.0 in {1: 'a'}", True),
        ("[1.0, 2u] == [1, 2]", True),
        ("true == 1", False),
        ("{'a': 1} == {'a': 1.0}", True),
    ],
)
def test_comparison_gives_what_the_specification_says(text: str, expected: object) -> None:
    """Numbers compare across their types, and nothing else does."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1][1.5]", "invalid index"),
        ("[1][-1]", "outside a list"),
        ("{}[null]", "no such key"),
        ("1[0]", "no such overload"),
        ("null in {}", "no such overload"),
        ("1 in 1", "no such overload"),
        ("'a' < 1", "no such overload"),
    ],
)
def test_comparison_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
