"""A schema's parsing canonical form and its fingerprint, by the specification: what tells revisions apart. Pure.

Two schemas of one canonical form read and write the same bytes. Documentation, aliases, defaults, logical types and the order
of JSON's keys are not part of it; names, types, symbols, sizes and the order of fields are. The fingerprint is CRC-64-AVRO, a
Rabin fingerprint of the form's UTF-8, which single-object encoding and the header `router-schema` carry.
"""

from __future__ import annotations

from router.records.field_type import Kind
from router.versions.avro_nodes import NAMED, AvroNode

__all__ = ["canonical_form", "fingerprint", "rabin"]

_EMPTY = 0xC15D213AA4D7A795


def _table() -> tuple[int, ...]:
    rows = []
    for number in range(256):
        row = number
        for _ in range(8):
            row = (row >> 1) ^ (_EMPTY if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


_TABLE = _table()


def canonical_form(root: AvroNode) -> str:
    """The parsing canonical form: a named type in full where it stands first, then by its name."""
    return _form(root, set())


def fingerprint(root: AvroNode) -> int:
    """CRC-64-AVRO of the canonical form, as an unsigned number."""
    return rabin(canonical_form(root).encode())


def rabin(text: bytes) -> int:
    """CRC-64-AVRO of bytes."""
    crc = _EMPTY
    for byte in text:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


def _form(node: AvroNode, named: set[str]) -> str:
    if node.kind in NAMED:
        if node.name in named:
            return f'"{node.name}"'
        named.add(node.name)
        return f'{{"name":"{node.name}","type":"{node.kind}",{_inside(node, named)}}}'
    match node.kind:
        case Kind.UNION:
            return f"[{','.join(_form(each, named) for each in node.branches)}]"
        case Kind.ARRAY:
            return f'{{"type":"array","items":{_form(node.items, named)}}}'
        case Kind.MAP:
            return f'{{"type":"map","values":{_form(node.items, named)}}}'
    return f'"{node.kind}"'


def _inside(node: AvroNode, named: set[str]) -> str:
    match node.kind:
        case Kind.RECORD:
            fields = [f'{{"name":"{each.name}","type":{_form(each.type, named)}}}' for each in node.fields]
            return f'"fields":[{",".join(fields)}]'
        case Kind.ENUM:
            symbols = ",".join(f'"{each}"' for each in node.symbols)
            return f'"symbols":[{symbols}]'
    return f'"size":{node.size}'
