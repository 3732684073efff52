"""What the table keeps, as bytes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import UnreadableState
from router.order.effects import Held
from router.order.event_time import TimeState
from router.order.resequencer import KeyState
from router.order.sequence import SequenceState
from router.order.states import StatesState
from router.order.stored import (
    RECORD_PREFIX,
    STATE_PREFIX,
    decode_log,
    decode_record,
    decode_state,
    encode_log,
    encode_record,
    encode_state,
    idle_since,
    key_of_record,
    key_of_state,
    record_key,
    record_prefix,
    state_key,
)
from router.records.record import PlainRecord

STATES: list[KeyState] = [
    SequenceState(7, 1_772_366_400_000),
    SequenceState(7, 5, 2, ((3, 4), (6, 6)), (Held(9, 100, 50), Held(9, 101, 51, tombstone=True))),
    SequenceState(2**63, 5, held=(Held(2**63 - 1, 2**63 - 1, -1),)),
    TimeState(None, 5),
    TimeState(-5, 5, (Held(-1, 7, 50),)),
    StatesState(("created", "опла́чен"), 5),
    StatesState((), 5, ("paid",), (Held("", 7, 50, tombstone=True), Held("shipped", 8, 51))),
]
RECORD = PlainRecord(
    topic="order.status.v1",
    partition=3,
    offset=1234,
    timestamp=-1,
    key=b"",
    value=b"\x00\xff",
    headers=(("a", b"1"), ("a", None), ("ключ", b"")),
)

i64, u63, texts = (
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.lists(st.text(max_size=9), max_size=4).map(tuple),
)


def held(place: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return strategies for what is held."""
    return st.lists(st.builds(Held, place, i64, i64, st.booleans()), max_size=4).map(tuple)


KEY_STATES = st.one_of(
    st.builds(SequenceState, u63, i64, u63, st.lists(st.tuples(u63, u63), max_size=4).map(tuple), held(u63)),
    st.builds(TimeState, st.none() | i64, i64, held(i64)),
    st.builds(StatesState, texts, i64, texts, held(st.text(max_size=9))),
)
RECORDS = st.builds(
    PlainRecord,
    topic=st.text("abc.-_", max_size=249),
    partition=st.integers(0, 2**31 - 1),
    offset=u63,
    timestamp=i64,
    key=st.none() | st.binary(),
    value=st.none() | st.binary(),
    headers=st.lists(st.tuples(st.text(), st.none() | st.binary()), max_size=4).map(tuple),
)


@pytest.mark.parametrize("state", STATES)
def test_a_state_comes_back_as_it_was(state: KeyState) -> None:
    """And most keys' are no more than 18 bytes."""
    assert decode_state(encode_state(state)) == state
    assert len(encode_state(STATES[0])) == 18


@given(KEY_STATES)
def test_every_state_comes_back_as_it_was(state: KeyState) -> None:
    """Whatever is in it."""
    assert decode_state(encode_state(state)) == state


@given(RECORDS, texts)
def test_a_held_record_comes_back_as_it_was(record: PlainRecord, given_copies: tuple[str, ...]) -> None:
    """Byte for byte: key, value, headers in their order, names that repeat."""
    stored = decode_record(encode_record(record, given_copies))
    assert (stored.record, stored.given) == (record, given_copies)


def test_a_long_header_name_and_no_headers_at_all_are_kept() -> None:
    """A name can be longer than a topic's; a record need not have a key or a value."""
    for record in (RECORD, PlainRecord(topic="t", headers=(("x" * 70_000, b""),))):
        assert decode_record(encode_record(record)).record == record


@pytest.mark.parametrize("state", STATES)
def test_no_part_of_a_state_can_be_missing(state: KeyState) -> None:
    """Cut anywhere it is refused; so is a byte too many."""
    stored = encode_state(state)
    for length in range(len(stored)):
        # A sequence without anything beside its number is whole at 18 bytes: only its kind says that more was there.
        if length != 18 or not isinstance(state, SequenceState) or state.held:
            with pytest.raises(UnreadableState):
                decode_state(stored[:length])
    with pytest.raises(UnreadableState):
        decode_state(stored + b"\x00")


def test_no_part_of_a_held_record_can_be_missing() -> None:
    """Cut anywhere it is refused; so is a byte too many."""
    stored = encode_record(RECORD, ("a", "b"))
    for length in range(len(stored)):
        with pytest.raises(UnreadableState):
            decode_record(stored[:length])
    with pytest.raises(UnreadableState, match="1 bytes are left over"):
        decode_record(stored + b"\x00")


