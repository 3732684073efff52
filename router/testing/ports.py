"""The lanes' ports, fulfilled in memory: the directory of topics, the group's positions, a carrier of copies.

`tests/contracts` holds these and the real ones to the same promises.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from router.errors import (
    BrokerUnavailable,
    CommitFailed,
    DeliveryFailed,
    DeliveryRefused,
    DestinationUnavailable,
    Fenced,
    OffsetOutOfRange,
    RouterError,
)
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Place, Places, Positions
from router.lanes.copies import Copies, CopyBatch
from router.lanes.destinations import Destinations
from router.testing.broker import MemoryBroker, MemoryTopic
from router.testing.faults import AcknowledgementsHeld, CommitRefused, CopyRefused, DeliveryLost, TopicForbidden

__all__ = ["MemoryBatch", "MemoryCarrier", "MemoryConsumer", "MemoryDirectory", "MemoryTransactionalCarrier"]

_BROKERS = "memory"
_BATCH_OVERHEAD = 61
"""Bytes of a record batch of Kafka's format 2 before its first record."""
_RECORD_OVERHEAD = 10
"""About what a record costs beside its key, value and headers."""
_FORBIDDEN = "may not be written to by this worker"
_MISSING = "does not exist, or this worker may not see it"


class MemoryDirectory:
    """Fulfils `TopicDirectory`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def partition_counts(self) -> Mapping[str, int]:
        """Every topic with its number of partitions. Raises BrokerUnavailable."""
        if problem := self._broker.away():
            raise BrokerUnavailable(brokers=_BROKERS, problem=problem)
        return {name: len(topic.logs) for name, topic in self._broker.topics.items()}


class MemoryConsumer:
    """A member of a group. Fulfils `Positions`, and fetches batches as the transport does."""

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        """It joins the group, whose former member can commit no more."""
        self._broker = broker
        self._group = group
        self._epoch = 0
        self._epochs: dict[SourcePartition, int] = {}
        self._positions: dict[SourcePartition, int] = {}
        broker.owners[group] = self

    async def places(self, sources: Collection[SourcePartition]) -> Places:
        """See Positions."""
        if problem := self._broker.away():
            raise BrokerUnavailable(brokers=_BROKERS, problem=problem)
        return {source: Place(at) for source in sources if (at := self.committed(source)) is not None}

    async def seek_to_committed(self, source: SourcePartition, places: Places) -> tuple[int, int]:
        """See Positions."""
        broker = self._broker
        if problem := broker.away():
            raise BrokerUnavailable(brokers=_BROKERS, problem=problem)
        earliest, latest = broker.start(source), broker.end(source)
        position = places.get(source, Place(earliest)).offset
        if not earliest <= position <= latest:
            raise OffsetOutOfRange(
                topic=source.topic, partition=source.partition, committed=position, earliest=earliest, latest=latest
            )
        self._epoch += 1
        self._epochs[source], self._positions[source] = self._epoch, position
        broker.happened()
        return self._epoch, position

    async def commit(self, source: SourcePartition, offset: int) -> None:
        """See Positions. While the broker is away it waits."""
        broker = self._broker
        while broker.away():
            await broker.change()
        problem = ""
        if broker.owners[self._group] is not self:
            problem = "another member has joined the group"
        elif broker.strike(CommitRefused, topic=source.topic):
            problem = "refused"
        if problem:
            raise CommitFailed(topic=source.topic, partition=source.partition, problem=problem)
        broker.offsets[self._group, source] = offset
        broker.happened()

    async def end(self, source: SourcePartition) -> int:
        """See Positions."""
        if problem := self._broker.away():
            raise BrokerUnavailable(brokers=_BROKERS, problem=problem)
        self._broker.happened()
        return self._broker.end(source)

    async def ends(self, sources: Collection[SourcePartition]) -> Mapping[SourcePartition, int]:
        """See GroupPositions."""
        return {source: await self.end(source) for source in sources}

    async def standing(self, sources: Collection[SourcePartition]) -> Mapping[SourcePartition, int]:
        """See GroupPositions."""
        if problem := self._broker.away():
            raise BrokerUnavailable(brokers=_BROKERS, problem=problem)
        found = {source: self.committed(source) for source in sources}
        return {source: self._broker.start(source) if at is None else at for source, at in found.items()}

    async def written_to(self, source: SourcePartition) -> int:
        """See GroupPositions."""
        return await self.end(source)

    async def owns(self, source: SourcePartition) -> bool:  # noqa: ARG002 - it owns all or nothing
        """See Positions."""
        if problem := self._broker.away():
            raise BrokerUnavailable(brokers=_BROKERS, problem=problem)
        return self._broker.owners[self._group] is self

    def committed(self, source: SourcePartition) -> int | None:
        """The group's offset."""
        return self._broker.offsets.get((self._group, source))

    def fetch(self, sources: Iterable[SourcePartition], most: int = 500) -> list[Batch]:
        """What there is for these partitions, a batch for each that has something; nothing while the broker is away."""
        if self._broker.away():
            return []
        batches = [self._fetch(source, most) for source in sources if source in self._epochs]
        return [batch for batch in batches if batch is not None]

    def _fetch(self, source: SourcePartition, most: int) -> Batch | None:
        broker, before = self._broker, self._positions[source]
        log = broker.topics[source.topic].logs[source.partition]
        # What retention has eaten since is not handed out as if nothing were missing.
        here = max(before, broker.start(source))
        records = log[here : here + most]
        if not records:
            return None
        after = self._positions[source] = here + len(records)
        broker.happened()
        caught_up = after == broker.end(source)
        return Batch(source, self._epochs[source], here, after, records, broker.clock.wall(), caught_up)


