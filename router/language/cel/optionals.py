"""Optional values: `a.?b`, `a[?b]`, and what can be asked of them."""

from __future__ import annotations

from typing import Any, Final

from router.language.cel.comparison import equal
from router.language.cel.failure import WhereFailed, no_overload
from router.language.cel.values import NONE, Duration, Optional, Overloads, Timestamp, Uint, to_key

__all__ = ["OPTIONALS", "of_non_zero", "optional_lookup"]

_ZERO: Final[dict[type, Any]] = {
    bool: False,
    int: 0,
    Uint: Uint(0),
    float: 0.0,
    str: "",
    bytes: b"",
    list: [],
    dict: {},
    Duration: Duration(0),
    Timestamp: Timestamp(0),
}


def of_non_zero(value: Any) -> Optional:
    """The value, absent where it is null or its type's zero."""
    kind = type(value)
    return (
        NONE if value is None or (kind in _ZERO and equal(value, _ZERO[kind])) else Optional(present=True, value=value)
    )


def optional_lookup(container: Any, index: Any) -> Optional:
    """`container[?index]`, also of a container that is absent itself."""
    if type(container) is Optional:
        return optional_lookup(container.value, index) if container.present else NONE
    if type(container) is dict:
        slot = to_key(index)
        return Optional(present=True, value=container[slot]) if slot in container else NONE
    if type(container) is list and type(index) in {int, Uint}:
        return Optional(present=True, value=container[index]) if 0 <= index < len(container) else NONE
    raise no_overload("an optional index", container, index)


def _value(optional: Optional) -> Any:
    if not optional.present:
        raise WhereFailed("the value of an optional that has none")
    return optional.value


OPTIONALS: Final[Overloads] = {
    "optional.none": {(): lambda: NONE},
    "hasValue": {(Optional,): lambda optional: optional.present},
    "value": {(Optional,): _value},
}
