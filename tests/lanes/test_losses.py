"""The dead letter of what is lost."""

from __future__ import annotations

import pytest

from router.errors import DestinationUnavailable, InvariantError, OffsetOutOfRange
from router.failure.notes import ERROR, LOST, REASON
from router.lanes.losses import note_of
from router.records.headers import ORIGIN
from router.testing import MemoryBatch


class Topics:
    """Knows how many partitions there are, of all that exists."""

    def __init__(self, count: int) -> None:
        self.count = count

    def partitions(self, topic: str) -> int:
        if topic != "orders.v1.dead-letters" or not self.count:
            raise DestinationUnavailable(topic=topic, problem="does not exist")
        return self.count


def loss(*, committed: int = 120, earliest: int = 150, partition: int = 3) -> OffsetOutOfRange:
    return OffsetOutOfRange(topic="orders.v1", partition=partition, committed=committed, earliest=earliest, latest=400)


@pytest.mark.parametrize(("partitions", "expected"), [(4, 3), (8, 3), (2, 1), (1, 0)])
def test_note_lies_where_a_record_without_a_key_would(partitions: int, expected: int) -> None:
    """Beside the other dead letters of its partition, as far as the topic has as many."""
    ((topic, partition, batch, offset),) = note_of(
        loss(), destinations=Topics(partitions), new_batch=lambda _: MemoryBatch(10_000), at=1.5
    ).ready
    assert (topic, partition, offset, batch.record_count()) == ("orders.v1.dead-letters", expected, 120, 1)


def test_note_names_what_is_lost() -> None:
    """For programs and for people; key and value are gone."""
    batch = MemoryBatch(10_000)
    note_of(loss(), destinations=Topics(4), new_batch=lambda _: batch, at=1.5)
    ((timestamp, key, value, found),) = batch.records
    headers = dict(found)
    assert (timestamp, key, value) == (1500, None, None)
    assert (headers[ORIGIN], headers[REASON], headers[LOST]) == (b"orders.v1/3/120", b"offsets-lost", b"120-149")
    assert headers[ERROR] == (
        b"orders.v1/3 holds offsets 150 to 400, the group stands at 120: the 30 between were deleted before they were copied"
    )


def test_note_of_another_log_names_nothing() -> None:
    """Of the former one nothing is known."""
    batch = MemoryBatch(10_000)
    note_of(loss(committed=500, earliest=0), destinations=Topics(4), new_batch=lambda _: batch, at=1.5)
    ((*_, headers),) = batch.records
    assert LOST not in dict(headers)


def test_note_without_a_topic_is_not_made() -> None:
    """The lane waits for it."""
    with pytest.raises(DestinationUnavailable):
        note_of(loss(), destinations=Topics(0), new_batch=lambda _: MemoryBatch(10_000), at=1.5)


def test_note_that_no_batch_takes_is_a_contradiction() -> None:
    """A batch takes its first record whatever its size."""
    batch = MemoryBatch(1)
    batch.append(timestamp=1, key=None, value=b"x", headers=[])
    with pytest.raises(InvariantError):
        note_of(loss(), destinations=Topics(1), new_batch=lambda _: batch, at=1.5)
