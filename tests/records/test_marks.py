"""What says which revision wrote a record."""

from __future__ import annotations

import pytest

from router.errors import UnknownRevision
from router.records.marks import (
    MARK_LENGTHS,
    SCHEMA_HEADER,
    Encoding,
    confluent_mark,
    header_mark,
    marked_record,
    marked_value,
    single_object_mark,
    unknown_revision,
    with_schema_header,
)
from router.records.record import Headers, PlainRecord

FINGERPRINT = 0x0102030405060708
MARK = b"0102030405060708"


def test_marks_are_as_the_specifications_write_them() -> None:
    """The order of their bytes, and how many there are."""
    marks = {
        Encoding.SINGLE_OBJECT: single_object_mark(FINGERPRINT),
        Encoding.CONFLUENT: confluent_mark(300),
        Encoding.HEADER: header_mark(FINGERPRINT),
        Encoding.BARE: b"",
    }
    assert marks[Encoding.SINGLE_OBJECT] == b"\xc3\x01\x08\x07\x06\x05\x04\x03\x02\x01"
    assert marks[Encoding.CONFLUENT] == b"\0\0\0\x01\x2c"
    assert marks[Encoding.HEADER] == MARK
    assert {each: len(mark) for each, mark in marks.items()} == MARK_LENGTHS


@pytest.mark.parametrize("encoding", [Encoding.BARE, Encoding.SINGLE_OBJECT, Encoding.CONFLUENT])
def test_a_value_that_has_its_mark_stays_as_it_is(encoding: Encoding) -> None:
    """Whatever its headers say."""
    value = b"anything"
    assert marked_value(encoding, value, [(SCHEMA_HEADER, b"?")]) is value


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([(SCHEMA_HEADER, MARK)], id="alone"),
        pytest.param([("a", b"x"), (SCHEMA_HEADER, b"ff"), (SCHEMA_HEADER, MARK), ("b", None)], id="the last counts"),
    ],
)
def test_a_header_s_mark_comes_before_the_value(headers: Headers) -> None:
    """So that whoever reads needs the value alone."""
    assert marked_value(Encoding.HEADER, b"body", headers) == MARK + b"body"
    record = PlainRecord(topic="t", partition=2, offset=3, timestamp=4, key=b"k", value=b"body", headers=headers)
    made = marked_record(record)
    assert (made.topic, made.partition, made.offset, made.timestamp) == ("t", 2, 3, 4)
    assert (made.key, made.value, made.headers) == (b"k", MARK + b"body", headers)


def test_capitals_are_hex_digits_too() -> None:
    """As other writers have them."""
    assert marked_value(Encoding.HEADER, b"", [(SCHEMA_HEADER, b"ABCDEF0123456789")]) == b"abcdef0123456789"


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        pytest.param([], "is missing", id="missing"),
        pytest.param([(SCHEMA_HEADER, None)], "is no fingerprint", id="null"),
        pytest.param([(SCHEMA_HEADER, MARK[1:])], "is no fingerprint", id="short"),
        pytest.param([(SCHEMA_HEADER, b"")], "is no fingerprint", id="empty"),
    ],
)
def test_a_header_that_says_no_revision_is_refused(headers: Headers, problem: str) -> None:
    """A record is never guessed at."""
    with pytest.raises(UnknownRevision, match=problem):
        marked_value(Encoding.HEADER, b"body", headers)


def test_a_tombstone_says_no_revision() -> None:
    """It has nothing to read."""
    record = PlainRecord(topic="t")
    assert marked_record(record) is record


def test_a_header_takes_the_place_of_any_before() -> None:
    """So that nobody reads the former one."""
    headers = [(SCHEMA_HEADER, b"1"), ("a", b"x"), (SCHEMA_HEADER, b"2")]
    assert with_schema_header(headers, MARK) == [("a", b"x"), (SCHEMA_HEADER, MARK)]


@pytest.mark.parametrize(
    ("encoding", "value", "position", "problem"),
    [
        ("single-object", b"xx", 0, "it does not begin with single-object encoding"),
        ("single-object", b"\xc3\x01\0", 0, "it does not begin with single-object encoding"),
        ("single-object", b"\xc3\x01" + bytes(8), 2, "no revision of s v1 has the fingerprint 0000000000000000"),
        ("confluent", b"\x01\0\0\0\x07", 0, "it does not begin with a registry's prefix"),
        ("confluent", b"\0\0\0", 0, "it does not begin with a registry's prefix"),
        ("confluent", b"\0\0\0\0\x05x", 1, "no revision of s v1 has the registry's id 5: add it to subject.yaml"),
        ("header", b"x" * 16 + b"y", -1, "the header router-schema is no fingerprint of 16 hex digits"),
        ("header", MARK + b"x", -1, "no revision of s v1 has the fingerprint 0102030405060708"),
    ],
)
def test_an_unknown_mark_is_told(encoding: str, value: bytes, position: int, problem: str) -> None:
    """With what it says, and where."""
    error = unknown_revision(Encoding(encoding), value, of="s v1")
    assert (error.reason, error.position, error.problem) == ("unknown-revision", position, problem)
