"""Where a consumer group stands, and moving it, on a real Kafka; tests/acceptance has the command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from confluent_kafka import Producer

from router.develop.topics import TopicSpec, ensure_topics
from router.redrive.groups import GroupMoved, Groups
from router.redrive.selection import WrongSelection
from router.settings import Settings

pytestmark = pytest.mark.kafka


@pytest.fixture
async def groups(kafka: str, unique: str) -> AsyncIterator[Groups]:
    """Return the groups of a cluster that has a topic of this name, with three records."""
    ensure_topics(kafka, [TopicSpec(unique), TopicSpec(f"{unique}.parked")])
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(3):
        producer.produce(unique, b"%d" % number)
    assert producer.flush(20) == 0
    found = Groups(Settings.from_environment({"ROUTER_BROKER": kafka}))
    yield found
    await found.close()


async def test_group_that_never_was_can_be_moved(groups: Groups, unique: str) -> None:
    """It has no members, and stands nowhere; and then where it was put."""
    before = await groups.standing("g" + unique, unique, 0)
    assert (before.active, before.committed, before.first, before.end, before.marks) == (False, None, 0, 3, True)
    await groups.move(before, 2)
    after = await groups.standing("g" + unique, unique, 0)
    assert (after.committed, after.active) == (2, False)


async def test_group_that_moved_meanwhile_is_left_alone(groups: Groups, unique: str) -> None:
    """Whoever decided saw something else."""
    before = await groups.standing("g" + unique, unique, 0)
    with pytest.raises(GroupMoved, match="stands at None; it stood at 1"):
        await groups.move(replace(before, committed=1), 2)


@pytest.mark.parametrize(("topic", "said"), [("{}", "partitions 0 to 0"), ("{}.nowhere", "does not exist")])
async def test_partition_that_is_not_there_is_told(groups: Groups, unique: str, topic: str, said: str) -> None:
    """With what there is."""
    with pytest.raises(WrongSelection, match=said):
        await groups.standing("g", topic.format(unique), 1)
