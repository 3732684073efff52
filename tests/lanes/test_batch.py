"""Source partitions and batches are plain values."""

from __future__ import annotations

from router.lanes.batch import Batch, SourcePartition


def test_partition_reads_as_topic_and_number() -> None:
    """Logs and errors name a partition the way an origin header does."""
    assert str(SourcePartition("order.status.v1", 3)) == "order.status.v1/3"


def test_partitions_are_ordered_by_topic_then_number() -> None:
    """The order is that of numbers, not of their texts."""
    shuffled = [SourcePartition("b", 0), SourcePartition("a", 10), SourcePartition("a", 9)]
    assert sorted(shuffled) == [SourcePartition("a", 9), SourcePartition("a", 10), SourcePartition("b", 0)]


def test_batch_without_records_still_moves_the_position() -> None:
    """Transaction markers and compaction leave runs of offsets in which there is nothing to carry."""
    batch = Batch(SourcePartition("a", 0), epoch=1, follows=5, next=9, records=(), received=0.0)
    assert (batch.follows, batch.next, list(batch.records)) == (5, 9, [])
