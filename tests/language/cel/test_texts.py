"""Functions on strings."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'abc'.charAt(3)", ""),
        ("'héllo'.indexOf('l', 3)", 3),
        ("'hello'.lastIndexOf('l', 2)", 2),
        ("'a,b,c'.split(',', 2)[1]", "b,c"),
        ("'abc'.split('', 2)[1]", "bc"),
        ("'abc'.split('').size()", 3),
        ("'abc'.split(',', 0).size()", 0),
        ("'\u00a0 a\u200a'.trim()", "a"),
        ("strings.quote('a\\n\"')", '"a\\n\\""'),
    ],
)
def test_texts_gives_what_the_specification_says(text: str, expected: object) -> None:
    """Strings are cut, searched and joined by code points."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("'abc'.charAt(4)", "outside a text"),
        ("'abc'.indexOf('a', -1)", "outside a text"),
        ("'abc'.lastIndexOf('a', 4)", "outside a text"),
        ("'abc'.substring(2, 1)", "no part from 2 to 1"),
        ("[1].join()", "no such overload"),
    ],
)
def test_texts_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
