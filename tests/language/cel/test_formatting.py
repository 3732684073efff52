"""`format` of the strings extension."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'%s %s %s'.format([null, b'x', {true: 1.5}])", "null x {true: 1.5}"),
        ("'%s'.format([decimal('1.50')])", "1.50"),
        (
            "'%.2f %e %x %X %o %b %d%%'.format([decimal('1.005'), 1.5, 255, 'z', 8, true, 3u])",
            "1.00 1.500000e+00 ff 7A 10 1 3%",
        ),
    ],
)
def test_formatting_gives_what_the_specification_says(text: str, expected: object) -> None:
    """Clauses take the values that suit them, and write them in full."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("'%d'.format([])", "more clauses"),
        ("'%q'.format([1])", "no clause"),
        ("'%d'.format(['a'])", "no such overload"),
        ("'%f'.format(['a'])", "no such overload"),
        ("'%o'.format(['a'])", "no such overload"),
        ("'%b'.format(['a'])", "no such overload"),
        ("'%x'.format([1.5])", "no such overload"),
        ("'%s'.format([optional.none()])", "no such overload"),
    ],
)
def test_formatting_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
