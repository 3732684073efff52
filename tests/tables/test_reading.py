"""Pages of keys from a real disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.order.disk import DiskMemory, PartitionDisk
from router.order.effects import Held
from router.order.policy import OrderPolicy, Sequence
from router.order.sequence import SequenceState
from router.order.stored import LOG_ENTRY, encode_log, encode_state, record_key, state_key
from router.tables.questions import ListQuestion
from router.tables.reading import KeyPage, read_key_view, read_keys
from router.tables.view import Condition, Explainer

EXPLAINER = Explainer(OrderPolicy(by="id", kind=Sequence("n"), wait_ms=5_000))
NOW = 100_000
KEYS = [b"key-%d" % number for number in range(200)]
"""Each tenth holds two records, the latest of them overdue; each seventh is late."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PartitionDisk]:
    disk = PartitionDisk(tmp_path / "disk", DiskMemory(cache=1 << 20, writes=1 << 20), name="table/0")
    disk.open()
    entries: dict[bytes, bytes | None] = {LOG_ENTRY: encode_log(1)}
    for number, key in enumerate(KEYS):
        since = 1_000 if number >= 150 else 99_000
        held = (Held(9, number, since), Held(11, number + 1_000, since)) if number % 10 == 0 else ()
        entries[state_key(key)] = encode_state(SequenceState(5, 0, skipped=((2, 2),) * (number % 7 == 0), held=held))
        entries |= {record_key(key, each.offset): b"record" for each in held}
    disk.write(entries)
    yield disk
    disk.close()


async def all_pages(disk: PartitionDisk, question: ListQuestion) -> list[KeyPage]:
    pages = [await read_keys(disk, 3, question, after=None, explainer=EXPLAINER, now=NOW)]
    while (after := pages[-1].after) is not None:
        pages.append(await read_keys(disk, 3, question, after=after, explainer=EXPLAINER, now=NOW))
    return pages


@pytest.mark.parametrize("limit", [1, 7, 64, 199, 200, 201])
@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        pytest.param(set(), range(200), id="all"),
        pytest.param({Condition.WAITING}, range(0, 200, 10), id="waiting"),
        pytest.param({Condition.OVERDUE}, range(150, 200, 10), id="overdue"),
        pytest.param({Condition.LATE}, range(0, 200, 7), id="late"),
        pytest.param({Condition.LATE, Condition.WAITING}, [n for n in range(200) if n % 7 == 0 or n % 10 == 0], id="either"),
        pytest.param({Condition.UNREADABLE}, (), id="none"),
    ],
)  # fmt: skip
async def test_pages_together_have_each_key_once(
    disk: PartitionDisk, limit: int, conditions: set[Condition], numbers: list[int]
) -> None:
    """Whatever is asked for, and however large a page is; none exceeds its limit."""
    pages = await all_pages(disk, ListQuestion(conditions=frozenset(conditions), limit=limit))
    found = [view.key for page in pages for view in page.keys]
    assert sorted(found) == sorted(KEYS[number] for number in numbers)
    assert max(len(page.keys) for page in pages) <= limit


@pytest.mark.parametrize("conditions", [frozenset[Condition](), frozenset({Condition.WAITING})], ids=["all", "waiting"])
async def test_prefix_leaves_out_all_others(disk: PartitionDisk, conditions: frozenset[Condition]) -> None:
    """Also where only keys are looked at that hold something."""
    pages = await all_pages(disk, ListQuestion(prefix=b"key-11", conditions=conditions, limit=4))
    wanted = {b"key-11", *KEYS[110:120]} if not conditions else {b"key-110"}
    assert {view.key for page in pages for view in page.keys} == wanted


