"""A lane's table, whichever it is: what is put is there at once, what is committed outlives its worker, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.tables import DiskWorld, KafkaTableWorld, MemoryTableWorld, TableWorld, commit

from router.lanes.table import LaneTable

WORLDS = [pytest.param("memory"), pytest.param("disk"), pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path, unique: str) -> AsyncIterator[TableWorld]:
    """A worker's disk and a changelog, one way or another."""
    name = f"{unique}-order.status.v1-changelog"
    world: TableWorld
    if request.param == "memory":
        world = MemoryTableWorld(name)
    elif request.param == "disk":
        world = DiskWorld(tmp_path, name)
    else:
        world = KafkaTableWorld(tmp_path, name, request.getfixturevalue("kafka"))
    yield world
    await world.end()


async def restored(world: TableWorld) -> LaneTable:
    table = world.table()
    await table.restore()
    return table


def entries(table: LaneTable, prefix: bytes = b"") -> list[tuple[bytes, bytes]]:
    return list(table.scan(prefix))


async def test_table_of_an_empty_changelog_is_empty(world: TableWorld) -> None:
    """Nothing is there, and nothing is to be written."""
    table = await restored(world)
    assert (table.get(b"a"), entries(table), table.take_changes()) == (None, [], {})
    assert table.changelog == world.changelog


async def test_latest_change_is_read_at_once(world: TableWorld) -> None:
    """Before it is taken, before it is committed and afterwards."""
    table = await restored(world)
    table.put(b"a", b"1")
    table.put(b"a", b"2")
    assert table.get(b"a") == b"2"
    taken = table.take_changes()
    assert (taken, table.get(b"a")) == ({b"a": b"2"}, b"2")
    table.committed(source=1, changelog=await world.publish(taken))
    assert table.get(b"a") == b"2"


async def test_change_is_taken_once(world: TableWorld) -> None:
    """Each belongs to one transaction."""
    table = await restored(world)
    table.put(b"a", b"1")
    assert table.take_changes() == {b"a": b"1"}
    table.put(b"b", b"2")
    assert table.take_changes() == {b"b": b"2"}
    assert table.take_changes() == {}


async def test_empty_value_is_a_value(world: TableWorld) -> None:
    """None deletes, nothing else does."""
    table = await restored(world)
    await commit(world, table, {b"a": b"", b"": b"key without bytes"})
    assert (table.get(b"a"), table.get(b"")) == (b"", b"key without bytes")
    again = await restored(world)
    assert entries(again) == [(b"", b"key without bytes"), (b"a", b"")]


async def test_deleted_key_is_gone(world: TableWorld) -> None:
    """At once, on the disk, and for who has no disk."""
    table = await restored(world)
    await commit(world, table, {b"a": b"1", b"b": b"2"})
    table.put(b"a", None)
    assert (table.get(b"a"), entries(table)) == (None, [(b"b", b"2")])
    await commit(world, table, {b"a": None})
    assert (table.get(b"a"), entries(table)) == (None, [(b"b", b"2")])
    world.lose_disk()
    assert entries(await restored(world)) == [(b"b", b"2")]


async def test_what_is_put_while_a_transaction_ends_belongs_to_the_next(world: TableWorld) -> None:
    """The disk must not have it with the one that is committed, and it must not be lost either."""
    table = await restored(world)
    table.put(b"a", b"1")
    table.put(b"b", b"1")
    behind = await world.publish(table.take_changes())
    table.put(b"a", b"2")
    table.put(b"c", b"2")
    table.committed(source=1, changelog=behind)
    assert (table.get(b"a"), table.get(b"c")) == (b"2", b"2")
    again = await restored(world)
    assert entries(again) == [(b"a", b"1"), (b"b", b"1")]


async def test_scan_is_in_the_order_of_keys(world: TableWorld) -> None:
    """Those that begin so and no others, from disk and memory as one."""
    table = await restored(world)
    await commit(world, table, {b"r2": b"x", b"r\xff": b"x", b"s": b"x", b"q": b"x", b"r": b"old"})
    table.put(b"r1", b"y")
    table.put(b"r", b"new")
    table.take_changes()
    table.put(b"r3", b"z")
    table.put(b"r2", None)
    assert entries(table, b"r") == [(b"r", b"new"), (b"r1", b"y"), (b"r3", b"z"), (b"r\xff", b"x")]
    assert entries(table, b"r\xff") == [(b"r\xff", b"x")]
    assert entries(table, b"t") == []


