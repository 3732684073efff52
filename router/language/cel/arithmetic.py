"""Sums, differences, products, quotients and remainders. Integers of 64 bits overflow as a failure, decimals are exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow
from typing import Any, Final

from router.language.cel.failure import WhereFailed
from router.language.cel.times import add_duration, difference, negate, plus, since
from router.language.cel.values import Duration, Overloads, Timestamp, Uint, to_int, to_uint

__all__ = ["ARITHMETIC", "exact_decimal"]

_EXACT: Final = Context(
    prec=1_000,  # more digits than any amount has; what needs more fails instead of being rounded
    Emax=MAX_EMAX,
    Emin=MIN_EMIN,
    traps=[DivisionByZero, Inexact, InvalidOperation, Overflow, Underflow],
)


def exact_decimal(value: float | Decimal) -> Decimal:
    """The number as a decimal of the same value; NaN and the infinities have none."""
    if isinstance(value, float) and not math.isfinite(value):
        raise WhereFailed(f"{value} is no decimal")
    return Decimal(value)


def _exactly(operation: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Any, Any], Decimal]:
    def reckoned(left: Any, right: Any) -> Decimal:
        try:
            return operation(exact_decimal(left), exact_decimal(right))
        except (Inexact, InvalidOperation, Overflow, Underflow) as error:
            raise WhereFailed("a decimal of more than 1,000 digits") from error

    return reckoned


def _quotient(left: int, right: int) -> int:
    """Rounded toward zero, as in C; Python rounds down."""
    if right == 0:
        raise WhereFailed("division by zero")
    quotient = abs(int(left)) // abs(int(right))
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise WhereFailed("modulus by zero")
    remainder = abs(int(left)) % abs(int(right))
    return -remainder if left < 0 else remainder


def _divide(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or math.isnan(left) or math.isnan(right):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def _mixed(operation: Callable[[Decimal, Decimal], Decimal]) -> dict[tuple[type, ...], Callable[..., Any]]:
    exactly = _exactly(operation)
    others = (int, Uint, float)
    return {
        (Decimal, Decimal): exactly,
        **{(Decimal, other): exactly for other in others},
        **{(other, Decimal): exactly for other in others},
    }


def _join(left: Any, right: Any) -> Any:
    return left + right


ARITHMETIC: Final[Overloads] = {
    "_+_": {
        (int, int): lambda left, right: to_int(left + right),
        (Uint, Uint): lambda left, right: to_uint(left + right),
        (float, float): _join,
        (str, str): _join,
        (bytes, bytes): _join,
        (list, list): _join,
        (Timestamp, Duration): add_duration,
        (Duration, Timestamp): lambda left, right: add_duration(right, left),
        (Duration, Duration): plus,
        **_mixed(_EXACT.add),
    },
    "_-_": {
        (int, int): lambda left, right: to_int(left - right),
        (Uint, Uint): lambda left, right: to_uint(left - right),
        (float, float): lambda left, right: left - right,
        (Timestamp, Duration): lambda left, right: add_duration(left, negate(right)),
        (Timestamp, Timestamp): since,
        (Duration, Duration): difference,
        **_mixed(_EXACT.subtract),
    },
    "_*_": {
        (int, int): lambda left, right: to_int(left * right),
        (Uint, Uint): lambda left, right: to_uint(left * right),
        (float, float): lambda left, right: left * right,
        **_mixed(_EXACT.multiply),
    },
    "_/_": {
        (int, int): lambda left, right: to_int(_quotient(left, right)),
        (Uint, Uint): lambda left, right: to_uint(_quotient(left, right)),
        (float, float): _divide,
    },
    "_%_": {
        (int, int): _remainder,
        (Uint, Uint): lambda left, right: to_uint(_remainder(left, right)),
    },
    "-_": {
        (int,): lambda value: to_int(-value),
        (float,): lambda value: -value,
        (Decimal,): _EXACT.minus,
    },
    "!_": {(bool,): lambda value: not value},
}
