"""What a lane has sent and no broker has acknowledged yet: waited for with patience, and told apart when it fails.

aiokafka's own `flush` and `commit_transaction` return normally where a batch was refused. Only the batch's own future
tells, so that every one of them is kept here until it was asked.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from itertools import chain
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.producer.message_accumulator import BatchBuilder

from router.errors import (
    BrokerUnavailable,
    DeliveryFailed,
    DeliveryRefused,
    DestinationUnavailable,
    Fenced,
    RouterError,
    TransactionsForbidden,
)
from router.lanes.batch import SourcePartition
from router.lanes.carrier import NOT_ENOUGH_REPLICAS, SLOW, TRANSACTION_ENDING, Waiting
from router.lanes.copies import Copies, CopyBatch, TopicPartition
from router.lanes.destinations import Destinations
from router.lanes.producer import OrderedProducer

__all__ = ["Deliveries", "RecordBatch", "said", "stop"]

_CLOSE_WITHIN = 1.0
"""Seconds that a producer gets to end in peace."""
_SENDINGS = 2
"""How many times copies may have been handed over, none of them acknowledged whole: one on its way, one behind it."""
_PATIENCE = 2.0
"""Seconds without a delivery after which the lane looks what is wrong, and says so."""


class InvalidRecordError(kafka_errors.BrokerResponseError):  # type: ignore[misc]  # aiokafka publishes no type information
    """INVALID_RECORD: something in the batch does not suit its topic, as a record without a key a compacted one."""

    errno = 87
    message = "INVALID_RECORD"
    description = "This record has failed the validation on the broker, and hence is rejected."


# aiokafka 0.14 has no name for this one, and would report it as a fault of the broker's own (-1), which passes.
kafka_errors.kafka_errors.setdefault(InvalidRecordError.errno, InvalidRecordError)

_ABOUT_CONTENTS = (
    kafka_errors.MessageSizeTooLargeError,
    kafka_errors.RecordListTooLargeError,
    kafka_errors.InvalidTimestampError,
    kafka_errors.CorruptRecordException,
    InvalidRecordError,
)
_TOO_LARGE = (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError)
_TOO_FEW_REPLICAS = (kafka_errors.NotEnoughReplicasError, kafka_errors.NotEnoughReplicasAfterAppendError)
_FORBIDDEN = (kafka_errors.TopicAuthorizationFailedError,)


class RecordBatch(BatchBuilder):  # type: ignore[misc]  # aiokafka publishes no type information
    """aiokafka's batch with a shorter way for each record: it serializes nothing, and hands on no keywords."""

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
    ) -> object | None:
        """See CopyBatch."""
        if self._closed:
            return None
        added: object | None = self._builder.append(self._relative_offset, timestamp, key, value, headers)
        if added is None:
            self.close()
        else:
            self._relative_offset += 1
        return added


