"""Which revision wrote a record: by what its bytes or its headers say, or because its version has only one. Pure.

`router.records.marks` says what tells it. A fingerprint is CRC-64-AVRO of the parsing canonical form. A record that says what
nobody knows is unreadable, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial

from router.errors import Unreadable
from router.records.json_reader import json_reader
from router.records.marks import (
    MARK_LENGTHS,
    SCHEMA_HEADER,
    Encoding,
    confluent_mark,
    header_mark,
    marked_value,
    single_object_mark,
    unknown_revision,
)
from router.records.reader import FieldReader
from router.records.record import Headers
from router.records.revisions import Revisions
from router.records.schema import AvroSchema, JsonSchema
from router.versions.conversion_text import VersionSchema
from router.versions.revision_reader import resolver, revision_reader
from router.versions.subjects import Revision, Subject

__all__ = [
    "SCHEMA_HEADER",
    "Writers",
    "Written",
    "encode_schema_header",
    "revisions_of",
    "version_schema",
    "with_prefix",
]


@dataclass(frozen=True, slots=True)
class Written:
    """A record's revision and its bare body."""

    revision: Revision
    body: bytes


@dataclass(frozen=True, slots=True)
class Writers:
    """Tells the revisions of one version's records."""

    subject: Subject
    version: int
    _by_mark: Mapping[bytes, Revision] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_mark", _by_mark(self.subject, self.version))

    def written(self, value: bytes, headers: Headers = ()) -> Written:
        """What wrote a value. Raises Unreadable where it does not say, or says what nobody knows."""
        encoding = self.subject.encoding
        name = f"{self.subject.name} v{self.version}"
        if encoding is Encoding.BARE:
            newest = self.subject.newest(self.version)
            if newest is None:
                raise Unreadable(field="", position=-1, problem=f"there is no schema of {name}")
            return Written(newest, value)
        marked = marked_value(encoding, value, headers)
        length = MARK_LENGTHS[encoding]
        revision = self._by_mark.get(marked[:length])
        if revision is None:
            raise unknown_revision(encoding, marked, of=name)
        return Written(revision, marked[length:])


def encode_schema_header(revision: Revision) -> bytes:
    """The value of a `router-schema` header."""
    return header_mark(revision.fingerprint)


def with_prefix(subject: Subject, revision: Revision, body: bytes) -> bytes:
    """A value as the subject's records are written, from its bare body; of `header` and `bare` the body itself."""
    if subject.encoding in {Encoding.BARE, Encoding.HEADER}:
        return body
    mark = _mark(subject, revision)
    assert mark is not None, f"no id of a registry stands for {revision.name} of {subject.name}"
    return mark + body


def version_schema(revision: Revision) -> VersionSchema:
    """A revision of Avro, as conversions see it."""
    assert isinstance(revision.schema, AvroSchema)
    assert revision.root is not None
    return VersionSchema(revision.version, revision.schema, revision.root)


def revisions_of(subject: Subject, version: int) -> Revisions | None:
    """How the records of a version tell their revisions, and are read; None where their bodies are bare.

    The version must have a newest revision. A reader is compiled when it is asked for, and what resolves an older revision
    when the first record of it comes that needs it.
    """
    newest = subject.newest(version)
    if subject.encoding is Encoding.BARE or newest is None:
        return None
    by_mark = _by_mark(subject, version)
    length = MARK_LENGTHS[subject.encoding]

    @cache
    def to_newest(name: str) -> Callable[[bytes], bytes]:
        writer = next(each for each in by_mark.values() if each.name == name)
        if newest.root is None or writer is newest:
            return _as_it_is
        return resolver(version_schema(writer), version_schema(newest))

    def body(value: bytes) -> bytes:
        writer = by_mark.get(value[:length])
        if writer is None:
            raise unknown(value)
        return to_newest(writer.name)(value[length:])

    def reader(paths: Sequence[str], whole: bool) -> FieldReader:
        own: Callable[[Revision], FieldReader]
        if newest.root is None:
            assert isinstance(newest.schema, JsonSchema)
            alone = _behind(json_reader(paths, schema=newest.schema, whole=whole), length)
            own = lambda _: alone  # noqa: E731 -- one of two of the same form
        else:
            own = lambda writer: revision_reader(  # noqa: E731 -- as above
                version_schema(writer),
                version_schema(newest),
                paths,
                whole=whole,
                start=length,
                resolve=lambda value: to_newest(writer.name)(value),  # noqa: PLW0108 -- compiled when it is first needed
            )
        readers = {mark: own(writer) for mark, writer in by_mark.items()}
        found = {mark: each.read for mark, each in readers.items()}.get
        of_newest = own(newest)

        def read(value: bytes) -> tuple[object, ...]:
            read_own = found(value[:length])
            if read_own is None:
                raise unknown(value)
            return read_own(value)

        in_header = subject.encoding is Encoding.HEADER
        chosen = _in_place(read) if in_header else read
        return FieldReader(of_newest.paths, chosen, of_newest.values, of_newest.source, in_header)

    unknown = partial(unknown_revision, subject.encoding, of=f"{subject.name} v{version}")
    facts = tuple(sorted((mark.hex(), _text(writer)) for mark, writer in by_mark.items()))
    return Revisions(subject.encoding, facts, _mark(subject, newest), reader, body)


def _by_mark(subject: Subject, version: int) -> dict[bytes, Revision]:
    """A version's revisions by their marks; the newest of those that are alike is the one that readers know."""
    revisions = subject.of_version(version)
    match subject.encoding:
        case Encoding.CONFLUENT:
            names = {each.name: each for each in revisions}
            ids = subject.confluent_ids.items()
            return {confluent_mark(number): names[name] for number, name in ids if name in names}
        case Encoding.SINGLE_OBJECT:
            return {single_object_mark(each.fingerprint): each for each in revisions}
        case Encoding.HEADER:
            return {header_mark(each.fingerprint): each for each in revisions}
    return {}


def _mark(subject: Subject, revision: Revision) -> bytes | None:
    """What a revision's records are marked with now: of several ids of a registry with the latest."""
    match subject.encoding:
        case Encoding.SINGLE_OBJECT:
            return single_object_mark(revision.fingerprint)
        case Encoding.HEADER:
            return header_mark(revision.fingerprint)
    ids = [number for number, name in subject.confluent_ids.items() if name == revision.name]
    return confluent_mark(max(ids)) if ids else None


def _text(revision: Revision) -> str:
    parsed = revision.schema.types.parsed if isinstance(revision.schema, AvroSchema) else revision.document
    return f"{revision.name} {parsed}"


def _as_it_is(body: bytes) -> bytes:
    return body


def _behind(reader: FieldReader, length: int) -> FieldReader:
    """A reader of what stands behind a mark."""
    read = reader.read
    return FieldReader(reader.paths, lambda value: read(value[length:]), reader.values)


def _in_place(read: Callable[[bytes], tuple[object, ...]]) -> Callable[[bytes], tuple[object, ...]]:
    """Of marks that do not stand in the value: errors tell the value's own positions."""
    length = MARK_LENGTHS[Encoding.HEADER]

    def read_marked(value: bytes) -> tuple[object, ...]:
        try:
            return read(value)
        except Unreadable as error:
            if error.position < length:
                raise
            raise Unreadable(field=error.field, position=error.position - length, problem=error.problem) from None

    return read_marked
