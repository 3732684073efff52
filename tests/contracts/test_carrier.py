"""What lanes may expect of a carrier: copies as they are, acknowledged before the offset, refusals told apart."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from support.ports import seek_to_group
from support.waiting import comes_to
from support.worlds import Member, World, copies_of

from router.errors import DeliveryRefused, DestinationUnavailable, Fenced
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Carrier, Place, Places

NOW = int(time.time() * 1000)


class Desk:
    """A source with its group, two destinations, and carriers that are closed in the end."""

    def __init__(
        self,
        world: World,
        member: Member,
        source: SourcePartition,
        names: Callable[[str], str],
        *,
        exactly_once: bool,
        group: str,
    ) -> None:
        self.world = world
        self.member = member
        self.source = source
        self.one, self.other = names("one.v1"), names("other.v1")
        self.name = names
        self.exactly_once = exactly_once
        self.group = group
        self.waited: list[str] = []
        self.carriers: list[Carrier] = []

    def closed_carrier(self) -> Carrier:
        if self.exactly_once:
            return self.world.transactional_carrier(self.source, self.group, self.waited.append)
        return self.world.carrier(self.source, self.member.positions, self.waited.append)

    async def carrier(self) -> Carrier:
        carrier, _ = await self.opened()
        return carrier

    async def opened(self) -> tuple[Carrier, Places]:
        carrier = self.closed_carrier()
        self.carriers.append(carrier)
        await self.world.destinations.refresh()
        return carrier, await carrier.open()

    async def expect_committed(self, offset: int) -> None:
        """What a transaction has committed shows once its markers are written."""

        async def committed() -> int:
            return (await seek_to_group(self.member.positions, self.source))[1]

        await comes_to(committed, offset)

    async def expect_values(self, topic: str, expected: list[bytes | None]) -> None:
        async def values() -> list[bytes | None]:
            return [value for _, _, _, value, _ in await self.world.read(topic)]

        await comes_to(values, expected)


@pytest.fixture(params=[pytest.param(False, id="at-least-once"), pytest.param(True, id="exactly-once")])
async def desk(
    request: pytest.FixtureRequest, world: World, topic_names: Callable[[str], str], unique: str
) -> AsyncIterator[Desk]:
    source = SourcePartition(topic_names("orders.v1"), 0)
    await world.create(source.topic)
    await world.publish(source.topic, *[b"x"] * 9)
    member = await world.member(unique, source)
    desk = Desk(world, member, source, topic_names, exactly_once=request.param, group=unique)
    for topic in (desk.one, desk.other):
        await world.create(topic, partitions=2)
    yield desk
    for carrier in desk.carriers:
        await carrier.close()


only_exactly_once = pytest.mark.parametrize("desk", [pytest.param(True, id="exactly-once")], indirect=True)


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
    await desk.expect_values(desk.one, expected)
    await desk.expect_values(desk.other, expected)
    await desk.expect_committed(6)


async def test_offset_moves_with_the_commit_only(desk: Desk) -> None:
    """Sending alone promises nothing to the group."""
    carrier = await desk.carrier()
    await carrier.send(copies_of([(desk.one, 0, filled(carrier, desk.one, b"1"), 0)], desk.source, 4))
    await desk.expect_committed(0)
    await carrier.commit(4)
    await desk.expect_committed(4)
    await desk.expect_values(desk.one, [b"1"])


async def test_offset_without_copies_can_be_committed(desk: Desk) -> None:
    """Records that lead nowhere are done with, too."""
    carrier = await desk.carrier()
    await carrier.send(copies_of([], desk.source, 7))
    await carrier.commit(7)
    await desk.expect_committed(7)


async def test_commit_may_leave_the_offset_where_it_is(desk: Desk) -> None:
    """What a lane held and now lets go needs no record that came."""
    carrier = await desk.carrier()
    for value in (b"1", b"2"):
        await carrier.send(copies_of([(desk.one, 0, filled(carrier, desk.one, value), 3)], desk.source, 4))
        await carrier.commit(4)
    await desk.expect_values(desk.one, [b"1", b"2"])
    await desk.expect_committed(4)


async def test_commit_says_where_copies_ended(desk: Desk) -> None:
    """For each partition that got some since the last commit: the offset behind them, which the next ones do not precede."""
    carrier = await desk.carrier()
    ready = [
        (desk.one, 0, filled(carrier, desk.one, b"1"), 0),
        (desk.other, 1, filled(carrier, desk.other, b"1"), 0),
        (desk.one, 0, filled(carrier, desk.one, b"2", b"3"), 0),
    ]
    await carrier.send(copies_of(ready, desk.source, 1))
    assert await carrier.commit(1) == {(desk.one, 0): 3, (desk.other, 1): 1}
    assert await carrier.commit(1) == {}
    await carrier.send(copies_of([(desk.one, 0, filled(carrier, desk.one, b"4"), 1)], desk.source, 2))
    (end,) = (await carrier.commit(2)).values()
    # Between transactions lies a marker.
    assert end >= 4


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
    await desk.expect_committed(0)
    await carrier.close()
    following = await desk.carrier()
    await following.send(copies_of([(small, 0, filled(following, small, b"x" * 1_500), 6)], desk.source, 7))
    await following.commit(7)
    await desk.expect_values(small, [b"x" * 1_500])


async def test_record_without_a_key_is_refused_by_a_compacted_topic(desk: Desk) -> None:
    """For what is in it: no retry would help, no smaller batch either."""
    compacted = desk.name("compacted.v1")
    await desk.world.create(compacted, compacted=True)
    carrier = await desk.carrier()
    await carrier.send(copies_of([(compacted, 0, filled(carrier, compacted, b"1", key=None), 3)], desk.source, 4))
    with pytest.raises(DeliveryRefused) as caught:
        await carrier.commit(4)
    assert (caught.value.records, caught.value.last_offset, caught.value.too_large) == (1, 3, False)
    await desk.expect_committed(0)


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
    await desk.expect_committed(0)
    await desk.expect_values(desk.one, [] if desk.exactly_once else [b"1"])


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
    await desk.expect_committed(0)


async def test_carrier_closes_in_any_state_and_more_than_once(desk: Desk) -> None:
    """Never opened, unused, or with copies on their way: within a moment."""
    begun = time.monotonic()
    never, unused, busy = desk.closed_carrier(), await desk.carrier(), await desk.carrier()
    await busy.send(copies_of([(desk.one, 0, filled(busy, desk.one, b"1"), 0)], desk.source, 1))
    for carrier in (never, unused, busy):
        await carrier.close()
        await carrier.close()
    assert time.monotonic() - begun < 5.0
    await desk.expect_committed(0)


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
    await desk.expect_values(desk.one, [b"x" * 300] * taken + [b"x" * 9_000])


@only_exactly_once
async def test_opening_fences_whoever_had_the_partition(desk: Desk) -> None:
    """Exactly-once: what the former owner had begun is undone, and it can neither send nor commit any more."""
    former = await desk.carrier()
    await former.send(copies_of([(desk.one, 0, filled(former, desk.one, b"never"), 0)], desk.source, 1))
    following = await desk.carrier()
    with pytest.raises(Fenced):
        await former.commit(1)
    await following.send(copies_of([(desk.one, 0, filled(following, desk.one, b"1"), 0)], desk.source, 1))
    await following.commit(1)
    await desk.expect_values(desk.one, [b"1"])
    await desk.expect_committed(1)
    late = desk.closed_carrier()
    await late.open()

    async def carried() -> None:
        await following.send(copies_of([(desk.one, 0, filled(following, desk.one, b"2"), 1)], desk.source, 2))
        await following.commit(2)

    with pytest.raises(Fenced):
        await carried()
    await late.close()


@only_exactly_once
async def test_what_was_committed_is_complete_when_the_next_carrier_opens(desk: Desk) -> None:
    """Exactly-once: the committed offset can be trusted then, at once, and the carrier tells it."""
    for offset in range(1, 8):
        carrier, places = await desk.opened()
        assert places == ({desk.source: Place(offset - 1)} if offset > 1 else {})
        assert (await seek_to_group(desk.member.positions, desk.source))[1] == offset - 1
        await carrier.send(
            copies_of([(desk.one, 0, filled(carrier, desk.one, b"%d" % offset), 0)], desk.source, offset)
        )
        await carrier.commit(offset)
    await desk.expect_values(desk.one, [b"%d" % offset for offset in range(1, 8)])


async def test_to_open_commits_nothing(desk: Desk) -> None:
    """What it takes to learn where the group stands leaves it there: with nothing committed, and with something."""
    for _ in range(2):
        assert (await desk.opened())[1] == {}
    carrier = await desk.carrier()
    await carrier.commit(4)
    await desk.expect_committed(4)
    for _ in range(2):
        assert (await desk.opened())[1] == {desk.source: Place(4)}
    await desk.carriers[-1].close()
    assert await desk.member.positions.places([desk.source]) == {desk.source: Place(4)}


@only_exactly_once
async def test_copies_and_offset_are_one(desk: Desk) -> None:
    """Exactly-once: copies that were sent and never committed are never seen, and a carrier that ends takes them back."""
    carrier = await desk.carrier()
    await carrier.send(copies_of([(desk.one, 0, filled(carrier, desk.one, b"1"), 0)], desk.source, 1))
    await carrier.commit(1)
    await carrier.send(copies_of([(desk.one, 0, filled(carrier, desk.one, b"never"), 1)], desk.source, 2))
    await carrier.close()
    following = await desk.carrier()
    await following.send(copies_of([(desk.one, 0, filled(following, desk.one, b"2"), 1)], desk.source, 2))
    await following.commit(2)
    await desk.expect_values(desk.one, [b"1", b"2"])
    await desk.expect_committed(2)
