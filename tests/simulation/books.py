"""The books of a run: which copies there must be, which there are, and at every commit whether nothing is passed over.

What must be is said by `deciding`'s values, read here a second time and without the router's own code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from router.failure.notes import DESTINATION
from router.lanes.batch import SourcePartition
from router.records.headers import HOP, ORIGIN
from router.records.partition import partition_of
from router.records.record import PlainRecord
from simulation.deciding import POISON, SOURCE
from simulation.partition_log import Entry, PartitionLog, Transaction
from simulation.scenario import REFUSING, SMALL

__all__ = ["DEAD", "UNROUTABLE", "Books", "Copy", "expected_copies"]

DEAD = f"{SOURCE}.dead-letters"
UNROUTABLE = f"{SOURCE}.unroutable"


@dataclass(frozen=True, slots=True, order=True)
class Copy:
    """A copy that must be: of which record, in which topic, and for which destination where it is a dead letter."""

    partition: int
    offset: int
    topic: str
    instead_of: str = ""

    def __str__(self) -> str:
        instead = f" (for {self.instead_of})" if self.instead_of else ""
        return f"{SOURCE}/{self.partition}/{self.offset} in {self.topic}{instead}"


def expected_copies(record: PlainRecord) -> set[Copy]:
    """Of one source record."""
    words, _, rest = (record.value or b"").partition(b"|")
    place = record.partition, record.offset
    if words == b"?":
        return {Copy(*place, DEAD)}
    topics = words.decode().split()
    if not topics:
        return {Copy(*place, UNROUTABLE)}
    refused = {REFUSING} if POISON in rest else {SMALL} if len(rest) > 1000 else set()
    return {Copy(*place, DEAD, topic) if topic in refused else Copy(*place, topic) for topic in topics}


class Books:
    """Keeps what must be and what is; `problems` gathers what does not agree."""

    def __init__(self, *, exactly_once: bool, partitions: Mapping[str, int]) -> None:
        """`partitions` has the number of each destination's, and of the source's."""
        self._exactly_once = exactly_once
        self._counts = partitions
        self._originals: dict[tuple[int, int], PlainRecord] = {}
        self._expected: dict[SourcePartition, list[tuple[int, set[Copy]]]] = {}
        self._written: dict[Copy, list[Transaction | None]] = {}
        self.offsets: dict[SourcePartition, int] = {}
        self._checked: dict[SourcePartition, int] = {}
        self._lost: set[Copy] = set()
        """What retention has removed before it was committed may be copied or not."""
        self.problems: list[str] = []

    def published(self, record: PlainRecord) -> None:
        """A record that must be copied."""
        source = SourcePartition(SOURCE, record.partition)
        self._originals[record.partition, record.offset] = record
        self._expected.setdefault(source, []).append((record.offset, expected_copies(record)))

    def expired(self, source: SourcePartition, start: int) -> None:
        """Retention has removed all before this offset."""
        committed = self.offsets.get(source, 0)
        for at, copies in self._expected.get(source, ()):
            if committed <= at < start:
                self._lost |= copies

    # --- as it happens ---------------------------------------------------------------------------------------------------

    def copied(self, log: PartitionLog, entries: Sequence[Entry]) -> list[Copy]:
        """Records were appended; says which."""
        copies = []
        for entry in entries:
            assert entry.record is not None
            copy = self._copy_of(log, entry.record)
            if copy is not None:
                self._written.setdefault(copy, []).append(entry.transaction)
                copies.append(copy)
        return copies

    def _copy_of(self, log: PartitionLog, record: PlainRecord) -> Copy | None:
        headers = dict(record.headers)
        topic, partition, offset = (headers.get(ORIGIN) or b"").decode().rsplit("/", 2)
        original = self._originals.get((int(partition), int(offset)))
        if topic != SOURCE or original is None:
            self.problems.append(f"{log} holds a copy of {topic}/{partition}/{offset}, which is not to be copied")
            return None
        names = [name for name, _ in record.headers]
        count = len(original.headers)
        same = (record.key, record.value, record.timestamp) == (original.key, original.value, original.timestamp)
        if not same or record.headers[:count] != original.headers or names[count : count + 2] != [ORIGIN, HOP]:
            self.problems.append(f"{log} holds a copy of {topic}/{partition}/{offset} that is not what was published")
        count = self._counts[log.topic]
        if count == self._counts[SOURCE]:
            right = original.partition
        else:
            right = original.partition % count if original.key is None else partition_of(original.key, count)
        if right != log.partition:
            self.problems.append(
                f"{log} holds a copy of {topic}/{partition}/{offset} that belongs into partition {right}"
            )
        return Copy(int(partition), int(offset), log.topic, (headers.get(DESTINATION) or b"").decode())

    def before_commit(self, transaction: Transaction, offsets: Mapping[SourcePartition, int]) -> None:
        """All before these offsets must be committed, or in this very transaction."""
        for source, offset in offsets.items():
            self._check_passed(source, offset, transaction)

    def offset_committed(self, source: SourcePartition, offset: int) -> None:
        """The group's offset has moved; all before it must be there."""
        before = self.offsets.get(source, 0)
        if self._exactly_once and offset < before:
            self.problems.append(f"the offset of {source} went back from {before} to {offset}")
        self.offsets[source] = offset
        self._check_passed(source, offset, None)

    def _check_passed(self, source: SourcePartition, offset: int, transaction: Transaction | None) -> None:
        checked = self._checked.get(source, 0)
        for at, copies in self._expected.get(source, ()):
            if checked <= at < offset:
                missing = [copy for copy in copies if not (copy in self._lost or self._is_there(copy, transaction))]
                self.problems += [f"offset {offset} of {source} passes over {copy}" for copy in sorted(missing)]
        self._checked[source] = max(checked, offset)

    def _is_there(self, copy: Copy, transaction: Transaction | None) -> bool:
        return any(
            each is None or each.committed or (each is transaction and transaction is not None)
            for each in self._written.get(copy, ())
        )

    # --- at the end ------------------------------------------------------------------------------------------------------

    def close(self, lives: Iterable[Sequence[PartitionLog]]) -> None:
        """What readers see in the end: every copy, in order, and exactly once where that was promised.

        `lives` has the partitions of each topic; those of one that was deleted count as another. What was copied into it
        was copied; but a producer that had no answer may send it once more, to the topic's next life.
        """
        expected = {copy for each in self._expected.values() for _, copies in each for copy in copies}
        everywhere: set[Copy] = set()
        for logs in lives:
            found: Counter[Copy] = Counter()
            for log in logs:
                self._read(log, found, everywhere)
            everywhere |= found.keys()
            if self._exactly_once:
                self.problems += [f"{count} copies of {copy}" for copy, count in sorted(found.items()) if count > 1]
        self.problems += [f"there is no copy of {copy}" for copy in sorted(expected - everywhere - self._lost)]
        self.problems += [f"nobody asked for {copy}" for copy in sorted(everywhere - expected)]

    def _read(self, log: PartitionLog, found: Counter[Copy], before: AbstractSet[Copy]) -> None:
        latest: dict[tuple[int, str], int] = {}
        for record in _visible(log):
            copy = self._copy_of(log, record)
            if copy is None:
                continue
            found[copy] += 1
            # That a destination refuses a copy shows only once others were sent: where these are not undone, the dead letters
            # of different causes may overtake each other.
            line = copy.partition, "" if self._exactly_once else copy.instead_of
            furthest = latest.get(line, -1)
            # Nor has a worker that was paused heard of anything: when it wakes, at least once, it writes what it had in hand. Where
            # retention has removed the record meanwhile, so that nobody else could, this is its first copy, and late.
            repeated = found[copy] > 1 or copy in before or copy in self._lost
            if copy.offset < furthest and (self._exactly_once or not repeated):
                self.problems.append(f"{copy} stands behind the copy of offset {furthest}")
            latest[line] = max(furthest, copy.offset)


def _visible(log: PartitionLog) -> Iterable[PlainRecord]:
    for entry in log.entries:
        if entry is None or entry.record is None:
            continue
        if entry.transaction is None or entry.transaction.committed:
            yield entry.record
