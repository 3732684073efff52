"""The marks of a topic, read with aiokafka on a real Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.topics import Topics
from support.waiting import comes_to

from router.consumer.aiokafka_marks import Marks
from router.consumer.errors import TopicMissing
from router.failure.skipping import SKIPS, skip_mark
from router.records.headers import Origin


class Heard:
    """What is told of marks."""

    def __init__(self, end: int = 0) -> None:
        self.end = end
        self.marks: list[Any] = []
        self.read_to: dict[int, int] = {}

    def came(self, partition: int, record: Any) -> None:
        """Take a mark."""
        self.marks.append((partition, record.key))

    def read(self, partition: int, position: int) -> bool:
        """Take how far they were read."""
        self.read_to[partition] = position
        return position >= self.end

    async def count(self) -> int:
        """How many marks came."""
        return len(self.marks)

    async def reached(self) -> bool:
        """Whether the first partition was read to the end."""
        return self.read_to.get(0, -1) >= self.end


@asynccontextmanager
async def marks_of(kafka: str, topic: str, heard: Heard, *, required: bool = True) -> AsyncIterator[Marks]:
    """Follow the marks of a topic."""
    marks = Marks({"bootstrap_servers": kafka}, topic, came=heard.came, read_to=heard.read)
    try:
        await marks.start(required=required)
        yield marks
    finally:
        await marks.close()


async def test_marks_are_read_to_the_end_that_uncommitted_readers_see(kafka: str, unique: str) -> None:
    """One that stands in a transaction which is decided a moment later is waited for."""
    topics, topic = Topics(kafka), f"{unique}.vip.v1"
    topics.create(topic, f"{topic}.rejected", f"{topic}.parked", partitions=2)
    topics.produce([{"topic": f"{topic}.parked", "partition": 0, "key": "a", "value": "0/1"}])
    producer = topics.producer(**{"transactional.id": unique})
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce(f"{topic}.parked", partition=0, key="b", value="0/2")
    producer.flush(10)
    heard = Heard()
    async with marks_of(kafka, topic, heard) as marks:
        ends = await marks.ends([0, 1])
        assert ends == {0: 2, 1: 0}
        heard.end = ends[0]
        marks.follow([0])
        await comes_to(heard.count, 1)
        assert not await heard.reached()
        await asyncio.to_thread(producer.commit_transaction, 10)
        await comes_to(heard.reached, expected=True)
        assert heard.marks == [(0, b"a"), (0, b"b")]


async def test_marks_that_skip_are_heard_of_when_they_are_written(kafka: str, unique: str) -> None:
    """As long as the partition is followed; one that comes to be followed starts none of the others again."""
    topics, topic = Topics(kafka), f"{unique}.vip.v1"
    topics.create(topic, f"{topic}.rejected", f"{topic}.parked", partitions=2)
    heard = Heard()
    async with marks_of(kafka, topic, heard) as marks:
        marks.follow([0])
        await comes_to(heard.reached, expected=True)
        for partition in (0, 1):
            mark = skip_mark(Origin(topic, partition, 7))
            assert mark.headers[0][0] == SKIPS
            told = {"topic": f"{topic}.parked", "partition": partition, "key": mark.key, "value": mark.value}
            await asyncio.to_thread(topics.produce, [told])
        await comes_to(heard.count, 1)
        marks.follow([1])
        await comes_to(heard.count, 2)
        marks.leave([0, 1])
        assert heard.marks == [(0, b"router-skip/7"), (1, b"router-skip/7")]


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        pytest.param((), "vip.v1", id="the topic"),
        pytest.param(("vip.v1",), "vip.v1.rejected", id="its rejections"),
        pytest.param(("vip.v1", "vip.v1.rejected"), "vip.v1.parked", id="its marks"),
    ],
)
async def test_topics_that_are_missing_are_named(kafka: str, unique: str, there: tuple[str, ...], missing: str) -> None:
    """Before anything is read, and none is created by asking."""
    topics, topic = Topics(kafka), f"{unique}.vip.v1"
    for each in there:
        topics.create(f"{unique}.{each}")
    with pytest.raises(TopicMissing, match=f"topic '{unique}.{missing}': is not there"):
        async with marks_of(kafka, topic, Heard()):
            pass


async def test_without_keeping_keys_there_need_be_no_marks(kafka: str, unique: str) -> None:
    """Then there is nothing to read."""
    topics, topic = Topics(kafka), f"{unique}.vip.v1"
    topics.create(topic, f"{topic}.rejected")
    async with marks_of(kafka, topic, Heard(), required=False) as marks:
        assert await marks.ends([0]) == {0: 0}
        marks.follow([0])
