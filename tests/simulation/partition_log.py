"""One partition as its leader keeps it: records, control markers, what is known of its producers, the last stable offset.

After Kafka's ProducerStateManager: of each producer the epoch and the last five batches are known. A batch that is sent again
is acknowledged and not written again; one that is out of sequence is refused; a producer that the partition has not heard of
may begin with any number. A transaction's records count for read_committed readers once its marker stands behind them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from router.records.record import PlainRecord

__all__ = ["Appended", "Entry", "PartitionLog", "Transaction"]

OUT_OF_ORDER_SEQUENCE = 45
INVALID_PRODUCER_EPOCH = 47


@dataclass(eq=False, slots=True)
class Transaction:
    """One transaction of one producer, and what became of it."""

    owner: str
    """The transactional id."""
    number: int
    committed: bool | None = None
    """None as long as it is open; decided before its markers are written."""
    orphan: bool = False
    """Its coordinator knows nothing of it: only the next marker of its producer, if one ever comes, ends it."""

    def __str__(self) -> str:
        return f"transaction {self.number} of {self.owner}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands at an offset."""

    record: PlainRecord | None
    """None for a control marker."""
    transaction: Transaction | None = None
    batch: int = 0
    """Which appended batch it came with: the number of the first entry."""


@dataclass(slots=True)
class _Producer:
    epoch: int
    next_sequence: int | None = None
    recent: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=5))
    """First and next sequence number of a batch, and the offset that it got."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of a batch."""

    error: int
    offset: int = -1
    repeated: bool = False
    """It was there already."""


class PartitionLog:
    """One partition of one life of its topic."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.entries: list[Entry | None] = []
        """By offset; None where compaction left a hole."""
        self.start = 0
        """What lies before, retention has removed."""
        self.open: dict[int, int] = {}
        """Producers with an open transaction here, and the offset of its first record."""
        self._producers: dict[int, _Producer] = {}
        self._orphans: dict[int, list[Transaction]] = {}

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"

    @property
    def end(self) -> int:
        """The offset of the next record."""
        return len(self.entries)

    @property
    def last_stable(self) -> int:
        """Up to where read_committed readers may read."""
        return min(self.open.values(), default=self.end)

    def committed(self) -> Iterator[tuple[int, PlainRecord]]:
        """What read_committed readers see, by offset."""
        stable = self.last_stable
        for offset in range(self.start, stable):
            entry = self.entries[offset]
            if (
                entry is not None
                and entry.record is not None
                and (entry.transaction is None or entry.transaction.committed)
            ):
                yield offset, entry.record

    def append(
        self,
        records: list[PlainRecord],
        *,
        producer: int,
        epoch: int,
        sequence: int,
        transaction: Transaction | None,
    ) -> Appended:
        """A producer's batch."""
        state = self._producers.get(producer)
        count = len(records)
        if state is None:
            state = self._producers[producer] = _Producer(epoch)
        elif epoch < state.epoch:
            return Appended(INVALID_PRODUCER_EPOCH)
        elif epoch > state.epoch:
            if sequence != 0:
                return Appended(OUT_OF_ORDER_SEQUENCE)
            state.epoch = epoch
            state.next_sequence = None
            state.recent.clear()
        for first, following, offset in state.recent:
            if (first, following) == (sequence, sequence + count):
                return Appended(0, offset, repeated=True)
        if state.next_sequence is not None and sequence != state.next_sequence:
            return Appended(OUT_OF_ORDER_SEQUENCE)
        offset = self.end
        state.next_sequence = sequence + count
        state.recent.append((sequence, sequence + count, offset))
        if transaction is not None:
            self.open.setdefault(producer, offset)
            if transaction.orphan:
                self._orphans.setdefault(producer, []).append(transaction)
        self.entries += [Entry(record, transaction, offset) for record in records]
        return Appended(0, offset)

    def mark(self, transaction: Transaction, *, producer: int, epoch: int) -> None:
        """The transaction is over here; earlier epochs of its producer are shut out."""
        state = self._producers.get(producer)
        if state is None:
            self._producers[producer] = _Producer(epoch)
        elif epoch > state.epoch:
            state.epoch = epoch
            state.next_sequence = None
            state.recent.clear()
        for orphan in self._orphans.pop(producer, ()):
            # Readers know producers, not transactions: whatever stands before a marker shares its outcome.
            orphan.committed = transaction.committed
        self.entries.append(Entry(None, transaction, self.end))
        self.open.pop(producer, None)
