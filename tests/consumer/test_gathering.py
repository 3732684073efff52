"""The heart of the ready-made consumers."""

from __future__ import annotations

import pytest

from router.consumer.errors import Unrejectable
from router.consumer.gathering import Counts, Gathering, Met, Share
from router.consumer.reasons import Failure
from router.failure.rejections import (
    Acknowledgement,
    Lane,
    Rejection,
    ReleaseMark,
    read_rejected,
    release_headers,
)
from router.failure.skipping import Skipping, skip_mark
from router.records.headers import ORIGIN, Origin
from router.records.record import PlainRecord

TOPIC = "vip.v1"


def copy(offset: int, key: bytes | None = b"k", *, partition: int = 0, origin: bytes | None = None) -> PlainRecord:
    """Return a record as the router writes it."""
    headers = ((ORIGIN, b"orders.v1/4/%d" % (offset + 100) if origin is None else origin),)
    return PlainRecord(
        topic=TOPIC, partition=partition, offset=offset, key=key, value=b"v%d" % offset, headers=headers
    )  # fmt: skip


def release(offset: int, first: int) -> PlainRecord:
    """Return the release mark of a parking."""
    mark = ReleaseMark(b"k", 3, Lane("orders.v1", 4), Origin(TOPIC, 0, first))
    return PlainRecord(topic=TOPIC, offset=offset, headers=release_headers(mark))


def gathering(*partitions: int, keep: bool = True, commit_every: float = 1.0) -> Gathering:
    """Return one that has these partitions, at offset 10, with nothing parked."""
    made = Gathering(TOPIC, keep=keep, commit_every=commit_every)
    for partition in partitions or (0,):
        made.given(partition, committed=10, marks_end=0)
    return made


def test_what_is_well_needs_an_offset_only() -> None:
    """However many records there are, and none of them is met again."""
    one = gathering()
    for offset in (10, 11, 15):
        assert one.meet(copy(offset), 0.0) is Met.PROCESS
        one.processed(copy(offset), 0.0)
    assert one.meet(copy(11), 0.0) is Met.STRANGE
    assert one.shares == [Share(partition=0, next=16, writes=())]
    one.committed(one.shares, 0.0)
    assert one.shares == []
    assert one.counts == Counts(processed=3)
    assert one.position(0) == 16


def test_a_failure_and_all_behind_it_are_one_share() -> None:
    """The rejection, then the mark, then what was not looked at; others of the partition go on."""
    one = gathering()
    assert one.meet(copy(10), 0.0) is Met.PROCESS
    one.failed(copy(10), Failure(reason="out-of-range", error="too much", error_class="E", place="value:amount"), 0.0)
    assert one.meet(copy(11), 0.0) is Met.DONE
    assert one.meet(copy(12, b"other"), 0.0) is Met.PROCESS
    one.processed(copy(12, b"other"), 0.0)
    (share,) = one.shares
    assert (share.next, [write.topic for write in share.writes]) == (
        13,
        ["vip.v1.rejected", "vip.v1.parked", "vip.v1.rejected"],
    )
    failed, mark, behind = share.writes
    assert (mark.partition, mark.key, mark.value) == (0, b"k", b"0/10")
    told = [
        read_rejected(
            PlainRecord(
                topic=each.topic, partition=each.partition, key=each.key, value=each.value, headers=each.headers
            )
        )
        for each in (failed, behind)
    ]
    assert isinstance(told[0], Rejection)
    assert isinstance(told[1], Rejection)
    assert (told[0].reason, told[0].error, told[0].error_class, told[0].place) == (
        "out-of-range", "too much", "E", "value:amount",
    )  # fmt: skip
    assert (told[0].copy, told[0].origin, told[0].parks) == (Origin(TOPIC, 0, 10), Origin("orders.v1", 4, 110), True)
    assert told[1].behind
    assert one.parked == {0: 1}
    assert one.counts == Counts(processed=1, rejected=1, behind=1)


def test_without_keeping_keys_only_the_record_is_rejected() -> None:
    """What follows of its key is processed."""
    one = gathering(keep=False)
    one.meet(copy(10), 0.0)
    one.failed(copy(10), Failure(), 0.0)
    assert one.meet(copy(11), 0.0) is Met.PROCESS
    assert [write.topic for write in one.shares[0].writes] == ["vip.v1.rejected"]


