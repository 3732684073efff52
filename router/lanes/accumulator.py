"""What an ordered producer has queued: batches that are whole, and that leave in order or not at all (see `producer.py`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from copy import copy
from typing import Any

from aiokafka.errors import ProducerClosed
from aiokafka.producer.message_accumulator import MessageAccumulator, MessageBatch
from aiokafka.producer.transaction_manager import TransactionState

__all__ = ["FAILED", "OrderedAccumulator"]

FAILED = (TransactionState.ABORTABLE_ERROR, TransactionState.FATAL_ERROR)
"""Of a transaction in which nothing can be sent any more."""


class _Batch(MessageBatch):  # type: ignore[misc]  # aiokafka publishes no type information
    """One that is whole when it is queued, and goes as soon as it can: nobody adds to it, nor waits until it has left.

    aiokafka's own has a future for each of these waits, and looks at the clock. Where copies go to very many topics a
    batch has few of them, and what a batch costs is what counts.
    """

    def __init__(self, tp: Any, builder: Any, ttl: float) -> None:  # its base would make what it does without
        self._tp = tp
        self._builder = builder
        self._ttl = ttl
        self._ctime = time.monotonic()
        self._retry_count = 0
        self._msg_futures = ()
        self.future = asyncio.get_running_loop().create_future()

    def remaining_linger(self) -> None:
        """None: it goes at once."""

    def drain_ready(self) -> None:
        """It leaves the queue."""
        self._retry_count += 1

    def reset_drain(self) -> None:
        """It is in the queue again."""

    def set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        """Of whom it is, and its number."""
        self._builder._set_producer_state(producer_id, producer_epoch, base_sequence)  # noqa: SLF001 - as its base does

    def failure(self, exception: BaseException) -> None:
        """It will not be delivered."""
        if not self.future.done():
            self.future.set_exception(exception)


class OrderedAccumulator(MessageAccumulator):  # type: ignore[misc]  # as above
    """Hands out nothing more for a partition once a batch for it has failed, nor for any once the transaction has, or is given up."""

    _txn_manager: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Deliveries only: the batches themselves may be large.
        self._latest: dict[Any, Any] = {}
        self._given_up = False

    def enqueue(self, builder: Any, tp: Any) -> Any:
        """Queue a batch behind those of its partition; its delivery. aiokafka's own way waits until they have left."""
        if self._closed:
            raise ProducerClosed
        if self._exception is not None:
            raise copy(self._exception)
        self._txn_manager.maybe_add_partition_to_txn(tp)
        batch = _Batch(tp, builder, self._batch_ttl)
        self._batches[tp].append(batch)
        self._wake()
        return batch.future

    def give_up(self) -> None:
        """What is queued, or comes back to be tried again, is not sent any more."""
        self._given_up = True
        self._wake()

    def _wake(self) -> None:
        if not self._waiter_future.done():
            self._waiter_future.set_result(None)

    def _pop_batch(self, tp: Any) -> Any:
        batch = super()._pop_batch(tp)
        self._latest[tp] = batch.future
        return batch

    def drain_by_nodes(self, ignore_nodes: Any, muted_partitions: Collection[Any] = frozenset()) -> Any:
        """What the sender takes next. It asks with no await since the last answer, so that no failure slips in between."""
        over = self._given_up or self._txn_manager.state in FAILED
        for tp in [tp for tp in self._batches if over or self._has_failed(tp)]:
            for batch in self._batches.pop(tp):
                batch.failure(self._refusal(tp))
        return super().drain_by_nodes(ignore_nodes, muted_partitions)

    def _refusal(self, tp: Any) -> BaseException:
        error: BaseException
        if self._given_up:
            error = ProducerClosed("its transaction is given up")
        elif self._has_failed(tp):
            error = ProducerClosed(f"an earlier batch for {tp.topic}/{tp.partition} was not taken")
        else:
            error = self._txn_manager.failure
        return error

    def _has_failed(self, tp: Any) -> bool:
        latest = self._latest.get(tp)
        return latest is not None and latest.done() and latest.exception() is not None
