"""What stands around a lane whose topic has twins: native records alone are copied, and behind what was written before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

import pytest

from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Place, Places, Waiting
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Refusals
from router.migrations.crossing import Crossing, mirror_group, read_note
from router.migrations.twin_lanes import EARLIER_VERSION, Behind, NotedPositions, OwnRecords, TwinLanes
from router.migrations.twins import Twins
from router.records.headers import HOP, ORIGIN, Hop, encode_hop
from router.records.record import Headers, PlainRecord
from router.testing.clock import HandClock

HERE = SourcePartition("order.v2", 0)
EARLIER = SourcePartition("order.v1", 0)
GROUP = mirror_group("shop", "order", (1, 2), 1)


def copied(offset: int) -> Headers:
    hop = Hop(service=GROUP, instance="i", processing=UUID(int=7), start=1, duration=1, route_set="0" * 8)
    return [(ORIGIN, b"order.v1/0/%d" % offset), (HOP, encode_hop(hop))]


def batch(first: int, *headers: Headers) -> Batch:
    records = [
        PlainRecord(topic="order.v2", offset=first + number, timestamp=1, key=b"k", value=b"v", headers=each)
        for number, each in enumerate(headers)
    ]
    return Batch(HERE, 1, first, first + len(records), records, 3.5)


class Noting:
    """A copier that notes what it is given, and sets so many aside."""

    def __init__(self, letters: int = 0) -> None:
        self.offsets: list[int] = []
        self.letters = letters
        self.fails = False

    def copy(self, batch: Batch, *, into: Copies, new_batch: object, refusals: Refusals) -> Tally:
        """Keep the batch's records."""
        if self.fails:
            raise ConnectionError
        self.offsets += [each.offset for each in batch.records]
        tally = Tally()
        tally.dead_letters["not-converted"] += self.letters
        return tally


def none(_: str) -> CopyBatch:
    raise AssertionError


def crossing() -> Crossing:
    return Crossing(0, twins=["order.v1"])


def test_native_records_alone_are_handed_on() -> None:
    """All of the batch counts as carried: its note stands for the position behind it."""
    inner, around = Noting(letters=2), crossing()
    own = OwnRecords(inner, around)
    own.copy(batch(5, copied(1), (), copied(2), ()), into=Copies(), new_batch=none, refusals=Refusals())
    assert inner.offsets == [6, 8]
    seen, natives = read_note(around.note(9))
    assert seen == {(GROUP, "order.v1"): 2}
    assert (natives.count, natives.last, natives.at, natives.lacking) == (2, 8, 3_500, 2)


def test_what_was_not_copied_is_not_noted() -> None:
    """The lane reads it again, and goes on from its commit."""
    inner, around = Noting(), crossing()
    inner.fails = True
    with pytest.raises(ConnectionError):
        OwnRecords(inner, around).copy(batch(5, ()), into=Copies(), new_batch=none, refusals=Refusals())
    assert around.note(9) == ""


class Group:
    """A group's positions as a test wants them. Fulfils `GroupPositions`."""

    def __init__(self, clock: HandClock | None = None) -> None:
        self.told: list[str] = []
        self.stands: dict[SourcePartition, int] = {}
        self.ends_at: dict[SourcePartition, int] = {}
        self.asked = asyncio.Event()
        self.clock = clock

    async def places(self, sources: Collection[SourcePartition]) -> Places:
        """Nobody asks for them here."""
        raise AssertionError(sources)

    async def seek_to_committed(self, source: SourcePartition, places: Places) -> tuple[int, int]:
        """Nothing special."""
        self.told.append(f"seek {source} by {len(places)}")
        return 1, 5

    async def commit(self, source: SourcePartition, offset: int) -> None:
        """Noted."""
        self.told.append(f"commit {source} {offset}")

    async def end(self, source: SourcePartition) -> int:
        """As told."""
        return self.ends_at[source]

    async def owns(self, source: SourcePartition) -> bool:
        """Always."""
        return bool(source)

    async def ends(self, sources: Collection[SourcePartition]) -> Mapping[SourcePartition, int]:
        """As told."""
        return {each: self.ends_at[each] for each in sources}

    async def standing(self, sources: Collection[SourcePartition]) -> Mapping[SourcePartition, int]:
        """As told; says that it was asked."""
        self.asked.set()
        return {each: self.stands[each] for each in sources}

    async def written_to(self, source: SourcePartition) -> int:
        """As told."""
        self.told.append(f"written {source}")
        return self.ends_at[source]


