"""The wire format of protocol buffers, as far as the front end's trees need it.

The trees' own message classes are in no package that we would install for them alone, and the format is three rules:
a tag of field number and kind, then a varint, eight bytes, or a length and as many bytes.
"""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["Message", "read_message", "signed"]

_DOUBLE = struct.Struct("<d")


class Message(dict[int, list[Any]]):
    """The fields of a message by number, each with all its values: integers, floats (from eight bytes) or bytes."""

    def one(self, number: int, default: Any = None) -> Any:
        """The last value of a field."""
        values = self.get(number)
        return values[-1] if values else default

    def text(self, number: int) -> str:
        """A string field; empty where it is not there."""
        return bytes(self.one(number, b"")).decode()

    def inner(self, number: int) -> Message:
        """A message in a field; an empty one where it is not there."""
        return read_message(self.one(number, b""))

    def each(self, number: int) -> list[Message]:
        """All messages of a repeated field."""
        return [read_message(each) for each in self.get(number, ())]

    def mapping(self, number: int) -> dict[int, Any]:
        """A map field with integers as keys; its values raw."""
        return {entry.one(1, 0): entry.one(2, 0) for entry in self.each(number)}


def signed(number: int) -> int:
    """A varint as the two's complement that it stands for."""
    return number - (1 << 64) if number >> 63 else number


def read_message(data: bytes) -> Message:
    """The fields of one serialised message."""
    message = Message()
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 1:
            value, at = _DOUBLE.unpack_from(data, at)[0], at + 8
        else:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        message.setdefault(tag >> 3, []).append(value)
    return message


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
