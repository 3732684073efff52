"""What the ports in memory do beyond the promises that tests/contracts holds them to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from support.ports import seek_to_group

from router.errors import BrokerUnavailable, CommitFailed, DeliveryFailed, DestinationUnavailable
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies
from router.lanes.destinations import Destinations
from router.testing import (
    AcknowledgementsHeld,
    BrokerAway,
    CommitRefused,
    DeliveryLost,
    MemoryBatch,
    MemoryBroker,
    MemoryCarrier,
    MemoryConsumer,
    MemoryDirectory,
    TopicForbidden,
)

SOURCE = SourcePartition("orders.v1", 0)


class Desk:
    """A carrier of one source, with one destination."""

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.broker.create_topic(SOURCE.topic)
        self.broker.create_topic("a.v1", partitions=2)
        self.consumer = MemoryConsumer(self.broker, "router")
        self.waited: list[str] = []
        self.carrier = MemoryCarrier(
            SOURCE,
            broker=self.broker,
            positions=self.consumer,
            destinations=Destinations(MemoryDirectory(self.broker)),
            waiting=self.waited.append,
        )

    async def send(self, *values: bytes, topic: str = "a.v1", partition: int = 0) -> None:
        ready = []
        for value in values:
            batch = self.carrier.new_batch(topic)
            batch.append(timestamp=1, key=b"k", value=value, headers=[])
            ready.append((topic, partition, batch, 0))
        await self.carrier.send(Copies(Batch(SOURCE, 1, 0, 1, (), 0.0), ready))

    def values(self) -> Sequence[bytes | None]:
        return [record.value for record in self.broker.records("a.v1")]


@pytest.mark.parametrize("first", [10, 5_000], ids=["small", "larger-than-the-batch"])
def test_batch_takes_its_first_record_whatever_its_size(first: int) -> None:
    """And others until it is full."""
    batch = MemoryBatch(1_000)
    sizes = [first, *[300] * 5]
    taken = [batch.append(timestamp=1, key=None, value=b"x" * size, headers=[("a", None)]) for size in sizes]
    assert taken[0] is not None
    assert taken[-1] is None
    assert batch.record_count() == sum(each is not None for each in taken)


async def test_only_the_member_that_joined_last_commits() -> None:
    """The group's offset has one writer."""
    desk = Desk()
    other = MemoryConsumer(desk.broker, "router")
    with pytest.raises(CommitFailed, match="another member"):
        await desk.consumer.commit(SOURCE, 1)
    await other.commit(SOURCE, 2)
    assert desk.consumer.committed(SOURCE) == 2


async def test_refused_commit_changes_nothing() -> None:
    """And is counted."""
    desk = Desk()
    refused = desk.broker.suffer(CommitRefused(SOURCE.topic))
    with pytest.raises(CommitFailed):
        await desk.consumer.commit(SOURCE, 1)
    assert (desk.consumer.committed(SOURCE), refused.fired) == (None, 1)


async def test_nothing_opens_seeks_or_fetches_while_the_broker_is_away() -> None:
    """Whoever asks is told, and a fetch brings nothing."""
    desk = Desk()
    await seek_to_group(desk.consumer, SOURCE)
    desk.broker.publish(SOURCE.topic)
    away = desk.broker.suffer(BrokerAway(5.0))
    with pytest.raises(BrokerUnavailable):
        await desk.carrier.open()
    with pytest.raises(BrokerUnavailable):
        await seek_to_group(desk.consumer, SOURCE)
    assert desk.consumer.fetch([SOURCE]) == []
    assert away.fired == 3
    desk.broker.clock.advance(5.0)
    assert len(desk.consumer.fetch([SOURCE])) == 1


async def test_commit_waits_for_a_broker_that_is_away() -> None:
    """It says why, writes what was sent meanwhile, and then commits."""
    desk = Desk()
    desk.broker.suffer(BrokerAway(5.0))
    await desk.send(b"1", b"2")
    committing = asyncio.create_task(desk.carrier.commit(1))
    for _ in range(3):
        await asyncio.sleep(0)
    assert (desk.values(), desk.waited) == ([], ["no answer from memory: away for 5 s more"])
    desk.broker.clock.advance(5.0)
    await committing
    assert (desk.values(), desk.waited[-1], desk.consumer.committed(SOURCE)) == ([b"1", b"2"], "", 1)


async def test_offset_waits_for_a_broker_that_went_away_after_the_copies() -> None:
    """The copies are there; the offset follows when it can."""
    desk = Desk()
    desk.broker.suffer(BrokerAway(5.0))
    committing = asyncio.create_task(desk.consumer.commit(SOURCE, 1))
    await asyncio.sleep(0)
    desk.broker.clock.advance(5.0)
    await committing
    assert desk.consumer.committed(SOURCE) == 1


async def test_what_a_closed_carrier_had_not_written_is_never_written() -> None:
    """It would overtake what its successor writes."""
    desk = Desk()
    held = desk.broker.suffer(AcknowledgementsHeld("a.v1"))
    await desk.send(b"1")
    await desk.carrier.close()
    desk.broker.heal(held)
    assert (desk.values(), desk.carrier.closed) == ([], True)


async def test_nothing_overtakes_a_failed_batch_in_its_partition() -> None:
    """Other partitions are not concerned."""
    desk = Desk()
    desk.broker.suffer(DeliveryLost("a.v1"))
    await desk.send(b"1", b"2")
    await desk.send(b"3", partition=1)
    with pytest.raises(DeliveryFailed):
        await desk.carrier.commit(1)
    assert desk.values() == [b"3"]


async def test_topic_that_goes_while_copies_wait_is_unavailable() -> None:
    """Also where the broker was away when they were sent."""
    desk = Desk()
    desk.broker.suffer(BrokerAway(5.0))
    await desk.send(b"1", topic="never.v1")
    desk.broker.clock.advance(5.0)
    with pytest.raises(DestinationUnavailable, match=r"'never\.v1' does not exist"):
        await desk.carrier.commit(1)


async def test_forbidden_topic_is_remembered_as_such() -> None:
    """Until somebody asks again."""
    desk = Desk()
    desk.broker.suffer(TopicForbidden("a.v1"))
    await desk.send(b"1")
    with pytest.raises(DestinationUnavailable, match="may not be written to"):
        await desk.carrier.commit(1)


async def test_partition_without_a_seek_is_not_fetched() -> None:
    """Nobody has said where to begin."""
    desk = Desk()
    desk.broker.publish(SOURCE.topic)
    assert desk.consumer.fetch([SOURCE]) == []
