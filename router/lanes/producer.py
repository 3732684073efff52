"""aiokafka's idempotent producer, made to keep order also after a batch that a broker refuses.

The sequence numbers of an idempotent producer (KIP-98) make a broker refuse what follows a batch that it did not take. But
only a broker that already knows the producer: from one that is new to it, it takes a batch with any number. So where the
first batch for a partition is refused, the next one would arrive, and overtake the records that the lane then reads again.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed
from aiokafka.producer.message_accumulator import MessageAccumulator

__all__ = ["OrderedProducer"]


class _OrderedAccumulator(MessageAccumulator):  # type: ignore[misc]  # aiokafka publishes no type information
    """Hands out nothing more for a partition once a batch for it has failed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Deliveries only: the batches themselves may be large.
        self._latest: dict[Any, Any] = {}

    def _pop_batch(self, tp: Any) -> Any:
        batch = super()._pop_batch(tp)
        self._latest[tp] = batch.future
        return batch

    def drain_by_nodes(self, ignore_nodes: Any, muted_partitions: Collection[Any] = frozenset()) -> Any:
        """What the sender takes next. It asks with no await since the last answer, so that no failure slips in between."""
        for tp in [tp for tp in self._batches if self._has_failed(tp)]:
            for batch in self._batches.pop(tp):
                batch.failure(ProducerClosed(f"an earlier batch for {tp.topic}/{tp.partition} was not taken"))
                # Where nobody waits for the queue to have room, nobody would ask, and asyncio would complain of that.
                batch._drain_waiter.exception()  # noqa: SLF001 - it has no other name
        return super().drain_by_nodes(ignore_nodes, muted_partitions)

    def _has_failed(self, tp: Any) -> bool:
        latest = self._latest.get(tp)
        return latest is not None and latest.done() and latest.exception() is not None


class OrderedProducer(AIOKafkaProducer):  # type: ignore[misc]  # as above
    """For batches of our own making (`send_batch`), uncompressed and sent as they come. Of no use after an error."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(enable_idempotence=True, acks="all", linger_ms=0, **settings)
        accumulator = _OrderedAccumulator(
            self._metadata, 0, 0, self._request_timeout_ms / 1000, txn_manager=self._txn_manager
        )
        self._message_accumulator = self._sender._message_accumulator = accumulator  # noqa: SLF001 - it takes none
