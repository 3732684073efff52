"""What travels from the consumer to a lane: a run of one partition's records that says what it follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.records.record import Record

__all__ = ["Batch", "SourcePartition"]


@dataclass(frozen=True, slots=True, order=True)
class SourcePartition:
    """One partition of a broad topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True)
class Batch:
    """All records that one fetch brought for one partition.

    Offsets may have holes (compaction, transaction markers), so records alone cannot show that none is missing. Hence
    the consumer's own position before and after them: a batch is continuous with its lane when it follows the lane's
    position. A batch may hold no record and only move the position on.
    """

    source: SourcePartition
    epoch: int
    """Counts the seeks of the partition: a batch that was fetched before the last one is stale."""
    follows: int
    """The consumer's position before the first record."""
    next: int
    """The consumer's position after the last one."""
    records: Sequence[Record]
    received: float
    """When it was fetched: seconds since the epoch."""
    caught_up: bool = False
    """As far as the consumer knows, the log held no more behind it, when it was fetched, than itself: there is no backlog."""
