"""The walk over a tree."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2].exists_one(x, x > 1)", True),
    ],
)
def test_evaluate_gives_what_the_specification_says(text: str, expected: object) -> None:
    """Macros, conditions and literals mean what the specification says."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("'a'.matches('(')", "no regular expression"),
        ("{1.5: 2}", "unsupported key type"),
        ("{1: 2, 1u: 3}", "the same key twice"),
        ("{?'a': 1}", "no such overload"),
        ("1.all(x, true)", "no such overload"),
        ("[1].all(x, x)", "no such overload"),
        ("1 ? 2 : 3", "no such overload"),
        ("1 || false", "no such overload"),
        ("{'a': 1}.b", "no such key"),
        ("1.a", "no such overload"),
        ("nothing", "no field or variable"),
        ("nothing()", "no function"),
        ("nothing.at.all()", "no function"),
    ],
)
def test_evaluate_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