class MemoryBatch:
    """Fulfils `CopyBatch`: full where the next record would take it over its size; the first record it always takes."""

    def __init__(self, size: int) -> None:
        self.records: list[tuple[int, bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]] = []
        """Timestamp, key, value and headers of each."""
        self._most = size
        self._size = _BATCH_OVERHEAD

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Any) -> object | None:
        """Add a record; None where it is full."""
        size = _RECORD_OVERHEAD + len(key or b"") + len(value or b"")
        size += sum(len(name) + len(content or b"") for name, content in headers)
        if self.records and self._size + size > self._most:
            return None
        self._size += size
        self.records.append((timestamp or 0, key, value, tuple(headers)))
        return self

    def record_count(self) -> int:
        """How many it holds."""
        return len(self.records)

    def size(self) -> int:
        """Bytes so far."""
        return self._size


@dataclass(slots=True)
class _Sent:
    topic: str
    partition: int
    batch: MemoryBatch
    last_offset: int


class MemoryCarrier:
    """Fulfils `Carrier`, at-least-once."""

    def __init__(
        self,
        source: SourcePartition,
        *,
        broker: MemoryBroker,
        positions: Positions,
        destinations: Destinations,
        waiting: Callable[[str], None],
    ) -> None:
        self.closed = False
        self._source = source
        self._broker = broker
        self._positions = positions
        self._destinations = destinations
        self._waiting = waiting
        self._queued: list[_Sent] = []
        self._failed: dict[tuple[str, int], RouterError] = {}
        self._ends: dict[tuple[str, int], int] = {}
        """Behind the last copies that were written since the last commit."""

    async def open(self) -> Places:
        """See Carrier."""
        if problem := self._broker.away():
            raise BrokerUnavailable(brokers=_BROKERS, problem=problem)
        return await self._positions.places([self._source])

    def new_batch(self, topic: str) -> CopyBatch:
        """See Carrier."""
        return MemoryBatch(self._destinations.batch_bytes(topic))

    async def send(self, copies: Copies) -> None:
        """See Carrier. What the broker takes now is written now; the rest when it is waited for."""
        for topic, partition, batch, last_offset in copies.ready:
            assert isinstance(batch, MemoryBatch), "a batch goes to the carrier that made it"
            if topic not in self._broker.topics and not self._broker.away():
                raise DestinationUnavailable(topic=topic, problem=_MISSING)
            self._queued.append(_Sent(topic, partition, batch, last_offset))
        self._write()

    async def commit(self, offset: int) -> Mapping[tuple[str, int], int]:
        """See Carrier."""
        await self._delivered()
        await self._positions.commit(self._source, offset)
        return self._take_ends()

    def _take_ends(self) -> Mapping[tuple[str, int], int]:
        ends, self._ends = self._ends, {}
        return ends

    async def _delivered(self) -> None:
        while why := self._write():
            self._waiting(why)
            await self._broker.change()
        self._waiting("")
        if self._failed:
            raise next(iter(self._failed.values()))

    async def close(self) -> None:
        """See Carrier. What was not written never will be."""
        self.closed = True
        self._queued.clear()

    def _write(self) -> str:
        """Write what the broker takes now; returns why there is something left."""
        held: dict[tuple[str, int], str] = {}
        left = []
        for sent in self._queued:
            at = sent.topic, sent.partition
            why = held.get(at) or self._obstacle(sent.topic)
            if why:
                held[at] = why
                left.append(sent)
            elif at not in self._failed:  # after a failure the sequence numbers of a partition would not fit
                error = self._write_one(sent)
                if error is not None:
                    self._failed[at] = error
        self._queued = left
        return next(iter(held.values()), "")

    def _obstacle(self, topic: str) -> str:
        broker = self._broker
        if problem := broker.away():
            return str(BrokerUnavailable(brokers=_BROKERS, problem=problem))
        if broker.strike(AcknowledgementsHeld, topic=topic):
            return f"a broker is slow to acknowledge copies for {topic}"
        return ""

    def _write_one(self, sent: _Sent) -> RouterError | None:
        broker = self._broker
        topic = broker.topics.get(sent.topic)
        if topic is None:
            return DestinationUnavailable(topic=sent.topic, problem=_MISSING)
        if broker.strike(TopicForbidden, topic=sent.topic):
            self._destinations.forbid(sent.topic, _FORBIDDEN)
            return DestinationUnavailable(topic=sent.topic, problem=_FORBIDDEN)
        if (refused := self._refusal(sent, topic)) is not None:
            return refused
        lost = broker.strike(DeliveryLost, topic=sent.topic)
        if lost is None or lost.written:
            self._publish(sent)
        if lost is not None:
            return DeliveryFailed(topic=sent.topic, partition=sent.partition, problem="no acknowledgement came")
        return None

    def _publish(self, sent: _Sent) -> None:
        for timestamp, key, value, headers in sent.batch.records:
            record = self._broker.publish(
                sent.topic, key=key, value=value, headers=headers, timestamp=timestamp, partition=sent.partition
            )
            self._ends[sent.topic, sent.partition] = record.offset + 1

    def _refusal(self, sent: _Sent, topic: MemoryTopic) -> DeliveryRefused | None:
        if sent.batch.size() > topic.max_message_bytes:
            return _refused(sent, "too large", too_large=True)
        keys = [key for _, key, _, _ in sent.batch.records]
        if topic.compacted and None in keys:
            return _refused(sent, "compacted topics take no record without a key")
        if any(self._broker.strike(CopyRefused, topic=sent.topic, key=key) for key in dict.fromkeys(keys)):
            return _refused(sent, "refused")
        return None


