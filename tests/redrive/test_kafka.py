"""What commands about dead letters need of a Kafka, on a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from confluent_kafka import Producer

from router.develop.topics import TopicSpec, ensure_topics
from router.errors import DestinationUnavailable
from router.failure.audit import AUDIT
from router.records.record import PlainRecord
from router.redrive.command import Command, Kind
from router.redrive.kafka import RedriveKafka
from router.redrive.marks import REDRIVEN_TOPIC, Decided, Marks
from router.redrive.selection import WrongSelection
from router.settings import Settings

pytestmark = pytest.mark.kafka


@pytest.fixture
async def connected(kafka: str, unique: str) -> AsyncIterator[RedriveKafka]:
    """Return a connection of a group of its own."""
    connection = RedriveKafka(Settings.from_environment({"ROUTER_BROKER": kafka, "ROUTER_GROUP": unique}))
    yield connection
    await connection.close()


async def test_records_reach_to_the_end_over_what_was_aborted(connected: RedriveKafka, kafka: str, unique: str) -> None:
    """In pieces, each with the offset behind it; markers of transactions count."""
    ensure_topics(kafka, [TopicSpec(unique)])
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions(20)
    for values, ends in ((range(5), producer.commit_transaction), (range(5, 9), producer.abort_transaction)):
        producer.begin_transaction()
        for value in values:
            producer.produce(unique, b"%d" % value, headers=[("n", b"1")])
        producer.flush(20)
        ends()
    ends = await connected.ends([unique, "nowhere"])
    assert ends == {(unique, 0): 11}
    pieces = [piece async for piece in connected.records((unique, 0), end=11, most=3, start=1)]
    assert [record.value for records, _ in pieces for record in records] == [b"1", b"2", b"3", b"4"]
    assert max(len(records) for records, _ in pieces) <= 3
    assert pieces[-1][1] == 11
    assert [piece async for piece in connected.records((unique, 0), end=0, most=3)] == []
    assert await connected.ends(["nowhere"]) == {}


async def test_own_topics_are_made_once(connected: RedriveKafka) -> None:
    """As often as it is asked for."""
    await connected.make_own_topics()
    await connected.make_own_topics()
    assert {AUDIT, REDRIVEN_TOPIC} <= (await connected.counts()).keys()


async def test_marks_come_back(connected: RedriveKafka, unique: str) -> None:
    """Those of the topics that are asked for, as whoever wrote them last has it."""
    await connected.make_own_topics()
    letters = f"{unique}.dead-letters"
    marks = Marks()
    marks.put(letters, 0, 17, Decided.SENT)
    marks.put("another", 0, 17, Decided.SENT)
    await connected.write(marks.take_changes())
    marks.put(letters, 0, 18, Decided.SKIPPED)
    await connected.write(marks.take_changes())
    found = await connected.marks([letters])
    assert [found.of(letters, 0, offset) for offset in (16, 17, 18)] == [Decided.OPEN, Decided.SENT, Decided.SKIPPED]
    assert found.of("another", 0, 17) is Decided.OPEN


async def test_command_is_found_in_the_audit(connected: RedriveKafka, unique: str) -> None:
    """By its id; one that never was is told."""
    await connected.make_own_topics()
    since = await connected.audit_end()
    command = Command(id=unique, kind=Kind.SKIP, author="ada", reason="so", ends={("t", 0): 5})
    await connected.begin(command)
    assert await connected.find(unique) == command
    assert unique in [event.command async for event in connected.events(since=since)]
    with pytest.raises(WrongSelection, match=r"no command 'nowhere' is in router\.audit"):
        await connected.find("nowhere")


async def test_what_nobody_takes_is_told(connected: RedriveKafka, kafka: str, unique: str) -> None:
    """A record that its topic refuses."""
    ensure_topics(kafka, [TopicSpec(unique, config={"max.message.bytes": "100"})])
    async with asyncio.timeout(20):
        with pytest.raises(DestinationUnavailable, match=unique):
            await connected.write([PlainRecord(topic=unique, timestamp=-1, value=b"x" * 1_000)])
