"""From a batch to its copies: decide each record, then write each copy into the batch of its destination.

The first pass decides, so that the hop header, one for the whole batch, can say how long that took; the second writes.
Key, value, timestamp and headers go as they came. A copy's partition is its source's where both topics have equally
many, else what a Java client would choose for its key; without a key, the source's modulo the destination's count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Protocol
from uuid import uuid4

from router.errors import (
    ConditionFailed,
    DestinationUnavailable,
    InvariantError,
    RecordError,
    TooManyHops,
)
from router.exchange.decision import Decision
from router.exchange.further_keys import without_bcc
from router.exchange.model import Binding, Destination, DestinationKind, OnError
from router.failure.notes import dead_letter_headers, unroutable_headers
from router.lanes.batch import Batch
from router.lanes.copies import Copies, CopyBatch, Tally, TopicPartition
from router.lanes.versions import Versions
from router.language.topics import dead_letters_of, unroutable_of
from router.records.conversion import NotConverted, ValueConversion
from router.records.headers import HOP, HOP_LIMIT, ORIGIN, Hop, encode_hop, hop_count, origin_prefix
from router.records.partition import partition_of
from router.records.record import Headers, PlainRecord, Record

__all__ = ["Copier", "CopyWriter", "Decided", "DestinationView", "Identity", "Keeper", "Refusals"]

_NO_OFFSET = -1
"""In the place of the source's offset, of what is written for no record."""

Decided = Decision | RecordError
"""What a record came to: where it goes, or why it can go nowhere."""


class DestinationView(Protocol):
    """What is known of topics that copies go to."""

    def partitions(self, topic: str) -> int:
        """How many it has. Raises DestinationUnavailable where it does not exist or is forbidden."""


class Keeper(Protocol):
    """What keeps copies of a key back while their consumer waits for an earlier one."""

    @property
    def keys(self) -> Collection[bytes | None]:
        """The keys of which it may keep some; empty, and false, where there are none."""

    def hold(self, topic: str, record: Record, headers: Headers) -> bool:
        """Whether the copy for this topic, with these headers, is kept: then it is not for the caller to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who processes: what hop headers say of this worker."""

    service: str
    instance: str
    route_set: str
    tags: tuple[str, ...] = ()


