"""The broker in memory keeps records, and suffers what it is told to."""

from __future__ import annotations

import asyncio

from router.lanes.batch import SourcePartition
from router.records.partition import partition_of
from router.testing import BrokerAway, CommitRefused, CopyRefused, DeliveryLost, MemoryBroker


def test_record_lies_where_a_producer_would_put_it() -> None:
    """By its key as Java does it; without one, evenly; or where it is told to."""
    broker = MemoryBroker()
    broker.create_topic("a", partitions=3)
    assert broker.publish("a", key=b"x").partition == partition_of(b"x", 3)
    others = [broker.publish("a").partition for _ in range(2)]
    assert sorted([partition_of(b"x", 3), *others]) == [0, 1, 2]
    assert broker.publish("a", partition=2).offset == 1
    assert [record.partition for record in broker.records("a")] == [0, 1, 2, 2]
    assert [record.offset for record in broker.records("a", 2)] == [0, 1]


def test_retention_removes_from_the_front() -> None:
    """Offsets of what is left do not change."""
    broker = MemoryBroker()
    broker.create_topic("a")
    for _ in range(3):
        broker.publish("a")
    source = SourcePartition("a", 0)
    broker.expire(source, before=2)
    assert [record.offset for record in broker.records("a")] == [2]
    assert (broker.start(source), broker.end(source)) == (2, 3)


def test_fault_comes_true_as_often_as_its_budget_says() -> None:
    """And for what it names only."""
    broker = MemoryBroker()
    fault = broker.suffer(DeliveryLost("a", times=2))
    struck = [broker.strike(DeliveryLost, topic=topic) is fault for topic in ("b", "a", "a", "a")]
    assert struck == [False, True, True, False]
    assert (fault.fired, fault.spent) == (2, True)
    assert broker.strike(CommitRefused, topic="a") is None


def test_fault_without_a_budget_lasts_until_it_is_healed() -> None:
    """One by one, or all at once."""
    broker = MemoryBroker()
    one, other = broker.suffer(CopyRefused("a", b"1")), broker.suffer(CopyRefused("a", b"2"))
    for _ in range(3):
        assert broker.strike(CopyRefused, topic="a", key=b"1") is one
    broker.heal(one)
    assert broker.strike(CopyRefused, topic="a", key=b"1") is None
    assert broker.strike(CopyRefused, topic="a", key=b"2") is other
    broker.heal()
    assert broker.strike(CopyRefused, topic="a", key=b"2") is None


async def test_broker_is_away_for_its_time() -> None:
    """By the clock that is moved by hand; whoever waits for a change is woken then."""
    broker = MemoryBroker()
    broker.suffer(BrokerAway(5.0))
    assert broker.away() == "away for 5 s more"
    waiting = asyncio.create_task(broker.change())
    await asyncio.sleep(0)
    broker.clock.advance(5.0)
    await waiting
    assert broker.away() == ""
