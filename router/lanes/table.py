"""What a lane keeps between its batches: the port to the table of one partition.

A table is changed in memory while a batch is carried. Each change goes out as a record of the table's changelog topic, in
the same transaction as the copies and the source's offset. Only after that commit are the changes written to disk, in one
piece with the offsets that they stand for. So a disk may be behind the truth, which the changelog makes good, and is never
ahead of it; and whatever is not committed is forgotten by `discard`.

    open ── restore: disk, then the changelog up to its last stable offset ──► ready
    ready ── get, put ──► changed ── take_changes: into the transaction ──► ── committed: onto the disk ──► ready
                             └───────────────── discard: after any error ─────────────────► closed until `restore`
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from router.errors import InvariantError
from router.lanes.batch import Batch
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Refusals

__all__ = ["BatchCopier", "Holding", "KeptBack", "LaneOrder", "LaneTable", "append_changes"]


class LaneTable(Protocol):
    """One partition of a table, for the lane that owns it. All of it runs in the lane's event loop."""

    changelog: str
    """The topic of its changelog; the partition is the lane's own number."""

    @property
    def progress(self) -> object | None:
        """How far restoring is, in words as its text; None while it is not being restored."""

    async def restore(self) -> None:
        """Bring it to the last committed state. Called after the former owner was shut out, before anything is read.

        Raises BrokerUnavailable. Shows its progress where that takes long.
        """

    def get(self, key: bytes) -> bytes | None:
        """The value as of the latest change, committed or not."""

    def put(self, key: bytes, value: bytes | None) -> None:
        """Change a value; None deletes."""

    def scan(self, prefix: bytes, *, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All entries whose key begins so, in the order of their keys, as of the latest change; those from `start` on.

        Nothing may be put between two of them: whoever wants to, takes what it needs, and later goes on from there.
        """

    def take_changes(self) -> dict[bytes, bytes | None]:
        """What was put since this was last asked: to be written to the changelog in the transaction that is open."""

    def committed(self, *, source: int, changelog: int | None) -> None:
        """Everything taken so far is committed: write it to disk, with the source's offset and the changelog's next one.

        `changelog` is the offset behind the last changelog record that was delivered, None where there was none since.
        """

    def discard(self) -> None:
        """Forget what is not committed. `restore` comes before anything else is asked."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What a lane holds now."""

    held: int
    """Records."""
    seconds: float
    """For how long the one has been held that waits longest; 0 where nothing waits."""


@dataclass(frozen=True, slots=True)
class KeptBack:
    """What a lane keeps back now for one consumer that rejected records."""

    keys: int
    """Keys of which nothing is sent to it; a record that is kept alone counts as one."""
    records: int
    """Copies that came back, and those that are held behind them."""


class BatchCopier(Protocol):
    """What makes copies of batches: a `Copier`, or what puts records in order before it has them copied."""

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """See Copier."""


class LaneOrder(Protocol):
    """What puts the records of one lane in order: it holds them in the lane's table until they are due, or waited enough.

    Times are milliseconds since the epoch, by a clock of its own.
    """

    table: LaneTable

    @property
    def waiting(self) -> Holding | None:
        """What is held now; None of one that puts nothing in order."""

    def timers(self) -> Sequence[tuple[int, bytes]]:
        """A heap of deadlines with their keys, one of each key that holds something; some that hold nothing any more may be in it."""

    @property
    def kept_back(self) -> Mapping[str, KeptBack]:
        """By topic, what waits for consumers that rejected records; of those alone that may."""

    def resume(self, position: int) -> None:
        """The table was restored, and the lane goes on from there: take up the deadlines of all that is held."""

    def looks_in(self) -> float | None:
        """Seconds until there may be something to do though no batch came; None while only a batch can change that."""

    def asks(self) -> int | None:
        """The time, where the end of the log must be asked for now, so that a deadline can pass. Told again only later."""

    def end_seen(self, *, at: int, end: int) -> None:
        """The answer: the log ended there when it was asked, or later."""

    def expire(
        self, position: int, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals
    ) -> Tally | None:
        """Add the copies of what has waited long enough; the lane has carried everything before this position.

        None where nothing has. Raises DestinationUnavailable, as a copier does.
        """

    def write_changes(self, into: Copies, *, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> None:
        """Add the changes of the table, as records of its changelog, to the copies that they belong to."""

    def forget(self) -> None:
        """What is not committed never was: let go of all that is remembered, until the lane resumes."""


def append_changes(
    table: LaneTable,
    partition: int,
    *,
    into: Copies,
    new_batch: Callable[[str], CopyBatch],
    most: int | None,
    timestamp: int,
    offset: int,
) -> None:
    """Add what was put into a table since this was last asked, as records of its changelog, `most` of them a batch."""
    changes = table.take_changes()
    if not changes:
        return
    topic, uncounted = table.changelog, Tally()
    at = (topic, partition)
    headers: list[Any] = []
    append = into.begin(at, new_batch(topic), offset).append
    count = 0
    for key, value in changes.items():
        if count == most or append(timestamp=timestamp, key=key, value=value, headers=headers) is None:
            into.close(at, offset, uncounted)
            append, count = into.begin(at, new_batch(topic), offset).append, 0
            if append(timestamp=timestamp, key=key, value=value, headers=headers) is None:
                raise InvariantError(f"an empty batch for '{topic}' did not take its first record, whatever its size")
        count += 1
