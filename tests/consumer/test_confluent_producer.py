"""Transactions with librdkafka on a real Kafka."""

from __future__ import annotations

from contextlib import suppress

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from support.topics import Topics
from support.waiting import until

from router.consumer.confluent_producer import Transactions, Unclear
from router.consumer.gathering import Write


def write(topic: str, value: bytes, partition: int = 0) -> Write:
    """Return a record to write."""
    return Write(topic=topic, partition=partition, key=b"k", value=value, headers=(("a", b"1"), ("a", None)))


def test_writes_and_offsets_come_about_together(kafka: str, unique: str) -> None:
    """Headers and all; a former producer of the name can do no more, and its successor can."""
    topics = Topics(kafka)
    topics.create(unique)
    settings = {"bootstrap.servers": kafka, "transactional.id": unique}
    former, later = Transactions(settings), None
    group = Consumer({"bootstrap.servers": kafka, "group.id": unique})
    place = TopicPartition(unique, 0, 7)
    former.commit([write(unique, b"1"), write(unique, b"2")], [place], group.consumer_group_metadata())
    later = Transactions(settings)
    with pytest.raises(Unclear):
        former.commit([write(unique, b"3")], [place], group.consumer_group_metadata())
    later.commit([write(unique, b"4")], [place], group.consumer_group_metadata())
    former.renew()
    former.commit([write(unique, b"5")], [TopicPartition(unique, 0, 9)], group.consumer_group_metadata())
    ((*found,),) = topics.read(unique)
    assert [each.value for each in found] == [b"1", b"2", b"4", b"5"]
    assert found[0].headers == (("a", b"1"), ("a", None))
    assert [each.offset for each in group.committed([TopicPartition(unique, 0)], 10)] == [9]
    for each in (former, later):
        each.close()
    group.close()


def test_what_brokers_refuse_comes_to_nothing_for_certain(kafka: str, unique: str) -> None:
    """The same may be tried again, with what could not be written."""
    topics = Topics(kafka)
    topics.create(unique, max_message_bytes="1000")
    attempts: list[list[str]] = []

    def at(step: str) -> None:
        if step == "begin":
            attempts.append([])
        attempts[-1].append(step)

    transactions = Transactions({"bootstrap.servers": kafka, "transactional.id": unique}, at=at)
    group = Consumer({"bootstrap.servers": kafka, "group.id": unique})
    place = TopicPartition(unique, 0, 7)
    with pytest.raises(KafkaException):
        transactions.commit([write(unique, b"x" * 2_000)], [place], group.consumer_group_metadata())
    assert topics.read(unique) == [[]]

    def tried() -> bool:
        # librdkafka finds at the next attempt that a number is missing in its sequence, and takes a new epoch.
        with suppress(KafkaException):
            transactions.commit([write(unique, b"1")], [place], group.consumer_group_metadata())
            return True
        return False

    until(tried, within=10, what="what brokers take is written")
    assert [[each.value for each in log] for log in topics.read(unique)] == [[b"1"]]
    whole = ["begin", "write", "send offsets", "end"]
    assert attempts[-1] == whole
    # How far another gets depends on when its broker's answer comes in.
    assert all(each == whole[: len(each)] for each in attempts)
    transactions.close()
    group.close()


def test_a_sounding_tells_the_end_and_leaves_nothing_to_read(kafka: str, unique: str) -> None:
    """Behind what is there, in topics that take no record without a key as well; what is committed afterwards comes about."""
    topics = Topics(kafka)
    topics.create(unique, partitions=2, cleanup_policy="compact")
    topics.produce([{"topic": unique, "partition": 1, "key": "a", "value": b"%d" % number} for number in range(3)])
    steps: list[str] = []
    transactions = Transactions({"bootstrap.servers": kafka, "transactional.id": unique}, at=steps.append)
    group = Consumer({"bootstrap.servers": kafka, "group.id": unique})
    assert transactions.sounded(unique, [0, 1]) == {0: 0, 1: 3}
    assert transactions.sounded(unique, []) == {}
    transactions.commit([write(unique, b"1")], [TopicPartition(unique, 0, 7)], group.consumer_group_metadata())
    assert [[each.value for each in log] for log in topics.read(unique)] == [[b"1"], [b"0", b"1", b"2"]]
    assert topics.hanging(unique) == {}
    assert steps[0] == "sound"
    transactions.close()
    group.close()


def test_a_sounding_that_fails_leaves_a_producer_that_can_go_on(kafka: str, unique: str) -> None:
    """Another one of the name has come: it is shut out in turn, and the same may be asked again."""
    topics = Topics(kafka)
    topics.create(unique)
    settings = {"bootstrap.servers": kafka, "transactional.id": unique}
    former = Transactions(settings)
    later = Transactions(settings)
    with pytest.raises(KafkaException):
        former.sounded(unique, [0])
    assert former.sounded(unique, [0])[0] >= 0
    with pytest.raises(KafkaException):
        later.sounded(unique, [0])
    for each in (former, later):
        each.close()
