"""One record from a real Kafka, by its place."""

import click
import pytest
from confluent_kafka import Producer

from router.commands.live import PLACE, read_record
from router.develop.topics import TopicSpec, ensure_topics
from router.records.headers import Origin
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
