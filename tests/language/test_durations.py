"""Durations in route files."""

from __future__ import annotations

import re

import pytest

from router.language.durations import FINITE_PATTERN, FOREVER, PATTERN, parse_retention, parse_wait


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("250ms", 250), ("10s", 10_000), ("7d", 604_800_000), ("forever", FOREVER), ("007d", 604_800_000)],
)
def test_a_retention_is_a_number_with_a_unit_or_forever(text: str, milliseconds: int) -> None:
    """Milliseconds, as Kafka counts them, and the editors' pattern agrees."""
    assert parse_retention(text) == milliseconds
    assert re.search(PATTERN, text)


@pytest.mark.parametrize("text", ["", "7", "0s", "-1d", "7 d", "7D", "1d12h", "for ever", "9" * 30 + "d", "٣d"])
def test_anything_else_is_refused_with_words(text: str) -> None:
    """The words go on after the text itself."""
    with pytest.raises(ValueError, match=r"^(is|has) "):
        parse_retention(text)


def test_a_wait_has_an_end() -> None:
    """What is missing may never come; the editors' pattern agrees."""
    assert parse_wait("5m") == 300_000
    assert re.search(FINITE_PATTERN, "5m")
    for text, words in (("forever", "is no time to wait"), ("0s", "is no time at all"), ("5", "has no unit")):
        assert not re.search(FINITE_PATTERN, text)
        with pytest.raises(ValueError, match=f"^{words}"):
            parse_wait(text)
