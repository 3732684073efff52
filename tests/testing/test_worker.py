"""The worker in memory: real lanes, fed by hand."""

from __future__ import annotations

import asyncio

import pytest

from router.exchange.decision import Decision, Delivery, Walk
from router.lanes.batch import SourcePartition
from router.records.record import Record
from router.testing import AcknowledgementsHeld, MemoryBroker, MemoryWorker, StandsStill

BROAD = "orders.v1"


def everything(_: Record) -> Decision:
    return Decision((Walk("orders", "x", (), (Delivery("a.v1", ()),)),))


def worker(*topics: str) -> MemoryWorker:
    broker = MemoryBroker()
    for topic in topics:
        broker.create_topic(topic, partitions=2)
    return MemoryWorker(broker, {BROAD: everything})


async def test_it_owns_every_partition_of_the_sources_that_exist() -> None:
    """A source that is not there yet has none."""
    assert worker("a.v1").sources == ()
    assert worker(BROAD).sources == (SourcePartition(BROAD, 0), SourcePartition(BROAD, 1))


async def test_run_ends_when_all_is_committed() -> None:
    """And at once where there is nothing to do."""
    double = worker(BROAD, "a.v1")
    await double.start()
    await double.run()
    assert double.broker.clock.now() == 0.0
    double.broker.publish(BROAD)
    assert double.behind() == (SourcePartition(BROAD, 0),)
    await double.run()
    assert double.behind() == ()
    await double.stop()


async def test_run_says_what_each_lane_waits_for() -> None:
    """In the words that readiness would use."""
    double = worker(BROAD, "a.v1")
    await double.start()
    double.broker.suffer(AcknowledgementsHeld("a.v1"))
    double.broker.publish(BROAD, partition=1)
    with pytest.raises(StandsStill, match=r"orders\.v1/1: a broker is slow") as caught:
        await double.run(within=2.0)
    assert set(caught.value.waiting) == {SourcePartition(BROAD, 1)}
    await double.stop(finish=False)
    assert double.waiting() == {SourcePartition(BROAD, 1): "no lane"}


async def test_what_goes_round_in_circles_is_ended() -> None:
    """A lane that never comes to rest fails the test instead of hanging it."""
    double = worker(BROAD, "a.v1")
    await double.start()
    double.broker.publish(BROAD)

    async def restless() -> None:
        while True:
            double.broker.happened()
            await asyncio.sleep(0)

    circling = asyncio.create_task(restless())
    with pytest.raises(StandsStill):
        await double.settle()
    circling.cancel()
    await double.stop(finish=False)


async def test_stop_commits_what_is_on_its_way_unless_it_is_a_kill() -> None:
    """As a rebalance and a crash differ."""
    for finish, committed in ((True, 1), (False, None)):
        double = worker(BROAD, "a.v1")
        await double.start()
        double.broker.publish(BROAD, partition=0)
        double.fetch()
        await double.stop(finish=finish)
        assert double.consumer.committed(SourcePartition(BROAD, 0)) == committed
