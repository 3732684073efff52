"""Carrying out a command over a partition of dead letters, on a real Kafka; tests/acceptance has it with lanes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from support.language import load

from router.develop.topics import TopicSpec, ensure_topics
from router.errors import DestinationUnavailable
from router.failure.audit import AUDIT
from router.failure.commands import REDRIVEN
from router.failure.letters import TIMESTAMP
from router.records.catalogue import Catalogue
from router.records.record import PlainRecord
from router.redrive.command import Command, Kind
from router.redrive.kafka import RedriveKafka
from router.redrive.redriver import Outcome, Redriver, Superseded
from router.redrive.ways import Ways
from router.settings import Settings

pytestmark = pytest.mark.kafka

ROUTES = """
version: 1
team: t
exchanges:
  events: {{type: fanout, sources: [{0}.events]}}
topics:
  {0}.events: {{format: json}}
  {0}.all: {{from: [{{exchange: events}}], format: json}}
"""
HOUR = 3_600_000


@dataclass
class Shop:
    """A topic without `failure:`, to which dead letters are sent directly."""

    kafka: str
    word: str
    connection: RedriveKafka
    redriver: Redriver

    @property
    def letters(self) -> str:
        """The topic of its dead letters."""
        return f"{self.word}.all.dead-letters"

    def set_aside(self, *values: bytes, timestamp: int | None = None) -> None:
        """Lay dead letters."""
        producer = Producer({"bootstrap.servers": self.kafka, "message.max.bytes": 2_000_000})
        at = round(time.time() * 1000) if timestamp is None else timestamp
        headers = [("router-reason", b"failed"), ("router-destination", f"{self.word}.all".encode())]
        for value in values:
            producer.produce(self.letters, value, key=value[:9], headers=headers, timestamp=at)
        assert producer.flush(20) == 0

    async def command(self, number: int = 1, kind: Kind = Kind.REDRIVE) -> Command:
        """Return a command over all that lies there."""
        ends = await self.connection.ends([self.letters])
        return Command(id=f"{self.word}-{number}", kind=kind, author="ada", reason="so", ends=ends)

    def copies(self) -> list[tuple[bytes, int, dict[str, bytes | str | None]]]:
        """Value, timestamp and headers of what was sent."""
        return self._read(f"{self.word}.all")

    def types(self) -> list[str]:
        """The types of the audit's events about it."""
        told = [json.loads(value) for value, _, _ in self._read(AUDIT)]
        return [each["type"] for each in told if each["data"]["command"].startswith(self.word)]

    def _read(self, topic: str) -> list[tuple[bytes, int, dict[str, bytes | str | None]]]:
        consumer = Consumer({"bootstrap.servers": self.kafka, "group.id": self.word, "enable.partition.eof": True})
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[tuple[bytes, int, dict[str, bytes | str | None]]] = []
        while (message := consumer.poll(20)) is not None and message.error() is None:
            found.append((message.value() or b"", message.timestamp()[1], dict(message.headers() or ())))
        consumer.close()
        return found


@pytest.fixture
async def shop(kafka: str, unique: str) -> AsyncIterator[Shop]:
    """Return a shop of its own."""
    small = {"max.message.bytes": "2000"}
    large = {"max.message.bytes": "1500000"}
    topics = [TopicSpec(f"{unique}.all", config=small), TopicSpec(f"{unique}.all.dead-letters", config=large)]
    ensure_topics(kafka, topics)
    route_set, findings = load(ROUTES.format(unique))
    assert route_set is not None, findings
    catalogue = Catalogue.from_texts({})
    connection = RedriveKafka(Settings.from_environment({"ROUTER_BROKER": kafka, "ROUTER_GROUP": unique}))
    ways = Ways(route_set, catalogue)
    yield Shop(kafka, unique, connection, Redriver(connection, ways, catalogue, retention_ms={f"{unique}.all": HOUR}))
    await connection.close()


async def sent(shop: Shop, number: int = 1, **more: object) -> Outcome:
    """Carry out a redrive of all that lies there."""
    return await shop.redriver.carry_out(await shop.command(number), **more)  # type: ignore[arg-type] # its own


