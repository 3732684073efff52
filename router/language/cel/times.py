"""Timestamps and durations: their texts, their reckoning, and their parts in a time zone. Exact to the nanosecond."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from router.language.cel.failure import WhereFailed
from router.language.cel.values import Duration, Overloads, Timestamp

__all__ = [
    "ACCESSORS",
    "add_duration",
    "difference",
    "duration_of",
    "format_duration",
    "format_timestamp",
    "negate",
    "parse_duration",
    "parse_timestamp",
    "plus",
    "since",
    "timestamp_of",
    "timestamp_of_seconds",
]

_BILLION: Final = 1_000_000_000
_DAY: Final = 86_400 * _BILLION
_EPOCH_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST: Final = (date.min.toordinal() - _EPOCH) * _DAY
_LAST: Final = (date.max.toordinal() - _EPOCH + 1) * _DAY - 1
_LONGEST: Final = 2**63 - 1
"""Some 292 years: the nanoseconds of 64 bits, as the specification's suite demands."""

_TIMESTAMP: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_UNITS: Final = {
    "h": 3600 * _BILLION,
    "m": 60 * _BILLION,
    "s": _BILLION,
    "ms": 1_000_000,
    "us": 1_000,
    "µs": 1_000,
    "ns": 1,
}
_DURATION: Final = re.compile(
    r"([+-]?)((?:\d+(?:\.\d*)?(?:h|ms|m|s|us|µs|ns)|\.\d+(?:h|ms|m|s|us|µs|ns))+|0)", re.ASCII
)
_PART: Final = re.compile(r"(\d*)(?:\.(\d*))?(h|ms|m|s|us|µs|ns)", re.ASCII)
_OFFSET: Final = re.compile(r"([+-]?)(\d\d):(\d\d)", re.ASCII)


def _timestamp(nanos: int) -> Timestamp:
    if _FIRST <= nanos <= _LAST:
        return Timestamp(nanos)
    raise WhereFailed("a timestamp outside the years 1 to 9999")


def _duration(nanos: int) -> Duration:
    if -_LONGEST <= nanos <= _LONGEST:
        return Duration(nanos)
    raise WhereFailed("a duration of more than 292 years")


def parse_timestamp(text: str) -> Timestamp:
    """The timestamp of an RFC 3339 text."""
    found = _TIMESTAMP.fullmatch(text)
    if not found:
        raise WhereFailed(f"'{text[:40]}' is no timestamp: write it as 2024-05-31T12:00:00Z")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise WhereFailed(f"'{text[:40]}' is no timestamp: {error}") from error
    nanos = int((found[7] or "0").ljust(9, "0"))
    offset = 0
    if found[8] not in "Zz":
        offset = _offset_seconds(found[8])
    return _timestamp(_seconds_of(moment) * _BILLION + nanos - offset * _BILLION)


def parse_duration(text: str) -> Duration:
    """The duration of a text such as `1h30m`, `-1.5s`, `10ms`; fractions beyond nanoseconds are cut off."""
    found = _DURATION.fullmatch(text) if len(text) <= 200 else None
    if not found:
        raise WhereFailed(f"'{text[:40]}' is no duration: write it as 1h30m or 1.5s")
    nanos = 0
    for whole, fraction, unit in _PART.findall(found[2]):
        nanos += int(whole or "0") * _UNITS[unit]
        if fraction:
            nanos += int(fraction) * _UNITS[unit] // 10 ** len(fraction)
    return _duration(-nanos if found[1] == "-" else nanos)


def format_timestamp(value: Timestamp) -> str:
    """The text in UTC, with as many decimals as it needs."""
    seconds, nanos = divmod(value.nanos, _BILLION)
    moment = _moment(seconds)
    return f"{moment.year:04}{moment:-%m-%dT%H:%M:%S}{_fraction(nanos)}Z"


def format_duration(value: Duration) -> str:
    """The text in seconds, with as many decimals as it needs."""
    seconds, nanos = divmod(abs(value.nanos), _BILLION)
    return f"{'-' if value.nanos < 0 else ''}{seconds}{_fraction(nanos)}s"


def _fraction(nanos: int) -> str:
    return f".{nanos:09}".rstrip("0") if nanos else ""


def timestamp_of(value: datetime | date | int) -> Timestamp:
    """A plain date or time as a timestamp; what bears no zone is taken as UTC, an integer as nanoseconds."""
    if isinstance(value, int):
        return _timestamp(value)
    if not isinstance(value, datetime):
        return Timestamp((value.toordinal() - _EPOCH) * _DAY)
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return Timestamp((_seconds_of(moment) * 1_000_000 + moment.microsecond) * 1_000)