async def test_scan_goes_on_from_where_it_is_told(world: TableWorld) -> None:
    """From that key on, whether there is such an entry or not, and never outside its prefix."""
    table = await restored(world)
    await commit(world, table, {b"a1": b"x", b"a3": b"x", b"b1": b"x"})
    table.put(b"a2", b"x")
    starts = (b"", b"a", b"a2", b"a2\0", b"a3", b"a4", b"b")
    found = {start: [key for key, _ in table.scan(b"a", start=start)] for start in starts}
    every = [b"a1", b"a2", b"a3"]
    assert found == {
        b"": every,
        b"a": every,
        b"a2": every[1:],
        b"a2\0": every[2:],
        b"a3": every[2:],
        b"a4": [],
        b"b": [],
    }


async def test_scan_of_many_entries_misses_none(world: TableWorld) -> None:
    """However they lie between disk and memory."""
    table = await restored(world)
    stored: dict[bytes, bytes | None] = {b"k%04d" % number: b"disk" for number in range(0, 1500, 2)}
    await commit(world, table, stored)
    expected = dict(stored)
    for number in range(0, 1500, 3):
        expected[b"k%04d" % number] = b"memory"
        table.put(b"k%04d" % number, b"memory")
    for number in range(400, 1400):
        expected[b"k%04d" % number] = None
        table.put(b"k%04d" % number, None)
    assert entries(table, b"k") == sorted((key, value) for key, value in expected.items() if value is not None)


async def test_what_is_discarded_is_forgotten(world: TableWorld) -> None:
    """After an error, the table is what was committed."""
    table = await restored(world)
    await commit(world, table, {b"a": b"1"})
    table.put(b"a", b"2")
    table.take_changes()
    table.put(b"b", b"2")
    table.discard()
    await table.restore()
    assert (entries(table), table.take_changes()) == ([(b"a", b"1")], {})


async def test_aborted_changes_are_never_seen(world: TableWorld) -> None:
    """Neither between committed ones nor at the end of the changelog."""
    table = await restored(world)
    await commit(world, table, {b"a": b"1"}, written=False)
    await world.abort({b"a": b"aborted", b"b": b"aborted"})
    await commit(world, table, {b"c": b"3"}, written=False)
    await world.abort({b"c": None})
    assert entries(await restored(world)) == [(b"a", b"1"), (b"c", b"3")]


async def test_worker_killed_between_commit_and_disk_loses_nothing(world: TableWorld) -> None:
    """The changelog has what the disk has not."""
    table = await restored(world)
    await commit(world, table, {b"a": b"1", b"b": b"1"})
    await commit(world, table, {b"a": b"2", b"b": None, b"c": b"2"}, written=False)
    assert entries(await restored(world)) == [(b"a", b"2"), (b"c", b"2")]


async def test_disk_of_an_earlier_time_is_brought_forward(world: TableWorld) -> None:
    """One that was copied, or that another worker has gone on from."""
    table = await restored(world)
    await commit(world, table, {b"a": b"1", b"b": b"1"})
    world.copy_disk()
    await commit(world, table, {b"a": b"2", b"b": None})
    await commit(world, table, {b"c": b"3"})
    world.use_copy()
    assert entries(await restored(world)) == [(b"a", b"2"), (b"c", b"3")]


async def test_lost_disk_is_made_again(world: TableWorld) -> None:
    """From the changelog alone."""
    table = await restored(world)
    for number in range(5):
        await commit(world, table, {b"a": b"%d" % number, b"k%d" % number: b"x"})
    expected = entries(table)
    world.lose_disk()
    assert entries(await restored(world)) == expected


async def test_commit_without_changes_moves_the_source_only(world: TableWorld) -> None:
    """Most transactions of a quiet table are so."""
    table = await restored(world)
    await commit(world, table, {b"a": b"1"}, source=5)
    table.committed(source=9, changelog=None)
    assert entries(await restored(world)) == [(b"a", b"1")]


async def test_restored_again_it_is_the_same(world: TableWorld) -> None:
    """A lane opens many times."""
    table = await restored(world)
    await commit(world, table, {b"a": b"1"})
    for _ in range(3):
        await table.restore()
        assert entries(table) == [(b"a", b"1")]
