"""What a consumer does that rejects records without losing a key's order: one partition of its topic, step by step. Pure.

The consumer remembers which keys of the partition are parked, and since which copy. All that it says goes in one transaction
with its offset: a rejection without the offset would be repeated, an offset without the rejection would lose the record, and
a mark that is missing would let the next record of the key pass.

    it meets …           its key is not parked                          its key is parked
    ---------------------+----------------------------------------------+------------------------------------------------
    a copy that a mark   | passes it by                                 | passes it by
    says to skip         |                                              |
    a copy               | processes it; where that fails: rejects it,  | rejects it as `behind`, without looking at it
                         | and parks the key since this copy            |
    a release mark       | acknowledges it                              | of the parking that it is in, or of one that nobody
                         |                                              | knows: parks the key no more, and acknowledges;
                         |                                              | of another: passes it by

Before it processes anything of a partition that it was given, it must know what its predecessor parked. That takes three
things, in this order:

    1. the committed offset, as a *stable* one: not before the predecessor's transaction is finished. Where a client fetches
       it sooner, records are processed twice
    2. the end of the marks' partition, read after that, as *uncommitted* readers see it (the high watermark)
    3. all marks up to there, as *committed* readers see them

A transaction's markers reach its partitions one after the other, the offsets perhaps before the marks. A consumer that takes
for the end of the marks what committed readers see at the moment may miss the mark that its offset stands behind, and would
process the next record of a parked key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from router.errors import InvariantError
from router.failure.parking import Place

__all__ = ["UNKNOWN", "Parking", "PartitionConsumer", "Turn", "decode_mark", "encode_mark"]

UNKNOWN: Place = (-1, -1)
"""Since when a key is parked whose mark cannot be read: any release mark ends that."""


@dataclass(frozen=True, slots=True)
class Parking:
    """A change of the marks: the key is parked since a copy; or no more."""

    key: bytes
    since: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a consumer commits in one transaction, for one record that it met."""

    next: int
    """The offset to commit: behind the record."""
    rejects: Literal["", "failed", "behind"] = ""
    """How it rejects the record; empty: it does not."""
    parks: bool = False
    """Whether the rejection says that the key is parked."""
    mark: Parking | None = None
    """What it writes to the marks."""
    acknowledges: int | None = None
    """The epoch that it acknowledges."""
    skips: bool = False
    """Somebody has said that the record is not to be processed: it is neither processed nor rejected."""


class PartitionConsumer:
    """One assigned partition of a narrow topic.

    The order of calls: `begin` with the committed offset and the end of the marks, `marked` for each mark, `marks_read`, and
    once it is `ready`, for each record one of `meet`, `meet_release` and `failed`, and `committed` with the turn when its
    transaction was. Where a transaction fails, nothing has happened: the same record is met again, or by another consumer.
    """

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.position = -1
        """The next offset to read; -1 before `begin`."""
        self.ready = False
        """All marks are known: records may be met."""
        self._parked: dict[bytes, Place] = {}
        self._skips: set[int] = set()
        self._marks_end = -1

    @property
    def parked(self) -> dict[bytes, Place]:
        """By key, the copy since whose rejection it is parked."""
        return dict(self._parked)

    def begin(self, *, committed: int, marks_end: int) -> None:
        """The partition was given to this consumer: where to go on, and how far the marks go, read in this order."""
        self.position = committed
        self._parked.clear()
        self._skips.clear()
        self._marks_end = marks_end
        self.ready = marks_end == 0

    def marked(self, key: bytes, since: Place | None) -> None:
        """A mark was read; the later of a key counts."""
        if since is None:
            self._parked.pop(key, None)
        else:
            self._parked[key] = since

    def skip(self, offset: int, *, skip: bool = True) -> None:
        """A mark says to skip the copy there, or not to skip it any more; it may be read at any time."""
        if skip:
            self._skips.add(offset)
        else:
            self._skips.discard(offset)

    def skips(self, offset: int) -> bool:
        """Whether the copy there is to be skipped."""
        return offset in self._skips

    def marks_read(self, position: int) -> None:
        """All marks below this offset were read."""
        self.ready = self.ready or (self._marks_end >= 0 and position >= self._marks_end)

    def meet(self, key: bytes | None, offset: int) -> Turn | None:
        """A copy was met: None says to process it, and then to commit `processed`, or what `failed` says."""
        self._check_ready()
        if offset in self._skips:
            return Turn(next=offset + 1, skips=True)
        if key is None or key not in self._parked:
            return None
        return Turn(next=offset + 1, rejects="behind", parks=True)

    def processed(self, offset: int) -> Turn:
        """The copy there was processed."""
        return Turn(next=offset + 1)

    def failed(self, key: bytes | None, offset: int, *, keep: bool = True) -> Turn:
        """The copy there, which `meet` said to process, cannot be processed. Without `keep`, or a key, nothing is parked."""
        if key is None or not keep:
            return Turn(next=offset + 1, rejects="failed")
        return Turn(next=offset + 1, rejects="failed", parks=True, mark=Parking(key, (self.partition, offset)))

    def meet_release(self, key: bytes, offset: int, *, epoch: int, first: Place | None) -> Turn:
        """A release mark was met."""
        self._check_ready()
        since = self._parked.get(key)
        if since is None:
            return Turn(next=offset + 1, acknowledges=epoch)
        if first is not None and since not in (UNKNOWN, first):
            return Turn(next=offset + 1)
        return Turn(next=offset + 1, acknowledges=epoch, mark=Parking(key, None))

    def committed(self, turn: Turn) -> None:
        """The turn's transaction was committed."""
        self.position = turn.next
        if turn.mark is not None:
            self.marked(turn.mark.key, turn.mark.since)

    def _check_ready(self) -> None:
        if not self.ready:
            raise InvariantError(f"partition {self.partition}: records were met before all marks were read")


def encode_mark(since: Place | None) -> bytes | None:
    """The value of a mark: `partition/offset` in ASCII; None where the key is parked no more."""
    return None if since is None else b"%d/%d" % since


def decode_mark(value: bytes | None) -> Place | None:
    """The place that a mark's value tells; an unreadable one parks the key since UNKNOWN.

    Anybody may write there, and a key that is parked wrongly is released by the next mark, while one that is not would lose
    its order.
    """
    if value is None:
        return None
    partition, _, offset = value.partition(b"/")
    if partition.isdigit() and offset.isdigit() and len(value) <= 30:
        return int(partition), int(offset)
    return UNKNOWN
