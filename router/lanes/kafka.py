"""The two ways from a lane to Kafka: at least once, and exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

from aiokafka import errors as kafka_errors
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.errors import BrokerUnavailable, CommitFailed, RouterError, TransientError
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Places, Positions
from router.lanes.copies import Copies, CopyBatch
from router.lanes.copies import TopicPartition as CopyPartition
from router.lanes.deliveries import Deliveries, RecordBatch, said
from router.lanes.destinations import Destinations
from router.lanes.joint_requests import JointRequests
from router.lanes.positions import places_of, topic_partition
from router.lanes.producer import OrderedProducer

__all__ = ["AnswerLost", "Beside", "IdempotentCarrier", "TransactionalCarrier", "transactional_id"]

_REQUEST_TIMEOUT_MS = 30_000
_ABORT_WITHIN = 1.0


def transactional_id(group: str, source: SourcePartition) -> str:
    """What the producers of one partition's successive owners share, and nobody else uses."""
    return f"{group}-{source.topic}-{source.partition}"


class AnswerLost(TransientError):
    """A coordinator answered only when it was asked again. What it was asked first may reach it in the next transaction."""

    reason = "answer-lost"

    def __init__(self, *, topic: str, partition: int) -> None:
        super().__init__(topic, partition)
        self.topic = topic
        self.partition = partition

    def __str__(self) -> str:
        where = f"{self.topic}/{self.partition}"
        return f"{where}: an answer of a coordinator was lost, and what it was asked may still be done: it goes on with a new producer"


class IdempotentCarrier:
    """At-least-once: an idempotent producer of the lane's own, and the group's offset after its acknowledgements.

    Idempotence (KIP-98) keeps a partition's batches in order through retries, and free of the duplicates that retries make.
    The producer is never used again after an error: its sequence numbers would be refused.
    """

    def __init__(
        self,
        source: SourcePartition,
        *,
        bootstrap: str,
        security: Mapping[str, Any],
        positions: Positions,
        destinations: Destinations,
        waiting: Callable[[str], None],
        joint: JointRequests | None = None,
    ) -> None:
        """With `joint`, small batches go in one request with those of other lanes."""
        self._source = source
        self._bootstrap = bootstrap
        self._security = security
        self._joint = joint
        self._positions = positions
        self._destinations = destinations
        self._waiting = waiting
        self._deliveries: Deliveries | None = None

    async def open(self) -> Places:
        """Connect. Raises BrokerUnavailable."""
        producer = _producer(self._source, self._bootstrap, self._security, joint=self._joint)
        self._deliveries = Deliveries(
            self._source, producer=producer, destinations=self._destinations, waiting=self._waiting
        )
        await self._deliveries.start(self._bootstrap)
        return await self._positions.places([self._source])

    def new_batch(self, topic: str) -> CopyBatch:
        """An empty record batch, as large as the topic takes."""
        # The producer's own create_batch() knows one size for all topics.
        return RecordBatch(self._destinations.batch_bytes(topic), compression_type=0)

    async def send(self, copies: Copies) -> None:
        """Queue the batches, each behind those of its partition."""
        await _opened(self._deliveries).send(copies)

    async def commit(self, offset: int) -> Mapping[CopyPartition, int]:
        """Wait for every delivery, then commit the offset to the group."""
        deliveries = _opened(self._deliveries)
        ends = await deliveries.settle()
        await deliveries.patiently(asyncio.ensure_future(self._positions.commit(self._source, offset)))
        return ends

    async def close(self) -> None:
        """Stop the producer."""
        deliveries, self._deliveries = self._deliveries, None
        if deliveries is not None:
            await deliveries.close()


class Beside(Protocol):
    """What commits positions of its own in a lane's transactions."""

    def partitions(self) -> Collection[SourcePartition]:
        """Of which these are."""

    def sent(self, copies: Copies) -> None:
        """These copies go into the transaction that is open, or begins now."""

    def offsets(self) -> Mapping[SourcePartition, tuple[int, str]]:
        """As of all that was sent, each with its note: committed with the lane's own offset."""


