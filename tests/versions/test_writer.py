"""Which revision wrote a record."""

import json

import pytest

from router.errors import UnknownRevision, Unreadable
from router.records.marks import marked_value
from router.records.record import Headers
from router.records.revisions import Revisions
from router.versions.encoding import encode_long
from router.versions.subjects import Revision, Subject, read_subjects
from router.versions.writer import SCHEMA_HEADER, Writers, encode_schema_header, revisions_of, with_prefix

OLD = '{"type": "record", "name": "R", "fields": []}'
NEW = '{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "default": 1}]}'


def subject(encoding: str) -> Subject:
    said = f"encoding: {encoding}\nconfluent-ids: {{'7': v1.r1, '300': v1, '200': v1, '9': v2}}\n"
    texts = {"s/v1.r1.avsc": OLD, "s/v1.avsc": NEW, "s/v2.avsc": NEW, "s/subject.yaml": said}
    return read_subjects(texts)[0]["s"]


@pytest.mark.parametrize("encoding", ["single-object", "header", "confluent"])
def test_each_encoding_tells_its_revision(encoding: str) -> None:
    """What was written with a revision is known to be that revision's, and its body is bare."""
    of = subject(encoding)
    for revision in of.of_version(1):
        value = with_prefix(of, revision, b"body")
        written = Writers(of, 1).written(value, [("x", b""), (SCHEMA_HEADER, encode_schema_header(revision))])
        assert (written.revision, written.body) == (revision, b"body")


def test_forms_are_those_that_others_write() -> None:
    """The mark and the order of bytes are the specifications'."""
    of = subject("single-object")
    old = of.of_version(1)[0]
    assert with_prefix(of, old, b"") == b"\xc3\x01" + old.fingerprint.to_bytes(8, "little")
    assert encode_schema_header(old) == f"{old.fingerprint:016x}".encode()
    newest = of.newest(1)
    assert newest is not None
    assert with_prefix(subject("confluent"), newest, b"b") == b"\0\0\0\x01\x2cb"


def test_bare_bodies_are_the_newest_s() -> None:
    """A version of bare bodies has one revision."""
    of = subject("bare")
    assert Writers(of, 1).written(b"x").revision is of.newest(1)
    assert with_prefix(of, of.revisions[0], b"x") == b"x"
    with pytest.raises(Unreadable, match="there is no schema of s v5"):
        Writers(of, 5).written(b"x")


@pytest.mark.parametrize(
    ("encoding", "value", "headers", "problem"),
    [
        ("single-object", b"xx", [], "does not begin with single-object encoding"),
        ("single-object", b"\xc3\x01\0", [], "does not begin with single-object encoding"),
        ("single-object", b"\xc3\x01" + bytes(8), [], "no revision of s v1 has the fingerprint 0000000000000000"),
        ("confluent", b"\x01\0\0\0\x07", [], "does not begin with a registry's prefix"),
        ("confluent", b"\0\0\0\0\x05", [], "has the registry's id 5: add it to subject.yaml"),
        ("confluent", b"\0\0\0\0\x09", [], "has the registry's id 9"),
        ("header", b"", [], "the header router-schema is missing"),
        ("header", b"", [(SCHEMA_HEADER, None)], "the header router-schema is no fingerprint"),
        ("header", b"", [(SCHEMA_HEADER, b"zz")], "the header router-schema is no fingerprint"),
        ("header", b"", [(SCHEMA_HEADER, b"5" * 16)], "no revision of s v1 has the fingerprint"),
    ],
)
def test_what_nobody_knows_is_unreadable(
    encoding: str, value: bytes, headers: list[tuple[str, bytes | None]], problem: str
) -> None:
    """A record that does not say its revision, or says one that is not kept, is never guessed at."""
    with pytest.raises(Unreadable, match=problem):
        Writers(subject(encoding), 1).written(value, headers)


ENCODINGS = ["single-object", "header", "confluent"]


def known(encoding: str) -> tuple[Subject, Revisions]:
    """The subject above, and how its first version is read."""
    found = subject(encoding)
    revisions = revisions_of(found, 1)
    assert revisions is not None
    return found, revisions


def marked(of: Subject, revision: Revision, body: bytes) -> bytes:
    """A value behind its mark."""
    headers: Headers = [(SCHEMA_HEADER, encode_schema_header(revision))]
    return marked_value(of.encoding, with_prefix(of, revision, body), headers)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_reader_reads_what_any_revision_wrote(encoding: str) -> None:
    """By the revision that the record says; what it did not have yet is the newest's default."""
    of, revisions = known(encoding)
    old, newest = of.of_version(1)
    for whole in (False, True):
        reader = revisions.reader(("a",), whole)
        assert (reader.paths, reader.in_header) == (("a",), encoding == "header")
        assert reader.values(reader.read(marked(of, newest, encode_long(7)))) == (7,)
        assert reader.values(reader.read(marked(of, old, b""))) == (1,)
        with pytest.raises(UnknownRevision, match=r"s v1|does not begin"):
            reader.read(b"0123456789abcdef" + encode_long(7))
    with pytest.raises(Unreadable, match=r"1 bytes? follow|left") as error:
        revisions.reader(("a",), True).read(marked(of, newest, encode_long(7) + b"!"))
    # Where the value itself has its mark, that counts.
    assert error.value.position == {"single-object": 11, "confluent": 6, "header": 1}[encoding]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_body_is_the_newest_revision_s(encoding: str) -> None:
    """Bare, whoever wrote it."""
    of, revisions = known(encoding)
    old, newest = of.of_version(1)
    assert revisions.body(marked(of, newest, encode_long(7))) == encode_long(7)
    assert revisions.body(marked(of, old, b"")) == encode_long(1)
    with pytest.raises(UnknownRevision):
        revisions.body(b"0123456789abcdef")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_written_now_is_the_newest_revision_s(encoding: str) -> None:
    """With the latest id that a registry has for it."""
    of, revisions = known(encoding)
    newest = of.newest(1)
    assert newest is not None
    assert revisions.mark == marked(of, newest, b"")
    told = {name.partition(" ")[0] for _, name in revisions.facts}
    assert told == {"v1", "v1.r1"}


def test_a_registry_s_json_is_read_behind_its_id() -> None:
    """Every revision by the newest schema: JSON names its fields."""
    schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}
    texts = {"s/v1.schema.json": json.dumps(schema), "s/v1.r1.schema.json": "{}"}
    texts["s/subject.yaml"] = "encoding: confluent\nconfluent-ids: {'7': v1.r1, '8': v1}"
    revisions = revisions_of(read_subjects(texts)[0]["s"], 1)
    assert revisions is not None
    reader = revisions.reader(("a",), False)
    for number in (b"\x07", b"\x08"):
        assert reader.values(reader.read(b"\0\0\0\0" + number + b'{"a": 5}')) == (5,)
        assert revisions.body(b"\0\0\0\0" + number + b"{}") == b"{}"
    with pytest.raises(UnknownRevision, match="id 9"):
        reader.read(b'\0\0\0\0\x09{"a": 5}')


def test_bare_bodies_have_no_revisions() -> None:
    """Nor has a version without a schema of today."""
    assert revisions_of(subject("bare"), 1) is None
    assert revisions_of(subject("header"), 5) is None
