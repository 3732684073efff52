"""The types of expressions, as the checker gives them and as schemas make them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["BOOL", "DYN", "CelType", "Struct", "Tag", "list_of", "map_of", "parse_type"]


class Tag(StrEnum):
    """What kind of type it is; the names are the specification's, but for `decimal` and `struct`."""

    DYN = "dyn"
    NULL = "null"
    BOOL = "bool"
    INT = "int"
    UINT = "uint"
    DOUBLE = "double"
    STRING = "string"
    BYTES = "bytes"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    DECIMAL = "decimal"
    LIST = "list"
    MAP = "map"
    STRUCT = "struct"
    """A record with declared fields; `name` leads to them in `Environment.structs`."""
    TYPE = "type"
    OPTIONAL = "optional"
    OPAQUE = "opaque"
    """A type of an extension, by `name`."""


@dataclass(frozen=True, slots=True)
class CelType:
    """One type. `nullable` is that of a union with null, and works as the specification's wrapper types do."""

    tag: Tag
    parameters: tuple[CelType, ...] = ()
    name: str = ""
    """Of a struct or an opaque type. Else a note on the plain value: `nanos` on a timestamp that is an integer of
    nanoseconds, `uuid` on a string that is a UUID, `scalar` on a dyn that has no parts."""
    nullable: bool = False
    symbols: tuple[str, ...] = ()
    """On a string that is an enum's, the symbols."""

    def __str__(self) -> str:
        inner = f"({', '.join(str(each) for each in self.parameters)})" if self.parameters else ""
        name = (
            self.name.rpartition(".r")[2]
            if self.tag is Tag.STRUCT
            else self.name
            if self.tag is Tag.OPAQUE
            else self.tag
        )
        return f"{name}{inner}{' or null' if self.nullable else ''}"

    @property
    def element(self) -> CelType:
        """What iteration or an index gives: of a list its items, of a map its values."""
        return self.parameters[-1] if self.parameters else DYN

    def or_null(self, nullable: bool = True) -> CelType:
        """The same, and null as well where `nullable`."""
        return replace(self, nullable=True) if nullable and self.tag not in {Tag.DYN, Tag.NULL} else self


@dataclass(frozen=True, slots=True)
class Struct:
    """A record's fields by name."""

    name: str
    fields: Mapping[str, CelType]


DYN = CelType(Tag.DYN)
BOOL = CelType(Tag.BOOL)


def list_of(element: CelType) -> CelType:
    """The type of lists of these."""
    return CelType(Tag.LIST, (element,))


def map_of(key: CelType, value: CelType) -> CelType:
    """The type of maps from these to those."""
    return CelType(Tag.MAP, (key, value))


_TOKEN = re.compile(r"[\w.]+|[(),]")
_NAMES = {**{tag.value: tag for tag in Tag}, "null_type": Tag.NULL, "optional_type": Tag.OPTIONAL}


def parse_type(text: str) -> CelType:
    """The type that a text such as `map(string, list(int))` names; an unknown name is ValueError."""
    tokens = _TOKEN.findall(text)

    def take() -> CelType:
        name = tokens.pop(0) if tokens else ""
        if name not in _NAMES:
            raise ValueError(f"'{name}' names no type")
        parameters = []
        if tokens and tokens[0] == "(":
            tokens.pop(0)
            while True:
                parameters.append(take())
                if not tokens or tokens.pop(0) == ")":
                    break
        return CelType(_NAMES[name], tuple(parameters))

    return take()
