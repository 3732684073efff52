"""What lanes may expect of a directory of topics, whoever answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.worlds import World

from router.errors import BrokerUnavailable, DestinationUnavailable


async def test_every_topic_is_listed_with_its_partitions(world: World, topic_names: Callable[[str], str]) -> None:
    """Those that nobody named as well."""
    one, other = topic_names("a.v1"), topic_names("b.v1")
    await world.create(one, partitions=1)
    await world.create(other, partitions=3)
    counts = await world.directory.partition_counts()
    assert (counts[one], counts[other]) == (1, 3)


async def test_asking_creates_no_topic(world: World, topic_names: Callable[[str], str]) -> None:
    """A typing error in a route must not become a topic."""
    missing = topic_names("missing.v1")
    for _ in range(2):
        await world.destinations.refresh()
        with pytest.raises(DestinationUnavailable):
            world.destinations.partitions(missing)


async def test_topic_that_appears_is_seen_by_the_next_question(world: World, topic_names: Callable[[str], str]) -> None:
    """So that a lane goes on by itself."""
    topic = topic_names("late.v1")
    assert topic not in await world.directory.partition_counts()
    await world.create(topic, partitions=2)
    assert (await world.directory.partition_counts())[topic] == 2


async def test_absent_broker_is_said_every_time(world: World) -> None:
    """And in time: somebody waits for the answer."""
    directory = world.absent_directory()
    for _ in range(2):
        with pytest.raises(BrokerUnavailable):
            await directory.partition_counts()
