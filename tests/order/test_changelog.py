"""The reader of changelogs on a real Kafka: lanes that wait for their tables, standbys that follow, and a broker that is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from support.topics import Topics
from support.waiting import comes_to

from router.errors import BrokerUnavailable
from router.lanes.fetching import FetchedRecord
from router.order.changelog import ChangelogReader, Progress
from router.order.table_errors import DiskFailed

pytestmark = pytest.mark.kafka


class Kept:
    """A replica in memory, which notes what was done with it."""

    def __init__(self, *, position: int | None = None) -> None:
        self.position = position
        self.begun: list[tuple[int, int]] = []
        self.values: dict[bytes | None, bytes | None] = {}
        self.applied = 0
        self.fails: DiskFailed | None = None

    def begin(self, *, start: int, end: int) -> int:
        self.begun.append((start, end))
        if self.fails is not None and self.position is None:
            raise self.fails
        return start if self.position is None else self.position

    def apply(self, records: list[FetchedRecord], position: int) -> None:
        if self.fails is not None:
            raise self.fails
        self.values |= {record.key: record.value for record in records}
        self.applied += len(records)
        self.position = position


class Log:
    """A changelog of three partitions."""

    def __init__(self, kafka: str, name: str) -> None:
        self.name = name
        self.topics = Topics(kafka)
        self.topics.create(name, partitions=3, cleanup_policy="compact")

    async def write(self, partition: int, *numbers: int) -> None:
        records = [{"topic": self.name, "key": b"%d" % n, "value": b"v%d" % n, "partition": partition} for n in numbers]
        await asyncio.to_thread(self.topics.produce, records)


@pytest.fixture
def log(kafka: str, unique: str) -> Log:
    return Log(kafka, f"{unique}-changelog")


@pytest.fixture
async def reader(kafka: str) -> AsyncIterator[ChangelogReader]:
    reader = ChangelogReader(kafka, dict)
    yield reader
    await reader.close()


def started() -> Progress:
    return Progress(time.monotonic())


async def restored(reader: ChangelogReader, log: Log, partition: int, kept: Kept) -> Progress:
    progress = started()
    async with asyncio.timeout(30.0):
        await reader.restore(log.name, partition, kept, progress)
    return progress


async def settled(ask: Callable[[], Any], expected: object) -> None:
    async def answer() -> object:
        return ask()

    await comes_to(answer, expected, within=20.0)


async def test_partitions_are_restored_side_by_side(reader: ChangelogReader, log: Log) -> None:
    """Each to its own end, whatever the others have; progress says how much that was."""
    await log.write(0, *range(500))
    await log.write(2, 7, 8, 7)
    kept = [Kept() for _ in range(3)]
    found = await asyncio.gather(*(restored(reader, log, partition, one) for partition, one in enumerate(kept)))
    assert [len(one.values) for one in kept] == [500, 0, 2]
    assert [progress.records for progress in found] == [500, 0, 3]
    assert [one.position for one in kept] == [500, None, 3]
    assert kept[0].begun == [(0, 500)]


async def test_what_a_replica_has_is_not_read_again(reader: ChangelogReader, log: Log) -> None:
    """It says where to begin."""
    await log.write(1, *range(10))
    kept = Kept(position=8)
    await restored(reader, log, 1, kept)
    assert kept.values == {b"8": b"v8", b"9": b"v9"}
    await restored(reader, log, 1, kept)
    assert kept.applied == 2


async def test_standby_follows(reader: ChangelogReader, log: Log) -> None:
    """It has what is written a moment later, so that its takeover reads next to nothing."""
    kept = Kept()
    reader.follow(log.name, 0, kept)
    for number in range(5):
        await log.write(0, number)
        await settled(lambda: kept.applied, number + 1)
    await restored(reader, log, 0, kept)
    assert kept.applied == 5
    # A lane has it now, which writes it by itself.
    await log.write(0, 99)
    other = Kept()
    await restored(reader, log, 0, other)
    assert (other.applied, kept.applied) == (6, 5)


async def test_standby_follows_while_lanes_open_and_leaves_when_told(reader: ChangelogReader, log: Log) -> None:
    """Neither takes anything from the other."""
    standby = Kept()
    reader.follow(log.name, 0, standby)
    await log.write(1, *range(100))
    for _ in range(3):
        await log.write(0, 1)
        assert (await restored(reader, log, 1, Kept())).records == 100
    await settled(lambda: standby.applied, 3)
    left = asyncio.Event()
    loop = asyncio.get_running_loop()
    reader.leave(log.name, 0, lambda: loop.call_soon_threadsafe(left.set))
    await asyncio.wait_for(left.wait(), 10.0)
    await log.write(0, 2)
    await restored(reader, log, 0, Kept())
    assert standby.applied == 3


async def test_what_a_replica_fails_with_reaches_its_lane(reader: ChangelogReader, log: Log) -> None:
    """When it begins and when it applies; the others go on."""
    await log.write(0, 1)
    for position in (None, 0):
        kept = Kept(position=position)
        kept.fails = DiskFailed(path="/disk", problem="full")
        with pytest.raises(DiskFailed, match="full"):
            await restored(reader, log, 0, kept)
    assert (await restored(reader, log, 0, Kept())).records == 1


async def test_standby_that_fails_ends_nothing_else(reader: ChangelogReader, log: Log) -> None:
    """It is logged, and lanes are restored as before."""
    kept = Kept()
    kept.fails = DiskFailed(path="/disk", problem="full")
    reader.follow(log.name, 0, kept)
    await settled(lambda: len(kept.begun), 1)
    await log.write(0, 1)
    assert (await restored(reader, log, 0, Kept())).records == 1


async def test_restoring_can_be_given_up(reader: ChangelogReader, log: Log) -> None:
    """A lane that is closed meanwhile; the next one is served as if nothing had been."""
    await log.write(0, *range(50))
    given_up = Kept()
    task = asyncio.create_task(reader.restore(log.name, 0, given_up, started()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await restored(reader, log, 0, Kept())).records == 50


async def test_absent_broker_is_an_error_that_a_lane_knows() -> None:
    """It backs off, and asks again."""
    reader = ChangelogReader("127.0.0.1:9", dict)
    with pytest.raises(BrokerUnavailable):
        await asyncio.wait_for(reader.restore("any", 0, Kept(), started()), 30.0)
    await reader.close()


async def test_reader_that_was_never_used_closes_and_leaves_at_once(kafka: str) -> None:
    """There is no thread to end."""
    reader = ChangelogReader(kafka, dict)
    left: list[bool] = []
    reader.leave("any", 0, lambda: left.append(True))
    await reader.close()
    assert left == [True]


async def test_who_waits_when_the_reader_ends_is_let_go(kafka: str, log: Log) -> None:
    """Nobody hangs on a thread that is gone."""
    reader = ChangelogReader("127.0.0.1:9", dict)
    task = asyncio.create_task(reader.restore(log.name, 0, Kept(), started()))
    await asyncio.sleep(0)
    await reader.close()
    done, _ = await asyncio.wait([task], timeout=10.0)
    assert [type(one.exception()) for one in done] == [BrokerUnavailable]


async def test_who_is_replaced_is_let_go(kafka: str, log: Log) -> None:
    """A partition has one reader: the one that came last."""
    reader = ChangelogReader("127.0.0.1:9", dict)
    first = asyncio.create_task(reader.restore(log.name, 0, Kept(), started()))
    await asyncio.sleep(0)
    second = asyncio.create_task(reader.restore(log.name, 0, Kept(), started()))
    # On a busy machine the first has found nobody there before the second comes.
    with pytest.raises(BrokerUnavailable, match=r"somebody else|no answer"):
        await asyncio.wait_for(first, 30.0)
    with pytest.raises(BrokerUnavailable):
        await asyncio.wait_for(second, 30.0)
    await reader.close()
