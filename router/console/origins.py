"""Where the copies of a record, and of all records with a key, lie: what an index of origins keeps of them, as bytes. Pure.

    k <key's length, 4> <key> <copy>          the copy's time, 8, and the origin of the record that it was made of
    o <origin's length, 2> <origin> <copy>    nothing: the copy has this origin among those that its headers tell
    c <copy>                                  its key's length, 4 (-1: it has none), its key, and its origins, a line each
    p <topic's length, 2> <topic> <partition, 4>    the offset of the next record to read, 8

A copy is its topic's length, 2, its topic, partition, 4, and offset, 8. All numbers are big-endian. What lies under `c` is there so that
a copy that retention has taken can be forgotten: those of a partition lie in the order of their offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from router.records.headers import ORIGIN
from router.records.record import Record

__all__ = [
    "Copy",
    "copies_before",
    "decode_position",
    "encode_position",
    "entries_of",
    "forgotten",
    "of_key",
    "of_origin",
    "position_key",
    "read_copy",
    "time_and_origin",
]

_U16, _I32, _U32, _U64, _TIME = Struct(">H"), Struct(">i"), Struct(">I"), Struct(">Q"), Struct(">q")
_PLACE = Struct(">IQ")


@dataclass(frozen=True, slots=True, order=True)
class Copy:
    """A place."""

    topic: str
    partition: int
    offset: int


def _topic(topic: str) -> bytes:
    encoded = topic.encode()
    return _U16.pack(len(encoded)) + encoded


def _written(copy: Copy) -> bytes:
    return _topic(copy.topic) + _PLACE.pack(copy.partition, copy.offset)


def of_key(key: bytes) -> bytes:
    """What the entries of all copies with a key begin with, and no others."""
    return b"k%b%b" % (_U32.pack(len(key)), key)


def of_origin(origin: bytes) -> bytes:
    """What the entries of all copies of a record begin with, and no others."""
    return b"o%b%b" % (_U16.pack(len(origin)), origin)


def position_key(topic: str, partition: int) -> bytes:
    """Where it says how far a partition was read."""
    return b"p%b%b" % (_topic(topic), _U32.pack(partition))


def encode_position(offset: int) -> bytes:
    """How far: the next offset."""
    return _U64.pack(offset)


def decode_position(stored: bytes) -> int:
    """What was encoded."""
    return int(_U64.unpack(stored)[0])


def entries_of(record: Record) -> dict[bytes, bytes]:
    """What is kept of a record; nothing of one that is no copy."""
    origins = [value for name, value in record.headers if name == ORIGIN and value and len(value) < 1 << 16]
    if not origins:
        return {}
    copy = _written(Copy(record.topic, record.partition, record.offset))
    key = record.key
    entries = {of_origin(each) + copy: b"" for each in origins}
    entries[b"c" + copy] = b"%b%b%b" % (_I32.pack(-1 if key is None else len(key)), key or b"", b"\n".join(origins))
    if key is not None:
        entries[of_key(key) + copy] = _TIME.pack(record.timestamp) + origins[-1]
    return entries


def forgotten(entry: bytes, value: bytes) -> tuple[bytes, ...]:
    """All that is kept of a copy, by its entry under `c`."""
    copy = entry[1:]
    (length,) = _I32.unpack_from(value)
    key = None if length < 0 else value[_I32.size : _I32.size + length]
    origins = value[_I32.size + max(0, length) :].split(b"\n")
    own = () if key is None else (of_key(key) + copy,)
    return (entry, *own, *(of_origin(each) + copy for each in origins))


def copies_before(topic: str, partition: int, offset: int) -> tuple[bytes, bytes]:
    """What the `c` entries of a partition begin with, and where those from this offset on lie."""
    prefix = b"c" + _topic(topic) + _U32.pack(partition)
    return prefix, prefix + _U64.pack(offset)


def read_copy(entry: bytes, prefix: bytes) -> Copy:
    """The copy whose entry lies below a prefix of `of_key` or `of_origin`."""
    rest = entry[len(prefix) :]
    (length,) = _U16.unpack_from(rest)
    partition, offset = _PLACE.unpack_from(rest, _U16.size + length)
    return Copy(rest[_U16.size : _U16.size + length].decode(), partition, offset)


def time_and_origin(value: bytes) -> tuple[int, str]:
    """What a key's entry says of a copy: its time, and what it was made of."""
    return int(_TIME.unpack_from(value)[0]), value[_TIME.size :].decode("ascii", "replace")
