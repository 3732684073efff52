"""`'%s costs %.2f'.format([a, b])`: the formatting of the `strings` extension."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from router.language.cel.conversions import format_double
from router.language.cel.failure import WhereFailed, no_overload
from router.language.cel.times import format_duration, format_timestamp
from router.language.cel.values import Duration, Timestamp, TypeValue, Uint, from_key

__all__ = ["format_text"]

_CLAUSE: Final = re.compile(r"%(?:%|(?:\.(\d{1,9}))?(.?))", re.DOTALL)
_INTEGERS: Final = frozenset({int, Uint})
_MOST_DECIMALS: Final = 1_000


def format_text(template: str, values: list[Any]) -> str:
    """The template with its clauses filled; fails where clauses and values do not suit each other."""
    given = iter(values)

    def fill(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        decimals, letter = found[1], found[2]
        if letter not in _CLAUSES:
            raise WhereFailed(f"'{found[0]}' is no clause of a format")
        try:
            value = next(given)
        except StopIteration:
            raise WhereFailed("a format has more clauses than there are values") from None
        if decimals and int(decimals) > _MOST_DECIMALS:
            raise WhereFailed(f"a format with {decimals} decimals")
        return _CLAUSES[letter](value, int(decimals) if decimals else 6)

    return _CLAUSE.sub(fill, template)


def _special(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _text(value: Any, _: int = 0) -> str:
    kind = type(value)
    match value:
        case None:
            return "null"
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case bytes():
            return value.decode(errors="replace")
        case float():
            return format_double(value) if math.isfinite(value) else _special(value)
        case Decimal():
            return f"{value:f}"
        case Timestamp():
            return format_timestamp(value)
        case Duration():
            return format_duration(value)
        case TypeValue():
            return value.name
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case dict():
            pairs = sorted((_text(from_key(key)), _text(each)) for key, each in value.items())
            return f"{{{', '.join(f'{key}: {each}' for key, each in pairs)}}}"
    if kind in _INTEGERS:
        return str(int(value))
    raise no_overload("'%s'", value)


def _decimal(value: Any, _: int) -> str:
    if type(value) in _INTEGERS:
        return str(int(value))
    if type(value) is float and not math.isfinite(value):
        return _special(value)
    raise no_overload("'%d'", value)


def _number(letter: str) -> Callable[[Any, int], str]:
    def formatted(value: Any, decimals: int) -> str:
        if type(value) in {*_INTEGERS, Decimal}:
            return f"{value if type(value) is Decimal else int(value):.{decimals}{letter}}"
        if type(value) is float:
            return f"{value:.{decimals}{letter}}" if math.isfinite(value) else _special(value)
        raise no_overload(f"'%{letter}'", value)

    return formatted


def _binary(value: Any, _: int) -> str:
    if type(value) is bool:
        return "1" if value else "0"
    if type(value) in _INTEGERS:
        return f"{int(value):b}"
    raise no_overload("'%b'", value)


def _octal(value: Any, _: int) -> str:
    if type(value) in _INTEGERS:
        return f"{int(value):o}"
    raise no_overload("'%o'", value)


def _hexadecimal(value: Any, _: int) -> str:
    if type(value) in _INTEGERS:
        return f"{int(value):x}"
    if type(value) is str:
        return value.encode(errors="surrogateescape").hex()
    if type(value) is bytes:
        return value.hex()
    raise no_overload("'%x'", value)


_CLAUSES: Final[dict[str, Callable[[Any, int], str]]] = {
    "s": _text,
    "d": _decimal,
    "f": _number("f"),
    "e": _number("e"),
    "b": _binary,
    "o": _octal,
    "x": _hexadecimal,
    "X": lambda value, decimals: _hexadecimal(value, decimals).upper(),
}