async def test_a_lane_goes_on_with_what_its_last_commit_knew() -> None:
    """It is taken up with the seek."""
    around, group = crossing(), Group()
    OwnRecords(Noting(), around).copy(batch(5, copied(7)), into=Copies(), new_batch=none, refusals=Refusals())
    again = crossing()
    positions = NotedPositions(group, again)
    assert await positions.seek_to_committed(HERE, {HERE: Place(6, around.note(6))}) == (1, 5)
    assert group.told == [f"seek {HERE} by 1"]
    assert again.is_native(batch(6, copied(7)).records[0])
    await positions.commit(HERE, 7)
    assert await positions.owns(HERE)
    assert group.told[-1] == f"commit {HERE} 7"


class Sending:
    """A carrier that notes what it is given. Fulfils `Carrier`."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def open(self) -> Places:
        """Noted."""
        self.told.append("open")
        return {}

    def new_batch(self, topic: str) -> CopyBatch:
        """None are made here."""
        raise AssertionError(topic)

    async def send(self, copies: Copies) -> None:
        """Noted."""
        self.told.append(f"send {len(copies.ready)}")

    async def commit(self, offset: int) -> Mapping[tuple[str, int], int]:
        """Noted."""
        self.told.append(f"commit {offset}")
        return {}

    async def close(self) -> None:
        """Noted."""
        self.told.append("close")


class Full:
    """A batch that holds something. Fulfils `CopyBatch`."""

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: object) -> None:
        """It takes no more."""

    def record_count(self) -> int:
        """One."""
        return 1

    def size(self) -> int:
        """Some."""
        return 10


def full() -> Copies:
    copies = Copies()
    copies.ready.append(("ru.order.v2", 0, Full(), 5))
    return copies


class Scene:
    """A carrier that sends behind one earlier version."""

    def __init__(self, *, stands: int, end: int, earlier: Collection[SourcePartition] = (EARLIER,)) -> None:
        self.clock = HandClock()
        self.group = Group(self.clock)
        self.group.stands[EARLIER] = stands
        self.group.ends_at[EARLIER] = end
        self.inner = Sending()
        self.waits: list[str] = []
        self.carrier = Behind(
            self.inner, self.group, earlier=lambda: list(earlier), waiting=self.waits.append, clock=self.clock
        )

    async def until_asked_again(self) -> None:
        """Until it has looked once more."""
        self.group.asked.clear()
        while not self.group.asked.is_set():
            self.clock.advance(0.02)
            await asyncio.sleep(0)


async def test_copies_wait_for_what_was_written_before() -> None:
    """Until the group has committed the earlier partition up to where it ended, and not to where it ends then."""
    scene = Scene(stands=7, end=9)
    sending = asyncio.create_task(scene.carrier.send(full()))
    await scene.until_asked_again()
    scene.group.ends_at[EARLIER] = 1_000
    scene.group.stands[EARLIER] = 8
    await scene.until_asked_again()
    assert scene.inner.told == []
    scene.group.stands[EARLIER] = 9
    await scene.until_asked_again()
    await asyncio.wait_for(sending, 5)
    assert scene.inner.told == ["send 1"]
    assert scene.waits == []
    assert scene.group.told == [f"written {EARLIER}"]


async def test_a_long_wait_is_told_and_its_end() -> None:
    """Once, with the partition, and a reason for programs."""
    scene = Scene(stands=7, end=9)
    sending = asyncio.create_task(scene.carrier.send(full()))
    await scene.until_asked_again()
    scene.clock.advance(2.1)
    await scene.until_asked_again()
    await scene.until_asked_again()
    scene.group.stands[EARLIER] = 9
    await scene.until_asked_again()
    await asyncio.wait_for(sending, 5)
    waiting, end = scene.waits
    assert isinstance(waiting, Waiting)
    assert waiting.reason == EARLIER_VERSION
    assert f"{EARLIER} up to 9" in waiting
    assert end == ""


@pytest.mark.parametrize(
    ("copies", "earlier"),
    [
        pytest.param(Copies, (EARLIER,), id="nothing to send"),
        pytest.param(full, (), id="no earlier version exists"),
    ],
)
async def test_nothing_is_waited_for_in_vain(
    copies: Callable[[], Copies], earlier: Collection[SourcePartition]
) -> None:
    """A topic without native records costs no request."""
    scene = Scene(stands=0, end=9, earlier=earlier)
    await asyncio.wait_for(scene.carrier.send(copies()), 5)
    assert scene.group.told == []
    assert len(scene.inner.told) == 1


async def test_all_else_goes_through() -> None:
    """Opening, committing and closing are the carrier's own."""
    scene = Scene(stands=0, end=9)
    await scene.carrier.open()
    await scene.carrier.commit(7)
    await scene.carrier.close()
    assert scene.inner.told == ["open", "commit 7", "close"]


