"""The reader of rejections on a real Kafka: what is committed, from where a lane stands, for as long as it wants any."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from support.topics import Topics
from support.waiting import comes_to

from router.failure.reader import RejectionReader
from router.records.record import Record

pytestmark = pytest.mark.kafka


class Sink:
    """Notes what came."""

    def __init__(self) -> None:
        self.full = False
        self.values: list[bytes | None] = []
        self.position = -1

    async def told(self) -> list[bytes | None]:
        """What came so far."""
        return self.values

    def came(self, topic: str, records: Sequence[Record], position: int) -> None:
        """See RejectionSink."""
        self.values += [each.value for each in records]
        self.position = position


class Log:
    """A topic of rejections, of two partitions."""

    def __init__(self, kafka: str, name: str) -> None:
        self.name = name
        self.topics = Topics(kafka)
        self.topics.create(name, partitions=2)

    async def write(self, *numbers: int, partition: int = 1) -> None:
        """Produce rejections."""
        records = [{"topic": self.name, "value": b"%d" % n, "partition": partition} for n in numbers]
        await asyncio.to_thread(self.topics.produce, records)


@pytest.fixture
def log(kafka: str, unique: str) -> Log:
    """A topic that nobody else has."""
    return Log(kafka, f"{unique}.rejected")


@pytest.fixture
async def reader(kafka: str) -> AsyncIterator[RejectionReader]:
    """A worker's reader."""
    made = RejectionReader(kafka, dict)
    yield made
    await made.close()


def values(*numbers: int) -> list[bytes]:
    """Return what records of these numbers have."""
    return [b"%d" % number for number in numbers]


async def test_lane_gets_what_there_is_and_what_comes(reader: RejectionReader, log: Log) -> None:
    """Of its partition alone, from its position on; and nothing after it has left."""
    await log.write(0, 1, 2)
    await log.write(9, partition=0)
    sink = Sink()
    leave = reader.follow(1, {log.name: 1}, sink)
    await comes_to(sink.told, values(1, 2))
    await log.write(3)
    await comes_to(sink.told, values(1, 2, 3))
    assert sink.position == 4
    leave()
    other = Sink()
    reader.follow(1, {log.name: 0}, other)
    await log.write(4)
    await comes_to(other.told, values(0, 1, 2, 3, 4))
    assert sink.values == values(1, 2, 3)


async def test_lanes_of_two_sources_read_one_partition(reader: RejectionReader, log: Log) -> None:
    """Each from its own place, each record once."""
    await log.write(0, 1, 2)
    late, early = Sink(), Sink()
    reader.follow(1, {log.name: 2}, late)
    await comes_to(late.told, values(2))
    reader.follow(1, {log.name: 0}, early)
    await log.write(3)
    await comes_to(early.told, values(0, 1, 2, 3))
    await comes_to(late.told, values(2, 3))


async def test_sink_that_is_full_gets_the_rest_when_it_has_room(reader: RejectionReader, log: Log) -> None:
    """Nothing is skipped, whatever others read meanwhile."""
    full, other = Sink(), Sink()
    full.full = True
    reader.follow(1, {log.name: 0}, full)
    reader.follow(1, {log.name: 0}, other)
    await log.write(0, 1)
    await comes_to(other.told, values(0, 1))
    assert full.values == []
    full.full = False
    reader.room()
    await comes_to(full.told, values(0, 1))


async def test_position_beyond_the_log_is_taken_for_its_start(reader: RejectionReader, log: Log) -> None:
    """A topic that was made anew holds rejections that nobody has read."""
    await log.write(0)
    sink = Sink()
    reader.follow(1, {log.name: 50}, sink)
    await comes_to(sink.told, values(0))


async def test_topic_that_is_missing_is_waited_for(reader: RejectionReader, log: Log) -> None:
    """It may come; whoever else wants something is not lost by it."""
    sink = Sink()
    leave = reader.follow(1, {f"{log.name}.later": 0}, sink)
    leave()
    reader.follow(1, {log.name: 0}, sink)
    await log.write(0)
    await comes_to(sink.told, values(0))
    assert reader.trouble is None


async def test_reader_that_reaches_nobody_says_so() -> None:
    """And since when, as long as that lasts."""
    reader = RejectionReader("127.0.0.1:1", dict)

    async def troubled() -> bool:
        return reader.trouble is not None

    reader.follow(0, {"any.rejected": 0}, Sink())
    await comes_to(troubled, True)
    assert reader.trouble is not None
    assert "cannot be read" in reader.trouble[0]
    await reader.close()
