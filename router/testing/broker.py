"""The broker: topics with their records, groups with their offsets, and the faults that were asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from router.lanes.batch import SourcePartition
from router.language.topics import KAFKA_MAX_MESSAGE_BYTES
from router.records.partition import partition_of
from router.records.record import PlainRecord
from router.testing.clock import HandClock
from router.testing.faults import BrokerAway, Fault

__all__ = ["MemoryBroker", "MemoryTopic"]

AnyFault = TypeVar("AnyFault", bound=Fault)


@dataclass(slots=True)
class MemoryTopic:
    """A topic: its logs by partition, and what it takes."""

    name: str
    logs: list[list[PlainRecord]]
    max_message_bytes: int = KAFKA_MAX_MESSAGE_BYTES
    compacted: bool = False
    starts: list[int] = field(default_factory=list)
    """The first offset that is still there, by partition."""

    def __post_init__(self) -> None:
        self.starts = [0] * len(self.logs)


class MemoryBroker:
    """One broker. Everything is written at once, in the order in which it is asked for."""

    def __init__(self, clock: HandClock | None = None) -> None:
        self.clock = clock or HandClock()
        self.topics: dict[str, MemoryTopic] = {}
        self.offsets: dict[tuple[str, SourcePartition], int] = {}
        """What groups have committed."""
        self.owners: dict[str, object] = {}
        """The member of each group that joined last: it alone may commit."""
        self.producers: dict[tuple[str, SourcePartition], object] = {}
        """The producer of each group and partition that was opened last: the others are fenced."""
        self.activity = 0
        """Grows with all that happens: who waits for calm watches it."""
        self._faults: list[Fault] = []
        self._changed = asyncio.Event()

    # --- topics ----------------------------------------------------------------------------------------------------------

    def create_topic(
        self,
        name: str,
        *,
        partitions: int = 1,
        max_message_bytes: int = KAFKA_MAX_MESSAGE_BYTES,
        compacted: bool = False,
    ) -> MemoryTopic:
        """A new, empty topic; one of that name is replaced."""
        self.topics[name] = MemoryTopic(name, [[] for _ in range(partitions)], max_message_bytes, compacted)
        self.happened()
        return self.topics[name]

    def delete_topic(self, name: str) -> None:
        """The topic is gone, with its records."""
        del self.topics[name]
        self.happened()

    def publish(
        self,
        topic: str,
        *,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        timestamp: int | None = None,
        partition: int | None = None,
    ) -> PlainRecord:
        """Write one record as a producer would: by its key where no partition is named, the emptiest without a key."""
        logs = self.topics[topic].logs
        if partition is None:
            lengths = [len(log) for log in logs]
            partition = lengths.index(min(lengths)) if key is None else partition_of(key, len(logs))
        record = PlainRecord(
            topic=topic,
            partition=partition,
            offset=len(logs[partition]),
            timestamp=int(self.clock.wall() * 1000) if timestamp is None else timestamp,
            key=key,
            value=value,
            headers=tuple(headers),
        )
        logs[partition].append(record)
        self.happened()
        return record

    def records(self, topic: str, partition: int | None = None) -> tuple[PlainRecord, ...]:
        """All records of a topic, partition by partition, or of one of them; in order."""
        found = self.topics[topic]
        chosen = range(len(found.logs)) if partition is None else (partition,)
        return tuple(record for each in chosen for record in found.logs[each][found.starts[each] :])

    def start(self, source: SourcePartition) -> int:
        """The first offset that retention has left."""
        return self.topics[source.topic].starts[source.partition]

    def end(self, source: SourcePartition) -> int:
        """The offset that the next record will have."""
        return len(self.topics[source.topic].logs[source.partition])

    def expire(self, source: SourcePartition, *, before: int) -> None:
        """Retention removes the records before an offset."""
        self.topics[source.topic].starts[source.partition] = before

    # --- faults ----------------------------------------------------------------------------------------------------------

    def suffer(self, fault: AnyFault) -> AnyFault:
        """Let this go wrong from now on; returns it, to be asked later how often it did."""
        if isinstance(fault, BrokerAway):
            fault.until = self.clock.now() + fault.seconds
        self._faults.append(fault)
        self.happened()
        return fault

    def heal(self, *faults: Fault) -> None:
        """These go wrong no more; without any, nothing does."""
        self._faults = [each for each in self._faults if faults and each not in faults]
        self.happened()

    def strike(self, kind: type[AnyFault], **facts: object) -> AnyFault | None:
        """A fault of this kind and with these facts comes true now, if there is one; it is counted."""
        for fault in self._of(kind, **facts):
            fault.fired += 1
            return fault
        return None

    def _of(self, kind: type[AnyFault], **facts: object) -> Iterator[AnyFault]:
        for fault in self._faults:
            if isinstance(fault, kind) and not fault.spent and all(getattr(fault, k) == v for k, v in facts.items()):
                yield fault

    def away(self) -> str:
        """Why nobody answers now; empty where the broker does."""
        for fault in self._of(BrokerAway):
            if self.clock.now() < fault.until:
                fault.fired += 1
                return f"away for {fault.until - self.clock.now():g} s more"
        return ""

    # --- what happens ----------------------------------------------------------------------------------------------------

    def happened(self) -> None:
        """Something changed: whoever waits for a change looks again."""
        self.activity += 1
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def change(self) -> None:
        """Until something changes, or until a broker that is away is due back."""
        due = [fault.until for fault in self._of(BrokerAway) if self.clock.now() < fault.until]
        await self.clock.wait(self._changed, until=min(due, default=None))