TWINS = {"order.v2": Twins(("order.v1", "order.v3"), ("order.v1",)), "order.v1": Twins(("order.v2", "order.v3"))}


def nothing(_: str) -> None:
    """Nobody asks why it waits."""


def lanes(**counts: int) -> TwinLanes:
    there = {name.replace("_", "."): count for name, count in counts.items()}
    return TwinLanes(TWINS, count=lambda topic: there.get(topic, 0))


def test_lanes_of_other_topics_get_nothing() -> None:
    """What they are given stays as it is."""
    other, copier, group, carrier = SourcePartition("payment.v1", 0), Noting(), Group(), Sending()
    twins = lanes(order_v1=1)
    assert twins.around(other, copier) is copier
    assert twins.positions(other, group, group) is group
    assert twins.note(other) is None
    assert twins.behind(other, carrier, group, nothing) is carrier


def test_the_earliest_version_waits_for_nobody() -> None:
    """What follows it waits for it."""
    carrier = Sending()
    assert lanes(order_v1=1).behind(EARLIER, carrier, Group(), nothing) is carrier


async def test_a_lane_has_one_crossing_around_it() -> None:
    """What the copier takes, the commit notes, and what the commit noted, the next opening knows."""
    twins, group = lanes(order_v1=1, order_v2=1), Group()
    copier = twins.around(HERE, Noting())
    copier.copy(batch(5, copied(7)), into=Copies(), new_batch=none, refusals=Refusals())
    note = twins.note(HERE)
    assert note is not None
    kept = note(6)
    assert read_note(kept)[0] == {(GROUP, "order.v1"): 7}
    positions = twins.positions(HERE, group, group)
    await positions.seek_to_committed(HERE, {HERE: Place(6, kept)})
    assert note(6) == kept


@pytest.mark.parametrize(("partitions", "asked"), [(1, [f"written {EARLIER}"]), (0, [])], ids=["it has", "it has not"])
async def test_an_earlier_version_without_that_partition_is_not_asked(partitions: int, asked: list[str]) -> None:
    """Before a migration, or behind it, there is none."""
    group = Group()
    group.stands[EARLIER] = group.ends_at[EARLIER] = 3
    carrier = lanes(order_v1=partitions).behind(HERE, Sending(), group, nothing)
    await asyncio.wait_for(carrier.send(full()), 5)
    assert group.told == asked