async def test_page_that_tells_all_ends_after_so_many_held_records(
    disk: PartitionDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key may hold a thousand, and a page is to be small."""
    monkeypatch.setattr("router.tables.reading._MOST_HELD", 3)
    whole = ListQuestion(conditions=frozenset({Condition.WAITING}), whole=True)
    assert [len(page.keys) for page in await all_pages(disk, whole)] == [2] * 10 + [0]
    assert [len(page.keys) for page in await all_pages(disk, ListQuestion(conditions=whole.conditions))] == [20]


async def test_page_may_be_empty_and_not_the_last(disk: PartitionDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends after so many entries, found or not."""
    monkeypatch.setattr("router.tables.reading._MOST_LOOKED", 50)
    pages = await all_pages(disk, ListQuestion(conditions=frozenset({Condition.UNREADABLE})))
    assert [(len(page.keys), page.after is None) for page in pages] == [(0, False)] * 4 + [(0, True)]


async def test_others_get_their_turn_between_entries(disk: PartitionDisk) -> None:
    """A lane is not kept waiting by who looks."""
    turns = 0

    async def lane() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(lane())
    await read_keys(disk, 3, ListQuestion(limit=200), after=None, explainer=EXPLAINER, now=NOW)
    task.cancel()
    assert turns >= 3


async def test_held_records_without_a_state_are_shown(disk: PartitionDisk) -> None:
    """A table that is damaged hides nothing."""
    disk.write({state_key(b"key-0"): None})
    asked = ListQuestion(conditions=frozenset({Condition.WAITING}), limit=1)
    page = await read_keys(disk, 3, asked, after=None, explainer=EXPLAINER, now=NOW)
    assert [(view.key, view.conditions) for view in page.keys] == [(b"key-0", (Condition.UNREADABLE,))]


def test_one_key_is_read_alone(disk: PartitionDisk) -> None:
    """Or nothing is known of it."""
    view = read_key_view(disk, b"key-10", 3, explainer=EXPLAINER, now=NOW)
    assert view is not None
    assert [each.offset for each in view.held] == [10, 1_010]
    assert read_key_view(disk, b"key-1000", 3, explainer=EXPLAINER, now=NOW) is None


@pytest.mark.parametrize("prefix", [b"", b"a", b"ab", b"abc", b"b", b"c", b"zz", b"\xff"], ids=repr)
@pytest.mark.parametrize("limit", [1, 2, 100])
async def test_prefix_of_what_is_held_is_looked_for_in_each_length(
    disk: PartitionDisk, prefix: bytes, limit: int
) -> None:
    """Held records lie by the length of their keys first: those between are leapt over, and none is left out."""
    keys = [
        b"a",
        b"b",
        b"ab",
        b"ba",
        b"zz",
        b"abc",
        b"abd",
        b"bab",
        b"abcd",
        b"abzz",
        b"cabc",
        b"abcdefghij",
        b"\xff\xff",
    ]
    gone: dict[bytes, bytes | None] = {}
    for key in KEYS[::10]:
        gone |= dict.fromkeys((record_key(key, number) for number in (KEYS.index(key), KEYS.index(key) + 1_000)), None)
    state = encode_state(SequenceState(5, 0, held=(Held(9, 3, 99_000),)))
    disk.write(gone | {state_key(key): state for key in keys} | {record_key(key, 3): b"record" for key in keys})
    pages = await all_pages(disk, ListQuestion(prefix=prefix, conditions=frozenset({Condition.WAITING}), limit=limit))
    found = [view.key for page in pages for view in page.keys]
    assert sorted(found) == sorted(key for key in keys if key.startswith(prefix))


async def test_rare_prefix_of_many_that_wait_is_found_without_reading_them(disk: PartitionDisk) -> None:
    """By leaps, whose number depends on the keys' lengths alone."""
    asked = ListQuestion(prefix=b"key-19", conditions=frozenset({Condition.WAITING}))
    page = await read_keys(disk, 3, asked, after=None, explainer=EXPLAINER, now=NOW)
    assert ([view.key for view in page.keys], page.looked) == ([b"key-190"], 1)
