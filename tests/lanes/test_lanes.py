"""All lanes of a worker: who has room, who is opened, and that all end."""

from __future__ import annotations

import asyncio

from router.errors import DestinationUnavailable
from router.exchange.decision import Decision, Delivery, Walk
from router.lanes.batch import SourcePartition
from router.lanes.lanes import Lanes
from router.lanes.protocol import LaneState, Pace
from router.records.record import Record
from router.testing import AcknowledgementsHeld, BrokerAway, DeliveryLost, MemoryBroker, MemoryWorker

BROAD = "orders.v1"


def by_value(record: Record) -> Decision:
    topics = (record.value or b"").decode().split()
    return Decision((Walk("orders", "x", (), tuple(Delivery(topic, ()) for topic in topics)),))


def worker_of(partitions: int, *topics: str, **pace: float) -> MemoryWorker:
    broker = MemoryBroker()
    for topic in (BROAD, *topics):
        broker.create_topic(topic, partitions=partitions)
    return MemoryWorker(broker, {BROAD: by_value}, pace=Pace(**pace), fetch_records=1)  # type: ignore[arg-type]


async def test_a_lane_is_opened_for_each_partition() -> None:
    """They can be walked over and counted, and each is its own."""
    worker = worker_of(3)
    await worker.start()
    assert [lane.source for lane in worker.lanes] == [SourcePartition(BROAD, each) for each in range(3)]
    assert len(worker.lanes) == 3
    assert worker.lanes.accepting() == set(worker.sources)
    await worker.stop()
    assert len(worker.lanes) == 0
    assert worker.lanes.accepting() == set()


async def test_lanes_open_all_at_once_and_nobody_waits_for_them() -> None:
    """The group's member must go on with its heartbeats, and two hundred lanes take as long as one."""
    worker = worker_of(200)
    worker.broker.suffer(BrokerAway(30.0))
    worker.lanes.open(worker.sources)
    assert len(worker.lanes) == 200
    assert not worker.lanes.accepting()
    await worker.settle()
    assert {lane.protocol.state for lane in worker.lanes} == {LaneState.BACKING_OFF}
    worker.broker.heal()
    worker.broker.clock.advance(1.0)
    await worker.settle()
    assert worker.lanes.accepting() == set(worker.sources)
    await worker.stop()


async def test_a_lane_in_trouble_is_not_fetched_for_and_stops_nobody_else() -> None:
    """A destination that one partition needs is missing: the others carry on, and commit."""
    worker = worker_of(2, "a.v1")
    await worker.start()
    for _ in range(3):
        worker.broker.publish(BROAD, value=b"gone.v1", partition=0)
        worker.broker.publish(BROAD, value=b"a.v1", partition=1)
    for _ in range(20):
        await worker.step(0.1)
    stuck, well = worker.lanes
    assert isinstance(stuck.protocol.error, DestinationUnavailable)
    assert worker.consumer.committed(well.source) == 3
    assert worker.consumer.committed(stuck.source) is None
    await worker.stop()


async def test_waiting_for_room_ends_when_a_lane_has_some() -> None:
    """The fetching side neither polls nor sleeps longer than it must."""
    worker = worker_of(1, "a.v1", capacity=1)
    await worker.start()
    worker.broker.publish(BROAD, value=b"a.v1")
    await worker.lanes.wait_for_room(1.0)  # opening was news
    for batch in worker.consumer.fetch(worker.sources):
        worker.lanes.offered(batch)
        worker.lanes.carry(batch)
    assert worker.lanes.accepting() == set()
    waiting = asyncio.create_task(worker.lanes.wait_for_room(30.0))
    await worker.settle()
    assert waiting.done()
    assert worker.lanes.accepting() == set(worker.sources)
    await worker.stop()


async def test_lane_takes_nothing_more_while_its_share_is_full() -> None:
    """What all lanes hold of copies is bounded, and one that stands still takes nothing from the others."""
    worker = worker_of(2, "a.v1", "b.v1", capacity=50)
    worker.lanes._buffer_bytes = 2_000
    await worker.start()
    still, well = worker.lanes
    assert (still.share, well.share) == (1_000, 1_000)
    worker.broker.suffer(AcknowledgementsHeld("a.v1"))
    for _ in range(40):
        worker.broker.publish(BROAD, value=b"a.v1", partition=0)
        worker.broker.publish(BROAD, value=b"b.v1", partition=1)
    for _ in range(60):
        await worker.step(0.1)
    # It exceeds its share by one batch of one record at most.
    assert 1_000 <= still.held < 1_300
    assert worker.lanes.accepting() == {well.source}
    assert (worker.consumer.committed(still.source), worker.consumer.committed(well.source)) == (None, 40)
    assert well.held == 0
    worker.broker.heal()
    await worker.run()
    assert still.held == 0
    await worker.stop()


async def test_lane_that_fails_holds_nothing_any_more() -> None:
    """What it held is read again."""
    worker = worker_of(1, "a.v1")
    await worker.start()
    (lane,) = worker.lanes
    worker.broker.suffer(DeliveryLost("a.v1"))
    worker.broker.publish(BROAD, value=b"a.v1")
    worker.fetch()
    assert lane.held > 0
    await worker.run()
    assert lane.held == 0
    await worker.stop()


async def test_waiting_for_room_ends_in_time() -> None:
    """Lanes that have none for long do not keep the fetching side from looking elsewhere."""
    lanes = Lanes(lambda *_: None)  # type: ignore[arg-type, return-value]
    await lanes.wait_for_room(0.001)


async def test_who_waits_before_the_lanes_open_is_woken_by_their_opening() -> None:
    """The first batch after an assignment waits for nothing."""
    worker = worker_of(1)
    waiting = asyncio.create_task(worker.lanes.wait_for_room(30.0))
    await asyncio.sleep(0)
    await worker.start()
    assert waiting.done()
    await worker.stop()


async def test_lanes_finish_together_and_say_whether_all_did() -> None:
    """One that cannot commit in time makes the answer no, but keeps no other from committing."""
    worker = worker_of(2, "a.v1", "b.v1", commit_interval=100.0)
    await worker.start()
    worker.broker.suffer(AcknowledgementsHeld("b.v1"))
    worker.broker.publish(BROAD, value=b"a.v1", partition=0)
    worker.broker.publish(BROAD, value=b"b.v1", partition=1)
    worker.fetch()
    await worker.settle()
    assert not await worker.lanes.finish(within=0.05)
    assert [worker.consumer.committed(source) for source in worker.sources] == [1, None]
    lanes = list(worker.lanes)
    await worker.lanes.close()
    assert {lane.protocol.state for lane in lanes} == {LaneState.CLOSED}


async def test_no_lanes_are_finished_at_once() -> None:
    """A spare worker has nothing to commit."""
    assert await worker_of(1).lanes.finish(within=0.0)
