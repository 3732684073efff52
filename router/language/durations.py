"""Durations as route files write them: as everywhere, and `forever` where something is kept for good."""

from __future__ import annotations

from router import durations

__all__ = ["FINITE_PATTERN", "FOREVER", "PATTERN", "parse_retention", "parse_wait"]

FOREVER = -1
"""What `forever` is in milliseconds, as Kafka's `retention.ms` means it."""

PATTERN = r"^(forever|0*[1-9][0-9]*(ms|s|m|h|d))$"
"""The rule of `parse_retention` as a regular expression, for editors."""

FINITE_PATTERN = r"^0*[1-9][0-9]*(ms|s|m|h|d)$"
"""The rule of `parse_wait`."""


def parse_retention(text: str) -> int:
    """Milliseconds above zero, or FOREVER. Raises ValueError with words that go on after the text."""
    if text == "forever":
        return FOREVER
    milliseconds = durations.parse_duration(text)
    if milliseconds == 0:
        raise ValueError("is no time at all: a retention is above zero, or 'forever'")
    return milliseconds


def parse_wait(text: str) -> int:
    """Milliseconds above zero, and never for ever. Raises ValueError with words that go on after the text."""
    if text == "forever":
        raise ValueError("is no time to wait: what is missing may never come. Write a time, such as 5m")
    milliseconds = durations.parse_duration(text)
    if milliseconds == 0:
        raise ValueError("is no time at all: a wait is above zero")
    return milliseconds
