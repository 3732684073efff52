"""What generated readers call for the bytes that their fast path does not cover, and how they say that bytes are wrong.

Functions named `…_at` take the position of a varint's first byte and return that of its last one, since the caller's text
goes on from there by a constant distance.
"""

from __future__ import annotations

from typing import NoReturn
from uuid import UUID

__all__ = [
    "DEPTH",
    "STRIDES",
    "Malformed",
    "beyond",
    "block_at",
    "bytes_end",
    "index_at",
    "int_at",
    "leftover",
    "long_at",
    "no_boolean",
    "overlong",
    "rest_of_block",
    "span_at",
    "string_end",
    "too_deep",
    "too_long",
    "uuid",
    "wrong_block",
]

STRIDES = tuple(0 if byte & 0x81 else (byte >> 1) + 1 for byte in range(256))
"""By the byte that starts a string: how far its end is, or 0 where that byte is not the whole of a sound length."""

DEPTH = 100
"""How deep functions for nested types may call each other; deeper values are refused, whatever the stack would bear."""


class Malformed(Exception):
    """The bytes at a position break the format. It never leaves a reader, which turns it into an `Unreadable`."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(position, problem)
        self.position = position
        self.problem = problem


def long_at(v: bytes, i: int) -> tuple[int, int]:
    """The zig-zag code of a varint of up to 64 bits."""
    start = i
    byte = v[i]
    code = byte & 0x7F
    shift = 7
    while byte > 127:
        if shift > 63:
            overlong(start)
        i += 1
        byte = v[i]
        code |= (byte & 0x7F) << shift
        shift += 7
    if code >> 64:
        raise Malformed(start, "a number has more than 64 bits")
    return code, i


def int_at(v: bytes, i: int) -> tuple[int, int]:
    """The zig-zag code of a varint of up to 32 bits."""
    code, last = long_at(v, i)
    if code >> 32:
        raise Malformed(i, "an int has more than 32 bits")
    return code, last


def index_at(v: bytes, i: int, count: int) -> tuple[int, int]:
    """The zig-zag code of an index below `count`."""
    code, last = long_at(v, i)
    if code & 1 or code >> 1 >= count:
        raise Malformed(i, f"index {_signed(code)} is not one of {count}")
    return code, last


def span_at(v: bytes, i: int) -> tuple[int, int]:
    """Start and end of a string or bytes, both within the value."""
    code, last = long_at(v, i)
    if code & 1:
        raise Malformed(i, f"a length is {_signed(code)}")
    start = last + 1
    end = start + (code >> 1)
    if end > len(v):
        raise Malformed(i, f"a length is {code >> 1}, where {len(v) - start} bytes are left")
    return start, end


def bytes_end(v: bytes, i: int) -> int:
    """The end of bytes that lie within the value."""
    return span_at(v, i)[1]


def string_end(v: bytes, i: int) -> int:
    """The end of a string that lies within the value and is UTF-8."""
    start, end = span_at(v, i)
    try:
        v[start:end].decode()
    except UnicodeDecodeError as error:
        raise Malformed(start + error.start, "a string is not UTF-8") from None
    return end


def block_at(v: bytes, i: int) -> tuple[int, int, int]:
    """A block's number of items, its end where it states its size (else 0), and the position before its first item."""
    count, end, last = _block(v, i)
    return count, end, last


def rest_of_block(v: bytes, i: int) -> tuple[int, int]:
    """A block's number of items and the position before them; none, and the block's last byte, where it states its size."""
    count, end, last = _block(v, i)
    return (0, end - 1) if end else (count, last)


def _block(v: bytes, i: int) -> tuple[int, int, int]:
    code, last = long_at(v, i)
    if not code:
        raise Malformed(i, "a block count of zero takes more than a byte")
    if not code & 1:
        return code >> 1, 0, last
    size, last = long_at(v, last + 1)
    end = last + 1 + (size >> 1)
    if size & 1 or end > len(v):
        raise Malformed(i, f"a block's size is {_signed(size)}, where {len(v) - last - 1} bytes are left")
    return -_signed(code), end, last


def uuid(i: int, text: str) -> UUID:
    """The UUID of a string that ends at a position."""
    try:
        return UUID(text)
    except ValueError:
        raise Malformed(i - len(text.encode()), "a string is not a UUID") from None


def overlong(i: int) -> NoReturn:
    raise Malformed(i, "a number takes more than 10 bytes")


def no_boolean(i: int) -> NoReturn:
    raise Malformed(i, "a boolean is neither 0 nor 1")


def beyond(i: int, logical: str) -> NoReturn:
    raise Malformed(i, f"a number is no {logical}")


def too_long(i: int) -> NoReturn:
    raise Malformed(i, "a decimal is far longer than its precision")


def too_deep(i: int) -> NoReturn:
    raise Malformed(i, f"values are nested more than {DEPTH} deep")


def wrong_block(i: int) -> NoReturn:
    raise Malformed(i, "a block does not end where its size says")


def leftover(v: bytes, i: int) -> NoReturn:
    """The walk ended elsewhere than the value."""
    if i > len(v):
        raise IndexError
    raise Malformed(i, f"{len(v) - i} bytes are left over")


def _signed(code: int) -> int:
    return code >> 1 ^ -(code & 1)
