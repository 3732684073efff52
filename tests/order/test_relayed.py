"""What a record is before, in and behind the internal topic."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.order.relayed import GIVEN, KEY, TIMESTAMP, NotRelayed, Relayed, arrived, relay, restored
from router.order.stored import decode_record, encode_record
from router.records.headers import HOP, ORIGIN
from router.records.record import Headers, PlainRecord

AT = 5_000
ORIGINAL = PlainRecord(
    topic="a.v1", partition=3, offset=17, timestamp=1_234, key=b"customer", value=b"v", headers=(("h", b"1"),)
)


def through(original: PlainRecord, by: bytes = b"order", given: tuple[str, ...] = ()) -> PlainRecord:
    """Return the record as it lies in the internal topic."""
    sent = relay(original, by, given=given, at=AT)
    origin = f"{original.topic}/{original.partition}/{original.offset}".encode()
    return PlainRecord(
        topic="internal",
        partition=1,
        offset=99,
        timestamp=sent.timestamp,
        key=sent.key,
        value=sent.value,
        headers=(*sent.headers, (ORIGIN, origin), (HOP, b"hop")),
    )


def test_record_lies_there_by_its_new_key_and_as_of_now() -> None:
    """No retention counts what happened before; what it was stands behind its headers."""
    lies = through(ORIGINAL, given=("x", "y"))
    assert (lies.key, lies.timestamp, lies.value) == (b"order", AT, b"v")
    assert lies.headers[:4] == (("h", b"1"), (TIMESTAMP, b"1234"), (KEY, b"customer"), (GIVEN, b"x,y"))


def test_record_that_has_the_key_already_says_so_by_saying_nothing() -> None:
    """Usually several sources have the same key."""
    lies = through(ORIGINAL, by=b"customer")
    assert KEY not in dict(lies.headers)
    assert restored(lies).key == b"customer"


headers = st.lists(st.tuples(st.sampled_from(["h", KEY, TIMESTAMP, GIVEN, ORIGIN, HOP]), st.none() | st.binary()))


@given(
    key=st.none() | st.binary(),
    value=st.none() | st.binary(),
    timestamp=st.integers(-1, 2**62),
    headers=headers,
    by=st.binary(),
    topics=st.lists(st.sampled_from(["a", "b.v1"]), unique=True),
)
def test_what_leaves_is_what_came(  # noqa: PLR0917 - given by name
    key: bytes | None, value: bytes | None, timestamp: int, headers: Headers, by: bytes, topics: list[str]
) -> None:
    """Whatever its headers are called, and whether it was held in between or not."""
    original = replace(ORIGINAL, key=key, value=value, timestamp=timestamp, headers=tuple(headers))
    arriving = arrived(through(original, by, tuple(topics)))
    assert (arriving.topic, arriving.partition, arriving.offset) == ("a.v1", 1, 99)
    assert (arriving.key, arriving.value, arriving.timestamp) == (by, value, timestamp)
    held = decode_record(encode_record(arriving)).record
    assert arriving.restored is not None
    for leaves in (arriving.restored, restored(replace(held, headers=tuple(held.headers)))):
        assert (leaves.key, leaves.value, leaves.timestamp) == (key, value, timestamp)
        assert tuple(leaves.headers) == (*headers, (ORIGIN, b"a.v1/3/17"), (HOP, b"hop"))
        assert (leaves.topic, leaves.partition, leaves.offset) == ("a.v1", 1, 99)
        assert (leaves.keyed_by, leaves.given) == (by, tuple(topics))


def test_record_that_is_sent_through_has_not_left() -> None:
    """There is nothing to restore before it lies there."""
    assert relay(ORIGINAL, b"order", at=AT) == Relayed(
        "a.v1", 3, 17, AT, b"order", b"v", [("h", b"1"), (TIMESTAMP, b"1234"), (KEY, b"customer")], None
    )


END = ((ORIGIN, b"a.v1/3/17"), (HOP, b"hop"))
FOREIGN = [
    pytest.param(None, ((TIMESTAMP, b"1"), *END), "it has no key", id="no key"),
    pytest.param(b"k", (), "does not end in", id="no headers"),
    pytest.param(b"k", ((TIMESTAMP, b"1"), ("h", b""), END[1]), "does not end in", id="no origin"),
    pytest.param(b"k", ((TIMESTAMP, b"1"), END[0], ("h", b"")), "does not end in", id="no hop"),
    pytest.param(b"k", ((TIMESTAMP, b"1"), (ORIGIN, b"?"), END[1]), "cannot be read", id="an unreadable origin"),
    pytest.param(b"k", (("h", b"1"), *END), f"no header {TIMESTAMP}", id="no timestamp"),
    pytest.param(b"k", ((TIMESTAMP, b"1x"), *END), f"no header {TIMESTAMP}", id="an unreadable timestamp"),
    pytest.param(b"k", ((TIMESTAMP, None), *END), f"no header {TIMESTAMP}", id="a timestamp of null"),
    pytest.param(b"k", ((KEY, b"1"), *END), f"no header {TIMESTAMP}", id="a key alone"),
    pytest.param(b"k", ((GIVEN, b"1"), *END), f"no header {TIMESTAMP}", id="topics alone"),
]


@pytest.mark.parametrize(("key", "headers", "problem"), FOREIGN)
def test_record_of_somebody_else_is_told(key: bytes | None, headers: Headers, problem: str) -> None:
    """It is nobody's that the router knows, and is not guessed at."""
    with pytest.raises(NotRelayed, match="not sent through here") as told:
        arrived(PlainRecord(topic="internal", key=key, value=b"v", headers=headers))
    assert problem in str(told.value)
    assert told.value.reason == "not-relayed"
