"""Connections of who looks at a cluster beside the lanes: they read from where they are told, and let go in any state."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import errors as kafka_errors
from aiokafka.admin import NewTopic
from aiokafka.structs import TopicPartition

from router.develop.topics import TopicSpec, ensure_topics
from router.errors import BrokerUnavailable, DestinationUnavailable
from router.lanes.connections import Connections, partitions_of, read_from, stop
from router.settings import Settings


def connections(broker: str) -> Connections:
    return Connections.of(Settings.from_environment({"ROUTER_BROKER": broker}), client_id="test")


@pytest.mark.kafka
async def test_partitions_of_a_topic_are_asked_for_without_making_it(kafka: str, unique: str) -> None:
    """Though brokers make topics that somebody names."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=3)])
    async with connections(kafka).reader() as reader:
        assert sorted(await partitions_of(reader, unique)) == [0, 1, 2]
        assert list(await partitions_of(reader, f"{unique}.none")) == []
        assert f"{unique}.none" not in await reader.topics()


@pytest.mark.kafka
async def test_a_reader_stays_where_it_was_told_to_begin(kafka: str, unique: str) -> None:
    """The client's own look for a position, which would be the end, changes nothing."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=2)])
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    for number in range(6):
        await producer.send_and_wait(unique, b"%d" % number, partition=number % 2)
    await producer.stop()
    at = {TopicPartition(unique, 0): 1, TopicPartition(unique, 1): 2}
    async with connections(kafka).reader(auto_offset_reset="latest") as reader:
        read_from(reader, at)
        found: list[bytes] = []
        async with asyncio.timeout(10):
            while len(found) < 3:
                for records in (await reader.getmany(timeout_ms=200)).values():
                    found += [record.value or b"" for record in records]
    assert sorted(found) == [b"2", b"4", b"5"]


@pytest.mark.kafka
async def test_one_can_be_stopped_as_soon_as_it_has_partitions(kafka: str, unique: str) -> None:
    """Its task has not begun then; whoever stops it goes on."""
    ensure_topics(kafka, [TopicSpec(unique)])
    reader = await connections(kafka).opened()
    read_from(reader, {TopicPartition(unique, 0): 0})
    await stop(reader)
    own = asyncio.current_task()
    assert own is not None
    assert not own.cancelling()


@pytest.mark.kafka
async def test_topics_are_made_once(kafka: str, unique: str) -> None:
    """And are there when it returns; those that cannot be are named."""
    cluster = connections(kafka)
    for _ in range(2):
        await cluster.make(
            NewTopic(unique, 2, -1, {}, {"cleanup.policy": "compact"}), NewTopic(f"{unique}.b", 1, -1, {}, {})
        )
    async with cluster.reader() as reader:
        assert len(await partitions_of(reader, unique)) == 2
    with pytest.raises(DestinationUnavailable, match=f"{unique}.c.*could not be made"):
        await cluster.make(NewTopic(f"{unique}.c", 1, -1, {}, {"cleanup.policy": "whenever"}))


@pytest.mark.kafka
async def test_what_the_client_fails_for_is_said_with_the_brokers(kafka: str) -> None:
    """Wherever it is met, in the midst as at the start; what is no error of the client's stays what it is."""
    for opened in (connections(kafka).reader, connections(kafka).admin):
        with pytest.raises(BrokerUnavailable, match=rf"{kafka}.*NotControllerError"):
            async with opened():
                raise kafka_errors.NotControllerError
        with pytest.raises(ZeroDivisionError):
            async with opened():
                raise ZeroDivisionError


async def test_nobody_there_is_said() -> None:
    """With the address."""
    nobody = connections("127.0.0.1:1")
    for opened in (nobody.reader, nobody.admin):
        with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
            async with opened():
                pass


@pytest.mark.kafka
async def test_offsets_are_committed_for_a_group_that_has_no_members(kafka: str, unique: str) -> None:
    """For one that has some they are refused, and stay what they were."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=2)])
    one, other = TopicPartition(unique, 0), TopicPartition(unique, 1)
    to = connections(kafka)
    await to.commit_for(unique, {one: 3, other: 4})
    member = AIOKafkaConsumer(unique, bootstrap_servers=kafka, group_id=unique, enable_auto_commit=False)
    await member.start()
    try:
        with pytest.raises(BrokerUnavailable) as refused:
            await to.commit_for(unique, {one: 5})
        assert isinstance(refused.value.__cause__, kafka_errors.CommitFailedError)
        assert refused.value.brokers == f"the group '{unique}'"
    finally:
        await member.stop()
    async with to.reader(group_id=unique) as reader:
        assert [await reader.committed(tp) for tp in (one, other)] == [3, 4]
