"""What stands around a lane of generations: it reads where its group was moved to, and writes behind what the former one has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from router.lanes.batch import SourcePartition
from router.lanes.carrier import Place as GroupPlace
from router.lanes.carrier import Places, Waiting
from router.lanes.copies import Copies
from router.migrations.generation_lanes import (
    FORMER_GENERATION,
    AfterFormer,
    GenerationLanes,
    GenerationPlaces,
    MovedOn,
    NotMoved,
)
from router.testing.clock import HandClock

FIRST, SECOND, THIRD = "orders.v1", "orders.v1.g2", "orders.v1.g3"


class Cluster:
    """Where a group and a mirror stand."""

    def __init__(self, *, places: Mapping[SourcePartition, int] | None = None, left: list[int] | None = None) -> None:
        self.places = places or {}
        self.counts = left
        self.asked: list[str] = []

    async def committed(self, group: str) -> Mapping[SourcePartition, int]:
        """As told."""
        self.asked.append(group)
        return self.places

    async def left(self, topic: str) -> Callable[[], Awaitable[int]] | None:
        """One number after the other; None where there are none."""
        self.asked.append(topic)
        counts = self.counts
        if counts is None:
            return None

        async def left() -> int:
            return counts.pop(0)

        return left


class Place:
    """The positions of a lane, and what it sends."""

    def __init__(self) -> None:
        self.sent: list[Copies] = []
        self.places = self.commit = self.end = self.owns = self.new_batch = self.open = self.close = self._nothing

    async def _nothing(self, *_: Any) -> Any:
        raise AssertionError

    async def seek_to_committed(self, _source: SourcePartition, _places: Places) -> tuple[int, int]:
        """Epoch and position."""
        return 1, 5

    async def send(self, copies: Copies) -> None:
        """Note them."""
        self.sent.append(copies)


def at(topic: str) -> SourcePartition:
    return SourcePartition(topic, 0)


@pytest.mark.parametrize(
    ("topic", "there", "places", "error"),
    [
        pytest.param(FIRST, [FIRST], [FIRST], None, id="no generations"),
        pytest.param(FIRST, [FIRST, SECOND], [FIRST], None, id="not moved, and reads the former"),
        pytest.param(FIRST, [FIRST, SECOND], [FIRST, SECOND], MovedOn, id="moved, and reads the former"),
        pytest.param(SECOND, [FIRST, SECOND], [FIRST], NotMoved, id="not moved, and reads the new"),
        pytest.param(SECOND, [FIRST, SECOND], [FIRST, SECOND], None, id="moved, and reads the new"),
        pytest.param(SECOND, [FIRST, SECOND], [], None, id="has read neither"),
        pytest.param(SECOND, [SECOND], [FIRST], None, id="the former is gone"),
        pytest.param(THIRD, [SECOND, THIRD], [SECOND], NotMoved, id="from the second to the third"),
    ],
)
async def test_a_lane_reads_where_its_group_was_moved_to(
    topic: str, there: list[str], places: list[str], error: type[Exception] | None
) -> None:
    """Else it would carry again what it has, or get twice what it carries."""
    cluster = Cluster(places={at(each): 3 for each in places})
    lanes = GenerationLanes(cluster, group="shop", topics=(), count=lambda each: int(each in there))
    positions = lanes.positions(Place())
    assert isinstance(positions, GenerationPlaces)
    own = {at(topic): GroupPlace(3)} if topic in places else {}
    if error is None:
        assert await positions.seek_to_committed(at(topic), own) == (1, 5)
    else:
        with pytest.raises(error, match=r"group 'shop' has .*orders\.v1"):
            await positions.seek_to_committed(at(topic), own)
    assert cluster.asked == (["shop"] if len(there) > 1 else [])


def copies(*topics: str) -> Copies:
    found = Copies()
    found.ready = [(topic, 0, None, 0) for topic in topics]  # type: ignore[misc]  # nobody looks at the batch
    return found


async def test_the_first_copies_wait_for_the_former_generation() -> None:
    """Once; and whoever looks sees for what."""
    told: list[str] = []
    cluster, place, clock = Cluster(left=[7] * 20 + [0]), Place(), HandClock()
    carrier = AfterFormer(place, cluster, waiting=told.append, clock=clock)  # type: ignore[arg-type]  # as much as it needs
    sending = asyncio.create_task(carrier.send(copies("other.v1", SECOND)))
    while not sending.done():
        assert not place.sent
        clock.advance(0.3)
        await asyncio.sleep(0)
    await sending
    assert cluster.asked == [SECOND]
    assert isinstance(told[0], Waiting)
    assert (told[0].reason, told[-1]) == (FORMER_GENERATION, "")
    assert "7 records of the former generation" in told[0]
    await carrier.send(copies(SECOND))
    assert (len(place.sent), cluster.asked) == (2, [SECOND])


async def test_nothing_waits_where_nobody_copies() -> None:
    """Before a generation is begun, and when the former is gone."""
    cluster, place = Cluster(), Place()
    carrier = AfterFormer(place, cluster, waiting=pytest.fail)  # type: ignore[arg-type]  # as much as it needs
    await carrier.send(copies(SECOND))
    await carrier.send(copies("other.v1"))
    assert (len(place.sent), cluster.asked) == (2, [SECOND])


def test_lanes_that_know_no_generation_have_nothing_around_them() -> None:
    """Where a topic has a later one, copies come behind."""
    place: Any = Place()
    plain = GenerationLanes(Cluster(), group="shop", topics=["other.v1"], count=lambda _: 0)
    assert plain.carrier(place, print) is place
    writing = GenerationLanes(Cluster(), group="shop", topics=[SECOND], count=lambda _: 1)
    assert isinstance(writing.carrier(place, print), AfterFormer)
