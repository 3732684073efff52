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
    steps: list[str] = []
    transactions = Transactions({"bootstrap.servers": kafka, "transactional.id": unique}, at=steps.append)
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
    assert steps == ["begin", "write", "send offsets", "end"] * (len(steps) // 4)
    transactions.close()
    group.close()
