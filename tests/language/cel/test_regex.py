"""RE2, behind its adapter."""

import pytest

from router.language.cel.failure import WhereFailed
from router.language.cel.regex import Patterns, Re2, refusal


@pytest.mark.parametrize(
    "search",
    [Re2().search, Patterns().search, lambda pattern, text: Re2().compile(pattern)(text)],
    ids=["search", "kept", "compiled"],
)
@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("a+", "bab", True),
        ("^a+$", "bab", False),
        ("é", "é", True),
        ("^.$", "😀", True),
        ("\\d", "٣", False),
        ("a", "\udcff", False),
    ],
)
def test_patterns_are_searched_for(search: object, pattern: str, text: str, found: bool) -> None:
    """A pattern may occur anywhere; a dot is one character; classes are ASCII's; broken text matches nothing odd."""
    assert callable(search)
    assert search(pattern, text) is found


@pytest.mark.parametrize("pattern", ["(", "a{2000}", "(?=a)", "(a)\\1", "["])
def test_what_re2_does_not_take_fails(pattern: str) -> None:
    """What is no pattern, or could take time that grows faster than the text, is refused with a reason."""
    with pytest.raises(WhereFailed, match="no regular expression"):
        Re2().search(pattern, "a")
    with pytest.raises(WhereFailed):
        Re2().compile(pattern)
    refused = refusal(pattern)
    assert refused is not None
    assert 0 <= refused[0] < len(pattern)


def test_a_pattern_that_is_taken_is_not_refused() -> None:
    """A sound pattern has nothing wrong with it."""
    assert refusal("^a+$") is None
