"""What is queued of a transaction that is given up never leaves; that it leaves in order is in test_producer.py."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.errors import ProducerClosed
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import TopicPartition

from router.lanes.producer import OrderedProducer

ONE = TopicPartition("a.v1", 0)


class OneNode:
    """A cluster whose only broker leads everything."""

    def leader_for_partition(self, _: TopicPartition) -> int:
        return 7


def one_record() -> BatchBuilder:
    batch = BatchBuilder(1024, compression_type=0, is_transactional=1)
    assert batch.append(timestamp=1, key=None, value=b"v", headers=[])
    return batch


async def begun() -> OrderedProducer:
    """Return one in a transaction, that was never started."""
    producer = OrderedProducer(bootstrap_servers="127.0.0.1:1", transactional_id="router-a.v1-0", group="router")
    producer._closed = True
    producer._message_accumulator._cluster = OneNode()
    producer._txn_manager.set_pid_and_epoch(1, 0)
    await producer.begin_transaction()
    return producer


async def test_what_is_given_up_never_leaves() -> None:
    """Neither what waits nor what a broker has sent back: its transaction may have ended when its topic is there again."""
    producer = await begun()
    accumulator = producer._message_accumulator
    producer.enqueue(one_record(), ONE.topic, partition=0)
    (taken,) = accumulator.drain_by_nodes(set())[0][7].values()
    waiting = producer.enqueue(one_record(), ONE.topic, partition=0)
    producer.give_up()
    accumulator.reenqueue(taken)
    assert accumulator.drain_by_nodes(set())[0] == {}
    for delivery in (taken.future, waiting):
        with pytest.raises(ProducerClosed, match="given up"):
            delivery.result()


async def test_the_sender_notices_at_once() -> None:
    """Whoever waits for what is queued need not wait for a broker."""
    producer = await begun()
    waiter = producer._message_accumulator.waiter()
    producer.give_up()
    async with asyncio.timeout(1):
        await waiter
