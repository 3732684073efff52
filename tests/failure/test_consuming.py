"""A consumer that rejects without losing a key's order."""

from __future__ import annotations

import pytest

from router.errors import InvariantError
from router.failure.consuming import UNKNOWN, Parking, PartitionConsumer, Turn, decode_mark, encode_mark
from router.failure.parking import Place


def consumer(*parked: tuple[bytes, Place]) -> PartitionConsumer:
    """Return partition 3 at offset 10, with these keys parked."""
    made = PartitionConsumer(3)
    made.begin(committed=10, marks_end=len(parked))
    for key, since in parked:
        made.marked(key, since)
    made.marks_read(len(parked))
    return made


def test_a_key_that_fails_is_parked_since_that_copy() -> None:
    """Rejection, mark and offset in one turn; what follows is behind until the mark of that parking."""
    one = consumer()
    assert one.meet(b"k", 10) is None
    turn = one.failed(b"k", 10)
    assert turn == Turn(next=11, rejects="failed", parks=True, mark=Parking(b"k", (3, 10)))
    one.committed(turn)
    assert (one.position, one.parked) == (11, {b"k": (3, 10)})
    assert one.meet(b"k", 11) == Turn(next=12, rejects="behind", parks=True)
    assert one.meet(b"other", 12) is None
    done = one.processed(12)
    assert done == Turn(next=13)
    one.committed(done)
    assert one.position == 13
    assert one.meet_release(b"k", 13, epoch=1, first=(3, 4)) == Turn(next=14)
    turn = one.meet_release(b"k", 14, epoch=2, first=(3, 10))
    assert turn == Turn(next=15, acknowledges=2, mark=Parking(b"k", None))
    one.committed(turn)
    assert one.parked == {}
    assert one.meet(b"k", 15) is None


def test_a_turn_that_was_not_committed_changes_nothing() -> None:
    """The same record is met again."""
    one = consumer()
    one.failed(b"k", 10)
    assert one.meet(b"k", 10) is None
    assert one.position == 10


@pytest.mark.parametrize(("key", "keep"), [(None, True), (b"k", False)])
def test_what_keeps_no_key_parks_none(key: bytes | None, *, keep: bool) -> None:
    """A record without a key has no others that it could hold up."""
    assert consumer().failed(key, 10, keep=keep) == Turn(next=11, rejects="failed")
    assert consumer((b"k", (3, 1))).meet(None, 10) is None


def test_a_mark_of_no_known_parking_is_acknowledged() -> None:
    """The lane waits for it, as after offsets were set back."""
    assert consumer().meet_release(b"k", 10, epoch=4, first=(3, 1)) == Turn(next=11, acknowledges=4)


@pytest.mark.parametrize(
    ("since", "first"),
    [pytest.param((3, 5), None, id="a mark without a copy"), pytest.param(UNKNOWN, (3, 5), id="an unreadable parking")],
)
def test_where_one_side_does_not_know_the_copy_any_mark_ends_the_parking(since: Place, first: Place | None) -> None:
    """Else the key would wait for ever."""
    turn = consumer((b"k", since)).meet_release(b"k", 10, epoch=1, first=first)
    assert turn == Turn(next=11, acknowledges=1, mark=Parking(b"k", None))


def test_nothing_is_met_before_all_marks_are_known() -> None:
    """Up to the end that was read after the offset."""
    one = PartitionConsumer(3)
    one.marks_read(100)
    assert not one.ready
    one.begin(committed=10, marks_end=2)
    one.marked(b"k", (3, 5))
    one.marks_read(1)
    with pytest.raises(InvariantError, match="partition 3"):
        one.meet(b"k", 10)
    with pytest.raises(InvariantError):
        one.meet_release(b"k", 10, epoch=1, first=None)
    one.marked(b"k", None)
    one.marked(b"other", None)
    one.marks_read(2)
    one.marks_read(1)
    assert one.meet(b"k", 10) is None


def test_a_partition_that_comes_back_is_read_anew() -> None:
    """What was parked meanwhile, another consumer knows better."""
    one = consumer((b"k", (3, 5)))
    one.begin(committed=20, marks_end=7)
    assert (one.ready, one.parked) == (False, {})


def test_what_is_to_be_skipped_is_neither_processed_nor_rejected() -> None:
    """Whether its key is parked or not; a release mark is no such record, and is met."""
    one = consumer((b"k", (3, 5)))
    one.skip(10)
    one.skip(11)
    one.skip(12)
    one.skip(11, skip=False)
    assert [one.skips(each) for each in (10, 11, 12)] == [True, False, True]
    assert one.meet(b"k", 10) == one.meet(None, 10) == Turn(next=11, skips=True)
    assert one.meet(b"k", 11) == Turn(next=12, rejects="behind", parks=True)
    assert one.meet_release(b"k", 12, epoch=1, first=(3, 5)).acknowledges == 1
    one.begin(committed=10, marks_end=0)
    assert one.meet(b"k", 10) is None


@pytest.mark.parametrize(
    ("value", "since"),
    [
        pytest.param(b"3/10", (3, 10), id="a place"),
        pytest.param(None, None, id="parked no more"),
        pytest.param(b"", UNKNOWN, id="empty"),
        pytest.param(b"x/1", UNKNOWN, id="no partition"),
        pytest.param(b"1/", UNKNOWN, id="no offset"),
        pytest.param(b"1/" + b"9" * 40, UNKNOWN, id="no possible offset"),
    ],
)
def test_a_mark_that_cannot_be_read_parks_its_key(value: bytes | None, since: Place | None) -> None:
    """Parked wrongly it is released by the next mark; flowing wrongly it would lose its order."""
    assert decode_mark(value) == since
    if since != UNKNOWN:
        assert encode_mark(since) == value
