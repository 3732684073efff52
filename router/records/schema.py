"""Schemas as the language of routes sees them: which fields a record has, and what can be made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from router.records.avro import AvroType, AvroTypes, parse_types
from router.records.field_type import LISTED_PATHS, PATH_LIMIT, SCALARS, FieldType, Kind
from router.records.json_schema import JsonSchema, parse_json_schema

__all__ = ["AvroSchema", "FieldType", "JsonSchema", "Kind", "Schema", "parse_avro", "parse_json_schema"]


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """One Avro schema."""

    file: str
    types: AvroTypes

    @property
    def format(self) -> Literal["avro"]:
        return "avro"

    def field(self, path: str) -> FieldType | None:
        """The type of what a dotted path through nested records leads to; None where it leads nowhere.

        A path goes through a record, or a union of null and one record; never through arrays, maps and wider unions.
        """
        found = self.locate(path)
        return _field_type(self.types, *found) if found else None

    def locate(self, path: str) -> tuple[AvroType, bool] | None:
        """The type at the end of a path as it stands in the schema, and whether a record on the way can be null."""
        names = path.split(".")
        if len(names) > PATH_LIMIT:
            return None
        here, crossed = self.types.root, False
        for name in names:
            record, nullable = self.types.unwrap(here)
            if record.kind is not Kind.RECORD:
                return None
            inner = dict(self.types.records[record.name]).get(name)
            if inner is None:
                return None
            here, crossed = inner, crossed or nullable
        return here, crossed

    def paths(self) -> tuple[str, ...]:
        """All scalar fields in the order of their bytes. A record inside itself is not entered again."""
        listed: list[str] = []
        for path in self._walk(self.types.root, (), ()):
            if len(listed) == LISTED_PATHS:
                break
            listed.append(path)
        return tuple(listed)

    def _walk(self, here: AvroType, path: tuple[str, ...], inside: tuple[str, ...]) -> Iterator[str]:
        inner, _ = self.types.unwrap(here)
        if path and _field_type(self.types, here, False).scalar:
            yield ".".join(path)
        elif inner.kind is Kind.RECORD and inner.name not in inside and len(path) < PATH_LIMIT:
            for name, deeper in self.types.records[inner.name]:
                yield from self._walk(deeper, (*path, name), (*inside, inner.name))


def parse_avro(text: str, *, file: str) -> AvroSchema:
    """The schema of an `.avsc` text; `InvalidSchema` names the file and what is wrong."""
    return AvroSchema(file=file, types=parse_types(text, file=file))


def _field_type(types: AvroTypes, here: AvroType, crossed: bool) -> FieldType:
    inner, nullable = types.unwrap(here)
    scalar = inner.kind in SCALARS or (
        inner.kind is Kind.UNION and all(branch.kind in {*SCALARS, Kind.NULL} for branch in inner.branches)
    )
    return FieldType(
        kind=inner.kind,
        nullable=nullable or crossed,
        symbols=inner.symbols,
        logical=inner.logical,
        scalar=scalar and any(branch.kind is not Kind.NULL for branch in inner.branches or (inner,)),
    )


Schema = AvroSchema | JsonSchema
