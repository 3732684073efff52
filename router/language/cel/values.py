"""What values are while an expression is evaluated.

Most are Python's own: None, bool, str, bytes, float, and int for 64-bit integers (whoever makes one checks its range),
Decimal for decimals, list or tuple for lists. Python takes 1, 1.0 and true for equal, the specification only 1, 1u and
1.0; so equality of values of unknown types goes through `equality`, and in a map the keys true and false are stood for
by objects of their own. Structs are maps from field names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from router.language.cel.failure import WhereFailed

__all__ = [
    "INT_MAX",
    "INT_MIN",
    "NONE",
    "UINT_MAX",
    "Duration",
    "Optional",
    "Overloads",
    "Timestamp",
    "TypeValue",
    "Uint",
    "from_key",
    "is_number",
    "make_map",
    "to_int",
    "to_key",
    "to_uint",
    "type_name",
]

Overloads = Mapping[str, Mapping[tuple[type, ...], Callable[..., Any]]]
"""Functions by name and exact types of values. A method's receiver is its first argument."""

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1


class Uint(int):
    """An unsigned integer: differs from an int in type and in the range of its arithmetic, not in value."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """A point in time, as nanoseconds since 1970-01-01T00:00:00Z; years 1 to 9999."""

    nanos: int


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time in nanoseconds, positive or negative."""

    nanos: int


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value, as `type(x)` gives it."""

    name: str


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may be absent."""

    present: bool
    value: Any = None


NONE: Final = Optional(present=False)


class _BoolKey:
    """Stands for true or false as a map's key, where Python would take them for 1 and 0."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value


_TRUE_KEY: Final = _BoolKey(True)
_FALSE_KEY: Final = _BoolKey(False)

_NAMES: Final[dict[type, str]] = {
    type(None): "null_type",
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    tuple: "list",
    dict: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    TypeValue: "type",
    Optional: "optional_type",
    Decimal: "decimal",
}


def type_name(value: Any) -> str:
    """The name that `type(value)` has; an extension's values bear theirs as `cel_name`."""
    return _NAMES.get(type(value)) or str(getattr(value, "cel_name", type(value).__name__))


def is_number(value: Any) -> bool:
    """Whether it is an int, a uint, a double or a decimal."""
    return type(value) in {int, Uint, float, Decimal}


def to_int(value: int) -> int:
    """The value as a 64-bit integer; fails where it does not fit."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise WhereFailed("integer overflow: the result needs more than 64 bits")


def to_uint(value: int) -> Uint:
    """The value as an unsigned 64-bit integer; fails where it does not fit."""
    if 0 <= value <= UINT_MAX:
        return Uint(value)
    raise WhereFailed("unsigned integer overflow: the result is negative or needs more than 64 bits")


def to_key(value: Any) -> Any:
    """What a value is as a key of a dict; a value that is no key at all is found in no map."""
    if type(value) is bool:
        return _TRUE_KEY if value else _FALSE_KEY
    if type(value) in {str, int, Uint} or (type(value) is float and not math.isnan(value)):
        return value
    return _FALSE_KEY.__class__(False)  # a new object: equal to no key


def from_key(key: Any) -> Any:
    """The value that a dict's key stands for."""
    return key.value if type(key) is _BoolKey else key


def make_map(entries: list[tuple[Any, Any]]) -> Mapping[Any, Any]:
    """A map of entries; fails where a key is of a type that keys are not, or comes twice."""
    made: dict[Any, Any] = {}
    for key, value in entries:
        if type(key) not in {str, int, Uint, bool}:
            raise WhereFailed(f"unsupported key type: {type_name(key)}")
        slot = to_key(key)
        if slot in made:
            raise WhereFailed("a map has the same key twice")
        made[slot] = value
    return made