def test_a_release_mark_is_acknowledged_and_ends_its_parking_only() -> None:
    """An old one moves the offset, and nothing else."""
    one = gathering()
    one.meet(copy(10), 0.0)
    one.failed(copy(10), Failure(), 0.0)
    one.committed(one.shares, 0.0)
    assert one.meet(release(11, first=4), 0.0) is Met.DONE
    assert one.shares == [Share(partition=0, next=12, writes=())]
    assert one.meet(release(12, first=10), 0.0) is Met.DONE
    mark, acknowledgement = one.shares[0].writes
    assert (mark.key, mark.value) == (b"k", None)
    told = read_rejected(
        PlainRecord(
            topic=acknowledgement.topic,
            partition=acknowledgement.partition,
            key=acknowledgement.key,
            headers=acknowledgement.headers,
        )
    )
    assert told == Acknowledgement(b"k", 3, Lane("orders.v1", 4))
    assert one.meet(copy(13), 0.0) is Met.PROCESS
    assert one.counts.released == 2


def test_marks_are_known_before_anything_is_met() -> None:
    """Later ones are its own, and old: but for those that skip."""
    one = Gathering(TOPIC)
    one.given(0, committed=10, marks_end=2)
    one.marked(0, b"k", b"0/5", ())
    one.marks_read(0, 1)
    assert one.meet(copy(10), 0.0) is Met.STRANGE
    assert not one.ready(0)
    one.marks_read(0, 2)
    assert one.ready(0)
    assert one.meet(copy(10), 0.0) is Met.DONE
    one.marked(0, b"other", b"0/6", ())
    assert one.meet(copy(11, b"other"), 0.0) is Met.PROCESS
    assert not one.skips(copy(11, b"other"))
    mark = skip_mark(Origin(TOPIC, 0, 11))
    assert one.marked(0, mark.key, mark.value, mark.headers) == Skipping(11, skip=True)
    assert one.skips(copy(11, b"other"))
    assert one.meet(copy(11, b"other"), 0.0) is Met.DONE
    assert one.counts.skipped == 1
    assert one.marked(7, b"k", b"7/1", ()) is None
    one.marks_read(7, 1)


def test_what_is_done_after_a_partition_was_taken_counts_no_more() -> None:
    """Nor where it came back meanwhile: its records are met from the committed offset on."""
    one = gathering()
    assert one.partitions == {0}
    one.meet(copy(10), 0.0)
    one.processed(copy(10), 0.0)
    one.meet(copy(11), 0.0)
    one.taken(0)
    one.taken(0)
    one.processed(copy(11), 0.0)
    one.failed(copy(11), Failure(), 0.0)
    assert (one.shares, one.meet(copy(12), 0.0)) == ([], Met.STRANGE)
    one.given(0, committed=10, marks_end=0)
    one.processed(copy(11), 0.0)
    assert (one.shares, one.position(0)) == ([], 10)
    assert not one.skips(copy(11))


def test_what_comes_while_a_commit_is_on_its_way_is_kept_for_the_next() -> None:
    """Of the same partition, and of others."""
    one = gathering(0, 1)
    one.meet(copy(10), 0.0)
    one.failed(copy(10), Failure(), 0.0)
    on_its_way = one.shares
    one.meet(copy(11), 0.0)
    one.meet(copy(10, partition=1), 0.0)
    one.processed(copy(10, partition=1), 0.0)
    one.committed(on_its_way, 5.0)
    first, second = one.shares
    assert (first.next, len(first.writes)) == (12, 1)
    assert second == Share(partition=1, next=11, writes=())
    one.taken(0)
    one.committed([first, second], 6.0)
    assert one.shares == []


def test_commits_are_due_when_something_is_rejected_or_time_has_passed() -> None:
    """And never where there is nothing to commit."""
    one = gathering()
    assert not one.due(100.0, idle=True)
    one.meet(copy(10), 7.0)
    one.processed(copy(10), 7.0)
    assert [one.due(now, idle=True) for now in (7.0, 7.9, 8.0)] == [False, False, True]
    one.meet(copy(11), 7.5)
    one.failed(copy(11), Failure(), 7.5)
    assert (one.due(7.5, idle=False), one.due(7.5, idle=True)) == (False, True)
    one.committed(one.shares, 7.6)
    assert not one.due(9.0, idle=True)
    often = gathering(commit_every=0.0)
    often.meet(copy(10), 7.0)
    often.processed(copy(10), 7.0)
    assert often.due(7.0, idle=False)


@pytest.mark.parametrize("origin", [b"", b"nonsense"])
def test_what_no_worker_wrote_cannot_be_rejected(origin: bytes) -> None:
    """Nobody knows the lane of its key; it is not passed by either."""
    one = gathering()
    strange = copy(10, origin=origin)
    one.meet(strange, 0.0)
    with pytest.raises(
        Unrejectable, match=r"vip.v1/0/10 cannot be rejected \(too much\): it has no header router-origin"
    ):
        one.failed(strange, Failure(error="too much"), 0.0)
    assert (one.position(0), one.shares) == (10, [])
