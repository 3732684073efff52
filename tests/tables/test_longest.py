"""Keys by how long they wait, from a real disk and a lane's timers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from heapq import heapify
from pathlib import Path

import pytest

from router.order.disk import DiskMemory, PartitionDisk
from router.order.effects import Held
from router.order.policy import OrderPolicy, Sequence
from router.order.sequence import SequenceState
from router.order.stored import encode_state, state_key
from router.order.timers import Timer
from router.tables.longest import LongestPage, read_longest
from router.tables.questions import ListQuestion, Waited
from router.tables.view import Condition, Explainer

WAIT = 5_000
EXPLAINER = Explainer(OrderPolicy(by="id", kind=Sequence("n"), wait_ms=WAIT))
NOW = 100_000
SINCE = {b"key-%03d" % number: 99_000 - number * 37 % 101 * 10 for number in range(100)}
"""When each key began to wait, in no order of the keys."""
IN_TIME = sorted(SINCE, key=lambda key: (SINCE[key], key))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PartitionDisk]:
    disk = PartitionDisk(tmp_path / "disk", DiskMemory(cache=1 << 20, writes=1 << 20), name="table/0")
    disk.open()
    disk.write({state_key(key): _waiting(since) for key, since in SINCE.items()} | {state_key(b"idle"): _idle()})
    yield disk
    disk.close()


def _waiting(since: int) -> bytes:
    return encode_state(SequenceState(5, 0, skipped=((2, 2),) * (since % 20 == 0), held=(Held(9, 7, since),)))


def _idle() -> bytes:
    return encode_state(SequenceState(5, 0))


def timers(*more: Timer) -> list[Timer]:
    """The lane's, in the order of a heap."""
    found = [(since + WAIT, key) for key, since in SINCE.items()] + list(more)
    random.Random(3).shuffle(found)
    heapify(found)
    return found


async def read(
    disk: PartitionDisk, question: ListQuestion, heap: list[Timer], *, after: Waited | None = None, partition: int = 3
) -> LongestPage:
    return await read_longest(disk, partition, question, timers=heap, after=after, explainer=EXPLAINER, now=NOW)


async def pages(disk: PartitionDisk, question: ListQuestion, heap: list[Timer]) -> list[LongestPage]:
    found = [await read(disk, question, heap)]
    while (after := found[-1].upto) is not None:
        found.append(await read(disk, question, heap, after=after))
    return found


@pytest.mark.parametrize("limit", [1, 7, 99, 100, 101])
async def test_pages_together_have_each_key_once_and_in_time(disk: PartitionDisk, limit: int) -> None:
    """Those first that have waited longest, each with its deadline."""
    found = await pages(disk, ListQuestion(limit=limit), timers())
    assert [view.key for page in found for _, view in page.keys] == IN_TIME
    assert {due - SINCE[view.key] for page in found for due, view in page.keys} == {WAIT}
    assert max(len(page.keys) for page in found) <= limit


@pytest.mark.parametrize("limit", [3, 100])
async def test_prefix_and_conditions_leave_out_all_others(disk: PartitionDisk, limit: int) -> None:
    """In the same order."""
    found = await pages(disk, ListQuestion(prefix=b"key-04", limit=limit), timers())
    assert [v.key for page in found for _, v in page.keys] == [key for key in IN_TIME if key.startswith(b"key-04")]
    found = await pages(disk, ListQuestion(conditions=frozenset({Condition.LATE}), limit=limit), timers())
    assert [v.key for page in found for _, v in page.keys] == [key for key in IN_TIME if SINCE[key] % 20 == 0]


async def test_timers_that_the_disk_does_not_bear_out_count_for_nothing(disk: PartitionDisk) -> None:
    """Of a key that is idle, of one that is not there, and one that was replaced; twice the same is one."""
    first = IN_TIME[0]
    stale = [(1, b"idle"), (2, b"unknown"), (3, first), (SINCE[first] + WAIT, first)]
    page = await read(disk, ListQuestion(limit=200), timers(*stale))
    assert [view.key for _, view in page.keys] == IN_TIME
    assert page.looked == len(IN_TIME) + 3


async def test_keys_that_are_looked_at_in_any_case_come_first(disk: PartitionDisk) -> None:
    """Those that another kind of order holds, and those that cannot be read."""
    disk.write({state_key(b"damaged"): b"\xff"})
    heap = [
        each for each in timers((50, b"damaged"), (0, IN_TIME[9])) if each != (SINCE[IN_TIME[9]] + WAIT, IN_TIME[9])
    ]
    heapify(heap)
    page = await read(disk, ListQuestion(limit=3), heap)
    assert [view.key for _, view in page.keys] == [IN_TIME[9], b"damaged", IN_TIME[0]]


async def test_page_behind_a_key_of_another_partition_begins_there(disk: PartitionDisk) -> None:
    """The same key and deadline count in partitions behind that one, and not in those before it."""
    fifth = IN_TIME[5]
    for partition, first in ((1, IN_TIME[6]), (3, fifth)):
        after = Waited(SINCE[fifth] + WAIT, fifth, 2)
        page = await read(disk, ListQuestion(limit=1), timers(), after=after, partition=partition)
        assert [view.key for _, view in page.keys] == [first]


async def test_page_may_be_empty_and_not_the_last(disk: PartitionDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends after so many keys, found or not, and says which was the last of them."""
    monkeypatch.setattr("router.tables.longest._MOST_LOOKED", 40)
    found = await pages(disk, ListQuestion(conditions=frozenset({Condition.UNREADABLE})), timers())
    assert [(len(page.keys), page.looked) for page in found] == [(0, 40), (0, 40), (0, 20)]
    assert found[0].upto == Waited(SINCE[IN_TIME[39]] + WAIT, IN_TIME[39], 3)


async def test_others_get_their_turn(disk: PartitionDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between keys, and while very many timers are filtered."""
    monkeypatch.setattr("router.tables.longest._FILTERED", 10)
    turns = 0

    async def lane() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(lane())
    await read(disk, ListQuestion(prefix=b"key-0", limit=200), timers())
    task.cancel()
    assert turns >= 20


async def test_nothing_waits(disk: PartitionDisk) -> None:
    """A lane without timers has an empty list, and no further page."""
    assert await read(disk, ListQuestion(), []) == LongestPage((), None, 0)


async def test_those_that_are_overdue_are_the_first(disk: PartitionDisk) -> None:
    """Behind them nothing is looked at, and the page is the last."""
    now = SINCE[IN_TIME[4]] + WAIT
    asked = ListQuestion(conditions=frozenset({Condition.OVERDUE}))
    page = await read_longest(disk, 3, asked, timers=timers(), after=None, explainer=EXPLAINER, now=now)
    overdue = [key for key in IN_TIME if SINCE[key] + WAIT <= now]
    assert [view.key for _, view in page.keys] == overdue
    assert (page.upto, page.looked) == (None, len(overdue))
