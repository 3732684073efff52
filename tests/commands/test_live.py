"""One record from a real Kafka, by its place."""

import click
import pytest
from confluent_kafka import Producer

from router.commands.live import PLACE, read_newest, read_record, scan
from router.develop.topics import TopicSpec, ensure_topics
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.settings import Settings


@pytest.mark.parametrize("text", ["", "t", "t/1", "t/a/1", "t/1/-1", "/1/1"], ids=repr)
def test_what_is_no_place_is_refused(text: str) -> None:
    """With the form that a place has."""
    with pytest.raises(click.BadParameter, match="topic/partition/offset"):
        PLACE.convert(text, None, None)


def test_a_place_names_topic_partition_and_offset() -> None:
    """And one that is parsed already stays as it is."""
    place = PLACE.convert("order.v1/3/17", None, None)
    assert place == Origin("order.v1", 3, 17)
    assert PLACE.convert(place, None, None) is place


def test_a_record_is_read_as_it_lies(kafka: str, unique: str) -> None:
    """Key, value, headers and timestamp; and a place that compaction or a marker left empty is told."""
    ensure_topics(kafka, [TopicSpec(unique)])
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(unique, b"v", key=b"k", headers=[("h", None)], partition=0, timestamp=1_700_000_000_000)
    producer.commit_transaction()
    producer.begin_transaction()
    producer.produce(unique, b"w", partition=0)
    producer.commit_transaction()
    settings = Settings.from_environment({"ROUTER_BROKER": kafka})
    record = read_record(settings, Origin(unique, 0, 0))
    assert (record.key, record.value, record.headers, record.timestamp) == (
        b"k",
        b"v",
        (("h", None),),
        1_700_000_000_000,
    )
    with pytest.raises(click.ClickException, match=f"no record at {unique}/0/1; the next is at offset 2"):
        read_record(settings, Origin(unique, 0, 1))


def test_the_newest_records_of_each_partition_are_read(kafka: str, unique: str) -> None:
    """So many of each, over a transaction's marker at the end; an empty partition has none."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=3)])
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions(20)
    producer.begin_transaction()
    for number in range(7):
        producer.produce(unique, b"%d" % number, partition=0)
    producer.produce(unique, b"x", partition=2)
    producer.commit_transaction()
    settings = Settings.from_environment({"ROUTER_BROKER": kafka})
    read = read_newest(settings, unique, 4)
    assert sorted((each.partition, each.value) for each in read) == [(0, b"4"), (0, b"5"), (0, b"6"), (2, b"x")]
    with pytest.raises(click.ClickException, match="there is no topic 'none'"):
        read_newest(settings, "none", 4)


def test_an_empty_topic_has_no_newest_records(kafka: str, unique: str) -> None:
    """And none are waited for."""
    ensure_topics(kafka, [TopicSpec(unique)])
    assert read_newest(Settings.from_environment({"ROUTER_BROKER": kafka}), unique, 4) == []


def test_topics_are_read_through(kafka: str, unique: str) -> None:
    """Every committed record once, in order, over markers and what was aborted; an empty choice reads nothing."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=3)])
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions(20)
    for number in range(20):
        producer.begin_transaction()
        producer.produce(unique, b"%d" % number, partition=number % 2)
        if number % 5:
            producer.commit_transaction()
        else:
            producer.flush(20)
            producer.abort_transaction()
    settings = Settings.from_environment({"ROUTER_BROKER": kafka})
    expected = [[b"%d" % number for number in range(20) if number % 5 and number % 2 == odd] for odd in (0, 1)]
    for _ in range(3):
        read: list[PlainRecord] = []
        scan(settings, lambda _: [unique], read.append)
        assert [[each.value for each in read if each.partition == odd] for odd in (0, 1)] == expected
    scan(settings, lambda _: [], pytest.fail)
