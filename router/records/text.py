"""The one way in which a value becomes the text of a routing key's word, before its dots are escaped."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from uuid import UUID

__all__ = ["Value", "as_text"]

Value = None | bool | int | float | str | bytes | Decimal | date | time | datetime | UUID
"""What a field of a record can be."""

_CONSTANTS = {None: "", True: "true", False: "false"}


def as_text(value: Value) -> str:
    """The text of a value.

    | value | text |
    |---|---|
    | text, an enum's symbol | as it is |
    | null | empty |
    | boolean | `true`, `false` |
    | integer | decimal digits |
    | float, double | the shortest digits that read back as the same number: `0.1`, `1e+16`, `nan`, `inf` |
    | decimal | plain notation with its scale: `12.50`, never an exponent |
    | bytes, fixed | as UTF-8; a byte that is none becomes the surrogate that Python's `surrogateescape` gives it |
    | date, time, timestamp | ISO 8601: `2026-03-01`, `09:30:00`, `2026-03-01T09:30:00+00:00` |
    | uuid | lower case with hyphens |
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return _CONSTANTS[value]
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
