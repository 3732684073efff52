"""Which revision wrote a record."""

import pytest

from router.errors import Unreadable
from router.versions.subjects import Subject, read_subjects
from router.versions.writer import SCHEMA_HEADER, Writers, encode_schema_header, with_prefix

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
        ("header", b"", [(SCHEMA_HEADER, b"5")], "no revision of s v1 has the fingerprint"),
    ],
)
def test_what_nobody_knows_is_unreadable(
    encoding: str, value: bytes, headers: list[tuple[str, bytes | None]], problem: str
) -> None:
    """A record that does not say its revision, or says one that is not kept, is never guessed at."""
    with pytest.raises(Unreadable, match=problem):
        Writers(subject(encoding), 1).written(value, headers)
