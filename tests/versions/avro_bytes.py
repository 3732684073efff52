"""Random bytes of a schema's values, as any writer may write them: with counts in blocks, with and without their sizes."""

from __future__ import annotations

import random
import struct

from router.records.field_type import Kind
from router.versions.avro_nodes import AvroNode
from router.versions.encoding import encode_long
from router.versions.value_changes import meaning_of

TEXTS = ("", "a", "Привет", "x" * 70, "2024-01-01")


def random_bytes(node: AvroNode, draw: random.Random, depth: int = 0) -> bytes:  # noqa: C901, PLR0911 -- a case a kind
    """One value of a type. What contains itself comes to an end."""
    match node.kind:
        case Kind.NULL:
            return b""
        case Kind.BOOLEAN:
            return draw.choice((b"\0", b"\1"))
        case Kind.INT | Kind.LONG:
            return encode_long(_number(node, draw))
        case Kind.FLOAT:
            return struct.pack("<f", draw.choice((0.0, 1.5, -2.25)))
        case Kind.DOUBLE:
            return struct.pack("<d", draw.choice((0.0, 0.1, -2e300)))
        case Kind.STRING:
            raw = draw.choice(TEXTS).encode()
            if node.logical == "uuid":
                raw = b"8a2c9a51-5c0e-5d8f-9f2e-6b1f0d4c7e13"
            return encode_long(len(raw)) + raw
        case Kind.BYTES:
            raw = draw.randbytes(draw.choice((1, 5)))
            return encode_long(len(raw)) + raw
        case Kind.FIXED:
            return draw.randbytes(node.size)
        case Kind.ENUM:
            return encode_long(draw.randrange(len(node.symbols)))
        case Kind.UNION:
            numbers = range(len(node.branches))
            simple = [each for each in numbers if node.branches[each].kind not in {Kind.RECORD, Kind.ARRAY, Kind.MAP}]
            number = draw.choice(simple if depth > 3 and simple else list(numbers))
            return encode_long(number) + random_bytes(node.branches[number], draw, depth + 1)
        case Kind.RECORD:
            return b"".join(random_bytes(each.type, draw, depth + 1) for each in node.fields)
    return _blocks(node, draw, depth)


def _number(node: AvroNode, draw: random.Random) -> int:
    meaning = meaning_of(node)
    if meaning is not None and meaning[0].startswith("time-"):
        return draw.choice((0, 5, 86_399_999))
    if meaning is not None:
        return draw.choice((0, 1, -1, 20_000))
    return draw.choice((0, -1, 63, 64, -65, 300, 2**31 - 1) + ((2**63 - 1, -(2**63)) if node.kind is Kind.LONG else ()))


def _blocks(node: AvroNode, draw: random.Random, depth: int) -> bytes:
    out = b""
    for _ in range(0 if depth > 3 else draw.randint(0, 2)):
        count = draw.randint(1, 2)
        key = AvroNode(Kind.STRING) if node.kind is Kind.MAP else AvroNode(Kind.NULL)
        items = b"".join(random_bytes(key, draw) + random_bytes(node.items, draw, depth + 1) for _ in range(count))
        if len(items) < count:  # items of no bytes: more than the value has bytes are refused
            continue
        out += (encode_long(-count) + encode_long(len(items)) if draw.random() < 0.3 else encode_long(count)) + items
    return out + b"\0"
