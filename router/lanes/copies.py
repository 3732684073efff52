"""Copies that wait to be sent: batches by destination, filled from one source batch after another.

While a lane waits for its brokers, source batches go on arriving. Their copies join those that wait already, so that what
a slow moment piles up leaves in few large batches, not in many small ones: each costs brokers and worker the same.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from router.exchange.decision import Decision
from router.lanes.batch import Batch

__all__ = ["Copies", "CopyBatch", "FailureTally", "OrderTally", "Tally", "TopicPartition"]

TopicPartition = tuple[str, int]


class CopyBatch(Protocol):
    """A record batch that is being filled: aiokafka's `BatchBuilder`."""

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Any) -> object | None:
        """Add a record; None where it is full."""

    def record_count(self) -> int: ...

    def size(self) -> int:
        """Bytes so far."""


@dataclass(slots=True)
class OrderTally:
    """What came of putting records in order."""

    held: int = 0
    """Records that came before their time."""
    released: Counter[str] = field(default_factory=Counter)
    """Records that had been held and were sent, by the cause (`router.order.effects.Cause`)."""
    gaps: int = 0
    """Times that a key went on without what was missing."""
    late: int = 0
    duplicates: int = 0
    illegal: int = 0
    """Records with a state that their key can never get to."""

    def take(self, other: OrderTally) -> None:
        """Count what another has counted as well."""
        self.held += other.held
        self.released.update(other.released)
        self.gaps += other.gaps
        self.late += other.late
        self.duplicates += other.duplicates
        self.illegal += other.illegal


@dataclass(slots=True)
class FailureTally:
    """What came of copies that their consumers rejected: all by destination."""

    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rejections, by destination and reason; one that was read before counts as `repeat`."""
    held: Counter[str] = field(default_factory=Counter)
    """Copies that were not sent when they came, since their key waits."""
    released: Counter[str] = field(default_factory=Counter)
    """Copies that had been held, and were sent."""
    retried: Counter[str] = field(default_factory=Counter)
    """Copies that had come back, and were sent again."""
    parked: Counter[str] = field(default_factory=Counter)
    """Rejected copies that wait for somebody to decide."""
    dead: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Dead letters, by destination and the reason of the last rejection."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Rejected copies that were given up without a dead letter."""


@dataclass(slots=True)
class Tally:
    """What a batch came to, for metrics: counted once a batch, never per record."""

    copies: dict[str, int] = field(default_factory=dict)
    """Copies by destination."""
    dead_letters: Counter[str] = field(default_factory=Counter)
    """By reason: whole records, and single copies that their destination refused."""
    routed: int = 0
    """Records with at least one destination."""
    unroutable: int = 0
    """Records with none, for the unroutable topic."""
    set_aside: int = 0
    """Records that were not routed but became a dead letter."""
    condition_failures: int = 0
    """Bindings' conditions that could not be evaluated on a record."""
    dropped: int = 0
    """Tombstones that their exchanges drop."""
    order: OrderTally | None = None
    """Of a source that is put in order."""
    failure: FailureTally | None = None
    """Where consumers have rejected something."""
    seconds: float = 0.0
    """Of this thread, reading, deciding and writing copies."""

    @property
    def failing(self) -> FailureTally:
        """To count in what came of rejections."""
        if self.failure is None:
            self.failure = FailureTally()
        return self.failure

    def take(self, other: Tally) -> None:
        """Count what another has counted as well."""
        for topic, count in other.copies.items():
            self.copies[topic] = self.copies.get(topic, 0) + count
        self.dead_letters.update(other.dead_letters)
        self.routed += other.routed
        self.unroutable += other.unroutable
        self.set_aside += other.set_aside
        self.condition_failures += other.condition_failures
        self.dropped += other.dropped
        self.seconds += other.seconds
        if other.order is not None:
            self.order = self.order or OrderTally()
            self.order.take(other.order)
        if other.failure is not None:
            self.failing.held.update(other.failure.held)

    def count(self, decision: Decision, *, given: bool = False) -> None:
        """A record came to this; `given` where a part of its copies went before."""
        if decision.topics or given:
            self.routed += 1
        elif decision.unroutable:
            self.unroutable += 1
        else:
            self.dropped += 1


@dataclass(slots=True)
class Copies:
    """Everything that some successive source batches lead to."""

    batches: list[Batch] = field(default_factory=list)
    """The source batches, without their records: nobody asks for the originals any more."""
    ready: list[tuple[str, int, CopyBatch, int]] = field(default_factory=list)
    """Topic, partition, filled batch, and the source offset up to which it holds copies (of a single copy: its own);
    in the order in which they must be sent."""
    open: dict[TopicPartition, CopyBatch] = field(default_factory=dict)
    """The batches that still take copies."""
    _first: dict[TopicPartition, int] = field(default_factory=dict)
    _counted: dict[TopicPartition, int] = field(default_factory=dict)
    """Copies in the open batches that a tally has already."""
    _last: int = -1

    @property
    def size(self) -> int:
        """Bytes of all copies."""
        full = sum(batch.size() for _, _, batch, _ in self.ready)
        return full + sum(batch.size() for batch in self.open.values())

    def begin(self, at: TopicPartition, batch: CopyBatch, offset: int) -> CopyBatch:
        """A new batch takes copies from now on, that of this source offset first."""
        self.open[at] = batch
        self._first[at] = offset
        return batch

    def close(self, at: TopicPartition, offset: int, tally: Tally) -> None:
        """A batch takes no more: it holds copies of records up to this offset."""
        batch = self.open.pop(at)
        count = batch.record_count()
        self._count(at, count, tally)
        self._counted.pop(at, None)
        topic, partition = at
        self.ready.append((topic, partition, batch, self._first[at] if count == 1 else offset))

    def add(self, batch: Batch, tally: Tally) -> None:
        """All copies of a source batch are in."""
        self.count(tally)
        if batch.records:
            self._last = batch.records[-1].offset
        self.batches.append(replace(batch, records=()))

    def count(self, tally: Tally) -> None:
        """Whatever was added since the last count is of this tally."""
        for at, current in self.open.items():
            self._count(at, current.record_count(), tally)

    def _count(self, at: TopicPartition, count: int, tally: Tally) -> None:
        more = count - self._counted.get(at, 0)
        self._counted[at] = count
        if more:
            tally.copies[at[0]] = tally.copies.get(at[0], 0) + more

    def seal(self) -> None:
        """Nothing more is added: what is open is ready as well."""
        counted = Tally()
        for at in list(self.open):
            self.close(at, self._last, counted)
