"""What consumers and the router tell each other, as headers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.failure.rejections import (
    Acknowledgement,
    Lane,
    Malformed,
    Rejection,
    ReleaseMark,
    acknowledgement_headers,
    parked_of,
    read_rejected,
    rejected_of,
    rejection_headers,
    release_headers,
    release_mark,
)
from router.records.headers import Origin
from router.records.record import PlainRecord

LANE = Lane("order.status.v1", 3)
COPY = PlainRecord(
    topic="vip.order.status.v1",
    partition=2,
    offset=1234,
    timestamp=1000,
    key=b"ord-1",
    value=b"\x00body",
    headers=(("trace", b"1"), ("router-origin", b"order.status.v1/3/17"), ("void", None)),
)


def rejected(**more: object) -> PlainRecord:
    """Return the copy as it stands among the rejections."""
    record = replace(
        COPY, topic="vip.order.status.v1.rejected", partition=3, offset=9, headers=tuple(rejection_headers(COPY))
    )
    return replace(record, **more)  # type: ignore[arg-type] # a test's own fields


def test_topics_of_failure_stand_beside_their_topic() -> None:
    """Named by the topic and what they hold."""
    assert (rejected_of("a.v1"), parked_of("a.v1")) == ("a.v1.rejected", "a.v1.parked")


def test_a_rejection_brings_the_copy_back_as_it_was() -> None:
    """Key, value and headers, in the place where it lay."""
    headers = rejection_headers(
        COPY, "too-big", error="out of range", error_class="SQLError", place="value:amount", parks=True
    )
    read = read_rejected(rejected(headers=tuple(headers)))
    assert read == Rejection(
        copy=Origin("vip.order.status.v1", 2, 1234),
        origin=Origin("order.status.v1", 3, 17),
        reason="too-big",
        error="out of range",
        error_class="SQLError",
        place="value:amount",
        parks=True,
        record=COPY,
    )
    assert not read.behind


def test_the_least_that_a_client_writes_is_enough() -> None:
    """The copy, and where it lay: without a reason it failed, and without a word nothing is parked."""
    read = read_rejected(rejected(headers=(*COPY.headers, ("router-rejects", b"vip.order.status.v1/2/1234"))))
    assert isinstance(read, Rejection)
    assert (read.reason, read.error, read.parks, read.behind) == ("failed", "", False, False)


def test_a_record_behind_is_parked_without_saying_so() -> None:
    """The reason says it; a record without a key can never be parked."""
    headers = tuple(rejection_headers(COPY, "behind"))
    read = read_rejected(rejected(headers=headers))
    assert isinstance(read, Rejection)
    assert read.behind
    assert read.parks
    keyless = read_rejected(rejected(headers=headers, key=None))
    assert isinstance(keyless, Rejection)
    assert not keyless.parks


def test_a_rejection_of_what_was_rejected_before_says_only_its_own() -> None:
    """A dead letter that was sent again carries the reasons of its first death."""
    first = replace(COPY, headers=tuple(rejection_headers(COPY, "old", error="old", place="old", parks=True)))
    names = [name for name, _ in rejection_headers(first, "new")]
    assert names == ["trace", "router-origin", "void", "router-rejects", "router-reason"]


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        pytest.param((), "router-rejects", id="no place"),
        pytest.param((("router-rejects", b"a/b"),), "router-rejects", id="no real place"),
        pytest.param((("router-rejects", b"other.v1/0/1"),), "of 'other.v1'", id="another topic's"),
        pytest.param((("router-rejects", b"vip.order.status.v1/0/1"),), "router-origin", id="no origin"),
        pytest.param(
            (("router-rejects", b"vip.order.status.v1/0/1"), ("router-origin", b"o.v1/4/1")),
            "partition 4",
            id="another partition's",
        ),
        pytest.param((("router-acknowledges", b"x"),), "epoch", id="no epoch"),
        pytest.param((("router-acknowledges", b"1"),), "router-lane", id="no lane"),
        pytest.param((("router-acknowledges", b"1"), ("router-lane", b"o.v1/4")), "partition 3", id="another lane's"),
        pytest.param((("router-acknowledges", b"9" * 30),), "epoch", id="no possible epoch"),
    ],
)
def test_what_cannot_be_acted_on_says_why(headers: tuple[tuple[str, bytes], ...], words: str) -> None:
    """Anybody may write there."""
    read = read_rejected(rejected(headers=headers))
    assert isinstance(read, Malformed)
    assert words in read.problem


def test_an_acknowledgement_is_read_back() -> None:
    """By its key and epoch; without a key it is nobody's."""
    mark = ReleaseMark(b"ord-1", 7, LANE, None)
    record = rejected(headers=tuple(acknowledgement_headers(mark)), value=None)
    assert read_rejected(record) == Acknowledgement(b"ord-1", 7, LANE)
    assert isinstance(read_rejected(replace(record, key=None)), Malformed)


@pytest.mark.parametrize("first", [None, Origin("a.v1", 0, 3)])
def test_a_release_mark_is_read_back(first: Origin | None) -> None:
    """Whatever the key's bytes."""
    mark = ReleaseMark(b"\xff\x00", 4, LANE, first)
    assert release_mark(release_headers(mark)) == mark


def test_other_records_are_no_release_marks() -> None:
    """Nor is one that lacks the key or a number."""
    assert release_mark(COPY.headers) is None
    assert release_mark([("router-release", b"1")]) is None
    assert release_mark([("router-release", b"x"), ("router-key", b"k"), ("router-lane", b"o.v1/3")]) is None
    assert release_mark([("router-release", b"1"), ("router-key", b"k"), ("router-lane", b"o.v1")]) is None
