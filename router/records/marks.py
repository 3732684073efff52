"""What says which revision of its schema wrote a record: its mark.

| encoding | the mark | where it stands |
|---|---|---|
| `single-object` | C3 01, then the fingerprint as 8 little-endian bytes | before the body, in the value |
| `confluent` | a zero byte, then a registry's id as 4 big-endian bytes | before the body, in the value |
| `header` | the fingerprint as 16 hex digits, most significant first | in the header `router-schema` |
| `bare` | none: the version has one revision | |

A *marked value* begins with the mark and goes on with the body, whatever the encoding: so what reads one needs nothing else
of the record. Where the mark is in the value, the value is one as it stands.
"""

from __future__ import annotations

from enum import StrEnum

from router.errors import UnknownRevision
from router.records.record import Headers, Record

__all__ = [
    "MARK_LENGTHS",
    "SCHEMA_HEADER",
    "Encoding",
    "MarkedRecord",
    "confluent_mark",
    "header_mark",
    "marked_record",
    "marked_value",
    "single_object_mark",
    "unknown_revision",
    "with_schema_header",
]

SCHEMA_HEADER = "router-schema"
_SINGLE_OBJECT = b"\xc3\x01"
_CONFLUENT = b"\x00"
_HEX = frozenset(b"0123456789abcdef")
_HEADER_LENGTH = 16
_NO_HEX = "no fingerprint of 16 hex digits"


class Encoding(StrEnum):
    """What tells which revision wrote a record."""

    BARE = "bare"
    SINGLE_OBJECT = "single-object"
    HEADER = "header"
    CONFLUENT = "confluent"


MARK_LENGTHS = {Encoding.BARE: 0, Encoding.SINGLE_OBJECT: 10, Encoding.HEADER: _HEADER_LENGTH, Encoding.CONFLUENT: 5}
"""Bytes of a mark, before which no body begins."""


def single_object_mark(fingerprint: int) -> bytes:
    """The mark of single-object encoding."""
    return _SINGLE_OBJECT + fingerprint.to_bytes(8, "little")


def confluent_mark(number: int) -> bytes:
    """The mark of a registry's id."""
    return _CONFLUENT + number.to_bytes(4, "big")


def header_mark(fingerprint: int) -> bytes:
    """The value of a `router-schema` header."""
    return b"%016x" % fingerprint


def marked_value(encoding: Encoding, value: bytes, headers: Headers) -> bytes:
    """A value behind its mark. Raises UnknownRevision where a header should say the revision, and does not."""
    if encoding is not Encoding.HEADER:
        return value
    # Whether it is one in hex digits, whoever looks it up will know: this runs once a record.
    stated: bytes | None = b""
    for name, each in headers:
        if name == SCHEMA_HEADER:
            stated = each
    if stated is None or len(stated) != _HEADER_LENGTH:
        missing = stated == b"" and all(name != SCHEMA_HEADER for name, _ in headers)
        raise UnknownRevision(position=-1, problem=f"the header {SCHEMA_HEADER} is {'missing' if missing else _NO_HEX}")
    return stated.lower() + value


class MarkedRecord:
    """A record with a marked value. Made once a record where headers have the marks: a frozen dataclass would cost more."""

    __slots__ = ("headers", "key", "offset", "partition", "timestamp", "topic", "value")

    def __init__(self, record: Record, value: bytes | None) -> None:
        self.topic = record.topic
        self.partition = record.partition
        self.offset = record.offset
        self.timestamp = record.timestamp
        self.key = record.key
        self.value = value
        self.headers = record.headers


def marked_record(record: Record) -> Record:
    """A record whose header says its revision, with the marked value for its value; tombstones have none."""
    if record.value is None:
        return record
    return MarkedRecord(record, marked_value(Encoding.HEADER, record.value, record.headers))


def with_schema_header(headers: Headers, mark: bytes) -> Headers:
    """Headers that say a revision, in the place of any that said one before."""
    return [*(each for each in headers if each[0] != SCHEMA_HEADER), (SCHEMA_HEADER, mark)]


def unknown_revision(encoding: Encoding, value: bytes, *, of: str) -> UnknownRevision:
    """Why a marked value's revision is none that is known. `of` is subject and version, for people."""
    mark = value[: MARK_LENGTHS[encoding]]
    match encoding:
        case Encoding.SINGLE_OBJECT if mark.startswith(_SINGLE_OBJECT) and len(mark) == MARK_LENGTHS[encoding]:
            fingerprint = int.from_bytes(mark[2:], "little")
            return UnknownRevision(position=2, problem=f"no revision of {of} has the fingerprint {fingerprint:016x}")
        case Encoding.CONFLUENT if mark.startswith(_CONFLUENT) and len(mark) == MARK_LENGTHS[encoding]:
            number = int.from_bytes(mark[1:], "big")
            problem = f"no revision of {of} has the registry's id {number}: add it to subject.yaml"
            return UnknownRevision(position=1, problem=problem)
        case Encoding.HEADER if not _HEX.issuperset(mark):
            return UnknownRevision(position=-1, problem=f"the header {SCHEMA_HEADER} is {_NO_HEX}")
        case Encoding.HEADER:
            return UnknownRevision(position=-1, problem=f"no revision of {of} has the fingerprint {mark.decode()}")
    what = "single-object encoding" if encoding is Encoding.SINGLE_OBJECT else "a registry's prefix"
    return UnknownRevision(position=0, problem=f"it does not begin with {what}")
