"""The revisions of one version of a subject whose records say which of them wrote each, as readers and writers need to know them.

What is read is always a record of the version's newest revision: what an older one wrote is resolved by Avro's rules, fields
that it does not have included. A record that says a revision that nobody kept is never guessed at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from router.records.avro import decode_whole
from router.records.marks import Encoding, marked_record, marked_value, with_schema_header
from router.records.reader import FieldReader
from router.records.record import Headers, Record
from router.records.schema import AvroSchema, JsonSchema

__all__ = ["Revisions", "decode_body", "decode_record"]


@dataclass(frozen=True, slots=True)
class Revisions:
    """How one version's records are read, and written by whoever writes them now.

    The functions take marked values: see `router.records.marks`.
    """

    encoding: Encoding
    facts: tuple[tuple[str, str], ...]
    """Each mark in hex, and the text of the schema that it stands for: of two versions with the same, records are read alike."""
    mark: bytes | None
    """What records are written with now; None where nothing says it (a registry's id is missing)."""
    reader: Callable[[Sequence[str], bool], FieldReader] = field(compare=False, repr=False)
    """What reads scalar fields of the newest revision from marked values; True walks each value whole.

    The facts of all revisions are alike. Raises Unreadable, UnknownRevision for what nobody knows.
    """
    body: Callable[[bytes], bytes] = field(compare=False, repr=False)
    """The newest revision's bare bytes of a marked value. Raises Unreadable, UnknownRevision."""

    @property
    def in_header(self) -> bool:
        """Whether the mark stands in a header, and not in the value."""
        return self.encoding is Encoding.HEADER

    def marked(self, record: Record) -> Record:
        """The record with a marked value. Raises UnknownRevision."""
        return marked_record(record) if self.in_header else record

    def written(self, body: bytes, headers: Headers) -> tuple[bytes, Headers]:
        """Value and headers of a record that the newest revision writes, of its bare body."""
        assert self.mark is not None, "nothing says how the newest revision is marked"
        return (body, with_schema_header(headers, self.mark)) if self.in_header else (self.mark + body, headers)


def decode_body(schema: AvroSchema | JsonSchema | None, body: bytes) -> Any:
    """A bare body as plain data; without a schema it is JSON. Raises Unreadable, ValueError, RecursionError."""
    return decode_whole(schema.types, body) if isinstance(schema, AvroSchema) else json.loads(body)


def decode_record(record: Record, schema: AvroSchema | JsonSchema | None, revisions: Revisions | None = None) -> Any:
    """The value of a record as plain data, None of a tombstone: for showing it. Raises as `decode_body` does.

    `schema` is that of its version, `revisions` where records say which one wrote them.
    """
    if record.value is None:
        return None
    if revisions is None:
        return decode_body(schema, record.value)
    return decode_body(schema, revisions.body(marked_value(revisions.encoding, record.value, record.headers)))
