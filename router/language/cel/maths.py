"""The `math` extension."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from functools import reduce
from typing import Any, Final

from router.language.cel.comparison import greater, less
from router.language.cel.failure import WhereFailed, no_overload
from router.language.cel.values import UINT_MAX, Overloads, Uint, is_number, to_int, to_uint

__all__ = ["EXTREMES", "MATHS"]


def _round(value: float) -> float:
    """To the nearest integer; from the middle away from zero."""
    if not math.isfinite(value):
        return value
    whole = math.trunc(value)
    rounded = whole + int(math.copysign(1, value)) if abs(value - whole) >= 0.5 else whole
    return math.copysign(float(rounded), value)


def _kept(function: Callable[[float], int]) -> Callable[[float], float]:
    return lambda value: math.copysign(float(function(value)), value) if math.isfinite(value) else value


def _sign(value: Any) -> Any:
    return type(value)((value > 0) - (value < 0)) if value == value else value  # noqa: PLR0124 # NaN has no sign


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


def _wrap(bits: int) -> int:
    """The 64-bit integer of these bits."""
    bits &= UINT_MAX
    return bits - (1 << 64) if bits >> 63 else bits


def _shift_left(value: int, by: int) -> int:
    _check_shift(by)
    return _wrap(value << by) if by < 64 else 0


def _shift_right(value: int, by: int) -> int:
    """Zeros come in from the left, whatever the sign."""
    _check_shift(by)
    return _wrap((value & UINT_MAX) >> by) if by < 64 else 0


def _check_shift(by: int) -> None:
    if by < 0:
        raise WhereFailed(f"a shift by {by}, which is negative")


def _extreme(name: str, better: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
        given = values[0] if len(values) == 1 and type(values[0]) is list else values
        if not given or not all(is_number(each) for each in given):
            raise no_overload(f"math.{name}", *values)
        return reduce(lambda best, each: each if better(each, best) else best, given)

    return extreme


EXTREMES: Final[dict[str, Callable[..., Any]]] = {
    "math.@max": _extreme("greatest", greater),
    "math.@min": _extreme("least", less),
}
"""The greatest and the least of any numbers: of several values, or of a list."""

MATHS: Final[Overloads] = {
    "math.ceil": {(float,): _kept(math.ceil)},
    "math.floor": {(float,): _kept(math.floor)},
    "math.round": {(float,): _round},
    "math.trunc": {(float,): _kept(math.trunc)},
    "math.abs": {
        (int,): lambda value: to_int(abs(value)),
        (Uint,): lambda value: value,
        (float,): abs,
        (Decimal,): abs,
    },
    "math.sign": {(int,): _sign, (Uint,): _sign, (float,): _sign},
    "math.sqrt": {
        (float,): _root,
        (int,): lambda value: _root(float(value)),
        (Uint,): lambda value: _root(float(value)),
    },
    "math.isNaN": {(float,): math.isnan},
    "math.isInf": {(float,): math.isinf},
    "math.isFinite": {(float,): math.isfinite},
    "math.bitAnd": {(int, int): lambda a, b: a & b, (Uint, Uint): lambda a, b: to_uint(a & b)},
    "math.bitOr": {(int, int): lambda a, b: a | b, (Uint, Uint): lambda a, b: to_uint(a | b)},
    "math.bitXor": {(int, int): lambda a, b: a ^ b, (Uint, Uint): lambda a, b: to_uint(a ^ b)},
    "math.bitNot": {(int,): lambda value: ~value, (Uint,): lambda value: to_uint(~value & UINT_MAX)},
    "math.bitShiftLeft": {
        (int, int): _shift_left,
        (Uint, int): lambda value, by: to_uint(_shift_left(int(value), by) & UINT_MAX),
    },
    "math.bitShiftRight": {
        (int, int): _shift_right,
        (Uint, int): lambda value, by: to_uint(_shift_right(int(value), by) & UINT_MAX),
    },
}
