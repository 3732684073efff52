"""What became of a key, out of its changelog."""

from __future__ import annotations

import pytest

from router.lanes.fetching import FetchedRecord
from router.order.effects import Held
from router.order.policy import OrderPolicy, Sequence
from router.order.sequence import SequenceState
from router.order.stored import encode_state, record_key, state_key
from router.tables.changes import concerns, history_of
from router.tables.view import Explainer

EXPLAINER = Explainer(OrderPolicy(by="id", kind=Sequence("n"), wait_ms=5_000))
HELD = encode_state(SequenceState(1, 0, held=(Held(2, 40, 99_000),)))


def record(offset: int, key: bytes, value: bytes | None) -> FetchedRecord:
    return FetchedRecord("log", 3, offset, 100_000, key, value, ())


CHANGES = [
    record(7, state_key(b"k"), HELD),
    record(8, record_key(b"k", 40), b"record"),
    record(9, state_key(b"k"), encode_state(SequenceState(3, 0))),
    record(10, record_key(b"k", 40), None),
    record(12, state_key(b"k"), None),
]


def test_each_change_is_told_in_words() -> None:
    """States with how far the key had got, held records by their offsets, and the end."""
    told = history_of(CHANGES, key=b"k", partition=3, explainer=EXPLAINER, most=9, begins=5, start=5)
    assert [(each.offset, each.what) for each in told.changes] == [
        (7, "past 0; waits for 1, with 1 record held; it goes on without it from 1970-01-01T00:01:44.000Z"),
        (8, "held the record at offset 40"),
        (9, "past 2; holds nothing"),
        (10, "let go of the record at offset 40"),
        (12, "ended, or was forgotten"),
    ]
    assert told.whole


def test_state_that_cannot_be_read_is_told_as_such() -> None:
    """A history goes on behind it."""
    told = history_of(
        [record(1, state_key(b"k"), b"\x09")], key=b"k", partition=3, explainer=EXPLAINER, most=9, begins=0, start=0
    )
    assert "cannot be read" in told.changes[0].what


@pytest.mark.parametrize(
    ("most", "begins", "whole"), [(5, 0, True), (4, 0, False), (5, 1, False)], ids=["all", "some", "not-from-the-start"]
)
def test_history_says_whether_it_is_whole(most: int, begins: int, whole: bool) -> None:
    """What lay before it may be left out, or may not have been read."""
    told = history_of(CHANGES, key=b"k", partition=3, explainer=EXPLAINER, most=most, begins=begins, start=0)
    assert (len(told.changes), told.whole, told.changes[-1].offset) == (most, whole, 12)
    assert told.to_json()["changes"][-1] == {
        "offset": 12, "at": "1970-01-01T00:01:40.000Z", "what": "ended, or was forgotten",
    }  # fmt: skip
    assert (told.to_json()["begins"], told.to_json()["whole"], told.to_json()["problem"]) == (begins, whole, "")


@pytest.mark.parametrize(
    ("entry", "concerned"),
    [
        pytest.param(state_key(b"k"), True, id="state"),
        pytest.param(record_key(b"k", 1), True, id="held"),
        pytest.param(state_key(b"kk"), False, id="longer-key"),
        pytest.param(record_key(b"kk", 1), False, id="held-of-longer-key"),
        pytest.param(b"l", False, id="log"),
        pytest.param(None, False, id="none"),
    ],
)
def test_only_a_key_s_own_entries_concern_it(entry: bytes | None, concerned: bool) -> None:
    """Its state, and the records that are held under it."""
    assert concerns(b"k", entry) is concerned
