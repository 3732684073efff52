"""One command over partitions of dead letters, transaction after transaction: on a double; test_redriver has a Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast

import pytest
from redrive.test_considering import TOPIC, UNUSUAL, letter
from redrive.test_ways import ALL, CATALOGUE, VIP, WAYS

from router.errors import DeliveryFailed, Fenced, TransientError
from router.failure.letters import TIMESTAMP
from router.failure.topics import rejected_of
from router.lanes.carrier import Places
from router.lanes.copies import Copies, CopyBatch
from router.records.record import PlainRecord, Record
from router.redrive.carrying import Carrying, Pace, Superseded, Work
from router.redrive.command import Command, Kind
from router.redrive.kafka import RedriveKafka
from router.redrive.marks import REDRIVEN_TOPIC, Marks
from router.redrive.selection import Selection

Sent = list[tuple[str, int, bytes | None, int]]
"""Topic, partition, key and timestamp of what was committed."""


class Batch:
    """A record batch with room for three."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, int, bytes | None, Any]] = []

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Any) -> object | None:
        """Add a record; None where it is full."""
        if len(self.records) == 3:
            return None
        self.records.append((key, timestamp or 0, value, headers))
        return self

    def record_count(self) -> int:
        """Return how many."""
        return len(self.records)

    def size(self) -> int:
        """Return a size."""
        return 0


class Kafka:
    """As much of `RedriveKafka` as a carrying asks for."""

    def __init__(self, letters: Mapping[int, Sequence[Record]], *, at_once: int = 2) -> None:
        self.committed: Sent = []
        self.headers: list[dict[str, bytes | None]] = []
        self.transactions = 0
        self.opened: list[int] = []
        self.fails: list[Exception] = []
        """What the next commits fail with."""
        self.destinations = self
        self._letters = letters
        self._at_once = at_once
        self._decided: dict[bytes | None, bytes | None] = {}

    def partitions(self, topic: str) -> int:
        """Return how many a topic has."""
        return 3 if topic == ALL else 2

    count = partitions

    async def marks(self, topics: Sequence[str]) -> Marks:
        """Return what was committed."""
        assert topics == [TOPIC]
        marks = Marks()
        for key, value in self._decided.items():
            marks.read(key, value, topics=topics)
        return marks

    async def records(
        self, at: tuple[str, int], *, start: int, end: int, most: int
    ) -> AsyncIterator[tuple[list[Record], int]]:
        """Return what lies there, so many at a time."""
        found = [each for each in self._letters[at[1]] if start <= each.offset < end]
        step = min(most, self._at_once)
        for first in range(0, len(found), step):
            await asyncio.sleep(0)
            fetched = found[first : first + step]
            yield fetched, fetched[-1].offset + 1

    def carrier(self, at: tuple[str, int]) -> Carrier:
        """Return what sends."""
        return Carrier(self, at)

    def take(self, copies: Copies) -> None:
        """Commit."""
        self.transactions += 1
        for topic, partition, batch, _ in copies.ready:
            assert isinstance(batch, Batch)
            for key, timestamp, value, headers in batch.records:
                if topic == REDRIVEN_TOPIC:
                    self._decided[key] = value
                    continue
                self.committed.append((topic, partition, key, timestamp))
                self.headers.append(dict(headers))


class Carrier:
    """Sends to the double."""

    def __init__(self, kafka: Kafka, at: tuple[str, int]) -> None:
        self._kafka = kafka
        self._at = at
        self._sent = Copies()

    async def open(self) -> Places:
        """Be opened."""
        self._kafka.opened.append(self._at[1])
        return {}

    def new_batch(self, topic: str) -> CopyBatch:
        """Return an empty one."""
        del topic
        return Batch()

    async def send(self, copies: Copies) -> None:
        """Take the copies."""
        self._sent = copies

    async def commit(self, offset: int) -> Mapping[tuple[str, int], int]:
        """Make them final, or fail."""
        del offset
        await asyncio.sleep(0)
        if self._kafka.fails:
            raise self._kafka.fails.pop(0)
        self._kafka.take(self._sent)
        return {}

    async def close(self) -> None:
        """Be closed."""


def work_of(
    kafka: Kafka, *, rate: float = 0.0, kind: Kind = Kind.REDRIVE, retention_ms: Mapping[str, int] | None = None
) -> Work:
    """Return a command over all that lies there."""
    ends = {(TOPIC, number): 100 for number in kafka._letters}
    return Work(
        kafka=cast("RedriveKafka", kafka),
        ways=WAYS,
        command=Command(id="c1", kind=kind, author="ada", reason="so", ends=ends),
        selection=Selection(CATALOGUE),
        edited=None,
        retention_ms=retention_ms or {},
        clock=lambda: 1_000.0,
        pace=Pace(rate, 10),
        stop=asyncio.Event(),
        done=lambda _: None,
    )