def timestamp_of_seconds(seconds: int) -> Timestamp:
    """The timestamp some seconds after 1970."""
    return _timestamp(seconds * _BILLION)


def duration_of(value: time | timedelta | int) -> Duration:
    """A time of day as the duration since midnight; a timedelta as itself, an integer as nanoseconds."""
    if isinstance(value, int):
        return _duration(value)
    if isinstance(value, timedelta):
        return _duration(((value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds) * 1_000)
    return Duration(((value.hour * 60 + value.minute) * 60 + value.second) * _BILLION + value.microsecond * 1_000)


def add_duration(moment: Timestamp, span: Duration) -> Timestamp:
    """The timestamp a duration later."""
    return _timestamp(moment.nanos + span.nanos)


def since(later: Timestamp, earlier: Timestamp) -> Duration:
    """The duration from one timestamp to another."""
    return _duration(later.nanos - earlier.nanos)


def plus(left: Duration, right: Duration) -> Duration:
    """The sum of two durations."""
    return _duration(left.nanos + right.nanos)


def difference(left: Duration, right: Duration) -> Duration:
    """The difference of two durations."""
    return _duration(left.nanos - right.nanos)


def negate(span: Duration) -> Duration:
    """The same duration the other way."""
    return Duration(-span.nanos)


def _seconds_of(moment: datetime) -> int:
    since_epoch = moment - _EPOCH_MOMENT
    return since_epoch.days * 86_400 + since_epoch.seconds


def _moment(seconds: int) -> datetime:
    return _EPOCH_MOMENT + timedelta(seconds=seconds)


def _offset_seconds(text: str) -> int:
    found = _OFFSET.fullmatch(text)
    if not found or int(found[2]) > 23 or int(found[3]) > 59:
        raise WhereFailed(f"'{text[:40]}' is no offset from UTC")
    seconds = int(found[2]) * 3600 + int(found[3]) * 60
    return -seconds if found[1] == "-" else seconds


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo:
    if _OFFSET.fullmatch(name):
        return timezone(timedelta(seconds=_offset_seconds(name)))
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise WhereFailed(f"'{name[:40]}' is no time zone") from error


def _in_zone(value: Timestamp, zone: str) -> datetime:
    try:
        return _moment(value.nanos // _BILLION).astimezone(_zone(zone))
    except OverflowError as error:
        raise WhereFailed("a local time outside the years 1 to 9999") from error


def _accessor(part: Callable[[datetime], int]) -> dict[tuple[type, ...], Callable[..., int]]:
    return {
        (Timestamp,): lambda value: part(_moment(value.nanos // _BILLION)),
        (Timestamp, str): lambda value, zone: part(_in_zone(value, zone)),
    }


def _toward_zero(nanos: int, unit: int) -> int:
    return nanos // unit if nanos >= 0 else -(-nanos // unit)


ACCESSORS: Final[Overloads] = {
    "getFullYear": _accessor(lambda moment: moment.year),
    "getMonth": _accessor(lambda moment: moment.month - 1),
    "getDate": _accessor(lambda moment: moment.day),
    "getDayOfMonth": _accessor(lambda moment: moment.day - 1),
    "getDayOfWeek": _accessor(lambda moment: moment.isoweekday() % 7),
    "getDayOfYear": _accessor(lambda moment: moment.timetuple().tm_yday - 1),
    "getHours": _accessor(lambda moment: moment.hour)
    | {(Duration,): lambda span: _toward_zero(span.nanos, 3600 * _BILLION)},
    "getMinutes": _accessor(lambda moment: moment.minute)
    | {(Duration,): lambda span: _toward_zero(span.nanos, 60 * _BILLION)},
    "getSeconds": _accessor(lambda moment: moment.second)
    | {(Duration,): lambda span: _toward_zero(span.nanos, _BILLION)},
    "getMilliseconds": {
        (Timestamp,): lambda value: value.nanos // 1_000_000 % 1_000,
        (Timestamp, str): lambda value, zone: value.nanos // 1_000_000 % 1_000 if _zone(zone) else 0,
        # Of a duration, what is left beside whole seconds.
        (Duration,): lambda span: _toward_zero(span.nanos - _toward_zero(span.nanos, _BILLION) * _BILLION, 1_000_000),
    },
}
"""Parts of timestamps, in UTC or in the zone named; hours, minutes and seconds of a duration are its whole length."""
