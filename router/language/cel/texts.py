"""The standard functions on strings and the `strings` extension. Positions and sizes count code points."""

from __future__ import annotations

from typing import Any, Final

from router.language.cel.failure import WhereFailed, no_overload
from router.language.cel.formatting import format_text
from router.language.cel.values import Overloads

__all__ = ["TEXTS"]

_SPACE: Final = "".join(
    map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000))
)
"""White space as Unicode has it; Python's own `strip` takes four separators of files and records as well."""
_LONGEST: Final = 10_000_000
"""More characters than any record has: `replace` could make texts that grow with each use."""


def _char_at(text: str, index: int) -> str:
    if not 0 <= index <= len(text):
        raise WhereFailed(f"index {index} is outside a text of {len(text)}")
    return text[index : index + 1]


def _index_of(text: str, part: str, start: int = 0) -> int:
    if not 0 <= start <= len(text):
        raise WhereFailed(f"index {start} is outside a text of {len(text)}")
    return text.find(part, start)


def _last_index_of(text: str, part: str, last: int | None = None) -> int:
    if last is None:
        return text.rfind(part)
    if not 0 <= last <= len(text):
        raise WhereFailed(f"index {last} is outside a text of {len(text)}")
    return text.rfind(part, 0, last + len(part))


def _join(parts: list[Any], separator: str = "") -> str:
    if not all(type(part) is str for part in parts):
        raise no_overload("'join'", parts)
    return separator.join(parts)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    count = text.count(old) if limit < 0 else min(limit, text.count(old))
    if len(text) + count * len(new) > _LONGEST:
        raise WhereFailed("a text of more than 10,000,000 characters")
    return text.replace(old, new, limit)


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    if limit == 0:
        return []
    if not separator:
        parts = list(text)
        return parts if limit < 0 or len(parts) <= limit else [*parts[: limit - 1], text[limit - 1 :]]
    return text.split(separator, limit - 1 if limit > 0 else -1)


def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    if not 0 <= start <= end <= len(text):
        raise WhereFailed(f"no part from {start} to {end} in a text of {len(text)}")
    return text[start:end]


def _lower_ascii(text: str) -> str:
    return "".join(chr(ord(each) + 32) if "A" <= each <= "Z" else each for each in text)


def _upper_ascii(text: str) -> str:
    return "".join(chr(ord(each) - 32) if "a" <= each <= "z" else each for each in text)


_ESCAPES: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}


def _quote(text: str) -> str:
    """The text as it could stand in an expression."""
    inner = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else _ESCAPES.get(each, each) for each in text)
    return f'"{inner}"'


TEXTS: Final[Overloads] = {
    "size": {(str,): len, (bytes,): len, (list,): len, (dict,): len},
    "startsWith": {(str, str): str.startswith},
    "endsWith": {(str, str): str.endswith},
    "contains": {(str, str): lambda text, part: part in text},
    "charAt": {(str, int): _char_at},
    "indexOf": {(str, str): _index_of, (str, str, int): _index_of},
    "lastIndexOf": {(str, str): _last_index_of, (str, str, int): _last_index_of},
    "join": {(list,): _join, (list, str): _join},
    "lowerAscii": {(str,): _lower_ascii},
    "upperAscii": {(str,): _upper_ascii},
    "replace": {(str, str, str): _replace, (str, str, str, int): _replace},
    "split": {(str, str): _split, (str, str, int): _split},
    "substring": {(str, int): _substring, (str, int, int): _substring},
    "trim": {(str,): lambda text: text.strip(_SPACE)},
    "reverse": {(str,): lambda text: text[::-1]},
    "strings.quote": {(str,): _quote},
    "format": {(str, list): format_text},
}
