"""Readers of Avro values as plain Python ones, for the fields that a conversion's expressions look at. Pure.

The values are those of `router.records.logical`. A reader takes bytes and a position, and gives the value and the position
behind it; bytes that are no value of the type raise Unreadable or IndexError.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any
from uuid import UUID

from router.records.field_type import Kind
from router.records.logical import RANGES, date_of, decimal_of, instant_of, local_of, time_of
from router.versions.avro_nodes import AvroNode
from router.versions.skipping import malformed, rest_of_varint
from router.versions.value_changes import meaning_of

__all__ = ["PlainReader", "PlainReaders", "read_long"]

PlainReader = Callable[[bytes, int], tuple[Any, int]]

_FLOAT = struct.Struct("<f")
_DOUBLE = struct.Struct("<d")

_LOGICAL: dict[str, Callable[[int], Any]] = {
    "date": date_of,
    "time-millis": lambda number: time_of(number * 1000),
    "time-micros": time_of,
    "timestamp-millis": lambda number: instant_of(number * 1000),
    "timestamp-micros": instant_of,
    "local-timestamp-millis": lambda number: local_of(number * 1000),
    "local-timestamp-micros": local_of,
}


def read_long(b: bytes, p: int) -> tuple[int, int]:
    """An int or a long."""
    n = b[p]
    p += 1
    if n > 127:
        n, p = rest_of_varint(b, p, n)
    return n >> 1 ^ -(n & 1), p


class PlainReaders:
    """Makes readers, one for each node: a record may contain itself."""

    def __init__(self) -> None:
        self._made: dict[int, PlainReader] = {}

    def reader(self, node: AvroNode) -> PlainReader:
        """The reader of a type."""
        made = self._made.get(id(node))
        if made is None:
            # While it is being made, what refers to it finds it by then.
            self._made[id(node)] = lambda b, p: self._made[id(node)](b, p)  # noqa: PLW0108 -- it is there only later
            made = self._made[id(node)] = self._make(node)
        return made

    def _make(self, node: AvroNode) -> PlainReader:  # noqa: PLR0911 -- one return a kind is the plainest dispatch
        match node.kind:
            case Kind.NULL:
                return lambda _, p: (None, p)
            case Kind.BOOLEAN:
                return _boolean
            case Kind.INT | Kind.LONG:
                return _number(node)
            case Kind.FLOAT | Kind.DOUBLE:
                return _floating(_FLOAT if node.kind is Kind.FLOAT else _DOUBLE)
            case Kind.ENUM:
                return _symbol(node.symbols)
            case Kind.ARRAY | Kind.MAP:
                return _collection(self.reader(node.items), of_pairs=node.kind is Kind.MAP)
            case Kind.UNION:
                return _branch([self.reader(each) for each in node.branches])
            case Kind.RECORD:
                return _record([(each.name, self.reader(each.type)) for each in node.fields])
        return _bytes(node)


def _boolean(b: bytes, p: int) -> tuple[Any, int]:
    return b[p] == 1, p + 1


def _number(node: AvroNode) -> PlainReader:
    logical = (meaning_of(node) or ("",))[0]
    convert = _LOGICAL.get(logical)
    if convert is None:
        return read_long
    least, most = RANGES[logical]

    def read(b: bytes, p: int) -> tuple[Any, int]:
        number, p = read_long(b, p)
        if not least <= number <= most:
            malformed(p, f"{number} is no {logical}")
        return convert(number), p

    return read


def _floating(form: struct.Struct) -> PlainReader:
    def read(b: bytes, p: int) -> tuple[Any, int]:
        end = p + form.size
        if end > len(b):
            malformed(p, "the value ends too early")
        return form.unpack_from(b, p)[0], end

    return read


def _symbol(symbols: tuple[str, ...]) -> PlainReader:
    def read(b: bytes, p: int) -> tuple[Any, int]:
        number, p = read_long(b, p)
        if not 0 <= number < len(symbols):
            malformed(p, f"an enum has no symbol {number}")
        return symbols[number], p

    return read


def _bytes(node: AvroNode) -> PlainReader:
    meaning = meaning_of(node)
    convert: Callable[[bytes], Any] = lambda raw: raw  # noqa: E731 -- one of four of the same form
    if meaning is not None and meaning[0] == "decimal":
        convert = lambda raw: decimal_of(raw, meaning[2])  # noqa: E731
    elif node.kind is Kind.FIXED and node.logical == "uuid" and node.size == 16:
        convert = lambda raw: UUID(bytes=raw)  # noqa: E731
    elif node.kind is Kind.STRING:
        convert = _text
    size = node.size if node.kind is Kind.FIXED else None

    def read(b: bytes, p: int) -> tuple[Any, int]:
        length = size
        if length is None:
            length, p = read_long(b, p)
        end = p + length
        if not p <= end <= len(b):
            malformed(p, "the value ends too early")
        return convert(b[p:end]), end

    return read


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        malformed(error.start, "a text is not UTF-8")


def _collection(inner: PlainReader, *, of_pairs: bool) -> PlainReader:
    text = _bytes(AvroNode(Kind.STRING))

    def read(b: bytes, p: int) -> tuple[Any, int]:
        items: list[Any] = []
        while True:
            count, p = read_long(b, p)
            if count == 0:
                return (dict(items) if of_pairs else items), p
            if count < 0:
                count = -count
                _, p = read_long(b, p)
            if count > len(b):
                malformed(p, "a block has more items than the value has bytes")
            for _ in range(count):
                if of_pairs:
                    name, p = text(b, p)
                    value, p = inner(b, p)
                    items.append((name, value))
                else:
                    value, p = inner(b, p)
                    items.append(value)

    return read


def _branch(branches: list[PlainReader]) -> PlainReader:
    def read(b: bytes, p: int) -> tuple[Any, int]:
        number, p = read_long(b, p)
        if not 0 <= number < len(branches):
            malformed(p, f"a union has no branch {number}")
        return branches[number](b, p)

    return read


def _record(fields: list[tuple[str, PlainReader]]) -> PlainReader:
    def read(b: bytes, p: int) -> tuple[Any, int]:
        made = {}
        for name, reader in fields:
            made[name], p = reader(b, p)
        return made, p

    return read
