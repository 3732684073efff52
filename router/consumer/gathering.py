"""What a consumer does with the records of its partitions, until it commits: the heart of the ready-made consumers. Pure.

What is to be done with one record, `router.failure.consuming` says. Here the turns of many records are gathered, so that a
consumer whose records are all well commits an offset now and then, and only one that rejects needs a transaction:

    given ──► marks ──► ready ──► meet ──► PROCESS ──► processed ─┐
                                   │                └► failed ────┤
                                   └► DONE (skipped, behind, …) ──┴──► shares ──► (transaction, or offset) ──► committed

A partition's share is atomic: what it writes and its offset are one transaction, however many records it stands for. Where
that fails for certain, the share is offered again, longer perhaps; where nobody knows, the partition must be given anew. A
record that was processed and not yet committed is met again after a crash; one behind a rejection never is, since the
rejection took the offset with it.

The share of a partition that was taken away is forgotten: whoever has it next begins at its committed offset.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from router.consumer.errors import Unrejectable
from router.consumer.reasons import Failure
from router.failure.consuming import PartitionConsumer, Turn, encode_mark
from router.failure.rejections import ReleaseMark, acknowledgement_headers, rejection_headers, release_mark
from router.failure.skipping import Skipping, read_mark
from router.failure.topics import parked_of, rejected_of
from router.records.headers import ORIGIN, Origin, decode_origin
from router.records.record import Headers, Record

__all__ = ["Counts", "Gathering", "Met", "Share", "Write"]


class Met(Enum):
    """What a record is to its consumer."""

    PROCESS = auto()
    """It is to be processed; `processed` or `failed` must follow."""
    DONE = auto()
    """Its turn is gathered: it was skipped, is behind another, or is a release mark."""
    STRANGE = auto()
    """It belongs to a partition that was taken away, or was met before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A record to be written in a transaction."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What is to be committed of one partition, at once; without writes an offset alone."""

    partition: int
    next: int
    """The offset to commit."""
    writes: tuple[Write, ...]


@dataclass(slots=True)
class Counts:
    """What became of the records that were met. After a crash, or where a transaction failed, some are met again."""

    processed: int = 0
    rejected: int = 0
    behind: int = 0
    """Rejected without having been looked at: their key is parked."""
    skipped: int = 0
    released: int = 0
    """Release marks."""


@dataclass(slots=True, eq=False)
class _Held:
    """A partition that this consumer has."""

    known: PartitionConsumer
    next: int = -1
    """Of its share; -1 where there is nothing to commit."""
    writes: list[Write] = field(default_factory=list)


