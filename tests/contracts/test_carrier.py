"""What lanes may expect of a carrier: copies as they are, acknowledged before the offset, refusals told apart."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from support.worlds import Member, World, copies_of

from router.errors import DeliveryRefused, DestinationUnavailable
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Carrier

NOW = int(time.time() * 1000)


class Desk:
    """A source with its group, two destinations, and carriers that are closed in the end."""

    def __init__(self, world: World, member: Member, source: SourcePartition, names: Callable[[str], str]) -> None:
        self.world = world
        self.member = member
        self.source = source
        self.one, self.other = names("one.v1"), names("other.v1")
        self.name = names
        self.waited: list[str] = []
        self.carriers: list[Carrier] = []

    async def carrier(self) -> Carrier:
        carrier = self.world.carrier(self.source, self.member.positions, self.waited.append)
        self.carriers.append(carrier)
        await self.world.destinations.refresh()
        await carrier.open()
        return carrier

    async def committed(self) -> int:
        return (await self.member.positions.seek_to_committed(self.source))[1]

    async def values(self, topic: str) -> list[bytes | None]:
        return [value for _, _, _, value, _ in await self.world.read(topic)]


@pytest.fixture
async def desk(world: World, topic_names: Callable[[str], str], unique: str) -> AsyncIterator[Desk]:
    source = SourcePartition(topic_names("orders.v1"), 0)
    await world.create(source.topic)
    await world.publish(source.topic, *[b"x"] * 9)
    desk = Desk(world, await world.member(unique, source), source, topic_names)
    for topic in (desk.one, desk.other):
        await world.create(topic, partitions=2)
    yield desk
    for carrier in desk.carriers:
        await carrier.close()


def filled(carrier: Carrier, topic: str, *values: bytes | None, key: bytes | None = b"k", headers: Any = ()) -> Any:
    batch = carrier.new_batch(topic)
    for value in values:
        assert batch.append(timestamp=NOW, key=key, value=value, headers=list(headers)) is not None
    return batch


async def test_copies_arrive_in_order_and_as_they_are(desk: Desk) -> None:
    """Key, value, timestamp and every header, repeated and empty ones too; in the partition that was said."""
    carrier = await desk.carrier()
    headers = (("trace", b"1"), ("trace", b"2"), ("flag", None), ("bytes", b"\xff\x00"))
    batch = carrier.new_batch(desk.one)
    batch.append(timestamp=NOW - 5, key=b"\x00k", value=b"\xff", headers=list(headers))
    batch.append(timestamp=0, key=b"", value=b"", headers=[])
    await carrier.send(copies_of([(desk.one, 1, batch, 0)], desk.source, 1))
    await carrier.commit(1)
    assert await desk.world.read(desk.one) == [(1, NOW - 5, b"\x00k", b"\xff", headers), (1, 0, b"", b"", ())]


async def test_tombstone_with_a_null_key_arrives(desk: Desk) -> None:
    """Null is not empty."""
    carrier = await desk.carrier()
    await carrier.send(copies_of([(desk.one, 0, filled(carrier, desk.one, None, key=None), 0)], desk.source, 1))
    await carrier.commit(1)
    assert await desk.world.read(desk.one) == [(0, NOW, None, None, ())]


async def test_batches_of_a_partition_stay_in_order(desk: Desk) -> None:
    """Within what is sent at once, from one sending to the next, and over commits."""
    carrier = await desk.carrier()
    expected = []
    for sending in range(6):
        ready = []
        for part in range(5):
            expected.append(b"%d.%d" % (sending, part))
            ready += [(topic, 0, filled(carrier, topic, expected[-1]), sending) for topic in (desk.one, desk.other)]
        await carrier.send(copies_of(ready, desk.source, sending + 1))
        if sending % 2:
            await carrier.commit(sending + 1)
    assert await desk.values(desk.one) == expected
    assert await desk.values(desk.other) == expected
    assert await desk.committed() == 6


async def test_offset_moves_with_the_commit_only(desk: Desk) -> None:
    """Sending alone promises nothing to the group."""
    carrier = await desk.carrier()
    await carrier.send(copies_of([(desk.one, 0, filled(carrier, desk.one, b"1"), 0)], desk.source, 4))
    assert await desk.committed() == 0
    await carrier.commit(4)
    assert await desk.committed() == 4
    assert await desk.values(desk.one) == [b"1"]


async def test_offset_without_copies_can_be_committed(desk: Desk) -> None:
    """Records that lead nowhere are done with, too."""
    carrier = await desk.carrier()
    await carrier.send(copies_of([], desk.source, 7))
    await carrier.commit(7)
    assert await desk.committed() == 7


async def test_oversize_batch_is_refused_with_its_facts(desk: Desk) -> None:
    """How many copies, how large, up to where; the offset stays, and another carrier goes on."""
    small = desk.name("small.v1")
    await desk.world.create(small, most_bytes=2_000)
    carrier = await desk.carrier()
    batch = filled(carrier, small, b"x" * 1_500, b"y" * 1_500)
    size = batch.size()
    await carrier.send(copies_of([(small, 0, batch, 6)], desk.source, 7))
    with pytest.raises(DeliveryRefused) as caught:
        await carrier.commit(7)
    error = caught.value
    assert (error.topic, error.partition) == (small, 0)
    assert (error.records, error.last_offset, error.too_large) == (2, 6, True)
    assert error.size == size
    assert await desk.committed() == 0
    await carrier.close()
    following = await desk.carrier()
    await following.send(copies_of([(small, 0, filled(following, small, b"x" * 1_500), 6)], desk.source, 7))
    await following.commit(7)
    assert await desk.values(small) == [b"x" * 1_500]


async def test_record_without_a_key_is_refused_by_a_compacted_topic(desk: Desk) -> None:
    """For what is in it: no retry would help, no smaller batch either."""
    compacted = desk.name("compacted.v1")
    await desk.world.create(compacted, compacted=True)
    carrier = await desk.carrier()
    await carrier.send(copies_of([(compacted, 0, filled(carrier, compacted, b"1", key=None), 3)], desk.source, 4))
    with pytest.raises(DeliveryRefused) as caught:
        await carrier.commit(4)
    assert (caught.value.records, caught.value.last_offset, caught.value.too_large) == (1, 3, False)
    assert await desk.committed() == 0


async def test_one_refusal_does_not_hide_behind_other_deliveries(desk: Desk) -> None:
    """Though all other batches were taken, nothing is committed."""
    small = desk.name("small.v1")
    await desk.world.create(small, most_bytes=2_000)
    carrier = await desk.carrier()
    ready = [
        (desk.one, 0, filled(carrier, desk.one, b"1"), 0),
        (small, 0, filled(carrier, small, b"x" * 3_000), 1),
        (desk.other, 0, filled(carrier, desk.other, b"2"), 2),
    ]
    await carrier.send(copies_of(ready, desk.source, 3))
    with pytest.raises(DeliveryRefused):
        await carrier.commit(3)
    assert await desk.committed() == 0
    assert await desk.values(desk.one) == [b"1"]


async def test_topic_that_is_gone_is_unavailable_and_not_created(desk: Desk) -> None:
    """The lane stops for it; a carrier that waited for ever could not."""
    missing = desk.name("missing.v1")
    carrier = await desk.carrier()

    async def carried() -> None:
        await carrier.send(copies_of([(missing, 0, filled(carrier, missing, b"1"), 0)], desk.source, 1))
        await carrier.commit(1)

    with pytest.raises(DestinationUnavailable) as caught:
        await carried()
    assert caught.value.topic == missing
    assert missing not in await desk.world.directory.partition_counts()
    assert await desk.committed() == 0


async def test_carrier_closes_in_any_state_and_more_than_once(desk: Desk) -> None:
    """Never opened, unused, or with copies on their way: within a moment."""
    begun = time.monotonic()
    never = desk.world.carrier(desk.source, desk.member.positions, desk.waited.append)
    unused, busy = await desk.carrier(), await desk.carrier()
    await busy.send(copies_of([(desk.one, 0, filled(busy, desk.one, b"1"), 0)], desk.source, 1))
    for carrier in (never, unused, busy):
        await carrier.close()
        await carrier.close()
    assert time.monotonic() - begun < 5.0
    assert await desk.committed() == 0


async def test_batch_is_full_at_its_size_but_takes_a_first_record(desk: Desk) -> None:
    """Whatever the record's size: whether it is too large is the broker's to say."""
    carrier = await desk.carrier()
    desk.world.destinations.shrink(desk.one, 4_000)
    batch = carrier.new_batch(desk.one)
    taken = 0
    while batch.append(timestamp=NOW, key=b"k", value=b"x" * 300, headers=[("a", b"b")]) is not None:
        taken += 1
    assert 4 <= taken <= 6
    assert batch.record_count() == taken
    assert 300 * taken < batch.size() <= 2_000
    large = filled(carrier, desk.one, b"x" * 9_000)
    assert (large.record_count(), large.append(timestamp=NOW, key=None, value=b"y", headers=[])) == (1, None)
    await carrier.send(copies_of([(desk.one, 0, batch, 0), (desk.one, 0, large, 1)], desk.source, 2))
    await carrier.commit(2)
    assert len(await desk.values(desk.one)) == taken + 1
