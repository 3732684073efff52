"""The one grammar of durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        pytest.param("250ms", 250, id="milliseconds"),
        pytest.param("10s", 10_000, id="seconds"),
        pytest.param("5m", 300_000, id="minutes"),
        pytest.param("12h", 43_200_000, id="hours"),
        pytest.param("7d", 604_800_000, id="days"),
        pytest.param("0s", 0, id="zero"),
        pytest.param("007s", 7_000, id="leading-zeros"),
        pytest.param("0" * 5_000 + "1s", 1_000, id="thousands-of-leading-zeros"),
        pytest.param("9223372036854775807ms", 2**63 - 1, id="longest"),
    ],
)
def test_number_and_unit_is_a_duration(text: str, milliseconds: int) -> None:
    """A whole number and one unit reads as milliseconds."""
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("100", "has no unit: write 100ms, 100s", id="no-unit"),
        pytest.param("5 m", "has a space in it: write 5m", id="space-inside"),
        pytest.param(" 5m ", "has a space in it: write 5m", id="space-around"),
        pytest.param("5S", "has a unit in capitals: write 5s", id="capitals"),
        pytest.param("-5s", "is no duration", id="negative"),
        pytest.param("1.5s", "is no duration", id="fraction"),
        pytest.param("1h30m", "is no duration", id="sum"),
        pytest.param("5w", "is no duration", id="unknown-unit"),
        pytest.param("\u0665s", "is no duration", id="digits-of-another-script"),
        pytest.param("5s\n", "has a space in it: write 5s", id="line-end"),
        pytest.param("9223372036854775808ms", "is longer than Kafka can count", id="one-too-many"),
        pytest.param("9" * 5_000 + "d", "is longer than Kafka can count", id="thousands-of-digits"),
    ],
)
def test_anything_else_is_refused_with_the_way_out(text: str, problem: str) -> None:
    """A text that is no duration is refused with words that say what to write."""
    with pytest.raises(ValueError) as caught:
        parse_duration(text)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (1_500, "1500ms"),
        (90_000, "90s"),
        (60_000, "1m"),
        (5_400_000, "90m"),
        (604_800_000, "7d"),
    ],
)
def test_longest_unit_that_divides_is_written(milliseconds: int, text: str) -> None:
    """A duration is written with the longest unit that leaves no remainder."""
    assert format_duration(milliseconds) == text


def test_negative_duration_cannot_be_written() -> None:
    """A negative number of milliseconds is a mistake of the caller."""
    with pytest.raises(ValueError, match="never negative"):
        format_duration(-1)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_what_is_written_reads_back(milliseconds: int) -> None:
    """Writing and reading a duration is the identity."""
    assert parse_duration(format_duration(milliseconds)) == milliseconds
