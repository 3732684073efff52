"""Topics are created once, on a real Kafka, and what is wrong with one is said with its name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from router.develop.errors import TopicFailed
from router.develop.topics import TopicSpec, ensure_topics

Names = Callable[[str], str]


def test_a_missing_topic_is_created_as_specified(kafka: str, topic_names: Names) -> None:
    """Partitions and settings are those of the spec, and the answer names what was created."""
    name = topic_names("order.status.v1")
    assert ensure_topics(kafka, [TopicSpec(name, partitions=3, config={"retention.ms": "-1"})]) == (name,)
    admin = AdminClient({"bootstrap.servers": kafka})
    assert len(admin.list_topics(name).topics[name].partitions) == 3
    resource = ConfigResource(ResourceType.TOPIC, name)
    assert admin.describe_configs([resource])[resource].result()["retention.ms"].value == "-1"


def test_a_second_time_changes_nothing(kafka: str, topic_names: Names) -> None:
    """Only the topics that were missing are created and returned."""
    first, second = TopicSpec(topic_names("a.v1")), TopicSpec(topic_names("b.v1"), partitions=2)
    ensure_topics(kafka, [first])
    assert ensure_topics(kafka, [first, second]) == (second.name,)
    assert ensure_topics(kafka, [first, second]) == ()


def test_no_topics_need_no_kafka() -> None:
    """An empty list is fulfilled without asking anybody."""
    assert ensure_topics("127.0.0.1:1", []) == ()


def test_another_number_of_partitions_is_refused(kafka: str, topic_names: Names) -> None:
    """An existing topic with other partitions would route records elsewhere, so it is named and refused."""
    name = topic_names("a.v1")
    ensure_topics(kafka, [TopicSpec(name, partitions=2)])
    with pytest.raises(TopicFailed, match=rf"{name}.*has 2 partitions, not 3") as caught:
        ensure_topics(kafka, [TopicSpec(name, partitions=3)])
    assert caught.value.topic == name


def test_more_copies_than_brokers_are_refused(kafka: str, topic_names: Names) -> None:
    """The error names the topic and says that brokers are missing."""
    name = topic_names("a.v1")
    with pytest.raises(TopicFailed, match=rf"(?s){name}.*fewer brokers"):
        ensure_topics(kafka, [TopicSpec(name, replication=7)])


def test_a_refused_setting_is_told_in_kafkas_words(kafka: str, topic_names: Names) -> None:
    """What Kafka says about a setting reaches the reader."""
    with pytest.raises(TopicFailed, match=r"retention\.ms"):
        ensure_topics(kafka, [TopicSpec(topic_names("a.v1"), config={"retention.ms": "soon"})])
