"""What an expression may name: the record's fields with the types that its schema gives them, `headers`, `key`, `record`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.language.cel.types import BOOL, DYN, CelType, Struct, Tag, list_of, map_of
from router.records.avro import AvroType, AvroTypes
from router.records.field_type import Kind
from router.records.schema import AvroSchema, JsonSchema

__all__ = ["Environment"]

HEADERS = map_of(CelType(Tag.STRING), CelType(Tag.STRING))
SCALAR = CelType(Tag.DYN, name="scalar")
_STRING = CelType(Tag.STRING)
_TIMESTAMP = CelType(Tag.TIMESTAMP)
_NANOS = CelType(Tag.TIMESTAMP, name="nanos")
_DURATION = CelType(Tag.DURATION)

_SCALARS = {
    Kind.NULL: CelType(Tag.NULL),
    Kind.BOOLEAN: BOOL,
    Kind.INT: CelType(Tag.INT),
    Kind.LONG: CelType(Tag.INT),
    Kind.FLOAT: CelType(Tag.DOUBLE),
    Kind.DOUBLE: CelType(Tag.DOUBLE),
    Kind.BYTES: CelType(Tag.BYTES),
    Kind.FIXED: CelType(Tag.BYTES),
    Kind.STRING: _STRING,
}
_LOGICAL = {
    "date": _TIMESTAMP,
    "time-millis": _DURATION,
    "time-micros": _DURATION,
    "timestamp-millis": _TIMESTAMP,
    "timestamp-micros": _TIMESTAMP,
    "timestamp-nanos": _NANOS,
    "local-timestamp-millis": _TIMESTAMP,
    "local-timestamp-micros": _TIMESTAMP,
    "local-timestamp-nanos": _NANOS,
    "uuid": CelType(Tag.STRING, name="uuid"),
    "decimal": CelType(Tag.DECIMAL),
}
_OWN = ("headers", "key", "record")


@dataclass(frozen=True, eq=False, slots=True)
class Environment:
    """The names and their types. Two environments are never equal: what is made for one is kept by identity."""

    variables: Mapping[str, CelType]
    structs: Mapping[str, Struct] = field(default_factory=dict)
    open: bool = False
    """Whether any other name is a field too, of an unknown type: a JSON topic without a schema."""

    @classmethod
    def of_schema(cls, schema: AvroSchema | JsonSchema | None) -> Environment:
        """The environment of a topic's records.

        A date, and a local timestamp, is the timestamp of that day or time in UTC; a time of day is the duration since
        midnight; a uuid is its text. A field of one of several types (not counting null) is dyn. What is reached through
        a record that can be null can be null itself. A field named `headers`, `key` or `record` is reached as `record.key`.
        """
        structs: dict[str, Struct] = {}
        root = DYN
        if isinstance(schema, AvroSchema):
            root = _Avro(schema.types, structs).type_of(schema.types.root, nullable=False)
        elif isinstance(schema, JsonSchema):
            root = _Json(schema, structs).type_of(schema.document, nullable=False)
        fields = structs[root.name].fields if root.tag is Tag.STRUCT else {}
        variables = dict(fields) | dict(zip(_OWN, (HEADERS, _STRING, root), strict=True))
        return cls(variables=variables, structs=structs, open=root.tag is not Tag.STRUCT)

    @property
    def field_names(self) -> tuple[str, ...]:
        """The record's fields that can be named without `record.`."""
        return tuple(name for name in self.variables if name not in _OWN)

    def type_at(self, path: tuple[str, ...]) -> CelType:
        """The type of what the names of a path lead to; dyn where that is not declared."""
        here = self.variables.get(path[0], DYN)
        for name in path[1:]:
            inside = self.structs[here.name].fields if here.tag is Tag.STRUCT else {}
            here = inside.get(name, DYN)
        return here


