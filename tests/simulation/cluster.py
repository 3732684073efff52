"""A Kafka cluster: topics, leaders and coordinators behind the requests of Kafka's own protocol.

What the lanes' producers ask is aiokafka's own request, prepared for the wire, and is answered with aiokafka's own response:
the client that runs in a simulation is the one that runs in production. What the modelled consumer asks is a method of
`Reading`, by name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from zlib import crc32

from aiokafka.record.default_records import DefaultRecordBatch

from router.lanes.batch import SourcePartition
from router.records.record import PlainRecord
from simulation.group import Assignment, GroupCoordinator, GroupHost
from simulation.network import PORT, Network, host_of
from simulation.partition_log import Entry, PartitionLog, Transaction
from simulation.story import Story
from simulation.transactions import ProducerIdentity, TransactionCoordinator, TransactionHost

__all__ = ["Ask", "Cluster", "Fetched", "Topic", "Watcher"]

UNKNOWN_TOPIC_OR_PARTITION = 3
NOT_LEADER = 6
MESSAGE_TOO_LARGE = 10
LOADING = 14
NOT_COORDINATOR = 16
TOPIC_AUTHORIZATION_FAILED = 29
OPERATION_NOT_ATTEMPTED = 55
INVALID_RECORD = 87

_MARGIN = 61
"""Bytes of a record batch before its first record."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What the consumer's side asks a broker: a method of `Cluster` by name, and its arguments."""

    what: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a fetch of one partition brings."""

    error: str = ""
    records: tuple[PlainRecord, ...] = ()
    next: int = -1
    """The position after them."""


@dataclass(eq=False, slots=True)
class Topic:
    """One life of a topic."""

    name: str
    logs: list[PartitionLog]
    max_bytes: int = 1_048_576
    refuses: bytes | None = None
    """Records whose value holds this are refused, and the whole batch with them."""
    forbidden: bool = False
    """Nobody may write to it now."""
    waiting: list[Callable[[], None]] = field(default_factory=list)
    """Fetches that wait for something to read."""

    def changed(self) -> None:
        """Whoever waits looks again."""
        waiting, self.waiting = self.waiting, []
        for look in waiting:
            look()


class Watcher(Protocol):
    """Sees everything that the cluster makes true, at the moment at which it does."""

    def copied(self, log: PartitionLog, entries: Sequence[Entry]) -> None:
        """Records were appended."""

    def before_commit(self, transaction: Transaction, offsets: Mapping[SourcePartition, int]) -> None:
        """A transaction with these offsets is about to be committed."""

    def offset_committed(self, source: SourcePartition, offset: int, by: str) -> None:
        """The group's offset has moved."""


