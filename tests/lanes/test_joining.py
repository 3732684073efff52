"""A member with two assignors joins its group with one request, and two such members agree."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.protocol.group import JoinGroupRequest
from support.waiting import comes_to

from router.develop.topics import TopicSpec, ensure_topics
from router.lanes.joining import join_once

ASSIGNORS = (RoundRobinPartitionAssignor, RangePartitionAssignor)


async def member(kafka: str, topic: str, offered: list[int], *, cured: bool = True) -> AIOKafkaConsumer:
    """Return one that has subscribed; to `offered` goes how many assignors each of its joins offers."""
    made = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=topic, partition_assignment_strategy=ASSIGNORS)
    await made.start()
    client = made._client
    send = client.send

    async def counted(node: int, request: Any, **more: Any) -> Any:
        if isinstance(request, JoinGroupRequest):
            offered.append(len(request._group_protocols))
        return await send(node, request, **more)

    client.send = counted
    if cured:
        join_once(made._coordinator)
    made.subscribe([topic])
    return made


@pytest.mark.kafka
@pytest.mark.parametrize(("cured", "sizes"), [(True, {2}), (False, {1, 2})], ids=["whole", "as aiokafka does"])
async def test_each_join_offers_all_assignors(kafka: str, unique: str, cured: bool, sizes: set[int]) -> None:
    """And aiokafka's own do not: once they do, `join_once` can go."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=2)])
    offered: list[int] = []
    alone = await member(kafka, unique, offered, cured=cured)
    try:

        async def assigned() -> int:
            await alone.getmany(timeout_ms=50)
            return len(alone.assignment())

        await comes_to(assigned, 2)
        assert set(offered) == sizes
    finally:
        await alone.stop()


@pytest.mark.kafka
async def test_two_that_join_at_any_time_agree_in_a_few_generations(kafka: str, unique: str) -> None:
    """Each that comes is one rebalance, or two where the others were in the midst of one."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=4)])
    members: list[AIOKafkaConsumer] = []
    try:
        for number in range(4):
            members.append(await member(kafka, unique, []))
            await asyncio.sleep(0.03 * number)

        async def shared() -> list[int]:
            await asyncio.gather(*(each.getmany(timeout_ms=50) for each in members))
            return sorted(len(each.assignment()) for each in members)

        await comes_to(shared, [1, 1, 1, 1])
        assert max(each._coordinator.generation for each in members) <= 2 * len(members)
    finally:
        await asyncio.gather(*(each.stop() for each in members))


async def test_what_is_no_join_is_sent_as_it_is() -> None:
    """Whatever it is."""

    class Coordinator:
        _assignors = ASSIGNORS

        async def _send_req(self, request: object) -> object:
            return request

    coordinator = Coordinator()
    join_once(coordinator)
    assert await coordinator._send_req("heartbeat") == "heartbeat"
