"""Avro's logical types: which of their codes are values, and the values.

The values are fastavro's, with these differences, each where fastavro would alter a value or fail:

- a decimal of more digits than its precision is exact instead of rounded;
- a uuid on a fixed of 16 bytes is a UUID, as on a string, instead of bytes;
- a date, a time or a timestamp that Python cannot hold (a year beyond 9999, a time past midnight) makes the record unreadable
  when it is read, not when it is used.

Nanosecond timestamps stay integers, as in fastavro: Python's timestamps have none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

__all__ = ["RANGES", "date_of", "decimal_bytes", "decimal_of", "instant_of", "local_of", "time_of"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 # a local timestamp has no zone by definition
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)

_MILLIS = (-62_135_596_800_000, 253_402_300_799_999)
_MICROS = (-62_135_596_800_000_000, 253_402_300_799_999_999)

RANGES = {
    "date": (date.min.toordinal() - _EPOCH_DAY, date.max.toordinal() - _EPOCH_DAY),
    "time-millis": (0, 86_399_999),
    "time-micros": (0, 86_399_999_999),
    "timestamp-millis": _MILLIS,
    "timestamp-micros": _MICROS,
    "local-timestamp-millis": _MILLIS,
    "local-timestamp-micros": _MICROS,
}
"""The least and the most that a number of each logical type may be."""


def decimal_bytes(precision: int) -> int:
    """The most bytes that a decimal may take: enough for its precision, and for a generous sign extension.

    Longer ones cost time that grows with the square of their length, and could only come from a broken producer.
    """
    return max(64, precision * 4 // 9 + 1)


def decimal_of(unscaled: bytes, scale: int) -> Decimal:
    """The exact decimal of a big-endian two's complement integer; no bytes at all are zero."""
    return Decimal(int.from_bytes(unscaled, "big", signed=True)).scaleb(-scale, _EXACT)


def date_of(days: int) -> date:
    """The date some days after 1970-01-01."""
    return date.fromordinal(_EPOCH_DAY + days)


def time_of(micros: int) -> time:
    """The time of day some microseconds after midnight."""
    seconds, micros = divmod(micros, 1_000_000)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60, micros)


def instant_of(micros: int) -> datetime:
    """The instant, in UTC, some microseconds after the epoch."""
    return _EPOCH + timedelta(microseconds=micros)


def local_of(micros: int) -> datetime:
    """The local date and time, of no zone, some microseconds after 1970-01-01 00:00."""
    return _LOCAL_EPOCH + timedelta(microseconds=micros)