LETTERS: list[Record] = [letter(number) for number in range(5)]


async def test_letters_go_out_in_their_order_in_few_transactions() -> None:
    """Those for lanes into the partition of their original; the others as a lane would have written them."""
    kafka = Kafka({1: [*LETTERS, letter(5, to=ALL), letter(6, to=ALL, headers=UNUSUAL)]}, at_once=4)
    work = work_of(kafka)
    await Carrying(work, (TOPIC, 1), 100).run()
    assert kafka.transactions == 2
    by_lanes = [each for each in kafka.committed if each[0] == rejected_of(VIP)]
    directly = [each for each in kafka.committed if each[0] == ALL]
    assert len(by_lanes) == 5
    assert {each[1] for each in by_lanes} == {1}
    assert len(directly) == 2
    assert directly[0] == directly[1]
    told = [head["router-redrives"] for head in kafka.headers if "router-redrives" in head]
    assert told == [f"{TOPIC}/1/{number}".encode() for number in range(5)]
    assert (work.outcome.done.letters, work.outcome.lanes) == (7, {(VIP, "order.status.v1", 1): 5})


async def test_what_is_old_gets_a_new_time() -> None:
    """Where it is written directly: a lane does so itself."""
    kafka = Kafka({1: [letter(0, to=ALL), letter(1)]})
    await Carrying(work_of(kafka, retention_ms={ALL: 1_000, VIP: 1_000}), (TOPIC, 1), 100).run()
    assert {topic: at for topic, _, _, at in kafka.committed} == {ALL: 1_000_000, rejected_of(VIP): 0}
    assert [head.get(TIMESTAMP) for head in kafka.headers if "router-redrives" not in head] == [b"0"]


async def test_what_fails_is_made_once_more_from_what_was_committed() -> None:
    """By a carrier that is opened anew."""
    kafka = Kafka({1: LETTERS})
    kafka.fails = [DeliveryFailed(topic=VIP, partition=0, problem="no")]
    work = work_of(kafka)
    await Carrying(work, (TOPIC, 1), 100).run()
    assert kafka.opened == [1, 1]
    assert [head["router-redrives"] for head in kafka.headers] == [f"{TOPIC}/1/{n}".encode() for n in range(5)]
    assert work.outcome.done.letters == 5


async def test_fenced_one_says_that_another_has_begun() -> None:
    """And ends; what was committed stays so."""
    kafka = Kafka({1: LETTERS})
    kafka.fails = [Fenced(topic=TOPIC, partition=1)]
    with pytest.raises(Superseded, match=f"another command over {TOPIC}/1 has begun"):
        await Carrying(work_of(kafka), (TOPIC, 1), 100).run()


async def test_nothing_is_begun_once_another_partition_has_failed() -> None:
    """Nor once somebody has said stop."""
    kafka = Kafka({1: LETTERS})
    work = work_of(kafka)
    work.failed = True
    assert work.ends
    await Carrying(work, (TOPIC, 1), 100).run()
    assert kafka.opened == []
    stopped = work_of(kafka)
    assert not stopped.ends
    stopped.stop.set()
    assert stopped.ends


async def test_skipped_ones_are_only_marked() -> None:
    """In a transaction with nothing else."""
    kafka = Kafka({1: LETTERS})
    work = work_of(kafka, kind=Kind.SKIP)
    await Carrying(work, (TOPIC, 1), 100).run()
    assert (kafka.committed, work.outcome.done.letters) == ([], 5)
    again = work_of(kafka)
    await Carrying(again, (TOPIC, 1), 100).run()
    assert (kafka.committed, again.outcome.done.skipped_before) == ([], 5)


async def test_pace_holds_back_until_somebody_says_stop() -> None:
    """A cap of so many a second is kept by how long the next transaction waits."""
    pace, stop = Pace(10.0, 1_000), asyncio.Event()
    assert pace.most == 2
    pace.sent(1)
    await asyncio.wait_for(pace.wait(stop), 5)
    pace.sent(1_000_000)
    stop.set()
    await asyncio.wait_for(pace.wait(stop), 5)
    assert Pace(0.0, 7).most == 7
    assert issubclass(Superseded, TransientError)


def test_record_of_a_key_without_an_origin_finds_its_partition() -> None:
    """By its key; without one it keeps its own."""
    kafka = Kafka({1: []})
    carrying = Carrying(work_of(kafka), (TOPIC, 1), 100)
    keyed = PlainRecord(topic=TOPIC, partition=1, key=b"k")
    bare = PlainRecord(topic=TOPIC, partition=1)
    assert carrying._partition(ALL, keyed, None) in range(3)
    assert carrying._partition(ALL, bare, None) == 1
    assert carrying._partition(ALL, bare, ("order.status.v1", 5)) == 2
    assert carrying._partition(VIP, keyed, ("order.status.v1", 1)) == 1