class Gathering:
    """Of one member of a group, over all partitions that it has. Times are seconds of any clock."""

    def __init__(self, topic: str, *, keep: bool = True, commit_every: float = 1.0) -> None:
        """`keep`: a key of which a record was rejected waits. `commit_every`: seconds; 0 commits each record."""
        self.topic = topic
        self.counts = Counts()
        self._keep = keep
        self._commit_every = commit_every
        self._held: dict[int, _Held] = {}
        self._in_work: tuple[_Held, int] | None = None
        """The offset of the record that is being processed, with its partition as it was held then."""
        self._since: float | None = None
        """When the oldest turn that is not committed was gathered."""

    # --- partitions ------------------------------------------------------------------------------------------------------

    @property
    def partitions(self) -> frozenset[int]:
        """Those that this consumer has."""
        return frozenset(self._held)

    @property
    def parked(self) -> Mapping[int, int]:
        """By partition, how many keys are parked."""
        return {partition: len(held.known.parked) for partition, held in self._held.items()}

    def given(self, partition: int, *, committed: int, marks_end: int) -> None:
        """A partition is this consumer's: its stable offset (-1 where there is none), and how far its marks go."""
        known = PartitionConsumer(partition)
        known.begin(committed=committed, marks_end=marks_end)
        self._held[partition] = _Held(known)

    def marked(self, partition: int, key: bytes | None, value: bytes | None, headers: Headers) -> Skipping | None:
        """A mark was read; returns what it says to skip. Of parked keys nothing new is told once all marks are known."""
        held = self._held.get(partition)
        if held is None:
            return None
        mark = read_mark(key, value, headers, topic=self.topic, partition=partition)
        if isinstance(mark, Skipping):
            held.known.skip(mark.offset, skip=mark.skip)
            return mark
        # Later ones are this consumer's own, which it knows sooner.
        if mark is not None and not held.known.ready:
            held.known.marked(mark.key, mark.since)
        return None

    def marks_read(self, partition: int, position: int) -> None:
        """All marks below this offset were read."""
        if partition in self._held:
            self._held[partition].known.marks_read(position)

    def ready(self, partition: int) -> bool:
        """Its records may be met."""
        return partition in self._held and self._held[partition].known.ready

    def position(self, partition: int) -> int:
        """The next offset of a partition that this consumer has; -1 where none was committed."""
        return self._held[partition].known.position

    def taken(self, partition: int) -> None:
        """A partition is another's; what was not committed of it is forgotten."""
        self._held.pop(partition, None)

    # --- records ---------------------------------------------------------------------------------------------------------

    def meet(self, record: Record, now: float) -> Met:
        """A record has come. Raises Unrejectable."""
        held = self._held.get(record.partition)
        if held is None or not held.known.ready or record.offset < held.known.position:
            return Met.STRANGE
        release = release_mark(record.headers)
        if release is not None:
            first = None if release.first is None else (release.first.partition, release.first.offset)
            turn = held.known.meet_release(release.key, record.offset, epoch=release.epoch, first=first)
            self.counts.released += 1
            self._gather(held, turn, self._marks(record, turn) + self._acknowledgement(release, turn), now)
            return Met.DONE
        met = held.known.meet(record.key, record.offset)
        if met is None:
            self._in_work = (held, record.offset)
            return Met.PROCESS
        if met.skips:
            self.counts.skipped += 1
            self._gather(held, met, [], now)
        else:
            writes = [self._rejection(record, met, Failure(reason=met.rejects))]
            self.counts.behind += 1
            self._gather(held, met, writes, now)
        return Met.DONE

    def processed(self, record: Record, now: float) -> None:
        """The record, which `meet` said to process, was processed."""
        held = self._of(record)
        if held is not None:
            self.counts.processed += 1
            self._gather(held, held.known.processed(record.offset), [], now)

    def failed(self, record: Record, failure: Failure, now: float) -> None:
        """The record, which `meet` said to process, cannot be. Raises Unrejectable."""
        held = self._of(record)
        if held is not None:
            turn = held.known.failed(record.key, record.offset, keep=self._keep)
            writes = [self._rejection(record, turn, failure), *self._marks(record, turn)]
            self.counts.rejected += 1
            self._gather(held, turn, writes, now)

    def skips(self, record: Record) -> bool:
        """Somebody has said meanwhile that it is not to be processed."""
        held = self._of(record)
        return held is not None and held.known.skips(record.offset)

    # --- committing ------------------------------------------------------------------------------------------------------

    def due(self, now: float, *, idle: bool) -> bool:
        """Whether to commit: something was rejected and nothing else is at hand, or it is time."""
        if self._since is None:
            return False
        rejected = idle and any(held.writes for held in self._held.values())
        return rejected or now - self._since >= self._commit_every

    @property
    def shares(self) -> list[Share]:
        """What is not committed, by partition."""
        return [
            Share(partition=partition, next=held.next, writes=tuple(held.writes))
            for partition, held in sorted(self._held.items())
            if held.next >= 0
        ]

    def committed(self, shares: Sequence[Share], now: float) -> None:
        """These are committed."""
        for share in shares:
            held = self._held.get(share.partition)
            if held is not None:
                del held.writes[: len(share.writes)]
                held.next = held.next if held.next > share.next else -1
        self._since = now if self.shares else None

    def _of(self, record: Record) -> _Held | None:
        """Who has the record in work; None where its partition was taken away, or given anew, meanwhile."""
        held = self._held.get(record.partition)
        return held if held is not None and self._in_work == (held, record.offset) else None

    def _gather(self, held: _Held, turn: Turn, writes: list[Write], now: float) -> None:
        held.known.committed(turn)
        held.next = turn.next
        held.writes += writes
        self._since = now if self._since is None else self._since

    def _rejection(self, record: Record, turn: Turn, failure: Failure) -> Write:
        origin = decode_origin(next((value for name, value in reversed(record.headers) if name == ORIGIN), None))
        if origin is None:
            place = str(Origin(record.topic, record.partition, record.offset))
            problem = f"it has no header {ORIGIN} that could be read, so no worker of the router has written it"
            raise Unrejectable(place=place, problem=problem, cause=failure.error or failure.reason)
        headers = rejection_headers(
            record,
            failure.reason,
            error=failure.error,
            error_class=failure.error_class,
            place=failure.place,
            parks=turn.parks,
        )
        return Write(
            topic=rejected_of(self.topic),
            partition=origin.partition,
            key=record.key,
            value=record.value,
            headers=headers,
        )

    def _marks(self, record: Record, turn: Turn) -> list[Write]:
        if turn.mark is None:
            return []
        value = encode_mark(turn.mark.since)
        topic = parked_of(self.topic)
        return [Write(topic=topic, partition=record.partition, key=turn.mark.key, value=value, headers=())]

    def _acknowledgement(self, release: ReleaseMark, turn: Turn) -> list[Write]:
        if turn.acknowledges is None:
            return []
        headers = acknowledgement_headers(release)
        topic = rejected_of(self.topic)
        return [Write(topic=topic, partition=release.lane.partition, key=release.key, value=None, headers=headers)]
