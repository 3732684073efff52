"""Whether a lane under load gathers more copies before it sends what it has.

Whatever is in it, a batch costs a producer and a broker about as much as six copies do: an object for each that waits for it, a
checksum, an answer, an append to a log. Few destinations fill their batches with what one fetch brings. Two hundred get a few
records each, and a lane that sends at once spends half of its time on batches. So where there are many, and their batches are small, and
more is waiting to be read, it gathers until they are as large as other clients' are by default (`batch.size`, 16 KiB), though no longer
than between two commits: until then nobody would see them anyway.
"""

from __future__ import annotations

from router.lanes.copies import Copies

__all__ = ["gathers"]

_MANY = 50
"""Batches. With fewer, those of one sending cost less than two milliseconds."""
_FULL = 16 * 1024
"""Bytes of a batch that is worth sending."""


def gathers(copies: Copies, size: int) -> bool:
    """Whether copies of so many bytes in all had better wait for those of the next source batch."""
    count = len(copies.ready) + len(copies.open)
    return count >= _MANY and size < count * _FULL and bool(copies.batches) and not copies.batches[-1].caught_up
