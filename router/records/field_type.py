"""What a field is, whatever the format that carries it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["LISTED_PATHS", "PATH_LIMIT", "SCALARS", "FieldType", "Kind"]

PATH_LIMIT = 32
"""The most names that a dotted path may have."""

LISTED_PATHS = 2000
"""The most paths that a schema lists: enough for any suggestion, however often it repeats its records."""


class Kind(StrEnum):
    """What a field holds. Avro's names; JSON Schema's types take the nearest one."""

    NULL = "null"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    FLOAT = "float"
    DOUBLE = "double"
    BYTES = "bytes"
    STRING = "string"
    ENUM = "enum"
    FIXED = "fixed"
    ARRAY = "array"
    MAP = "map"
    RECORD = "record"
    UNION = "union"


SCALARS = frozenset(
    {Kind.BOOLEAN, Kind.INT, Kind.LONG, Kind.FLOAT, Kind.DOUBLE, Kind.BYTES, Kind.STRING, Kind.ENUM, Kind.FIXED}
)
"""The kinds that can make a word of a routing key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldType:
    """What a path leads to. `union` is one of several types other than null; null alone only makes a type nullable."""

    kind: Kind
    nullable: bool = False
    """Whether the value can be absent: it is null, or something that contains it is."""
    symbols: tuple[str, ...] = ()
    """An enum's symbols, in the schema's order."""
    logical: str | None = None
    """Avro's logical type, where it is one that the specification defines."""
    scalar: bool = False
    """Whether it can make a word of a routing key: not what has parts, nor what is always null."""
