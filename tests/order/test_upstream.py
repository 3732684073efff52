"""Where an internal topic ends: behind all that its sources had."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from support.ports import seek_to_group

from router.lanes.batch import SourcePartition
from router.order.upstream import UpstreamPositions
from router.testing import HandClock, MemoryBroker
from router.testing.ports import MemoryConsumer

INTERNAL = SourcePartition("internal", 0)
A, B = SourcePartition("a.v1", 0), SourcePartition("b.v1", 0)


class Table:
    """A group's positions in memory, and the internal topic's over them."""

    def __init__(self, sources: Collection[SourcePartition] = (A, B)) -> None:
        """Make the topics."""
        self.broker = MemoryBroker()
        for topic in ("a.v1", "b.v1", "internal"):
            self.broker.create_topic(topic)
        self.group = MemoryConsumer(self.broker, "router")
        self.clock: HandClock = self.broker.clock
        self.positions = UpstreamPositions(self.group, sources=lambda: sources, clock=self.clock)

    def come(self, topic: str, count: int) -> None:
        """Publish some records."""
        for _ in range(count):
            self.broker.publish(topic, key=b"k", value=b"v")


async def turns() -> None:
    """Let everything do what it can do without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_end_is_told_at_once_where_nothing_is_on_its_way() -> None:
    """Sources that are empty, and such as are committed to their ends."""
    table = Table()
    table.come("a.v1", 2)
    await table.group.commit(A, 2)
    table.come("internal", 5)
    assert await table.positions.end(INTERNAL) == 5


async def test_end_is_not_told_before_what_was_there_has_got_through() -> None:
    """What comes to the sources meanwhile is not waited for; what gets through meanwhile counts."""
    table = Table()
    table.come("a.v1", 3)
    table.come("b.v1", 1)
    told = asyncio.create_task(table.positions.end(INTERNAL))
    await turns()
    assert not told.done()
    table.come("a.v1", 10)
    table.come("internal", 3)
    await table.group.commit(A, 3)
    table.clock.advance(0.1)
    await turns()
    assert not told.done(), "one of b.v1 is still on its way"
    table.come("internal", 1)
    await table.group.commit(B, 1)
    await turns()
    table.clock.advance(0.1)
    assert await told == 4


async def test_all_else_is_asked_as_ever() -> None:
    """An internal topic's lane seeks, commits and owns like any other."""
    table = Table(())
    await table.positions.commit(INTERNAL, 0)
    _, position = await seek_to_group(table.positions, INTERNAL)
    assert position == 0
    assert await table.positions.owns(INTERNAL)
