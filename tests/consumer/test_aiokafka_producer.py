"""Transactions with aiokafka on a real Kafka."""

from __future__ import annotations

import pytest
from aiokafka.structs import TopicPartition
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as Place
from support.topics import Topics

from router.consumer.aiokafka_producer import Transactions, Unclear
from router.consumer.gathering import Share, Write


def share(topic: str, following: int, *values: bytes | None) -> Share:
    """Return what is to be committed of the first partition."""
    writes = tuple(
        Write(topic=topic, partition=0, key=value and b"k", value=value, headers=(("a", b"1"), ("a", None)))
        for value in values
    )
    return Share(partition=0, next=following, writes=writes)


def transactions(kafka: str, name: str, **settings: object) -> Transactions:
    """Return those of a topic's first partition; topic, group and producer have the same name."""
    return Transactions(
        {"bootstrap_servers": kafka, **settings}, place=TopicPartition(name, 0), group=name, transactional_id=name
    )


def committed(kafka: str, name: str) -> int:
    """Return the group's stable offset."""
    group = Consumer({"bootstrap.servers": kafka, "group.id": name})
    try:
        offset: int = group.committed([Place(name, 0)], 10)[0].offset
    finally:
        group.close()
    return offset


async def test_writes_and_the_offset_come_about_together(kafka: str, unique: str) -> None:
    """Whoever opens later shuts the former out, whose writes come to nothing."""
    topics = Topics(kafka)
    topics.create(unique)
    former, later = transactions(kafka, unique), transactions(kafka, unique)
    with pytest.raises(Unclear, match="closed"):
        await former.commit(share(unique, 1, b"0"))
    await former.open()
    await former.commit(share(unique, 7, b"1", b"2", None))
    await later.open()
    with pytest.raises(Unclear):
        await former.commit(share(unique, 8, b"3"))
    await later.commit(share(unique, 9, b"4"))
    await former.close()
    await later.close()
    ((*found,),) = topics.read(unique)
    assert [(each.key, each.value) for each in found] == [(b"k", b"1"), (b"k", b"2"), (None, None), (b"k", b"4")]
    assert {each.headers for each in found} == {(("a", b"1"), ("a", None))}
    assert committed(kafka, unique) == 9


async def test_what_brokers_refuse_comes_to_nothing(kafka: str, unique: str) -> None:
    """And the offset with it; a new producer of the name goes on."""
    topics = Topics(kafka)
    topics.create(unique, max_message_bytes="1000")
    one = transactions(kafka, unique)
    await one.open()
    with pytest.raises(Unclear, match="MessageSizeTooLarge"):
        await one.commit(share(unique, 7, b"1", b"x" * 2_000))
    await one.open()
    await one.commit(share(unique, 5, b"2"))
    await one.close()
    assert [[each.value for each in log] for log in topics.read(unique)] == [[b"2"]]
    assert committed(kafka, unique) == 5