@pytest.mark.parametrize(
    ("stored", "position", "problem"),
    [
        pytest.param(b"", 0, "it ends too early", id="nothing"),
        pytest.param(
            b"\x02" + bytes(17), 0, "its format is of version 2, and this router knows 1", id="a later version"
        ),
        pytest.param(b"\x01\x09" + bytes(16), 1, "there is no kind 9", id="another kind"),
        pytest.param(
            b"\x01\x82" + bytes(16) + b"\xff\xff\xff\xff",
            22,
            "4294967295 of them do not fit in what follows",
            id="too many",
        ),
        pytest.param(b"\x01\x03" + bytes(8) + b"\0\1\0\1\xff\0\0", 14, "a text is not UTF-8", id="no text"),
        pytest.param(
            b"\x01\x82" + bytes(16) + b"\0\0\0\1" + bytes(24) + b"\2",
            47,
            "a tombstone's mark is 0 or 1, not 2",
            id="no mark",
        ),
    ],
)
def test_what_is_wrong_with_a_state_is_said(stored: bytes, position: int, problem: str) -> None:
    """With the byte at which reading failed."""
    with pytest.raises(UnreadableState) as raised:
        decode_state(stored)
    assert (raised.value.what, raised.value.position, raised.value.problem) == ("a key's state", position, problem)
    assert str(raised.value) == f"a key's state in the table cannot be read at byte {position}: {problem}"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        pytest.param(b"\x01\x03", b"\x01\x04", "there is no 4", id="flags"),
        pytest.param(b"\0\0\0\1a\xff\xff\xff\xff", b"\0\0\0\1a\xff\xff\xff\xfe", "a length of -2", id="a length"),
        pytest.param("ключ".encode(), b"\xff" * 8, "a header's name is not UTF-8", id="a name"),
    ],
)
def test_what_is_wrong_with_a_held_record_is_said(old: bytes, new: bytes, problem: str) -> None:
    """As of a state."""
    stored = encode_record(RECORD)
    assert stored.count(old) == 1
    with pytest.raises(UnreadableState) as raised:
        decode_record(stored.replace(old, new))
    assert (raised.value.what, raised.value.problem) == ("a held record", problem)


@given(st.binary(max_size=80).map(lambda each: b"\x01" + each) | st.binary(max_size=80))
def test_foreign_bytes_are_refused_and_nothing_else_happens(stored: bytes) -> None:
    """What can be read at all is written back as it was, whatever wrote it."""
    ways: list[tuple[Any, Any]] = [(decode_state, encode_state), (decode_record, _again)]
    for decode, encode in ways:
        try:
            read = decode(stored)
        except UnreadableState:
            continue
        assert decode(encode(read)) == read


@given(st.sampled_from(STATES).map(encode_state) | st.just(encode_record(RECORD, ("a",))), st.data())
def test_damaged_bytes_are_refused_or_read(stored: bytes, data: st.DataObject) -> None:
    """One byte is another: no other exception, no endless reading."""
    at = data.draw(st.integers(0, len(stored) - 1))
    damaged = stored[:at] + bytes([data.draw(st.integers(0, 255))]) + stored[at + 1 :]
    for decode in (decode_state, decode_record):
        with suppress(UnreadableState):
            assert decode(damaged) is not None


def _again(stored: Any) -> bytes:
    return encode_record(stored.record, stored.given)


def test_entries_of_keys_that_begin_alike_are_told_apart() -> None:
    """A key is found by all of its bytes, and its records in the order of their offsets."""
    assert key_of_state(state_key(b"order-1")) == b"order-1"
    assert state_key(b"order-1").startswith(STATE_PREFIX)
    assert key_of_record(record_key(b"order-1", 5)) == b"order-1"
    assert key_of_record(record_key(b"", 5)) == b""
    assert record_key(b"order-1", 5).startswith(RECORD_PREFIX)
    assert not record_key(b"order-12", 5).startswith(record_prefix(b"order-1"))
    assert record_key(b"k", 255) < record_key(b"k", 256)
    assert len({state_key(b"r"), record_key(b"", 0), record_prefix(b"")}) == 3


@given(log=st.integers(0, 2**63 - 1))
def test_how_far_the_log_has_got_comes_back(log: int) -> None:
    """In nine bytes."""
    assert decode_log(encode_log(log)) == log


@pytest.mark.parametrize("stored", [b"", b"\x01", bytes([2, *[0] * 8]), bytes([1, *[0] * 9])])
def test_another_form_of_that_is_refused(stored: bytes) -> None:
    """Too short, too long, or of a later version."""
    with pytest.raises(UnreadableState):
        decode_log(stored)


@pytest.mark.parametrize(
    "state",
    [SequenceState(7, 55), SequenceState(7, 55, 3, ((1, 2),)), TimeState(4, 55), StatesState(("a",), 55)],
    ids=["sequence", "sequence-with-gaps", "time", "states"],
)
def test_key_that_holds_nothing_says_since_when(state: KeyState) -> None:
    """Without reading all of it; one that holds something says nothing."""
    assert idle_since(encode_state(state)) == 55
    held: Any = (Held("a" if isinstance(state, StatesState) else 9, 1, 1),)
    assert idle_since(encode_state(replace(state, held=held))) is None


def test_state_that_cannot_be_read_says_nothing_of_its_age() -> None:
    """Neither a later version nor half of one."""
    for stored in (b"", b"\x02\x01" + bytes(8), b"\x01\x01\x00"):
        with pytest.raises(UnreadableState):
            idle_since(stored)
