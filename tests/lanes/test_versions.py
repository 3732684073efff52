"""A record in the versions of its consumers."""

from __future__ import annotations

from router.errors import RecordError, Unreadable
from router.lanes.versions import Versions
from router.records.conversion import ValueConversion
from router.records.record import PlainRecord


class Converting:
    """Adds what it is told to; counts, and fails on what is odd."""

    def __init__(self, suffix: bytes) -> None:
        self.suffix = suffix
        self.count = 0

    def __call__(self, value: bytes) -> bytes:
        self.count += 1
        if value == b"odd":
            raise Unreadable(field="", position=0, problem="it is odd")
        return value + self.suffix


def test_a_record_is_converted_once_a_version() -> None:
    """However many topics want it, and one after another."""
    second, third = Converting(b"2"), Converting(b"3")
    versions = Versions({
        "a.v2": ValueConversion("s", 1, 2, (), "", second),
        "b.v2": ValueConversion("s", 1, 2, (), "", second),
        "a.v3": ValueConversion("s", 1, 3, (), "", third),
    })  # fmt: skip
    assert versions.topics == {"a.v2", "b.v2", "a.v3"}
    for number in range(2):
        record = PlainRecord(
            topic="s.v1", partition=1, offset=number, timestamp=5, key=b"k", value=b"v", headers=(("h", None),)
        )
        assert versions.of("a.v1", record) is record
        for topic, value in (("a.v2", b"v2"), ("a.v3", b"v3"), ("b.v2", b"v2")):
            made = versions.of(topic, record)
            assert made == PlainRecord(
                topic="s.v1", partition=1, offset=number, timestamp=5, key=b"k", value=value, headers=(("h", None),)
            )
    assert (second.count, third.count) == (2, 2)


def test_headers_say_the_revision_of_the_copy() -> None:
    """Where headers say it at all."""
    versions = Versions({
        "a.v2": ValueConversion("s", 1, 2, (), "", bytes, header=b"fedcba9876543210"),
        "a.v3": ValueConversion("s", 1, 3, (), "", bytes),
    })  # fmt: skip
    given = [("router-schema", b"0123456789abcdef"), ("h", b"x")]
    assert versions.headers("a.v2", given) == [("h", b"x"), ("router-schema", b"fedcba9876543210")]
    assert versions.headers("a.v3", given) is given
    made = versions.of("a.v2", PlainRecord(topic="s.v1", value=b"v", headers=given))
    assert not isinstance(made, RecordError)
    assert made.value == b"0123456789abcdefv"


def test_what_cannot_be_converted_says_why() -> None:
    """Once a version, too; a tombstone needs no conversion."""
    convert = Converting(b"")
    versions = Versions({"a.v2": ValueConversion("s", 1, 2, (), "", convert)})
    odd = PlainRecord(topic="s.v1", value=b"odd")
    assert isinstance(versions.of("a.v2", odd), RecordError)
    assert isinstance(versions.of("a.v2", odd), Unreadable)
    assert convert.count == 1
    tombstone = PlainRecord(topic="s.v1")
    assert versions.of("a.v2", tombstone) is tombstone
