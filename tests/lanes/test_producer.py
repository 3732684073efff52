"""The order that a producer keeps when a broker refuses a batch; no broker is needed to see it."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from aiokafka.errors import MessageSizeTooLargeError, ProducerClosed
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import TopicPartition

from router.lanes.producer import OrderedProducer

ONE, OTHER = TopicPartition("narrow.v1", 0), TopicPartition("narrow.v1", 1)
NODE = 7


class OneNode:
    """A cluster in which one node leads everything."""

    def leader_for_partition(self, _: TopicPartition) -> int:
        """The node."""
        return NODE


class Queue:
    """A producer's queue, with the sender's part played by hand."""

    def __init__(self) -> None:
        producer = OrderedProducer(bootstrap_servers="127.0.0.1:1")
        producer._closed = True  # it was never started
        self.accumulator = producer._message_accumulator
        assert producer._sender._message_accumulator is self.accumulator
        self.accumulator._cluster = OneNode()
        producer._txn_manager.set_pid_and_epoch(1, 0)

    async def put(self, tp: TopicPartition) -> Any:
        """Queue a batch of one record; returns its delivery."""
        batch = BatchBuilder(1024, compression_type=0)
        assert batch.append(timestamp=1, key=None, value=b"v", headers=[])
        return await self.accumulator.add_batch(batch, tp, 1)

    def take(self) -> dict[TopicPartition, Any]:
        """What the sender gets now, by partition."""
        nodes, _ = self.accumulator.drain_by_nodes(set())
        return nodes.get(NODE, {})


async def test_nothing_follows_a_batch_that_was_refused() -> None:
    """A broker that is new to a producer would take the second batch after refusing the first."""
    queue = Queue()
    first = await queue.put(ONE)
    queue.take()[ONE].failure(MessageSizeTooLargeError())
    second = await queue.put(ONE)
    assert ONE not in queue.take()
    with pytest.raises(MessageSizeTooLargeError):
        await first
    with pytest.raises(ProducerClosed, match=r"narrow\.v1/0"):
        await second


async def test_other_partitions_are_not_concerned() -> None:
    """Order is kept within a partition only."""
    queue = Queue()
    refused = await queue.put(ONE)
    queue.take()[ONE].failure(MessageSizeTooLargeError())
    await queue.put(OTHER)
    assert set(queue.take()) == {OTHER}
    with pytest.raises(MessageSizeTooLargeError):
        await refused


async def test_batches_follow_those_that_were_taken_or_are_under_way() -> None:
    """The usual case: the second is handed out, whatever became of the first so far."""
    queue = Queue()
    await queue.put(ONE)
    under_way = queue.take()[ONE]
    await queue.put(ONE)
    assert ONE in queue.take()
    under_way.done(0)
    await queue.put(ONE)
    assert ONE in queue.take()


async def test_what_is_no_longer_wanted_leaves_no_complaint() -> None:
    """Its delivery is asked after by whoever sent it; asyncio finds nothing else that nobody asked for."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    queue = Queue()
    deliveries = [await queue.put(ONE)]
    queue.take()[ONE].failure(MessageSizeTooLargeError())
    deliveries.append(await queue.put(ONE))
    queue.take()
    await asyncio.wait(deliveries)
    assert all(delivery.exception() for delivery in deliveries)
    deliveries.clear()
    del queue
    gc.collect()
    assert complaints == []
