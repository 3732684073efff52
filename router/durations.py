"""Durations as people write them, in routes and in settings: `250ms`, `10s`, `5m`, `12h`, `7d`. Pure.

One whole number and one unit; no fractions, no sums, no spaces, so that a duration has few spellings and a typo is a fault
and not another duration. What is longer than any duration (`forever`) is a word of the language of routes, not of this module.
"""

from __future__ import annotations

import re

__all__ = ["format_duration", "parse_duration"]

_MILLISECONDS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
"""Units from the longest to the shortest: `format_duration` takes the first that divides."""

_DURATION = re.compile(r"(?P<number>[0-9]+)(?P<unit>ms|s|m|h|d)")

_LONGEST = 2**63 - 1
"""Kafka keeps milliseconds in a signed 64-bit number."""


def parse_duration(text: str) -> int:
    """The milliseconds of a duration such as `250ms`, `10s`, `5m`, `12h` or `7d`.

    Raises ValueError with a sentence that can be shown to whoever wrote the text.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(_problem(text))
    digits = match["number"].lstrip("0") or "0"
    # The number of digits is looked at first: int() refuses thousands of them with words of its own.
    milliseconds = int(digits) * _MILLISECONDS[match["unit"]] if len(digits) <= len(str(_LONGEST)) else _LONGEST + 1
    if milliseconds > _LONGEST:
        raise ValueError("is longer than Kafka can count (2^63 milliseconds)")
    return milliseconds


def format_duration(milliseconds: int) -> str:
    """The shortest text that `parse_duration` reads back as these milliseconds: 90,000 is `90s`, 60,000 is `1m`.

    Raises ValueError for a negative number: there is no such duration.
    """
    if milliseconds < 0:
        raise ValueError(f"a duration is never negative: {milliseconds}")
    if milliseconds == 0:
        return "0s"
    unit = next(unit for unit, length in _MILLISECONDS.items() if milliseconds % length == 0)
    return f"{milliseconds // _MILLISECONDS[unit]}{unit}"


def _problem(text: str) -> str:
    if not text:
        return "is empty: write a number and a unit, such as 250ms, 10s, 5m, 12h or 7d"
    if text.isascii() and text.isdigit():
        return f"has no unit: write {text}ms, {text}s, {text}m, {text}h or {text}d"
    tight = text.strip().replace(" ", "")
    if _DURATION.fullmatch(tight):
        return f"has a space in it: write {tight}"
    if _DURATION.fullmatch(text.lower()):
        return f"has a unit in capitals: write {text.lower()}"
    return "is no duration: write a whole number and one unit of ms, s, m, h, d, such as 250ms, 10s, 5m, 12h or 7d"