class Deliveries:
    """One producer's batches on their way. After any error both are discarded."""

    def __init__(
        self,
        source: SourcePartition,
        *,
        producer: OrderedProducer,
        destinations: Destinations,
        waiting: Callable[[str], None],
    ) -> None:
        """`waiting` is told why it takes long, and the empty text once it no longer does."""
        self._source = source
        self._producer = producer
        self._destinations = destinations
        self._waiting = waiting
        self._sent: deque[tuple[asyncio.Future[Any], str, int, CopyBatch, int]] = deque()
        self._ends: dict[TopicPartition, int] = {}
        self._sendings: deque[list[asyncio.Future[Any]]] = deque()

    async def start(self, brokers: str) -> None:
        """Connect the producer. Raises BrokerUnavailable, or TransactionsForbidden where its id may not be used."""
        try:
            await self.patiently(asyncio.ensure_future(self._producer.start()))
        except kafka_errors.TransactionalIdAuthorizationFailed as error:
            raise TransactionsForbidden(transactional_id=self._producer.transactional_id or "") from error
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers=brokers, problem=said(error)) from error

    @property
    def outstanding(self) -> bool:
        """Something was sent, and nobody knows yet what became of it."""
        return any(not delivery.done() for delivery, *_ in self._sent)

    async def send(self, copies: Copies) -> None:
        """Queue the batches, each behind those of its partition; waits while too much is on its way already."""
        await self._have_room()
        self._count_arrived()
        await self._learn({topic for topic, *_ in copies.ready if not self._producer.knows(topic)})
        sending = []
        for topic, partition, batch, last_offset in copies.ready:
            try:
                delivery = self._producer.enqueue(batch, topic, partition=partition)
            except kafka_errors.KafkaError as error:
                # What a broker said of an earlier batch tells more than that this one is no longer wanted.
                self._check([each for each in self._sent if each[0].done()])
                raise self._translated(error, topic, partition) from error
            sending.append(delivery)
            self._sent.append((delivery, topic, partition, batch, last_offset))
        self._sendings.append(sending)

    async def _have_room(self) -> None:
        while len(self._sendings) >= _SENDINGS:
            if late := [delivery for delivery in self._sendings[0] if not delivery.done()]:
                topics = {topic for delivery, topic, *_ in self._sent if not delivery.done()}
                await self.patiently(asyncio.ensure_future(asyncio.wait(late)), topics=topics)
            self._sendings.popleft()

    async def _learn(self, topics: Collection[str]) -> None:
        if not topics:
            return
        try:
            await self.patiently(asyncio.ensure_future(self._producer.learn(topics)), topics=topics)
        except kafka_errors.KafkaError as error:
            for topic in topics:
                if not self._producer.knows(topic):
                    raise self._translated(error, topic, 0) from error
            raise

    async def settle(self) -> dict[TopicPartition, int]:
        """Wait until every batch that was sent is acknowledged. Raises what the first that was not met with.

        What is sent meanwhile is not waited for. Returns the offset behind the last batch of each partition, where the broker said it.
        """
        # Most have arrived by then: to wait for these, too, would be a turn of the event loop for each.
        sent = tuple(self._sent)
        if late := [delivery for delivery, *_ in sent if not delivery.done()]:
            topics = {topic for _, topic, *_ in sent}
            await self.patiently(asyncio.ensure_future(asyncio.wait(late)), topics=topics)
        self._check(sent)
        self._count_arrived()
        ends, self._ends = self._ends, {}
        return ends

    def _count_arrived(self) -> None:
        """Let go of the first batches as far as they are acknowledged: a little with each sending, not all with a commit.

        What has failed stays, and all behind it, until somebody asks for it.
        """
        sent = self._sent
        while sent and (delivery := sent[0][0]).done() and not delivery.cancelled() and delivery.exception() is None:
            _, topic, partition, batch, _ = sent.popleft()
            offset = delivery.result().offset
            # Of one that it had before, a broker may not know where.
            if offset >= 0:
                self._ends[topic, partition] = offset + batch.record_count()

    def _check(self, sent: Iterable[tuple[asyncio.Future[Any], str, int, CopyBatch, int]]) -> None:
        for delivery, topic, partition, batch, last_offset in sent:
            error = delivery.exception()
            if error is None:
                continue
            if isinstance(error, _ABOUT_CONTENTS):
                raise DeliveryRefused(
                    topic=topic,
                    partition=partition,
                    problem=said(error),
                    records=batch.record_count(),
                    size=batch.size(),
                    last_offset=last_offset,
                    too_large=isinstance(error, _TOO_LARGE),
                ) from error
            raise self._translated(error, topic, partition) from error

    async def patiently(self, future: asyncio.Future[Any], *, topics: Collection[str] = ()) -> Any:
        """Wait as long as it takes. An idempotent producer retries for ever, so look around now and then.

        A broker that is away is waited for; a topic that is gone is not, for it may never come back.
        """
        looking = None
        try:
            while not (await asyncio.wait([future], timeout=_PATIENCE))[0]:
                # What is waited for may come while nobody answers the question.
                looking = asyncio.ensure_future(self._look(topics))
                await asyncio.wait([future, looking], return_when=asyncio.FIRST_COMPLETED)
                if looking.done():
                    self._waiting(looking.result())
            self._waiting("")
            return future.result()
        finally:
            # Whoever gives up the wait, because the topic is gone or the lane ends, wants nothing of it any more.
            for left in (future, looking):
                if left is not None and not left.done():
                    left.cancel()

    async def _look(self, topics: Collection[str]) -> Waiting:
        """Why deliveries for these topics take long. Raises DestinationUnavailable where they will never end."""
        try:
            await self._destinations.refresh()
        except BrokerUnavailable as error:
            return Waiting(str(error), reason=error.reason)
        for topic in topics:
            self._destinations.partitions(topic)
        return self._trouble(topics)

    def _trouble(self, topics: Collection[str]) -> Waiting:
        """As precisely as the client knows."""
        for (topic, partition), refusal in self._producer.put_off.items():
            if topic in topics:
                return _put_off(topic, partition, refusal)
        for delivery, topic, partition, *_ in self._sent:
            if topic in topics and not delivery.done() and not self._producer.led(topic, partition):
                return Waiting(f"no broker leads {topic}/{partition}", reason=BrokerUnavailable.reason)
        if isinstance(error := self._producer.transaction_put_off, kafka_errors.ConcurrentTransactions):
            words = (
                "the last transaction is still being ended: a broker that has copies of it is away, or has too few "
                "replicas in sync (min.insync.replicas), and must first know its end"
            )
            return Waiting(words, reason=TRANSACTION_ENDING)
        if error is not None:
            words = f"the coordinator of transactions or of the consumer group is not ready: {said(error)}"
            return Waiting(words, reason=BrokerUnavailable.reason)
        if self._producer.lacks_coordinator:
            words = "no broker answers for transactions or for the consumer group: their coordinator is away"
            return Waiting(words, reason=BrokerUnavailable.reason)
        what = f"copies for {', '.join(sorted(topics))}" if topics else "an offset"
        return Waiting(f"a broker is slow to acknowledge {what}", reason=SLOW)

    async def close(self) -> None:
        """Stop the producer, whatever state it is in."""
        await stop(self._producer)
        sent, self._sent = self._sent, deque()
        for delivery, *_ in sent:
            if not delivery.done():
                delivery.cancel()
            elif not delivery.cancelled():
                # Asked for, so that asyncio does not report as forgotten what the lane has already failed for.
                delivery.exception()

    def fenced(self, error: BaseException) -> Fenced | None:
        """The error as the lane knows it, where it says that another producer has taken this one's id."""
        if isinstance(error, kafka_errors.ProducerFenced):
            return Fenced(topic=self._source.topic, partition=self._source.partition)
        return None

    def _translated(self, error: BaseException, topic: str, partition: int) -> RouterError:
        if isinstance(error, _FORBIDDEN):
            problem = "may not be written to by this worker"
            self._destinations.forbid(topic, problem)
            return DestinationUnavailable(topic=topic, problem=problem)
        if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
            return DestinationUnavailable(topic=topic, problem="does not exist, or this worker may not see it")
        return self.fenced(error) or DeliveryFailed(topic=topic, partition=partition, problem=said(error))


