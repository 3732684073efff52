"""From one type to another: `int(x)`, `string(x)` and their like; what does not fit, or is no such text, fails."""

from __future__ import annotations

import base64
import binascii
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from router.language.cel.arithmetic import exact_decimal
from router.language.cel.failure import WhereFailed
from router.language.cel.times import (
    duration_of,
    format_duration,
    format_timestamp,
    parse_duration,
    parse_timestamp,
    timestamp_of_seconds,
)
from router.language.cel.values import INT_MAX, INT_MIN, UINT_MAX, Duration, Overloads, Timestamp, Uint, to_int, to_uint

__all__ = ["CONVERSIONS", "format_double"]

_INT: Final = re.compile(r"[+-]?\d{1,40}", re.ASCII)
_UINT: Final = re.compile(r"\+?\d{1,40}", re.ASCII)
_DOUBLE: Final = re.compile(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|[iI]nf(inity)?|[nN]a[nN])", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?", re.ASCII)
_BOOLS: Final = {
    **dict.fromkeys(("1", "t", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "false", "FALSE", "False"), False),
}


def _not(what: str, text: str) -> WhereFailed:
    return WhereFailed(f"'{text[:40]}' is no {what}")


def _whole(value: float, least: int, most: int) -> int:
    """A double cut off toward zero; the bounds themselves are excluded, since doubles near them stand for many integers."""
    if not math.isfinite(value) or not least < value < most:
        raise WhereFailed(f"integer overflow: {value} is out of range")
    return int(value)


def _int(text: str) -> int:
    if not _INT.fullmatch(text):
        raise _not("integer", text)
    return to_int(int(text))


def _uint(text: str) -> Uint:
    if not _UINT.fullmatch(text):
        raise _not("unsigned integer", text)
    return to_uint(int(text))


def _double(text: str) -> float:
    if not _DOUBLE.fullmatch(text):
        raise _not("double", text)
    return float(text)


def _bool(text: str) -> bool:
    if text not in _BOOLS:
        raise _not("bool", text)
    return _BOOLS[text]


def _decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise _not("decimal", text)
    return Decimal(text)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise WhereFailed("the bytes are not UTF-8") from error


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise _not("base64", text) from error


def _decimal_to_double(value: Decimal) -> float:
    try:
        return float(value)
    except (OverflowError, InvalidOperation) as error:
        raise WhereFailed(f"{value} is no double") from error


def _decimal_to_int(value: Decimal) -> int:
    if value.adjusted() > 20:
        raise WhereFailed("integer overflow: the decimal is out of range")
    return to_int(int(value))


def format_double(value: float) -> str:
    """The shortest text that reads back as the same double, without a needless `.0`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value).removesuffix(".0")


def _same(value: Any) -> Any:
    return value


CONVERSIONS: Final[Overloads] = {
    "int": {
        (int,): _same,
        (Uint,): lambda value: to_int(int(value)),
        (float,): lambda value: _whole(value, INT_MIN, INT_MAX + 1),
        (str,): _int,
        (Timestamp,): lambda value: value.nanos // 1_000_000_000,
        (Duration,): lambda value: value.nanos // 1_000_000_000,
        (Decimal,): _decimal_to_int,
    },
    "uint": {
        (Uint,): _same,
        (int,): to_uint,
        (float,): lambda value: to_uint(_whole(value, -1, UINT_MAX + 1)),
        (str,): _uint,
    },
    "double": {(float,): _same, (int,): float, (Uint,): float, (str,): _double, (Decimal,): _decimal_to_double},
    "decimal": {
        (Decimal,): _same,
        (int,): Decimal,
        (Uint,): lambda value: Decimal(int(value)),
        (float,): exact_decimal,
        (str,): _decimal,
    },
    "string": {
        (str,): _same,
        (bool,): lambda value: "true" if value else "false",
        (int,): str,
        (Uint,): lambda value: str(int(value)),
        (float,): format_double,
        (bytes,): _text,
        (Timestamp,): format_timestamp,
        (Duration,): format_duration,
        (Decimal,): lambda value: f"{value:f}",
    },
    "bytes": {(bytes,): _same, (str,): lambda value: value.encode(errors="surrogateescape")},
    "bool": {(bool,): _same, (str,): _bool},
    "timestamp": {(Timestamp,): _same, (str,): parse_timestamp, (int,): timestamp_of_seconds},
    "duration": {(Duration,): _same, (str,): parse_duration, (int,): lambda value: duration_of(value * 1_000_000_000)},
    "base64.encode": {(bytes,): lambda value: base64.b64encode(value).decode()},
    "base64.decode": {(str,): _unbase64},
}