class MemoryTransactionalCarrier(MemoryCarrier):
    """Fulfils `Carrier`, exactly-once: readers see copies once they are committed, and together with the offset."""

    def __init__(self, source: SourcePartition, *, group: str, **ports: Any) -> None:
        """`ports` are MemoryCarrier's."""
        super().__init__(source, **ports)
        self._id = group, source
        self._written: list[_Sent] = []

    async def open(self) -> Places:
        """See Carrier."""
        await super().open()
        self._broker.producers[self._id] = self
        committed = self._broker.offsets.get(self._id)
        return {} if committed is None else {self._source: Place(committed)}

    async def commit(self, offset: int) -> Mapping[tuple[str, int], int]:
        """See Carrier."""
        await self._delivered()
        self._refuse_fenced()
        if self._broker.strike(CommitRefused, topic=self._source.topic):
            raise CommitFailed(topic=self._source.topic, partition=self._source.partition, problem="refused")
        for sent in self._written:
            super()._publish(sent)
        self._written.clear()
        self._broker.offsets[self._id] = offset
        self._broker.happened()
        return self._take_ends()

    async def close(self) -> None:
        """See Carrier."""
        await super().close()
        self._written.clear()

    def _publish(self, sent: _Sent) -> None:
        self._written.append(sent)
        self._broker.happened()

    def _write_one(self, sent: _Sent) -> RouterError | None:
        return self._fence() or super()._write_one(sent)

    def _fence(self) -> Fenced | None:
        if self._broker.producers[self._id] is self:
            return None
        return Fenced(topic=self._source.topic, partition=self._source.partition)

    def _refuse_fenced(self) -> None:
        if (fenced := self._fence()) is not None:
            raise fenced


def _refused(sent: _Sent, problem: str, *, too_large: bool = False) -> DeliveryRefused:
    return DeliveryRefused(
        topic=sent.topic,
        partition=sent.partition,
        problem=problem,
        records=sent.batch.record_count(),
        size=sent.batch.size(),
        last_offset=sent.last_offset,
        too_large=too_large,
    )