def _put_off(topic: str, partition: int, error: BaseException) -> Waiting:
    if isinstance(error, _TOO_FEW_REPLICAS):
        words = (
            f"{topic}/{partition} has fewer replicas in sync than its min.insync.replicas: its broker takes nothing until "
            "more are back"
        )
        return Waiting(words, reason=NOT_ENOUGH_REPLICAS)
    return Waiting(
        f"a broker does not take copies for {topic}/{partition}: {said(error)}", reason=DeliveryFailed.reason
    )


async def stop(producer: OrderedProducer) -> None:
    """Stop a producer, whatever state it is in: without a broker its own flush would never end."""
    try:
        async with asyncio.timeout(_CLOSE_WITHIN):
            await producer.stop()
    except (TimeoutError, kafka_errors.KafkaError):
        await _abandon(producer)
    except asyncio.CancelledError:
        # Not even then may it live on.
        await _abandon(producer)
        raise


async def _abandon(producer: Any) -> None:
    """End a producer that cannot be flushed. Left alone, its sender would deliver old copies once the broker is back."""
    sender = producer._sender.sender_task  # noqa: SLF001 - aiokafka's own stop() waits for deliveries first
    deadline = time.monotonic() + _CLOSE_WITHIN
    if sender is not None:
        sender.cancel()
    producer.withdraw()
    await producer.client.close()
    # A cancelled sender first waits for its requests, which may wait for metadata that nobody asks for any more.
    while sender is not None and not sender.done() and time.monotonic() < deadline:
        await asyncio.wait([sender], timeout=0.2)
        sender.cancel()
    # Its flush waits for these; only now does nobody else touch them. Once done, each takes itself from the pending.
    accumulator = producer._message_accumulator  # noqa: SLF001
    pending = accumulator._pending_batches  # noqa: SLF001
    pending.update(chain.from_iterable(accumulator._batches.values()))  # noqa: SLF001
    for batch in tuple(pending):
        batch.future.cancel()


def said(error: BaseException) -> str:
    """An error of the client in words: its name always, and what it was raised for where it hides that."""
    text = str(error)
    name = type(error).__name__
    words = text if name in text else f"{name}: {text}" if text else name
    cause = error.__cause__
    return f"{words} (for {said(cause)})" if isinstance(cause, kafka_errors.KafkaError) else words
