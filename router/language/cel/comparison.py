"""Equality, order and membership over values of any types.

Numbers compare whatever their types: decimals by their exact value, as Python does; an integer with a double as doubles,
as the specification's suite demands (it takes 2^63 - 1 and the double 2^63 for equal).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from router.language.cel.failure import WhereFailed, no_overload
from router.language.cel.values import Duration, Optional, Timestamp, Uint, to_key

__all__ = ["contains", "equal", "greater", "greater_or_equal", "less", "less_or_equal", "lookup", "unequal"]

_NUMBERS: Final = frozenset({int, Uint, float, Decimal})
_ORDERED: Final = frozenset({bool, str, bytes, Timestamp, Duration})


def equal(left: Any, right: Any) -> bool:
    """Whether two values are the same; values of unlike types are not, and that is no failure. NaN is not even itself."""
    kind, other = type(left), type(right)
    if kind in _NUMBERS:
        return other in _NUMBERS and bool(_as_double(left, other) == _as_double(right, kind))
    if kind is not other:
        return False
    if kind is list:
        return len(left) == len(right) and all(map(equal, left, right))
    if kind is dict:
        return len(left) == len(right) and all(key in right and equal(left[key], right[key]) for key in left)
    if kind is Optional:
        return left.present is right.present and (not left.present or equal(left.value, right.value))
    return bool(left == right)


def unequal(left: Any, right: Any) -> bool:
    """Whether two values are not the same."""
    return not equal(left, right)


def _as_double(number: Any, other: type) -> Any:
    """An integer as a double where it is compared with one."""
    return float(number) if other is float and isinstance(number, int) else number


def _comparison(symbol: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(left: Any, right: Any) -> bool:
        kind, other = type(left), type(right)
        if (kind is other and kind in _ORDERED) or (kind in _NUMBERS and other in _NUMBERS):
            return compare(_as_double(left, other), _as_double(right, kind))
        raise no_overload(f"'{symbol}'", left, right)

    return compared


less = _comparison("<", lambda left, right: left < right)
less_or_equal = _comparison("<=", lambda left, right: left <= right)
greater = _comparison(">", lambda left, right: left > right)
greater_or_equal = _comparison(">=", lambda left, right: left >= right)


def contains(value: Any, container: Any) -> bool:
    """`value in container`: a list's items, a map's keys."""
    if type(container) is list:
        return any(equal(value, each) for each in container)
    if type(container) is dict and type(value) in _KEYS:
        return to_key(value) in container
    raise no_overload("'in'", value, container)


_KEYS: Final = frozenset({str, int, Uint, bool, float})
"""The types of keys, and double: a whole number is found whatever its type."""


def lookup(container: Any, index: Any) -> Any:
    """`container[index]`; a missing key, or an index outside the list, is a failure."""
    if type(container) is dict:
        slot = to_key(index)
        if slot in container:
            return container[slot]
        raise WhereFailed(f"no such key: {index!r}")
    if type(container) is list and type(index) in _INDICES:
        if type(index) is float and not index.is_integer():
            raise WhereFailed(f"invalid index: {index}")
        if 0 <= index < len(container):
            return container[int(index)]
        raise WhereFailed(f"index {int(index)} is outside a list of {len(container)}")
    raise no_overload("an index", container, index)


_INDICES: Final = frozenset({int, Uint, float})