class _Avro:
    """Makes types of Avro's; every record becomes a struct, once as it is and once with all its fields nullable."""

    def __init__(self, types: AvroTypes, structs: dict[str, Struct]) -> None:
        self.types = types
        self.structs = structs

    def type_of(self, of: AvroType, *, nullable: bool) -> CelType:
        inner, null = self.types.unwrap(of)
        nullable = nullable or null
        if inner.kind is Kind.RECORD:
            return CelType(Tag.STRUCT, name=self._struct(inner.name, nullable=nullable), nullable=nullable)
        return self._plain(inner).or_null(nullable)

    def _plain(self, of: AvroType) -> CelType:
        if of.logical in _LOGICAL:
            return _LOGICAL[of.logical]
        if of.kind is Kind.ENUM:
            return CelType(Tag.STRING, symbols=of.symbols)
        if of.kind is Kind.ARRAY:
            return list_of(self.type_of(of.items, nullable=False))
        if of.kind is Kind.MAP:
            return map_of(_STRING, self.type_of(of.items, nullable=False))
        scalar = of.kind is Kind.UNION and all(
            branch.kind in _SCALARS or branch.kind is Kind.ENUM for branch in of.branches
        )
        return SCALAR if scalar else _SCALARS.get(of.kind, DYN)

    def _struct(self, record: str, *, nullable: bool) -> str:
        name = _struct_name(record, number=list(self.types.records).index(record), nullable=nullable)
        if name not in self.structs:
            self.structs[name] = Struct(name, {})
            inner = {each: self.type_of(of, nullable=nullable) for each, of in self.types.records[record]}
            self.structs[name] = Struct(name, inner)
        return name


class _Json:
    """Makes types of a JSON schema's; every object with properties becomes a struct, likewise."""

    def __init__(self, schema: JsonSchema, structs: dict[str, Struct]) -> None:
        self.schema = schema
        self.structs = structs
        self.numbers: dict[int, int] = {}

    def type_of(self, of: Any, *, nullable: bool) -> CelType:
        here, null = self.schema.resolve(of)
        nullable = nullable or null
        declared = here.get("type", ())
        kinds = {declared} if isinstance(declared, str) else set(declared)
        kinds.discard("null")
        properties = here.get("properties", {})
        if properties and kinds <= {"object"} and all(name.isidentifier() and name.isascii() for name in properties):
            return CelType(Tag.STRUCT, name=self._struct(here, nullable=nullable), nullable=nullable)
        values = [value for value in here.get("enum", ()) if value is not None]
        if values and all(isinstance(value, str) for value in values):
            return CelType(Tag.STRING, symbols=tuple(values)).or_null(nullable)
        return self._plain(here, kinds).or_null(nullable)

    def _plain(self, here: Mapping[str, Any], kinds: set[str]) -> CelType:
        if kinds == {"array"}:
            items = here.get("items")
            return list_of(self.type_of(items, nullable=False) if isinstance(items, dict) else DYN)
        if kinds == {"object"} and not here.get("properties"):
            values = here.get("additionalProperties")
            return map_of(_STRING, self.type_of(values, nullable=False) if isinstance(values, dict) else DYN)
        names = {"boolean": BOOL, "integer": _SCALARS[Kind.LONG], "number": _SCALARS[Kind.DOUBLE], "string": _STRING}
        if len(kinds) == 1:
            return names.get(next(iter(kinds)), DYN)
        return SCALAR if kinds and kinds <= set(names) else DYN

    def _struct(self, here: Mapping[str, Any], *, nullable: bool) -> str:
        number = self.numbers.setdefault(id(here), len(self.numbers))
        name = _struct_name(str(here.get("title", "object")), number=number, nullable=nullable)
        if name not in self.structs:
            self.structs[name] = Struct(name, {})
            required = here.get("required", ())
            inner = {
                each: self.type_of(of, nullable=nullable or each not in required)
                for each, of in here["properties"].items()
            }
            self.structs[name] = Struct(name, inner)
        return name


def _struct_name(record: str, *, number: int, nullable: bool) -> str:
    letters = "".join(each if each.isascii() and each.isalnum() else "_" for each in record.rpartition(".")[2])
    return f"router.{'nullable' if nullable else 'sound'}_{number}.r{letters}"
