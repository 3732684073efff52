"""The math extension."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("math.round(-0.5)", -1.0),
        ("math.sign(-3)", -1),
        ("math.bitShiftLeft(-1, 70)", 0),
        ("math.greatest([1, 2.5, 2u])", 2.5),
    ],
)
def test_maths_gives_what_the_specification_says(text: str, expected: object) -> None:
    """Numbers are rounded, compared and shifted as the extension says."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("math.bitShiftLeft(1, -1)", "negative"),
        ("math.greatest('a', dyn('b'))", "greatest"),
        ("math.greatest(dyn(['a']))", "no such overload"),
        ("math.greatest(dyn([]))", "no such overload"),
    ],
)
def test_maths_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
