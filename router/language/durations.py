"""Durations as route files write them: as everywhere, and `forever` where a topic keeps all it ever got."""

from __future__ import annotations

from router import durations

__all__ = ["FOREVER", "PATTERN", "parse_retention"]

FOREVER = -1
"""What `forever` is in milliseconds, as Kafka's `retention.ms` means it."""

PATTERN = r"^(forever|0*[1-9][0-9]*(ms|s|m|h|d))$"
"""The same rule as a regular expression, for editors."""


def parse_retention(text: str) -> int:
    """Milliseconds above zero, or FOREVER. Raises ValueError with words that go on after the text."""
    if text == "forever":
        return FOREVER
    milliseconds = durations.parse_duration(text)
    if milliseconds == 0:
        raise ValueError("is no time at all: a retention is above zero, or 'forever'")
    return milliseconds
