"""The marks of a topic, read with librdkafka on a real Kafka."""

from __future__ import annotations

import threading

import pytest
from support.topics import Topics
from support.waiting import until

from router.consumer.confluent_marks import Marks
from router.consumer.confluent_producer import Transactions
from router.consumer.errors import TopicMissing
from router.consumer.gathering import Gathering
from router.failure.skipping import Skipping, skip_mark
from router.records.headers import Origin


def never() -> bool:
    """Nobody stops."""
    return False


def marks_of(kafka: str, topic: str, *, required: bool = True) -> Marks:
    """Return the marks of a topic."""
    return Marks({"bootstrap.servers": kafka, "group.id": topic}, topic, required=required)


def test_marks_are_read_to_the_end_that_uncommitted_readers_see(kafka: str, unique: str) -> None:
    """One that stands in a transaction which is decided a moment later is waited for."""
    topics, topic = Topics(kafka), f"{unique}.vip.v1"
    topics.create(topic, f"{topic}.rejected", f"{topic}.parked", partitions=2)
    topics.produce([{"topic": f"{topic}.parked", "partition": 0, "key": "a", "value": "0/1"}])
    marks, gathering = marks_of(kafka, topic), Gathering(topic)
    producer = topics.producer(**{"transactional.id": unique})
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(f"{topic}.parked", partition=0, key="b", value="0/2")
    producer.flush(10)
    sounding = Transactions({"bootstrap.servers": kafka, "transactional.id": f"{unique}-sounding"})
    ends = sounding.sounded(f"{topic}.parked", [0, 1])
    assert ends == {0: 2, 1: 0}
    for partition, end in ends.items():
        gathering.given(partition, committed=0, marks_end=end)
    assert (gathering.ready(0), gathering.ready(1)) == (False, True)
    reading = threading.Thread(target=marks.read, args=([0, 1], gathering), kwargs={"stopping": never})
    reading.start()
    until(lambda: gathering.parked[0] == 1, within=10, what="what is committed is read")
    assert not gathering.ready(0)
    producer.commit_transaction(10)
    reading.join(10)
    assert gathering.ready(0)
    assert gathering.parked == {0: 2, 1: 0}
    sounding.close()
    marks.close()


def test_marks_that_skip_are_heard_of_when_they_are_written(kafka: str, unique: str) -> None:
    """As long as the partition is followed."""
    topics, topic = Topics(kafka), f"{unique}.vip.v1"
    topics.create(topic, f"{topic}.rejected", f"{topic}.parked")
    marks, gathering = marks_of(kafka, topic), Gathering(topic)
    assert list(marks.tail(gathering.marked)) == []
    gathering.given(0, committed=0, marks_end=0)
    marks.read([0], gathering, stopping=never)
    mark = skip_mark(Origin(topic, 0, 7), author="ops")
    topics.produce(
        [
            {
                "topic": f"{topic}.parked",
                "partition": 0,
                "key": mark.key,
                "value": mark.value,
                "headers": list(mark.headers),
            }
        ]
    )
    found = until(lambda: list(marks.tail(gathering.marked)), within=10, what="the mark is heard of")
    assert found == [(0, Skipping(7, skip=True, author="ops"))]
    marks.leave([0])
    assert list(marks.tail(gathering.marked)) == []
    marks.close()


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        pytest.param((), "vip.v1", id="the topic"),
        pytest.param(("vip.v1",), "vip.v1.rejected", id="its rejections"),
        pytest.param(("vip.v1", "vip.v1.rejected"), "vip.v1.parked", id="its marks"),
    ],
)
def test_topics_that_are_missing_are_named(kafka: str, unique: str, there: tuple[str, ...], missing: str) -> None:
    """Before anything is read, and none is created by asking."""
    topics, topic = Topics(kafka), f"{unique}.vip.v1"
    for each in there:
        topics.create(f"{unique}.{each}")
    with pytest.raises(TopicMissing, match=f"topic '{unique}.{missing}': is not there"):
        marks_of(kafka, topic)


def test_without_keeping_keys_there_need_be_no_marks(kafka: str, unique: str) -> None:
    """Then there is nothing to read."""
    topics, topic = Topics(kafka), f"{unique}.vip.v1"
    topics.create(topic, f"{topic}.rejected")
    marks, gathering = marks_of(kafka, topic, required=False), Gathering(topic, keep=False)
    assert not marks.there
    gathering.given(0, committed=0, marks_end=0)
    marks.read([0], gathering, stopping=never)
    assert gathering.ready(0)
    marks.close()
