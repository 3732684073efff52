"""What one meaning's records look like among those of a topic that holds several: fields that they always have, and others never. Pure.

An event of events has a field for each of its meanings, all of them nullable, and one of them is there. Records of one type alone
have a narrower schema: its own fields cannot be null, and those of the others are nothing else. So an expression need not ask for
null, and nothing has to be declared as lost of what is never there. Whether a record is as narrow as its type says is looked at
when it comes: one that is not has no counterpart, and nothing of it is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from router.records.avro import AvroType, AvroTypes
from router.records.field_type import Kind
from router.records.json_reader import parse_json
from router.records.json_schema import JsonSchema
from router.records.schema import AvroSchema
from router.versions.avro_nodes import AvroField, AvroNode
from router.versions.conversion_text import VersionSchema
from router.versions.encoding import ConversionFailed

__all__ = ["json_check", "narrowed", "narrowed_json", "nullable_fields"]

_ALONE = "narrowed"
"""In front of the name of a narrowed record: what refers to it by its own name means any of them."""


def nullable_fields(schema: AvroSchema | JsonSchema) -> frozenset[str]:
    """The fields that may be null, or absent, and need not be."""
    if isinstance(schema, JsonSchema):
        root, _ = schema.resolve(schema.document)
        return frozenset(name for name in root.get("properties", {}) if _may_be_null(schema, name))
    fields = schema.types.records.get(schema.types.root.name, ())
    return frozenset(name for name, each in fields if _beside_null(each.branches) and each.kind is Kind.UNION)


def _may_be_null(schema: JsonSchema, name: str) -> bool:
    found = schema.field(name)
    return found is not None and found.nullable and found.kind is not Kind.NULL


def narrowed(version: VersionSchema, *, has: Collection[str], lacks: Collection[str]) -> VersionSchema:
    """The schema of those records in which some nullable fields are never null, and others always."""
    root, types = version.root, version.schema.types
    fields = tuple(replace(each, **_narrower(each, has=has, lacks=lacks)) for each in root.fields)
    name = f"{_ALONE}.{types.root.name}"
    own = tuple((each, _type(of, each, has=has, lacks=lacks)) for each, of in types.records[types.root.name])
    narrow = AvroTypes(replace(types.root, name=name), {**types.records, name: own}, types.parsed)
    node = AvroNode(
        kind=root.kind, name=root.name, aliases=root.aliases, fields=fields, properties=root.properties,
    )  # fmt: skip
    # The nodes keep the record's own name, by which Avro resolves; conversions look types up by the schema's.
    node.name = name
    return VersionSchema(version.version, AvroSchema(version.schema.file, narrow), node)


def _narrower(field: AvroField, *, has: Collection[str], lacks: Collection[str]) -> dict[str, Any]:
    if field.name in lacks:
        return {"type": AvroNode(Kind.NULL), "has_default": True, "default": None}
    if field.name not in has:
        return {}
    others = _beside_null(field.type.branches)
    node = others[0] if len(others) == 1 else AvroNode(Kind.UNION, branches=others)
    return {"type": node, "has_default": False, "default": None}


def _type(of: AvroType, name: str, *, has: Collection[str], lacks: Collection[str]) -> AvroType:
    if name in lacks:
        return AvroType(kind=Kind.NULL)
    if name not in has:
        return of
    others = _beside_null(of.branches)
    return others[0] if len(others) == 1 else replace(of, branches=others)


def _beside_null(branches: tuple[Any, ...]) -> tuple[Any, ...]:
    """A union's other types, where null is one of them; else none."""
    others = tuple(each for each in branches if each.kind is not Kind.NULL)
    return others if len(others) < len(branches) else ()


def narrowed_json(schema: JsonSchema, *, has: Collection[str], lacks: Collection[str]) -> JsonSchema:
    """The same of a JSON Schema: some properties are required, and others are not there."""
    root, _ = schema.resolve(schema.document)
    properties: dict[str, Any] = {}
    for name, stated in root.get("properties", {}).items():
        if name in has:
            here, _ = schema.resolve(stated)
            properties[name] = _without_null(here)
        elif name not in lacks:
            properties[name] = stated
    required = sorted({*(each for each in root.get("required", ()) if each not in lacks), *has})
    kept = {name: schema.document[name] for name in ("$defs", "definitions") if name in schema.document}
    return JsonSchema(schema.file, {**root, **kept, "properties": properties, "required": required})


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(schema)
    if isinstance(found.get("type"), list):
        found["type"] = [each for each in found["type"] if each != "null"]
    if "enum" in found:
        found["enum"] = [each for each in found["enum"] if each is not None]
    return found


def json_check(*, has: Collection[str], lacks: Collection[str]) -> Callable[[bytes], bytes]:
    """Gives an object's text as it is. Raises ConversionFailed where it is not as narrow, Unreadable where it is none."""

    def check(body: bytes) -> bytes:
        record = parse_json(body)
        for name in has:
            if isinstance(record, dict) and record.get(name) is None:
                raise ConversionFailed(problem="records of this type have it, and this one does not", field=name)
        for name in lacks:
            if isinstance(record, dict) and record.get(name) is not None:
                raise ConversionFailed(problem="records of this type do not have it, and this one does", field=name)
        return body

    return check
