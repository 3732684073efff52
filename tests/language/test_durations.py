"""Durations in route files."""

from __future__ import annotations

import re

import pytest

from router.language.durations import FOREVER, PATTERN, parse_retention


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
