"""Transactions with aiokafka: one producer a partition, whose transactional id is the partition's.

aiokafka sends offsets to a transaction without the group's metadata, so the group does not fence a member that it has given
up. The id does: whoever has the partition next opens the producer of that id, which shuts the former one out, ends what it had
begun, and waits until what it had committed can be seen. From then on the committed offset is the last word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.consumer.gathering import Share, Write

__all__ = ["Transactions", "Unclear"]

_TIMEOUT_MS = 15_000
_CLOSE_WITHIN = 1.0
"""Seconds that a producer gets to end in peace."""


class Unclear(Exception):
    """Whether a transaction came about is not known here; its producer can do no more."""


class Transactions:
    """Those of one partition, one after the other."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        place: TopicPartition,
        group: str,
        transactional_id: str,
        at: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = {
            "transaction_timeout_ms": _TIMEOUT_MS,
            "max_request_size": 100_000_000,  # a rejection is a little larger than what was let in
            **settings,
            "transactional_id": transactional_id,
        }
        self._place = place
        self._group = group
        self._at = at
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Shut out whoever had the partition before. Raises KafkaError."""
        await self.close()
        producer = AIOKafkaProducer(**self._settings)
        try:
            await producer.start()
        except BaseException:
            await _stop(producer)
            raise
        self._producer = producer

    async def commit(self, share: Share) -> None:
        """Write what the share says, with its offset. Raises Unclear, where it may have come about or not."""
        producer = self._producer
        if producer is None:
            raise Unclear("its producer is closed")
        deliveries: list[asyncio.Future[Any]] = []
        try:
            self._at("begin")
            await producer.begin_transaction()
            for write in share.writes:
                self._at("write")
                deliveries.append(await _send(producer, write))
            # What ends a transaction does not fail when something of it was not delivered.
            await asyncio.gather(*deliveries)
            self._at("send offsets")
            offsets = {self._place: OffsetAndMetadata(share.next, "")}
            await producer.send_offsets_to_transaction(offsets, self._group)
            self._at("end")
            await producer.commit_transaction()
        # It may be shut out between any two steps; aiokafka then says that there is no transaction, and that is no KafkaError.
        except (KafkaError, IllegalOperation, ValueError, AssertionError) as error:
            for each in deliveries:
                # What came of them is told by this error, and asked for no more.
                each.add_done_callback(lambda one: one.cancelled() or one.exception())
            raise Unclear(repr(error)) from error

    async def close(self) -> None:
        """What is open comes to nothing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)


async def _stop(producer: AIOKafkaProducer) -> None:
    """End a producer, whatever has become of it. What it has not committed comes to nothing, so there is nothing to flush."""
    with suppress(Exception):
        # Its own way out waits for batches that brokers refuse, and for answers over connections that are gone.
        async with asyncio.timeout(_CLOSE_WITHIN):
            await producer.stop()
    with suppress(Exception):
        await producer.client.close()


async def _send(producer: AIOKafkaProducer, write: Write) -> asyncio.Future[Any]:
    if write.key is None and write.value is None:
        # `send` wants one of them, a batch does not.
        batch = producer.create_batch()
        batch.append(key=None, value=None, timestamp=None, headers=list(write.headers))
        return await _future(producer.send_batch(batch, write.topic, partition=write.partition))
    return await _future(
        producer.send(
            write.topic, key=write.key, value=write.value, partition=write.partition, headers=list(write.headers)
        )
    )


async def _future(sending: Any) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = await sending
    return future
