"""Copies that wait: what several source batches add to the same batches, and how it is counted."""

from __future__ import annotations

from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, Tally
from router.records.record import PlainRecord
from router.testing import MemoryBatch

SOURCE = SourcePartition("orders.v1", 3)
A, B = ("a.v1", 3), ("b.v1", 0)


def source_batch(*offsets: int) -> Batch:
    records = [PlainRecord(topic="orders.v1", partition=3, offset=offset) for offset in offsets]
    return Batch(SOURCE, 1, offsets[0], offsets[-1] + 1, records, 0.0)


def fill(batch: MemoryBatch, count: int) -> None:
    for _ in range(count):
        batch.append(timestamp=1, key=b"k", value=b"v", headers=[])


def test_a_later_source_batch_joins_the_batches_that_are_open() -> None:
    """One batch leaves where two would have; each source batch is counted for itself."""
    copies, batch = Copies(), MemoryBatch(10_000)
    first, second = Tally(), Tally()
    copies.begin(A, batch, 7)
    fill(batch, 2)
    copies.add(source_batch(7, 8), first)
    fill(copies.open[A], 3)
    copies.add(source_batch(9, 10, 11), second)
    copies.seal()
    assert copies.ready == [("a.v1", 3, batch, 11)]
    assert (first.copies, second.copies) == ({"a.v1": 2}, {"a.v1": 3})
    assert [(each.follows, each.next, each.records) for each in copies.batches] == [(7, 9, ()), (9, 12, ())]


def test_size_is_of_all_that_waits() -> None:
    """Full batches and open ones alike."""
    copies, full, growing = Copies(), MemoryBatch(10_000), MemoryBatch(10_000)
    assert copies.size == 0
    copies.begin(A, full, 7)
    fill(full, 2)
    copies.close(A, 8, Tally())
    copies.begin(B, growing, 9)
    fill(growing, 3)
    assert copies.size == full.size() + growing.size() > 0


def test_full_batch_leaves_before_the_one_that_follows_it() -> None:
    """Of a partition; it says up to where it holds copies."""
    copies, tally = Copies(), Tally()
    one, other, following = MemoryBatch(1), MemoryBatch(1), MemoryBatch(1)
    fill(copies.begin(A, one, 1), 1)
    copies.add(source_batch(1), tally)
    fill(copies.begin(B, other, 2), 1)
    later = Tally()
    copies.close(A, 2, later)
    fill(copies.begin(A, following, 2), 1)
    copies.add(source_batch(2), later)
    copies.seal()
    assert [(topic, batch, last) for topic, _, batch, last in copies.ready] == [
        ("a.v1", one, 1),
        ("b.v1", other, 2),
        ("a.v1", following, 2),
    ]
    assert (tally.copies, later.copies) == ({"a.v1": 1}, {"a.v1": 1, "b.v1": 1})


def test_batch_of_one_copy_names_its_own_offset() -> None:
    """Of a single copy we know which record is at fault where it is refused."""
    copies = Copies()
    fill(copies.begin(A, MemoryBatch(1_000), 4), 1)
    copies.add(source_batch(4, 5, 6), Tally())
    copies.seal()
    copies.seal()
    assert [last for *_, last in copies.ready] == [4]


def test_source_batch_without_copies_is_carried_too() -> None:
    """Its offset is committed with the others'."""
    copies = Copies()
    copies.add(Batch(SOURCE, 1, 4, 9, (), 0.0), Tally())
    copies.seal()
    assert (copies.ready, [each.next for each in copies.batches]) == ([], [9])
