"""Avro schemas as plain trees: the one module that knows fastavro.

fastavro resolves names and namespaces; what comes out of it is lowered to `AvroType`s, which hold only what reading needs.
It lets pass what can't be read or named later (a field's name with a dot, a union inside a union, a record that always
contains itself); that is refused here, where the schema's author can still be told.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from router.errors import InvalidSchema, Unreadable
from router.records.field_type import Kind

__all__ = ["DEPTH_LIMIT", "AvroType", "AvroTypes", "decode_whole", "encode_whole", "parse_types"]

DEPTH_LIMIT = 64
"""How deep types may stand inside each other in a schema's text. Deeper ones are no schema but an accident."""


_LOGICAL = {
    Kind.INT: {"date", "time-millis"},
    Kind.LONG: {
        "time-micros",
        *(f"{local}timestamp-{unit}" for local in ("", "local-") for unit in ("millis", "micros", "nanos")),
    },
    Kind.STRING: {"uuid"},
    Kind.BYTES: {"decimal"},
    Kind.FIXED: {"decimal", "uuid"},
}
_HELD = {Kind.ARRAY: "items", Kind.MAP: "values"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AvroType:
    """One type of a schema. A record only bears its name: its fields are in the schema's table, since it may contain itself."""

    kind: Kind
    name: str = ""
    """Full name of a record, an enum or a fixed."""
    logical: str | None = None
    """A logical type that the specification defines for this kind, with sound attributes; others are ignored, as it demands."""
    symbols: tuple[str, ...] = ()
    size: int = 0
    """Bytes of a fixed."""
    precision: int = 0
    scale: int = 0
    branches: tuple[AvroType, ...] = ()
    """A union's types; the one type of an array's items or a map's values."""

    @property
    def items(self) -> AvroType:
        """What an array or a map holds."""
        return self.branches[0]


@dataclass(frozen=True, slots=True)
class AvroTypes:
    """A schema's root and the fields of every record that it names."""

    root: AvroType
    records: Mapping[str, tuple[tuple[str, AvroType], ...]]
    parsed: Any = field(compare=False, repr=False)
    """fastavro's own form, for whole values."""

    def unwrap(self, union: AvroType) -> tuple[AvroType, bool]:
        """The type behind `null or it`, and whether null is possible; a type that is no such union stands for itself."""
        if union.kind is Kind.UNION:
            others = [branch for branch in union.branches if branch.kind is not Kind.NULL]
            if len(others) == 1:
                return others[0], len(union.branches) > 1
        return union, union.kind is Kind.NULL or any(branch.kind is Kind.NULL for branch in union.branches)


def parse_types(text: str, *, file: str) -> AvroTypes:
    """The types of an Avro schema's text; `InvalidSchema` names the file and what is wrong."""
    try:
        parsed = fastavro.parse_schema(_without_hint(json.loads(text)))
        lowering = _Lowering(file)
        root = lowering.lower(parsed, 1)
    except UnknownType as error:
        raise InvalidSchema(file=file, problem=f"it names the type '{error.name}', which it does not define") from error
    except json.JSONDecodeError as error:
        raise InvalidSchema(
            file=file, problem=f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise InvalidSchema(file=file, problem=f"its types stand deeper than {DEPTH_LIMIT} in each other") from error
    except KeyError as error:
        raise InvalidSchema(file=file, problem=f"it is not an Avro schema: a type lacks {error}") from error
    except (SchemaParseException, TypeError, ValueError, AttributeError) as error:
        raise InvalidSchema(file=file, problem=f"it is not an Avro schema: {error}") from error
    _refuse_endless(lowering.records, file)
    return AvroTypes(root=root, records=lowering.records, parsed=parsed)


def encode_whole(types: AvroTypes, value: object) -> bytes:
    """The bytes of a plain value, for route cases and `explain`; `Unreadable` says why it does not fit the schema."""
    out = io.BytesIO()
    try:
        fastavro.schemaless_writer(out, types.parsed, value, strict_allow_default=True)
    except Exception as error:  # the writer raises whatever a wrong value makes its C code trip over
        raise Unreadable(field="", position=-1, problem=f"the value does not fit the schema: {error}") from error
    return out.getvalue()


def decode_whole(types: AvroTypes, value: bytes) -> object:
    """The plain value of the bytes, for showing it to people; never on the hot path."""
    source = io.BytesIO(value)
    try:
        return fastavro.schemaless_reader(source, types.parsed, None)
    except Exception as error:  # as above: any bytes may come, and any error
        problem = str(error) or "the value ends too early"
        raise Unreadable(field="", position=source.tell(), problem=problem) from error


def _without_hint(schema: Any) -> Any:
    """The schema without the mark that would make fastavro trust it unseen."""
    if isinstance(schema, dict):
        return {key: value for key, value in schema.items() if key != "__fastavro_parsed"}
    return schema


class _Lowering:
    """Turns fastavro's dictionaries into types; named types are met before they are referred to."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.named: dict[str, AvroType] = {}
        self.records: dict[str, tuple[tuple[str, AvroType], ...]] = {}

    def lower(self, schema: Any, depth: int) -> AvroType:
        if depth > DEPTH_LIMIT:
            raise RecursionError
        if isinstance(schema, list):
            return self._union(schema, depth)
        if isinstance(schema, str):
            return self.named[schema] if schema in self.named else AvroType(kind=Kind(schema))
        kind = Kind.RECORD if schema["type"] == "error" else Kind(schema["type"])
        if kind in {Kind.ARRAY, Kind.MAP}:
            return AvroType(kind=kind, branches=(self.lower(schema[_HELD[kind]], depth + 1),))
        if kind is Kind.RECORD:
            return self._record(schema, depth)
        lowered = self._leaf(kind, schema)
        if lowered.name:
            self.named[lowered.name] = lowered
        return lowered

    def _union(self, schema: list[Any], depth: int) -> AvroType:
        branches = tuple(self.lower(branch, depth + 1) for branch in schema)
        if not branches:
            self._refuse("a union has no types")
        if any(branch.kind is Kind.UNION for branch in branches):
            self._refuse("a union stands directly in a union")
        return AvroType(kind=Kind.UNION, branches=branches)

    def _record(self, schema: Any, depth: int) -> AvroType:
        name = schema["name"]
        self.named[name] = lowered = AvroType(kind=Kind.RECORD, name=name)
        self.records[name] = ()
        fields: dict[str, AvroType] = {}
        for declared in schema["fields"]:
            if not isinstance(declared["name"], str) or not _NAME.fullmatch(declared["name"]):
                self._refuse(f"record '{name}' has a field with the name {declared['name']!r}")
            if declared["name"] in fields:
                self._refuse(f"record '{name}' has the field '{declared['name']}' twice")
            fields[declared["name"]] = self.lower(declared["type"], depth + 1)
        self.records[name] = tuple(fields.items())
        return lowered

    def _leaf(self, kind: Kind, schema: Any) -> AvroType:
        name = schema.get("name", "")
        size = schema.get("size", 0)
        if not isinstance(size, int) or size < 0:
            self._refuse(f"fixed '{name}' has the size {size!r}")
        symbols = tuple(schema.get("symbols", ()))
        if kind is Kind.ENUM and not symbols:
            self._refuse(f"enum '{name}' has no symbols")
        logical = schema.get("logicalType")
        logical = logical if isinstance(logical, str) and logical in _LOGICAL.get(kind, ()) else None
        precision, scale = schema.get("precision", 0), schema.get("scale", 0)
        unsound = {
            "decimal": not isinstance(precision, int) or precision <= 0 or not isinstance(scale, int),
            "uuid": kind is Kind.FIXED and size != 16,
        }
        if logical is None or unsound.get(logical, False):
            return AvroType(kind=kind, name=name, symbols=symbols, size=size)
        if logical == "decimal":
            return AvroType(kind=kind, name=name, size=size, logical=logical, precision=precision, scale=scale)
        return AvroType(kind=kind, name=name, size=size, logical=logical)

    def _refuse(self, problem: str) -> None:
        raise InvalidSchema(file=self.file, problem=problem)


def _refuse_endless(records: Mapping[str, tuple[tuple[str, AvroType], ...]], file: str) -> None:
    """A record that contains itself without a way out (a union, an array, a map) has no finite value."""
    sound: set[str] = set()

    def follow(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            cycle = " contains ".join(f"'{a}'" for a in (*path[path.index(name) :], name))
            raise InvalidSchema(file=file, problem=f"record {cycle}: no value of it ends")
        if name not in sound:
            for _, inner in records[name]:
                if inner.kind is Kind.RECORD:
                    follow(inner.name, (*path, name))
            sound.add(name)

    for name in records:
        follow(name, ())
