"""The lanes' ports on a real Kafka, by aiokafka's producer and client; the only module that translates its errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from itertools import chain
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.client import AIOKafkaClient
from aiokafka.producer.message_accumulator import BatchBuilder

from router.errors import (
    BrokerUnavailable,
    DeliveryFailed,
    DeliveryRefused,
    DestinationUnavailable,
    RouterError,
)
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Positions
from router.lanes.copying import Copies, CopyBatch
from router.lanes.destinations import Destinations
from router.lanes.producer import OrderedProducer

__all__ = ["IdempotentCarrier", "KafkaDirectory", "RecordBatch"]

_CLOSE_WITHIN = 1.0
_PATIENCE = 2.0
"""Seconds without a delivery after which the lane looks what is wrong, and says so."""
_ANSWER_WITHIN_MS = 5_000
"""How long the directory waits for one broker's answer before it counts as away."""


class InvalidRecordError(kafka_errors.BrokerResponseError):  # type: ignore[misc]
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
_FORBIDDEN = (kafka_errors.TopicAuthorizationFailedError,)


class KafkaDirectory:
    """Asks for the cluster's topics over a connection of its own, which it keeps."""

    def __init__(self, bootstrap: str, security: Mapping[str, Any]) -> None:
        self._bootstrap = bootstrap
        self._security = security
        self._client: AIOKafkaClient | None = None

    async def partition_counts(self) -> Mapping[str, int]:
        """Every topic that this worker may see; creates none, since it asks for all and names none."""
        try:
            if self._client is None:
                client = AIOKafkaClient(
                    bootstrap_servers=self._bootstrap,
                    client_id="router-directory",
                    request_timeout_ms=_ANSWER_WITHIN_MS,
                    **self._security,
                )
                try:
                    await client.bootstrap()
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            cluster = await self._client.fetch_all_metadata()
        except kafka_errors.KafkaError as error:
            # The next question begins from the bootstrap list: brokers may have moved.
            await self.close()
            raise BrokerUnavailable(brokers=self._bootstrap, problem=_said(error)) from error
        return {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in cluster.topics()}

    async def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


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
    ) -> None:
        self._source = source
        self._bootstrap = bootstrap
        self._security = security
        self._positions = positions
        self._destinations = destinations
        self._waiting = waiting
        self._producer: Any = None
        self._sent: list[tuple[asyncio.Future[Any], str, int, CopyBatch, int]] = []

    async def open(self) -> None:
        """Connect. Raises BrokerUnavailable."""
        self._producer = OrderedProducer(
            bootstrap_servers=self._bootstrap,
            client_id=f"router-{self._source.topic}-{self._source.partition}",
            request_timeout_ms=30_000,
            **self._security,
        )
        try:
            await self._producer.start()
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers=self._bootstrap, problem=_said(error)) from error

    def new_batch(self, topic: str) -> CopyBatch:
        """An empty record batch, as large as the topic takes."""
        # The producer's own create_batch() knows one size for all topics.
        return RecordBatch(self._destinations.batch_bytes(topic), compression_type=0)

    async def send(self, copies: Copies) -> None:
        """Queue the batches, each behind those of its partition."""
        for topic, partition, batch, last_offset in copies.ready:
            sending = asyncio.ensure_future(self._producer.send_batch(batch, topic, partition=partition))
            try:
                delivery = await self._patiently(sending, topics={topic})
            except kafka_errors.KafkaError as error:
                # What a broker said of an earlier batch tells more than that this one is no longer wanted.
                self._check([each for each in self._sent if each[0].done()])
                raise self._translated(error, topic, partition) from error
            self._sent.append((delivery, topic, partition, batch, last_offset))

    async def commit(self, offset: int) -> None:
        """Wait for every delivery, then commit the offset to the group."""
        if self._sent:
            topics = {topic for _, topic, _, _, _ in self._sent}
            await self._patiently(asyncio.ensure_future(asyncio.wait([each[0] for each in self._sent])), topics=topics)
            self._check(self._sent)
            # Not before: what is given up or has failed is left to close(), which asks after every delivery.
            self._sent = []
        await self._patiently(asyncio.ensure_future(self._positions.commit(self._source, offset)))

    def _check(self, sent: list[tuple[asyncio.Future[Any], str, int, CopyBatch, int]]) -> None:
        for delivery, topic, partition, batch, last_offset in sent:
            error = delivery.exception()
            if error is None:
                continue
            if isinstance(error, _ABOUT_CONTENTS):
                raise DeliveryRefused(
                    topic=topic,
                    partition=partition,
                    problem=_said(error),
                    records=batch.record_count(),
                    size=batch.size(),
                    last_offset=last_offset,
                    too_large=isinstance(error, _TOO_LARGE),
                ) from error
            raise self._translated(error, topic, partition) from error

    async def _patiently(self, future: asyncio.Future[Any], *, topics: Collection[str] = ()) -> Any:
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

    async def _look(self, topics: Collection[str]) -> str:
        """Why deliveries for these topics take long. Raises DestinationUnavailable where they will never end."""
        try:
            await self._destinations.refresh()
        except BrokerUnavailable as error:
            return str(error)
        for topic in topics:
            self._destinations.partitions(topic)
        return f"a broker is slow to acknowledge {'copies for ' + ', '.join(sorted(topics)) if topics else 'an offset'}"

    async def close(self) -> None:
        """Stop the producer, whatever state it is in: without a broker its own flush would never end."""
        if self._producer is not None:
            try:
                async with asyncio.timeout(_CLOSE_WITHIN):
                    await self._producer.stop()
            except (TimeoutError, kafka_errors.KafkaError):
                await _abandon(self._producer)
            except asyncio.CancelledError:
                # Not even then may it live on.
                await _abandon(self._producer)
                raise
            self._producer = None
        sent, self._sent = self._sent, []
        for delivery, *_ in sent:
            if not delivery.done():
                delivery.cancel()
            elif not delivery.cancelled():
                # Asked for, so that asyncio does not report as forgotten what the lane has already failed for.
                delivery.exception()

    def _translated(self, error: BaseException, topic: str, partition: int) -> RouterError:
        if isinstance(error, _FORBIDDEN):
            problem = "may not be written to by this worker"
            self._destinations.forbid(topic, problem)
            return DestinationUnavailable(topic=topic, problem=problem)
        if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
            return DestinationUnavailable(topic=topic, problem="does not exist, or this worker may not see it")
        return DeliveryFailed(topic=topic, partition=partition, problem=_said(error))


async def _abandon(producer: Any) -> None:
    """End a producer that cannot be flushed. Left alone, its sender would deliver old copies once the broker is back."""
    sender = producer._sender.sender_task  # noqa: SLF001 - aiokafka's own stop() waits for deliveries first
    deadline = time.monotonic() + _CLOSE_WITHIN
    if sender is not None:
        sender.cancel()
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


def _said(error: BaseException) -> str:
    text = str(error)
    name = type(error).__name__
    return text if name in text else f"{name}: {text}" if text else name