class TransactionalCarrier:
    """Exactly-once: copies and the source's offset in one transaction (KIP-98) of a producer of the lane's own.

    The producer's transactional id belongs to the partition, not to the worker. So whoever opens it next shuts out whoever
    had it before, however sure that one still is of being the partition's owner: broker and coordinator refuse the former
    epoch, an open transaction of it is aborted, and a committed one is complete, before `open` returns. That is why the
    committed offset is read only then, and behind a write (`places.py`).

        CLOSED ── open ──► READY ── send, or commit ──► IN TRANSACTION ── commit ──► READY
                                                              └── close: aborted where that is safe

    The end is asked for only after every delivery, since the client would end a transaction in spite of one that failed.
    """

    def __init__(
        self,
        source: SourcePartition,
        *,
        bootstrap: str,
        security: Mapping[str, Any],
        group: str,
        transaction_timeout_ms: int,
        destinations: Destinations,
        waiting: Callable[[str], None],
        note: Callable[[int], str] | None = None,
    ) -> None:
        """A transaction that is open for longer than its timeout is aborted by the coordinator, and its producer fenced.

        `note` gives what is kept with the commit of an offset: a text of at most 4 KiB, the brokers' own limit.
        """
        self._source = source
        self._bootstrap = bootstrap
        self._security = security
        self._group = group
        self._transaction_timeout_ms = transaction_timeout_ms
        self._destinations = destinations
        self._waiting = waiting
        self._note = note
        self.beside: Beside | None = None
        """Set before it is opened, where more than the lane's own offset is committed."""
        self._producer: OrderedProducer | None = None
        self._deliveries: Deliveries | None = None
        self._begun = False

    async def open(self) -> Places:
        """Connect, and fence the partition's former owner. Raises BrokerUnavailable, TransactionsForbidden or Fenced."""
        self._producer = _producer(
            self._source,
            self._bootstrap,
            self._security,
            group=self._group,
            transactional_id=transactional_id(self._group, self._source),
            transaction_timeout_ms=self._transaction_timeout_ms,
        )
        self._deliveries = Deliveries(
            self._source, producer=self._producer, destinations=self._destinations, waiting=self._waiting
        )
        await self._deliveries.start(self._bootstrap)
        return await self._places(self._deliveries, self._producer)

    async def _places(self, deliveries: Deliveries, producer: OrderedProducer) -> Places:
        wanted = [self._source, *(() if self.beside is None else self.beside.partitions())]
        # In a transaction: whoever closes it now aborts that.
        self._begun = True
        try:
            found = await deliveries.patiently(
                asyncio.ensure_future(producer.committed([topic_partition(each) for each in wanted]))
            )
        except kafka_errors.KafkaError as error:
            unknown = BrokerUnavailable(brokers="the consumer group", problem=said(error))
            raise deliveries.fenced(error) or unknown from error
        self._begun = False
        return places_of(found)

    def new_batch(self, topic: str) -> CopyBatch:
        """An empty record batch of a transaction, as large as the topic takes."""
        return RecordBatch(self._destinations.batch_bytes(topic), compression_type=0, is_transactional=1)

    async def send(self, copies: Copies) -> None:
        """Queue the batches, each behind those of its partition, in the transaction that is open or begins now."""
        if self.beside is not None:
            self.beside.sent(copies)
        if copies.ready:
            await self._begin()
            await _opened(self._deliveries).send(copies)

    async def commit(self, offset: int) -> Mapping[CopyPartition, int]:
        """Wait for every delivery, then end the transaction, the source's offset in it."""
        deliveries, producer = _opened(self._deliveries), self._producer
        assert producer is not None, "deliveries have a producer"
        await self._begin()
        committed = offset if self._note is None else OffsetAndMetadata(offset, self._note(offset))
        at: dict[Any, Any] = {TopicPartition(self._source.topic, self._source.partition): committed}
        if self.beside is not None:
            for each, (place, note) in self.beside.offsets().items():
                at[TopicPartition(each.topic, each.partition)] = OffsetAndMetadata(place, note)
        ends = await deliveries.settle()
        try:
            await deliveries.patiently(asyncio.ensure_future(producer.send_offsets_to_transaction(at, self._group)))
            await deliveries.patiently(asyncio.ensure_future(producer.commit_transaction()))
        except kafka_errors.KafkaError as error:
            raise self._translated(error) from error
        self._begun = False
        return ends

    async def _begin(self) -> None:
        if self._begun or self._producer is None:
            return
        if self._producer.answer_lost:
            # Not a new producer here and now: whether the partition's place is still ours, only the lane's opening tells.
            raise AnswerLost(topic=self._source.topic, partition=self._source.partition)
        try:
            await self._producer.begin_transaction()
        except kafka_errors.KafkaError as error:
            raise self._translated(error) from error
        self._begun = True

    def _translated(self, error: kafka_errors.KafkaError) -> RouterError:
        source = self._source
        return _opened(self._deliveries).fenced(error) or CommitFailed(
            topic=source.topic, partition=source.partition, problem=said(error)
        )

    async def close(self) -> None:
        """Abort what is open, where that is safe, and stop the producer.

        It is not while a batch is on its way: one that arrives behind the abort would begin a transaction of which the
        coordinator knows nothing, and which nobody would ever end. Then it is left to the next owner, or to the timeout.
        """
        deliveries, self._deliveries = self._deliveries, None
        producer, self._producer = self._producer, None
        if deliveries is None or producer is None:
            return
        try:
            if self._begun and not deliveries.outstanding and producer.in_transaction:
                async with asyncio.timeout(_ABORT_WITHIN):
                    await producer.abort_transaction()
        except (TimeoutError, kafka_errors.KafkaError):
            # As said: somebody else will.
            pass
        finally:
            producer.give_up()
            await deliveries.close()


def _producer(source: SourcePartition, bootstrap: str, security: Mapping[str, Any], **more: Any) -> OrderedProducer:
    return OrderedProducer(
        bootstrap_servers=bootstrap,
        client_id=f"router-{source.topic}-{source.partition}",
        request_timeout_ms=_REQUEST_TIMEOUT_MS,
        **more,
        **security,
    )


def _opened(deliveries: Deliveries | None) -> Deliveries:
    assert deliveries is not None, "a carrier is opened before anything is carried"
    return deliveries
