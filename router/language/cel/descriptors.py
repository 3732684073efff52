"""Structs as message types: what the front end must be told of records. The one module that knows protobuf.

Each field has the number of its place. A nullable scalar is one of the wrapper messages, which the front end takes for
nullable types; what messages cannot express (lists of lists, a list that may be null) is a `Value`, which it takes for dyn.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2

from router.language.cel.environment import Environment
from router.language.cel.types import CelType, Struct, Tag

__all__ = ["DECIMAL", "WRAPPERS", "message_pool"]

DECIMAL = "router.Decimal"
"""The message type that stands for decimals."""

WRAPPERS = {
    Tag.BOOL: "google.protobuf.BoolValue",
    Tag.INT: "google.protobuf.Int64Value",
    Tag.DOUBLE: "google.protobuf.DoubleValue",
    Tag.STRING: "google.protobuf.StringValue",
    Tag.BYTES: "google.protobuf.BytesValue",
}
"""The nullable form of each scalar type that records have."""

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    Tag.BOOL: _FIELD.TYPE_BOOL,
    Tag.INT: _FIELD.TYPE_INT64,
    Tag.DOUBLE: _FIELD.TYPE_DOUBLE,
    Tag.STRING: _FIELD.TYPE_STRING,
    Tag.BYTES: _FIELD.TYPE_BYTES,
}
_MESSAGES = {
    Tag.TIMESTAMP: "google.protobuf.Timestamp",
    Tag.DURATION: "google.protobuf.Duration",
    Tag.DECIMAL: DECIMAL,
}
_IMPORTED = (duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2)


def message_pool(environment: Environment) -> Any:
    """A descriptor pool with a message for each struct; the messages bear the structs' names."""
    pool = descriptor_pool.DescriptorPool()
    for each in _IMPORTED:
        pool.AddSerializedFile(each.DESCRIPTOR.serialized_pb)
    imports = [each.DESCRIPTOR.name for each in _IMPORTED]
    package, _, name = DECIMAL.rpartition(".")
    decimals = descriptor_pb2.FileDescriptorProto(name="decimal.proto", package=package, syntax="proto3")
    decimals.message_type.add(name=name)
    # Messages may contain each other, so that they stand in one file; their packages are messages around them.
    file = descriptor_pb2.FileDescriptorProto(
        name="records.proto", package=package, syntax="proto2", dependency=[*imports, "decimal.proto"]
    )
    around: dict[str, Any] = {}
    for struct in environment.structs.values():
        outer = struct.name.split(".")[1]
        if outer not in around:
            around[outer] = file.message_type.add(name=outer)
        _add_message(around[outer].nested_type.add(name=struct.name.rpartition(".")[2]), struct)
    pool.AddSerializedFile(decimals.SerializeToString())
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _add_message(message: Any, struct: Struct) -> None:
    for number, (name, of) in enumerate(struct.fields.items(), 1):
        entry_name = "".join(each[:1].upper() + each[1:] for each in name.split("_")) + "Entry"  # as the format demands
        expressible = of.tag is Tag.LIST or all(each.name != entry_name for each in message.nested_type)
        # A name for JSON would be derived from the name, and two of them could clash; syntax 3 refuses that even so.
        added = message.field.add(name=name, number=number, json_name=f"f{number}", label=_FIELD.LABEL_OPTIONAL)
        deep = of.element.tag in {Tag.LIST, Tag.MAP, Tag.DYN, Tag.NULL}
        if of.tag in {Tag.LIST, Tag.MAP} and expressible and not (of.nullable or deep):
            added.label = _FIELD.LABEL_REPEATED
            if of.tag is Tag.LIST:
                _set_type(added, of.element)
                continue
            entry = message.nested_type.add(name=entry_name)
            entry.options.map_entry = True
            entry.field.add(name="key", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
            _set_type(entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL), of.element)
            added.type, added.type_name = _FIELD.TYPE_MESSAGE, f".{struct.name}.{entry.name}"
        else:
            _set_type(added, of)


def _set_type(added: Any, of: CelType) -> None:
    if of.tag in _SCALARS and not of.nullable:
        added.type = _SCALARS[of.tag]
        return
    added.type = _FIELD.TYPE_MESSAGE
    name = of.name if of.tag is Tag.STRUCT else _MESSAGES.get(of.tag) or WRAPPERS.get(of.tag)
    added.type_name = f".{name or 'google.protobuf.Value'}"
