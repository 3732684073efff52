"""An index that reads a Kafka in memory, on a disk in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
from support.console import MemoryKafka
from support.waiting import comes_to

from router.console.indexing import Index

NARROW = "paid.v1"


class Disk:
    """Fulfils IndexDisk."""

    def __init__(self) -> None:
        self.held: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        return self.held.get(key)

    def entries(self, prefix: bytes, after: bytes, most: int) -> Sequence[tuple[bytes, bytes]]:
        return [(key, self.held[key]) for key in sorted(self.held) if key.startswith(prefix) and key >= after][:most]

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        for key, value in changes.items():
            if value is None:
                self.held.pop(key, None)
            else:
                self.held[key] = value


class Shrinking(MemoryKafka):
    """Whose retention takes what is before an offset."""

    first = 0

    async def begins(self, partitions: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], int]:
        await super().begins(partitions)
        return {at: min(self.first, len(self.logs[at])) for at in partitions}


def put(kafka: MemoryKafka, number: int, *, key: bytes = b"k", topic: str = NARROW) -> None:
    """A copy of the source's record of this number."""
    kafka.put(topic, b"v", key=key, headers=(("router-origin", b"order.v1/0/%d" % number),))


@asynccontextmanager
async def reading(kafka: MemoryKafka, disk: Disk, topics: Sequence[str] = (NARROW,)) -> AsyncIterator[Index]:
    """An index that reads."""

    async def names() -> Sequence[str]:
        return topics

    index = Index(kafka, disk, names)
    task = asyncio.create_task(index.follow())
    try:
        yield index
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def caught_up(index: Index) -> None:
    """It has read all that there is."""

    async def met() -> bool:
        told = await index.copies_of_key(b"")
        return not told["behind"] and not told["problem"]

    await comes_to(met, expected=True)


async def says(index: Index, problem: str) -> None:
    """It says why it does not read."""

    async def met() -> bool:
        return problem in index.problem

    await comes_to(met, expected=True)


async def test_copies_of_a_key_and_of_a_record_are_found() -> None:
    """With what they were made of; what comes is found as well."""
    kafka, disk = MemoryKafka({NARROW: 1, "all.v1": 1}), Disk()
    put(kafka, 1)
    put(kafka, 1, topic="all.v1")
    put(kafka, 2, key=b"other")
    async with reading(kafka, disk, (NARROW, "all.v1")) as index:
        await caught_up(index)
        told = await index.copies_of_key(b"k")
        assert {(each["topic"], each["offset"], each["origin"]) for each in told["copies"]} == {
            (NARROW, 0, "order.v1/0/1"),
            ("all.v1", 0, "order.v1/0/1"),
        }
        assert (told["cut"], told["behind"], told["partitions"]) == (False, [], 2)
        of_record = await index.copies_of_record("order.v1/0/1")
        assert {each["topic"] for each in of_record["copies"]} == {NARROW, "all.v1"}
        assert (await index.copies_of_record("order.v1/0/99"))["copies"] == []


async def test_index_goes_on_where_it_stood() -> None:
    """Its disk has how far it has read, and nothing is read twice."""
    kafka, disk = MemoryKafka({NARROW: 1}), Disk()
    put(kafka, 1)
    async with reading(kafka, disk) as index:
        await caught_up(index)
    before = dict(disk.held)
    kafka.logs[NARROW, 0][0] = kafka.logs[NARROW, 0][0].__class__(topic=NARROW, offset=0, key=b"changed")
    put(kafka, 2)
    async with reading(kafka, disk) as index:
        await caught_up(index)
        assert len((await index.copies_of_key(b"k"))["copies"]) == 2
    assert before.keys() <= disk.held.keys()


async def test_what_is_not_read_yet_is_named() -> None:
    """By partition, with from where to where; an index that has not begun says so."""
    kafka = MemoryKafka({NARROW: 1})

    async def names() -> Sequence[str]:
        return [NARROW]

    index = Index(kafka, Disk(), names)
    assert (await index.copies_of_key(b"k"))["problem"] == "it has not begun to read"
    put(kafka, 1)
    index._positions = {(NARROW, 0): 0}
    assert (await index.copies_of_key(b"k"))["behind"] == [{"topic": NARROW, "partition": 0, "read_to": 0, "end": 1}]


async def test_what_retention_took_is_told_no_more_and_forgotten() -> None:
    """At once in answers; from the disk when it begins to read again."""
    kafka, disk = Shrinking({NARROW: 1}), Disk()
    for number in range(4):
        put(kafka, number)
    async with reading(kafka, disk) as index:
        await caught_up(index)
        kafka.first = 3
        assert [each["offset"] for each in (await index.copies_of_key(b"k"))["copies"]] == [3]
    entries = len(disk.held)
    async with reading(kafka, disk) as index:
        await caught_up(index)
        assert [each["offset"] for each in (await index.copies_of_key(b"k"))["copies"]] == [3]
    assert len(disk.held) == entries - 3 * 3


async def test_topic_that_was_made_anew_is_read_anew() -> None:
    """Nothing is told of what was there before."""
    kafka, disk = MemoryKafka({NARROW: 1}), Disk()
    for number in range(3):
        put(kafka, number)
    async with reading(kafka, disk) as index:
        await caught_up(index)
    kafka.logs[NARROW, 0] = []
    put(kafka, 9, key=b"new")
    async with reading(kafka, disk) as index:
        await caught_up(index)
        assert (await index.copies_of_key(b"k"))["copies"] == []
        assert [each["origin"] for each in (await index.copies_of_key(b"new"))["copies"]] == ["order.v1/0/9"]


async def test_without_a_broker_it_says_so_and_goes_on_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it knows stays."""
    monkeypatch.setattr("router.console.indexing._AGAIN", 0.01)
    kafka, disk = MemoryKafka({NARROW: 1}), Disk()
    kafka.down = "refused"
    async with reading(kafka, disk) as index:
        await says(index, "refused")
        kafka.down = ""
        put(kafka, 1)
        await caught_up(index)
        assert len((await index.copies_of_key(b"k"))["copies"]) == 1


async def test_new_partitions_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """And topics that routes copy to by now; before there is any, it says so."""
    monkeypatch.setattr("router.console.indexing._LOOKS_EVERY", 0.0)
    monkeypatch.setattr("router.console.indexing._AGAIN", 0.01)
    kafka, topics = MemoryKafka({NARROW: 1, "all.v1": 1}), list[str]()
    async with reading(kafka, Disk(), topics) as index:
        await says(index, "is there yet")

        async def known() -> bool:
            return len((await index.copies_of_key(b"k"))["copies"]) == len(topics)

        for number, topic in enumerate((NARROW, "all.v1")):
            topics.append(topic)
            put(kafka, number, topic=topic)
            await comes_to(known, expected=True)


async def test_very_many_copies_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it says so."""
    monkeypatch.setattr("router.console.indexing._MOST", 2)
    kafka = MemoryKafka({NARROW: 1})
    for _ in range(3):
        put(kafka, 1)
    async with reading(kafka, Disk()) as index:
        await caught_up(index)
        told, of_record = await index.copies_of_key(b"k"), await index.copies_of_record("order.v1/0/1")
        assert (len(told["copies"]), told["cut"], len(of_record["copies"]), of_record["cut"]) == (2, True, 2, True)
