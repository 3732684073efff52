"""A case as the YAML text of a file of cases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["case_lines", "with_case"]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*|[A-Za-z_][A-Za-z0-9_.-]*\.v[0-9]+(\.[a-z-]+)?")
"""What may stand without quotes: names of keys and topics."""
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Names that some reader of YAML takes for something else."""
_ITEM = re.compile(r"^( *)- ", re.MULTILINE)


def case_lines(case: Mapping[str, Any]) -> Iterator[str]:
    """One item of `cases:`, a line each, from its dash on; the value is what JSON can say."""
    lines = _block(case, "  ")
    yield f"- {next(lines).removeprefix('  ')}"
    yield from lines


def with_case(text: str, case: Mapping[str, Any]) -> str:
    """The text of a file of cases with one more at its end, indented as those before it; a new file where it is empty."""
    if not text.strip():
        text = "cases:\n"
    found = _ITEM.search(text)
    indent = found[1] if found else "  "
    separated = text if text.endswith("\n") else f"{text}\n"
    if found:
        separated += "\n"
    return separated + "".join(f"{indent}{line}\n" for line in case_lines(case))


def _block(mapping: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in mapping.items():
        if isinstance(value, Mapping) and value:
            yield f"{indent}{_scalar(key)}:"
            yield from _block(value, f"{indent}  ")
        else:
            yield f"{indent}{_scalar(key)}: {_flow(value)}"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
        return value if plain else _quoted(value)
    if isinstance(value, float):
        return {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}.get(repr(value), repr(value))
    return json.dumps(value)


def _quoted(text: str) -> str:
    """In double quotes, with what cannot be seen as its number."""
    return '"' + "".join(_ESCAPES.get(each) or (each if each.isprintable() else _numbered(each)) for each in text) + '"'


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _numbered(character: str) -> str:
    number = ord(character)
    return f"\\U{number:08x}" if number > 0xFFFF else f"\\u{number:04x}"
