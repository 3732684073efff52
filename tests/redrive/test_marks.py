"""Which dead letters somebody has decided about."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import UnreadableState
from router.redrive.marks import PAGE, REDRIVEN_TOPIC, Decided, Marks

LETTERS = "vip.v1.dead-letters"
PLACES = st.tuples(st.integers(0, 3), st.integers(0, 3 * PAGE))


def reread(marks: Marks, *, topics: tuple[str, ...] = (LETTERS,)) -> Marks:
    """Return what somebody else reads of all that was put."""
    other = Marks()
    for each in marks.take_changes():
        other.read(each.key, each.value, topics=topics)
    return other


@given(st.dictionaries(PLACES, st.sampled_from(Decided)))
def test_what_was_decided_comes_back(decided: dict[tuple[int, int], Decided]) -> None:
    """Of each dead letter by itself; of all others nothing was decided."""
    marks = Marks()
    for (partition, offset), each in decided.items():
        marks.put(LETTERS, partition, offset, each)
    other = reread(marks)
    for known in (marks, other):
        assert {place: known.of(LETTERS, *place) for place in decided} == decided
        assert known.of(LETTERS, 9, 5) is Decided.OPEN


def test_pages_that_changed_are_written_once() -> None:
    """Each as one record, under the topic, the partition and its number."""
    marks = Marks()
    for offset in (0, 1, PAGE - 1, PAGE):
        marks.put(LETTERS, 2, offset, Decided.SENT)
    changes = marks.take_changes()
    assert [(each.topic, each.key) for each in changes] == [
        (REDRIVEN_TOPIC, b"vip.v1.dead-letters/2/0"),
        (REDRIVEN_TOPIC, b"vip.v1.dead-letters/2/1"),
    ]
    assert marks.take_changes() == []


def test_later_word_counts() -> None:
    """A page is replaced as a whole, and one that was deleted has decided nothing."""
    marks = Marks()
    marks.put(LETTERS, 0, 5, Decided.SKIPPED)
    other = reread(marks)
    marks.put(LETTERS, 0, 5, Decided.OPEN)
    (change,) = marks.take_changes()
    other.read(change.key, change.value, topics=[LETTERS])
    assert other.of(LETTERS, 0, 5) is Decided.OPEN
    marks.put(LETTERS, 0, 5, Decided.SENT)
    other = reread(marks)
    other.read(b"vip.v1.dead-letters/0/0", None, topics=[LETTERS])
    assert other.of(LETTERS, 0, 5) is Decided.OPEN


def test_other_topics_are_left_alone() -> None:
    """So that memory holds what one command is about."""
    marks = Marks()
    marks.put(LETTERS, 0, 5, Decided.SENT)
    assert reread(marks, topics=("other",)).of(LETTERS, 0, 5) is Decided.OPEN
    marks.read(None, b"", topics=[LETTERS])
    marks.read(b"no page", b"", topics=[LETTERS])
    assert marks.of(LETTERS, 0, 5) is Decided.SENT


@pytest.mark.parametrize("value", [b"", b"\x01short", b"\x02" + bytes(PAGE // 4)])
def test_damaged_page_is_refused(value: bytes) -> None:
    """Guessing would send something twice."""
    with pytest.raises(UnreadableState, match="decided about dead letters of vip"):
        Marks().read(b"vip.v1.dead-letters/0/0", value, topics=[LETTERS])