async def test_each_is_sent_once_however_often(shop: Shop) -> None:
    """What comes between two commands is all that the second one sends; old ones get the time of now."""
    shop.set_aside(b"1", b"2")
    plan = await shop.redriver.plan(await shop.command(), looked=lambda _: None)
    assert (plan.letters, shop.copies()) == (2, [])
    assert (await sent(shop)).done.letters == 2
    shop.set_aside(b"3", timestamp=5)
    before = round(time.time() * 1000)
    outcome = await sent(shop, 2)
    assert (outcome.done.letters, outcome.done.sent_before, outcome.lanes) == (1, 2, {})
    copies = shop.copies()
    assert [value for value, _, _ in copies] == [b"1", b"2", b"3"]
    assert [headers[REDRIVEN] for _, _, headers in copies] == [f"{shop.word}-{n}".encode() for n in (1, 1, 2)]
    assert copies[2][1] >= before
    assert (copies[0][2].get(TIMESTAMP), copies[2][2].get(TIMESTAMP)) == (None, b"5")
    assert shop.types() == [f"router.redrive.{each}" for each in ("begun", "ended", "begun", "ended")]


async def test_what_the_broker_refuses_is_left_and_the_others_are_sent(shop: Shop) -> None:
    """Which of a batch it was, it finds out by itself; the next command tries that one again."""
    values = [b"%d" % number for number in range(6)]
    shop.set_aside(*values[:3], b"x" * 5_000, *values[3:])
    outcome = await sent(shop)
    assert (outcome.done.letters, outcome.done.left["refused"]) == (6, 1)
    assert sorted(value for value, _, _ in shop.copies()) == values
    again = await sent(shop, 2)
    assert (again.done.letters, again.done.left["refused"], again.done.sent_before) == (0, 1, 6)


async def test_later_command_ends_an_earlier_one(shop: Shop) -> None:
    """Which says so; nothing is sent twice."""
    shop.set_aside(*(b"%d" % number for number in range(40)))
    begun = asyncio.Event()

    def first(_: int) -> None:
        begun.set()

    slow = asyncio.create_task(sent(shop, 1, rate=10, done=first))
    await asyncio.wait_for(begun.wait(), 20)
    other = await sent(shop, 2)
    with pytest.raises(Superseded, match=f"another command over {shop.letters}/0 has begun"):
        await slow
    assert 0 < other.done.sent_before < 40
    assert sorted(int(value) for value, _, _ in shop.copies()) == list(range(40))
    assert shop.types().count("router.redrive.interrupted") == 1


async def test_rate_is_kept_and_stop_is_heard(shop: Shop) -> None:
    """Between two transactions; what was sent stays sent."""
    shop.set_aside(*(b"%d" % number for number in range(40)))
    stop, told = asyncio.Event(), []

    def count(sent_now: int) -> None:
        told.append(sent_now)
        if sum(told) >= 20:
            stop.set()

    begun = time.monotonic()
    outcome = await sent(shop, 1, rate=20, done=count, stop=stop)
    assert outcome.interrupted
    assert 20 <= outcome.done.letters < 40
    assert max(told) <= 4
    assert time.monotonic() - begun >= (outcome.done.letters - max(told)) / 20
    assert (await sent(shop, 2)).done.letters == 40 - outcome.done.letters


async def test_skipped_ones_are_left_out(shop: Shop) -> None:
    """And sent by no redrive."""
    shop.set_aside(b"1", b"2")
    outcome = await shop.redriver.carry_out(await shop.command(1, Kind.SKIP))
    assert (outcome.done.letters, outcome.done.copies) == (2, 0)
    again = await sent(shop, 2)
    assert (again.done.letters, again.done.skipped_before, shop.copies()) == (0, 2, [])


async def test_changed_record_takes_the_place_of_its_own(shop: Shop) -> None:
    """With the command's mark."""
    shop.set_aside(b"1")
    command = await shop.command(1, Kind.EDIT)
    edited = PlainRecord(topic=shop.letters, key=b"k", value=b'{"n": 2}', timestamp=round(time.time() * 1000))
    await shop.redriver.carry_out(command, edited=edited)
    ((value, _, headers),) = shop.copies()
    assert (value, list(headers)) == (b'{"n": 2}', [REDRIVEN])


async def test_destination_that_is_gone_from_the_cluster_is_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, kafka: str
) -> None:
    """After some tries; nothing is marked as sent."""
    monkeypatch.setattr("router.redrive.carrying._AGAIN", 0.01)
    monkeypatch.setattr(shop.connection.destinations, "partitions", _missing(shop))
    shop.set_aside(b"1")
    with pytest.raises(DestinationUnavailable, match="does not exist"):
        await sent(shop)
    monkeypatch.undo()
    assert (await sent(shop, 2)).done.letters == 1
    assert kafka == shop.kafka


def _missing(shop: Shop) -> Callable[[str], int]:
    real = shop.connection.destinations.partitions

    def partitions(topic: str) -> int:
        if topic == f"{shop.word}.all":
            raise DestinationUnavailable(topic=topic, problem="does not exist")
        return real(topic)

    return partitions
