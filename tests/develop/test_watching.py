"""What a Kafka holds, read without changing anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from router.develop.errors import KafkaUnreachable
from router.develop.reconcile import Ledger, fingerprint
from router.develop.topics import TopicSpec, ensure_topics
from router.develop.watching import KafkaWatch

Names = Callable[[str], str]
START = 1_767_225_600_000


def test_a_kafka_that_is_not_there_is_told() -> None:
    """Whoever looks learns the address and what to do."""
    with pytest.raises(KafkaUnreachable, match=r"(?s)127\.0\.0\.1:9.*ROUTER_BROKER"):
        KafkaWatch("127.0.0.1:9", within=0.5).partitions(["a.v1"])


def test_lag_is_what_a_group_has_not_committed(kafka: str, topic_names: Names, unique: str) -> None:
    """A group that never committed lags behind by everything; one that did, by what came after."""
    topic, other = topic_names("a.v1"), topic_names("b.v1")
    ensure_topics(kafka, [TopicSpec(topic, partitions=2), TopicSpec(other)])
    producer = Producer({"bootstrap.servers": kafka})
    for partition in (0, 0, 0, 1):
        producer.produce(topic, value=b"x", partition=partition)
    producer.flush(10)
    watch = KafkaWatch(kafka)
    partitions = watch.partitions([topic, other, topic_names("missing.v1")])
    assert partitions == {topic: 2, other: 1}
    assert watch.lag(unique, partitions) == {topic: 4, other: 0}
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": unique})
    consumer.commit(offsets=[TopicPartition(topic, 0, 2)], asynchronous=False)
    consumer.close()
    assert watch.lag(unique, partitions) == {topic: 2, other: 0}


def test_a_group_that_nobody_has_heard_of_lags_by_everything(kafka: str, topic_names: Names, unique: str) -> None:
    """It can be asked for on a Kafka that never saw it, and topics without records have no lag."""
    topic = topic_names("a.v1")
    ensure_topics(kafka, [TopicSpec(topic, partitions=8)])
    assert KafkaWatch(kafka).lag(unique, {topic: 8}) == {topic: 0}


def test_an_aborted_transaction_does_not_count(kafka: str, topic_names: Names, unique: str) -> None:
    """The books are compared with what a read_committed consumer sees."""
    topic = topic_names("a.v1")
    ensure_topics(kafka, [TopicSpec(topic)])
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions(10)
    for value, end in ((b"lost", producer.abort_transaction), (b"kept", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value=value, timestamp=START)
        producer.flush(10)
        end(10)
    expected = Ledger()
    expected.enter(topic, fingerprint(key=None, value=b"kept", timestamp=START, headers=()))
    assert KafkaWatch(kafka).tallies({(topic, 0): 0}) == expected.tallies
