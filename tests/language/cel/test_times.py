"""Timestamps and durations."""

import pytest
from support.expressions import failure, value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("string(duration('-1.5s'))", "-1.5s"),
        ("string(timestamp('2024-05-31T12:00:00.25+01:30'))", "2024-05-31T10:30:00.25Z"),
        ("timestamp(0)", {"s": 0, "ns": 0}),
        ("duration(5)", {"s": 5, "ns": 0}),
        ("duration('1h30m1.5s10ms20us30ns')", {"s": 5401, "ns": 510020030}),
        ("duration('+.5s')", {"s": 0, "ns": 500000000}),
        ("duration('0')", {"s": 0, "ns": 0}),
        ("duration('-1500ms').getMilliseconds()", -500),
        ("duration('-90s').getMinutes()", -1),
        ("timestamp('2024-05-31T12:00:00Z').getHours('-03:30')", 8),
        ("timestamp('2024-12-31T23:00:00Z').getFullYear('Europe/Moscow')", 2025),
        ("timestamp('2024-12-31T23:00:00Z').getDayOfYear()", 365),
        ("timestamp('2024-12-31T23:00:00.123456789Z').getMilliseconds('UTC')", 123),
    ],
)
def test_times_gives_what_the_specification_says(text: str, expected: object) -> None:
    """Times are read, written and taken apart, exact to the nanosecond."""
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("timestamp('2024-13-01T00:00:00Z')", "is no timestamp"),
        ("timestamp('2024-01-01T00:00:00+24:00')", "is no offset"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('2s')", "outside the years"),
        ("timestamp('9999-12-31T23:59:59Z').getFullYear('+05:00')", "outside the years"),
        ("timestamp(0).getHours('Nowhere/Town')", "is no time zone"),
        ("timestamp(0).getHours('../etc/passwd')", "is no time zone"),
        ("duration('5')", "is no duration"),
        ("duration('9999999h')", "more than 292 years"),
    ],
)
def test_times_fails_in_words(text: str, problem: str) -> None:
    """What has no value says what was wrong."""
    assert problem in failure(text)