class Cluster(TransactionHost, GroupHost):
    """Answers requests; implements `Server`."""

    def __init__(
        self,
        network: Network,
        story: Story,
        watcher: Watcher,
        *,
        group: str,
        sources: Iterable[str],
        rebalance: float,
        verifies: bool,
    ) -> None:
        """`verifies`: batches of transactions that the coordinator does not know of are refused (KIP-890)."""
        self.network = network
        self.topics: dict[str, Topic] = {}
        self.gone: list[Topic] = []
        """Topics that were deleted: what was copied there was copied."""
        self.transactions = TransactionCoordinator(self)
        self.group = GroupCoordinator(self, rebalance_timeout=rebalance)
        self.sources = sorted(sources)
        self._group_name = group
        self._story = story
        self._watcher = watcher
        self._moves = 0
        self._verifies = verifies
        network.server = self
        self._answers: dict[int, Callable[[int, Any], Any]] = {
            0: self._produce,
            3: self._metadata,
            9: self._fetch_offsets,
            10: self._find_coordinator,
            22: self._init_producer,
            24: self._add_partitions,
            25: self._add_offsets,
            26: self._end_transaction,
            28: self._commit_offsets,
        }

    # --- topics and leaders ----------------------------------------------------------------------------------------------

    def create(self, name: str, partitions: int, *, max_bytes: int = 1_048_576, refuses: bytes | None = None) -> Topic:
        """A new topic."""
        topic = Topic(name, [PartitionLog(name, number) for number in range(partitions)], max_bytes, refuses)
        self.topics[name] = topic
        return topic

    def delete(self, name: str) -> None:
        """A topic is gone."""
        self.gone.append(self.topics.pop(name))

    def log(self, source: SourcePartition) -> PartitionLog:
        """Of a source partition."""
        return self.topics[source.topic].logs[source.partition]

    def move_leaders(self) -> None:
        """Every partition and every coordinator is led by the next broker from now on."""
        self._moves += 1
        if self.network.nodes > 1:
            self._load_group()

    def came_back(self, node: int) -> None:
        """A broker that was away is back, before another has taken its place."""
        if self.network.nodes > 1 and node == self.leader_of_group():
            self._load_group()

    def _load_group(self) -> None:
        self.tell("broker %d loads the group", self.leader_of_group())
        self.group.load()

    def _leader(self, topic: str, partition: int) -> int:
        return (crc32(topic.encode()) + partition + self._moves) % self.network.nodes

    def _coordinator(self, key: str) -> int:
        return (crc32(key.encode()) + self._moves) % self.network.nodes

    def leader_of_group(self) -> int:
        """The broker that coordinates the group."""
        return self._coordinator(self._group_name)

    def leader_of(self, source: SourcePartition) -> int:
        """The broker that leads a partition."""
        return self._leader(source.topic, source.partition)

    # --- requests --------------------------------------------------------------------------------------------------------

    def handle(self, node: int, request: Any, reply: Callable[[Any], None]) -> None:
        """See Server."""
        if isinstance(request, Ask):
            getattr(self, request.what)(node, reply, **request.facts)
        else:
            response = self._answers[request.API_KEY](node, request)
            self.network.later(self.network.delay(), reply, response)

    def _metadata(self, _node: int, request: Any) -> Any:
        named = request.topics
        topics: list[tuple[Any, ...]] = []
        # No list asks for all topics, an empty one for none.
        for name in sorted(self.topics) if named is None else sorted(named):
            topic = self.topics.get(name)
            if topic is None:
                topics.append((UNKNOWN_TOPIC_OR_PARTITION, name, False, []))
                continue
            partitions: list[tuple[Any, ...]] = [
                (0, log.partition, self._leader(name, log.partition), [0], [0], []) for log in topic.logs
            ]
            topics.append((0, name, False, partitions))
        brokers = [(node, host_of(node), PORT, None) for node in range(self.network.nodes)]
        return request.RESPONSE_TYPE(0, brokers, "simulated", 0, topics)

    def _find_coordinator(self, _node: int, request: Any) -> Any:
        node = self._coordinator(request.coordinator_key)
        return request.RESPONSE_TYPE(0, 0, None, node, host_of(node), PORT)

    def _produce(self, node: int, request: Any) -> Any:
        answers = []
        for name, partitions in request.topics:
            answered = []
            for partition, data in partitions:
                error, offset = self._append(node, name, partition, data)
                answered.append((partition, error, offset, -1, 0))
            answers.append((name, answered))
        return request.RESPONSE_TYPE(answers, 0)

    def _append(self, node: int, name: str, partition: int, data: Any) -> tuple[int, int]:
        if error := self._unwritable(name, partition):
            return error, -1
        if node != self._leader(name, partition):
            return NOT_LEADER, -1
        topic = self.topics[name]
        log = topic.logs[partition]
        batch = DefaultRecordBatch(bytearray(data))
        records = [
            PlainRecord(
                topic=name,
                partition=partition,
                timestamp=record.timestamp,
                key=record.key,
                value=record.value,
                headers=tuple(record.headers),
            )
            for record in batch
        ]
        if len(data) > topic.max_bytes:
            self.tell("%s refuses %d records: %d bytes are too many", log, len(records), len(data))
            return MESSAGE_TOO_LARGE, -1
        if topic.refuses is not None and any(topic.refuses in (record.value or b"") for record in records):
            self.tell("%s refuses %d records: it does not like one of them", log, len(records))
            return INVALID_RECORD, -1
        producer, epoch = batch.producer_id, batch.producer_epoch
        transaction = None
        if batch.is_transactional:
            found = self.transactions.transaction_of(producer, epoch, (name, partition))
            if not isinstance(found, int):
                transaction = found
            elif self._verifies and producer not in log.open:
                self.tell("%s refuses %d records: error %d", log, len(records), found)
                return found, -1
            else:
                transaction = Transaction(f"producer {producer}", -1, orphan=True)
        appended = log.append(
            records, producer=producer, epoch=epoch, sequence=batch.base_sequence, transaction=transaction
        )
        if appended.error:
            self.tell("%s refuses %d records of producer %d: error %d", log, len(records), producer, appended.error)
        elif appended.repeated:
            self.tell("%s has these %d records of producer %d already", log, len(records), producer)
        else:
            self._watcher.copied(log, [entry for entry in log.entries[appended.offset :] if entry is not None])
        return appended.error, appended.offset

    # --- transactions ----------------------------------------------------------------------------------------------------

    def _init_producer(self, node: int, request: Any) -> Any:
        name = request.transactional_id
        if name is not None and node != self._coordinator(name):
            return request.RESPONSE_TYPE(0, NOT_COORDINATOR, -1, -1)
        answer = self.transactions.init_producer(name, request.transaction_timeout_ms / 1000)
        if isinstance(answer, int):
            return request.RESPONSE_TYPE(0, answer, -1, -1)
        return request.RESPONSE_TYPE(0, 0, answer.producer, answer.epoch)

    def _add_partitions(self, node: int, request: Any) -> Any:
        asked = [(topic, partition) for topic, partitions in request.topics for partition in partitions]
        faulty = {at: error for at in asked if (error := self._unwritable(*at))}
        error = NOT_COORDINATOR if node != self._coordinator(request.transactional_id) else 0
        if not error and not faulty:
            error = self.transactions.add_partitions(request.transactional_id, _identity(request), asked)
        errors: dict[str, list[tuple[int, int]]] = {}
        for topic, partition in asked:
            mine = faulty.get((topic, partition), OPERATION_NOT_ATTEMPTED) if faulty and not error else error
            errors.setdefault(topic, []).append((partition, mine))
        return request.RESPONSE_TYPE(0, list(errors.items()))

    def _unwritable(self, name: str, partition: int) -> int:
        topic = self.topics.get(name)
        if topic is None or partition >= len(topic.logs):
            return UNKNOWN_TOPIC_OR_PARTITION
        return TOPIC_AUTHORIZATION_FAILED if topic.forbidden else 0

    def _add_offsets(self, node: int, request: Any) -> Any:
        if node != self._coordinator(request.transactional_id):
            return request.RESPONSE_TYPE(0, NOT_COORDINATOR)
        error = self.transactions.add_group(request.transactional_id, _identity(request), request.group_id)
        return request.RESPONSE_TYPE(0, error)

    def _commit_offsets(self, node: int, request: Any) -> Any:
        offsets = {
            SourcePartition(topic, partition): offset
            for topic, partitions in request.topics
            for partition, offset, _ in partitions
        }
        identity = _identity(request)
        error = self._unasked(node)
        if not error:
            # Version 0 knows no member and no generation: only the producer's epoch speaks for its right.
            found = self.transactions.transaction_of_group(identity.producer, identity.epoch, request.group_id)
            if isinstance(found, int):
                error = found
            else:
                self.group.commit_with(found, offsets)
                for source, offset in offsets.items():
                    self.tell("offset %d of %s becomes part of %s", offset, source, found)
        errors: dict[str, list[tuple[int, int]]] = {}
        for source in offsets:
            errors.setdefault(source.topic, []).append((source.partition, error))
        return request.RESPONSE_TYPE(0, list(errors.items()))

    def _unasked(self, node: int) -> int:
        """Why a broker does not answer for the group's offsets; 0 where it does."""
        if node != self.leader_of_group():
            return NOT_COORDINATOR
        return LOADING if self.group.loading else 0

    def _fetch_offsets(self, node: int, request: Any) -> Any:
        if error := self._unasked(node):
            # As a whole: no partition is named.
            return request.RESPONSE_TYPE(0, [], error)
        topics = [
            (topic, [(each, self.group.told(SourcePartition(topic, each)), "", 0) for each in partitions])
            for topic, partitions in request.topics
        ]
        return request.RESPONSE_TYPE(0, topics, 0)

    def _end_transaction(self, node: int, request: Any) -> Any:
        if node != self._coordinator(request.transactional_id):
            return request.RESPONSE_TYPE(0, NOT_COORDINATOR)
        commit = bool(request.transaction_result)
        return request.RESPONSE_TYPE(
            0, self.transactions.end(request.transactional_id, _identity(request), commit=commit)
        )

    def forget_ids(self) -> None:
        """The transactional ids that have nothing open expire."""
        for name in self.transactions.names:
            if self.transactions.forget(name):
                self.tell("the transactional id %s has expired", name)

    def write_marker(self, at: tuple[str, int], transaction: Transaction, identity: ProducerIdentity) -> None:
        """See TransactionHost."""
        topic = self.topics.get(at[0])
        # A topic that was deleted meanwhile has nothing to mark; nor has one that was made anew since.
        if topic is not None:
            topic.logs[at[1]].mark(transaction, producer=identity.producer, epoch=identity.epoch)

    def end_offsets(self, group: str, transaction: Transaction, identity: ProducerIdentity) -> None:
        """See TransactionHost."""
        self.group.end_transaction(transaction)

    def before_commit(self, transaction: Transaction) -> None:
        """See TransactionHost."""
        self._watcher.before_commit(transaction, self.group.pending(transaction))

    def marker_delay(self) -> float:
        """See TransactionHost."""
        return self.network.delay() + self.network.delay()

    def later(self, delay: float, callback: Callable[..., None], *facts: object) -> asyncio.TimerHandle:
        """See the hosts."""
        return self.network.later(delay, callback, *facts)

    def tell(self, what: str, *facts: object) -> None:
        """See the hosts."""
        self._story.tell("broker", what, *facts)

    # --- the group and its reading ---------------------------------------------------------------------------------------

    def now(self) -> float:
        """See GroupHost."""
        return self.network.loop.time()

    def source_partitions(self) -> Sequence[SourcePartition]:
        """See GroupHost."""
        return [SourcePartition(name, log.partition) for name in self.sources for log in self.topics[name].logs]

    def offset_committed(self, source: SourcePartition, offset: int, by: str) -> None:
        """See GroupHost."""
        self._watcher.offset_committed(source, offset, by)

    def join(self, node: int, reply: Callable[[Any], None], *, name: str, session: float) -> None:
        """Answers an Assignment, or an error code."""
        if node != self.leader_of_group():
            reply(NOT_COORDINATOR)
            return
        answer: Callable[[Assignment], None] = reply
        self.group.join(name, session, answer)

    def heartbeat(self, node: int, reply: Callable[[Any], None], *, name: str, generation: int) -> None:
        """Answers an error code."""
        reply(NOT_COORDINATOR if node != self.leader_of_group() else self.group.heartbeat(name, generation))

    def leave(self, node: int, reply: Callable[[Any], None], *, name: str) -> None:
        """Answers an error code."""
        if node == self.leader_of_group():
            self.group.leave(name)
        reply(0 if node == self.leader_of_group() else NOT_COORDINATOR)

    def commit(
        self,
        node: int,
        reply: Callable[[Any], None],
        *,
        name: str,
        generation: int,
        source: SourcePartition,
        offset: int,
    ) -> None:
        """Answers an error code."""
        error = self._unasked(node)
        if not error:
            error = self.group.commit(name, generation, {source: offset})
        reply(error)

    def committed(self, node: int, reply: Callable[[Any], None], *, source: SourcePartition) -> None:
        """Answers the group's offset, -1 where there is none; None from a broker that does not know."""
        reply(None if self._unasked(node) else self.group.told(source))

    def bounds(self, node: int, reply: Callable[[Any], None], *, source: SourcePartition) -> None:
        """Answers the first offset and the last stable one; None from a broker that does not lead the partition."""
        log = self.log(source)
        reply((log.start, log.last_stable) if node == self.leader_of(source) else None)

    def fetch(
        self,
        node: int,
        reply: Callable[[Any], None],
        *,
        source: SourcePartition,
        position: int,
        most: int,
        within: float,
    ) -> None:
        """Answers Fetched, once there is something, or after so many seconds."""
        topic = self.topics[source.topic]
        log = topic.logs[source.partition]
        answered = False
        timer: asyncio.TimerHandle | None = None

        def answer(fetched: Fetched) -> None:
            nonlocal answered
            answered = True
            if timer is not None:
                timer.cancel()
            reply(fetched)

        def look() -> None:
            if answered:
                return
            if node != self.leader_of(source):
                answer(Fetched("another broker leads the partition"))
            elif not log.start <= position <= log.end:
                answer(Fetched("out of range"))
            elif position < log.last_stable:
                answer(_read(log, position, most))
            else:
                topic.waiting.append(look)

        look()
        if not answered:
            timer = self.later(within, lambda: None if answered else answer(Fetched(next=position)))


def _read(log: PartitionLog, position: int, most: int) -> Fetched:
    records: list[PlainRecord] = []
    offset = position
    while offset < log.last_stable and len(records) < most:
        entry = log.entries[offset]
        offset += 1
        if entry is None or entry.record is None:
            continue
        if entry.transaction is not None and not entry.transaction.committed:
            continue
        records.append(entry.record)
    return Fetched(records=tuple(records), next=offset)


def _identity(request: Any) -> ProducerIdentity:
    return ProducerIdentity(request.producer_id, request.producer_epoch)