@dataclass(slots=True)
class Refusals:
    """Which copies the broker refused for what is in them, and how carefully to go on because of it.

    A refused batch does not say which of its records is at fault. So the lane reads again with batches half as large,
    until a batch of one record is refused: that copy becomes a dead letter.
    """

    copies: dict[tuple[str, int], RecordError] = field(default_factory=dict)
    """By destination and source offset."""
    most_records: int | None = None
    """The largest number of records a batch of copies may hold; None while there is no trouble."""
    met: set[tuple[str, int]] = field(default_factory=set)
    """Those of the copies that became dead letters since the lane was opened."""
    until: int = -1
    """The source offset up to which this care is needed."""

    def of(self, topic: str, offset: int) -> RecordError | None:
        """Why a copy is not to be tried again; None where it is."""
        refused = self.copies.get((topic, offset))
        if refused is not None:
            self.met.add((topic, offset))
        return refused

    def narrow(self, records: int, until: int) -> None:
        """A batch of this many records was refused."""
        self.most_records = max(1, records // 2)
        self.until = max(self.until, until)

    def passed(self, offset: int) -> None:
        """All before this offset is committed. A copy that was not met with is of a record that its lane still holds."""
        for copy in self.met:
            self.copies.pop(copy, None)
        self.met.clear()
        if offset > self.until:
            self.most_records = None


class Copier:
    """Makes the copies of one source topic. Holds no state but what it is given."""

    def __init__(
        self,
        source: str,
        *,
        decide: Callable[[Record], Decision],
        destinations: DestinationView,
        identity: Identity,
        conversions: Mapping[str, ValueConversion] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`conversions` are by topic, of those whose copies are of another version than the source.

        `clock` tells the time in seconds since the epoch, as `Batch.received` has it.
        """
        self.conversions = conversions or {}
        self._source = source
        self._decide = decide
        self._destinations = destinations
        self._identity = identity
        self._clock = clock
        self.keeper: Keeper | None = None
        """Where consumers may reject records."""

    @property
    def service(self) -> str:
        """Who copies, as hops name it: the workers' group."""
        return self._identity.service

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """Decide every record of the batch, and add its copies to those that wait; returns what it came to.

        Raises DestinationUnavailable: then none of those that wait may be sent any more.
        """
        begun = perf_counter()
        tally = Tally()
        if batch.records:
            decisions = self.decisions(batch.records)
            writer = self.writer(batch, into=into, new_batch=new_batch, refusals=refusals, tally=tally)
            writer.write_all(batch.records, decisions)
        into.add(batch, tally)
        tally.seconds = perf_counter() - begun
        return tally

    def decisions(self, records: Sequence[Record]) -> list[Decided]:
        """What each of these records comes to."""
        decide = self._decide
        decisions: list[Decided] = []
        for record in records:
            # Only a record with that many headers can have that many hops: the usual one is not looked through.
            if len(record.headers) >= HOP_LIMIT and (hops := hop_count(record.headers)) >= HOP_LIMIT:
                decisions.append(TooManyHops(hops=hops, limit=HOP_LIMIT))
                continue
            try:
                decisions.append(decide(record))
            except RecordError as error:
                decisions.append(error)
        return decisions

    def writer(
        self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals, tally: Tally
    ) -> CopyWriter:
        """What writes the copies that a batch leads to; made when it is decided, since its hop says how long that took."""
        return CopyWriter(self, batch, into, new_batch, refusals, tally, (HOP, self._hop(batch)))

    def _hop(self, batch: Batch) -> bytes:
        identity = self._identity
        return encode_hop(
            Hop(
                service=identity.service,
                instance=identity.instance,
                processing=uuid4(),
                start=int(batch.received * 1000),
                # The machine's clock may be set back in between.
                duration=max(0, int((self._clock() - batch.received) * 1_000_000)),
                route_set=identity.route_set,
                tags=identity.tags,
            )
        )

    def fixed_partition(self, topic: str, source: int) -> int | None:
        """The one partition that a source partition's copies go to; None where it depends on the key."""
        partitions = self._destinations.partitions
        return source if partitions(topic) == partitions(self._source) else None

    def partition(self, topic: str, record: Record) -> int:
        """The partition of one copy in a topic that has not as many partitions as its source."""
        count = self._destinations.partitions(topic)
        return record.partition % count if record.key is None else partition_of(record.key, count)


class CopyWriter:
    """The second pass over one batch, and over what was held before and is due because of it."""

    def __init__(  # noqa: PLR0917 - made in one place, from one call's own names
        self,
        copier: Copier,
        batch: Batch,
        copies: Copies,
        new_batch: Callable[[str], CopyBatch],
        refusals: Refusals,
        tally: Tally,
        hop: tuple[str, bytes],
    ) -> None:
        self._copier = copier
        self._source = batch.source
        self._copies = copies
        self._new_batch = new_batch
        self._refusals = refusals
        self._careful = refusals.most_records is not None or bool(refusals.copies)
        self._hop = hop
        self._origin = origin_prefix(batch.source.topic, batch.source.partition)
        self._tally = tally
        self._offset = -1
        """Of the record that is being written."""
        # By topic, where all copies of this batch go to one partition.
        self._appenders: dict[str, Callable[..., object | None]] = {}
        self._fixed: dict[str, int | None] = {}
        self._keeper = copier.keeper
        self._versions = Versions(copier.conversions)

    @property
    def service(self) -> str:
        """Who writes, as hops name it: the workers' group."""
        return self._copier.service

    def write_all(self, records: Sequence[Record], decisions: Sequence[Decided]) -> None:
        """Every copy of every record; each is counted by what became of it."""
        keeper = self._keeper
        if keeper is None or not keeper.keys:
            self._write_usual(records, decisions)
            return
        keys, done = keeper.keys, 0
        for number, record in enumerate(records):
            if record.key in keys:
                self._write_usual(records[done:number], decisions[done:number])
                done = number + 1
                self._offset = record.offset
                self._write(record, self._headers(record), decisions[number])
        self._write_usual(records[done:], decisions[done:])

    def _write_usual(self, records: Sequence[Record], decisions: Sequence[Decided]) -> None:
        """Records of which nothing is kept.

        The usual record is written here, in as few steps as can be: each is taken a hundred thousand times a second.
        """
        origin, hop, appenders, converted = self._origin, self._hop, self._appenders, self._versions.topics
        routed = 0
        for record, decision in zip(records, decisions, strict=True):
            self._offset = offset = record.offset
            headers = [*record.headers, (ORIGIN, origin + b"%d" % offset), hop]
            if self._careful or isinstance(decision, RecordError) or not decision.plain or not decision.topics:
                self._write(record, headers, decision)
                continue
            if converted and not converted.isdisjoint(decision.topics):
                self._write(record, headers, decision)
                continue
            routed += 1
            timestamp, key, value = record.timestamp, record.key, record.value
            for topic in decision.topics:
                append = appenders.get(topic)
                if append is None or append(timestamp=timestamp, key=key, value=value, headers=headers) is None:
                    self._append(topic, record, headers, decision)
            if decision.unroutable:
                self._unroutable(record, headers, decision)
        self._tally.routed += routed

    def write_part(self, record: Record, decision: Decision) -> None:
        """The copies of a part of a record's decision: what became of the record is for the caller to count."""
        self._offset = record.offset
        self._write_copies(record, self._headers(record), decision)

    def set_aside(self, record: Record, error: RecordError) -> None:
        """A dead letter in the place of the record's copies; counted as `write_all` counts one."""
        self._offset = record.offset
        self._write(record, self._headers(record), error)

    def write(self, topic: str, record: Record) -> None:
        """One copy that has its headers already: what was kept. Its topic and partition are the source's."""
        self._offset = record.offset
        headers = list(record.headers)
        refused = self._refusals.of(topic, record.offset)
        if refused is None:
            self._append(topic, record, headers)
        else:
            self._dead_letter(record, headers, refused)

    def write_copy(  # noqa: PLR0917 - a record's own, for each of many thousands
        self,
        topic: str,
        offset: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[Any],
    ) -> None:
        """As `write`, of the record that its source has at this offset."""
        if not self._careful:
            self._offset = offset
            append = self._appenders.get(topic)
            if append is not None and append(timestamp=timestamp, key=key, value=value, headers=headers) is not None:
                return
        source = self._source
        self.write(
            topic,
            PlainRecord(
                topic=source.topic,
                partition=source.partition,
                offset=offset,
                timestamp=timestamp,
                key=key,
                value=value,
                headers=headers,
            ),
        )

    def write_note(self, topic: str, record: Record, partition: int) -> None:
        """What is no copy of a record, into this partition."""
        self._offset = _NO_OFFSET
        self._append_at((topic, partition), record, list(record.headers))

    def partition_of(self, topic: str, record: Record) -> int:
        """Where a copy of the record goes. Raises DestinationUnavailable."""
        return self._partition(topic, record, None)

    def _headers(self, record: Record) -> list[Any]:
        return [*record.headers, (ORIGIN, self._origin + b"%d" % record.offset), self._hop]

    def _write(self, record: Record, headers: list[Any], decision: Decided) -> None:
        """What is not usual of a record, or of the batch."""
        tally = self._tally
        if isinstance(decision, RecordError):
            tally.set_aside += 1
            self._dead_letter(record, headers, decision)
            return
        self._write_copies(record, headers, decision)
        tally.count(decision)

    def _write_copies(self, record: Record, headers: list[Any], decision: Decision) -> None:
        copied = headers if decision.plain else self._beside_copies(record, headers, decision)
        if decision.topics:
            self._write_carefully(record, copied, decision)
        if decision.unroutable:
            self._unroutable(record, headers, decision)

    def _beside_copies(self, record: Record, headers: list[Any], decision: Decision) -> list[Any]:
        """What conditions that failed come to; gives the headers that copies have. What is set aside keeps all of its own."""
        for binding, error in _failures(decision):
            self._tally.condition_failures += 1
            # Whoever gets a copy by another binding lacks nothing; sent again, the dead letter would be a second copy.
            if error is not None and binding.destination.name not in decision.topics:
                self._dead_letter(record, headers, error)
        return without_bcc(headers) if decision.takes_off_bcc else headers

    def _unroutable(self, record: Record, headers: list[Any], decision: Decision) -> None:
        topic = unroutable_of(self._source.topic)
        refused = self._refusals.of(topic, record.offset)
        if refused is None:
            self._append(topic, record, headers + unroutable_headers(decision.unroutable))
        else:
            self._dead_letter(record, headers, refused)

    def _dead_letter(self, record: Record, headers: list[Any], error: RecordError) -> None:
        self._tally.dead_letters[error.reason] += 1
        self._append(dead_letters_of(self._source.topic), record, headers + dead_letter_headers(error))

    def _write_carefully(self, record: Record, headers: list[Any], decision: Decision) -> None:
        keeper = self._keeper
        for topic in decision.topics:
            copied = self._versions.of(topic, record)
            if isinstance(copied, RecordError):
                self._dead_letter(record, headers, NotConverted(topic=topic, problem=str(copied)))
                continue
            own = headers if copied is record else self._versions.headers(topic, headers)
            # What is kept is kept as its consumer wants it.
            if keeper is not None and keeper.hold(topic, copied, own):
                self._tally.failing.held[topic] += 1
                continue
            refused = self._refusals.of(topic, record.offset)
            if refused is None:
                self._append(topic, copied, own, decision)
            else:
                self._dead_letter(record, headers, refused)

    def _append(self, topic: str, record: Record, headers: list[Any], decision: Decision | None = None) -> None:
        """One copy, the slow way: finds the partition, and begins a batch where there is none with room."""
        current = self._append_at((topic, self._partition(topic, record, decision)), record, headers)
        if current is not None and self._fixed.get(topic) is not None and not self._careful:
            self._appenders[topic] = current.append

    def _append_at(self, at: TopicPartition, record: Record, headers: list[Any]) -> CopyBatch | None:
        """Gives the batch where it has room for more."""
        topic, copies = at[0], self._copies
        current = copies.open.get(at)
        if current is not None and not self._append_to(current, record, headers):
            self._close(at)
            current = None
        if current is None:
            current = copies.begin(at, self._new_batch(topic), self._offset)
            if not self._append_to(current, record, headers):
                raise InvariantError(f"an empty batch for '{topic}' did not take its first record, whatever its size")
        most = self._refusals.most_records
        if most is not None and current.record_count() >= most:
            self._close(at)
            return None
        return current

    @staticmethod
    def _append_to(batch: CopyBatch, record: Record, headers: list[Any]) -> bool:
        return batch.append(timestamp=record.timestamp, key=record.key, value=record.value, headers=headers) is not None

    def _partition(self, topic: str, record: Record, decision: Decision | None) -> int:
        try:
            if topic not in self._fixed:
                self._fixed[topic] = self._copier.fixed_partition(topic, self._source.partition)
            fixed = self._fixed[topic]
            return self._copier.partition(topic, record) if fixed is None else fixed
        except DestinationUnavailable as error:
            raise DestinationUnavailable(
                topic=error.topic,
                problem=error.problem,
                route=_route(decision, topic),
                origin=f"{self._source}/{record.offset}",
            ) from error

    def _close(self, at: TopicPartition) -> None:
        self._appenders.pop(at[0], None)
        self._copies.close(at, self._offset, self._tally)


def _failures(decision: Decision) -> Iterator[tuple[Binding, RecordError | None]]:
    """The bindings whose condition failed, with the error that makes a dead letter: one for each destination at most."""
    told: set[Destination] = set()
    for binding in decision.failed:
        if binding.on_error is not OnError.DEAD_LETTER or binding.destination in told:
            yield binding, None
            continue
        told.add(binding.destination)
        topic = binding.destination.name if binding.destination.kind is DestinationKind.TOPIC else None
        yield (
            binding,
            ConditionFailed(
                where=binding.where or "", destination=str(binding.destination), topic=topic, place=str(binding.place)
            ),
        )


def _route(decision: Decision | None, topic: str) -> str:
    """The place of a binding that leads to a topic; empty where only the router itself sends there."""
    bindings = decision.delivery(topic).bindings if decision is not None else ()
    return str(bindings[0].place) if bindings else ""
