"""What compiled expressions find around them: conversions, checks and loops that have no operator in Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from router.language.cel.evaluate import iterate, select
from router.language.cel.failure import WhereFailed, no_overload
from router.language.cel.optionals import optional_lookup
from router.language.cel.plain import scalar_plain
from router.language.cel.times import duration_of, timestamp_of
from router.language.cel.types import CelType, Tag
from router.language.cel.values import NONE, Optional, from_key, make_map, to_int

__all__ = ["RUNTIME", "Failing", "converted"]


class Failing:
    """Stands for a bound value that could not be computed, until somebody asks for it."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


def _now(value: Any) -> Any:
    if type(value) is Failing:
        raise value.error
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise no_overload("a condition", value)
    return value


def _optional(value: Any) -> Optional:
    """A field that may be null, as an optional."""
    return NONE if value is None else Optional(present=True, value=value)


def _present(value: Any) -> tuple[Any, ...]:
    """An optional's value, if it has one."""
    if type(value) is not Optional:
        raise no_overload("'?'", value)
    return (value.value,) if value.present else ()


def _entries(value: Any) -> Iterator[tuple[Any, Any]]:
    return ((from_key(key), each) for key, each in value.items())


def _double(value: Any) -> Any:
    """A JSON number may be written without a fraction."""
    try:
        return None if value is None else float(value)
    except OverflowError as error:
        raise WhereFailed("a number is too large for a double") from error


def _timestamp(value: Any) -> Any:
    return None if value is None else timestamp_of(value)


def _duration(value: Any) -> Any:
    return None if value is None else duration_of(value)


def _uuid(value: Any) -> Any:
    return None if value is None else str(value)


RUNTIME: Final[Mapping[str, Any]] = {
    "Failing": Failing,
    "double": _double,
    "duration": _duration,
    "entries": _entries,
    "iterate": iterate,
    "make_map": make_map,
    "now": _now,
    "optional": _optional,
    "optional_lookup": optional_lookup,
    "present": _present,
    "scalar": scalar_plain,
    "select": select,
    "timestamp": _timestamp,
    "to_int": to_int,
    "truth": _truth,
    "uuid": _uuid,
}
"""By the names that the code uses."""

_CONVERSIONS: Final = {Tag.DOUBLE: "double", Tag.TIMESTAMP: "timestamp", Tag.DURATION: "duration"}


def converted(text: str, of: CelType, *, open_environment: bool) -> str:
    """Code that makes of a reader's value one that expressions reckon with."""
    if of.tag is Tag.STRING and of.name == "uuid":
        return f"uuid({text})"
    if of.tag is Tag.DYN and not open_environment:
        return f"scalar({text})"
    name = _CONVERSIONS.get(of.tag)
    return f"{name}({text})" if name else text
