"""What the steady load says of a record can be read where its copy arrives."""

from __future__ import annotations

from bench.job import orders
from bench.load import identity, is_watched, stamp


def test_stamps_are_read_as_written() -> None:
    """Number and time come back, and a record with them is as long as any other of the feed."""
    written = stamp(3_000_000, 1_700_000_000_123_456_789)
    assert identity(written) == (3_000_000, 1_700_000_000_123_456_789)
    assert len(written) == len(next(orders(1)).headers[0][1])


def test_watched_copies_are_about_half() -> None:
    """Enough of all partitions' records to see a pause in any."""
    every = list(orders(1000))
    watched = [order for order in every if is_watched(order)]
    assert 350 < len(watched) < 650
    assert all("bob-ru" in order.destinations for order in watched)
