"""A lane's table through crashes at any point: what it is afterwards is what its changelog says, and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from support.proof import Proof
from support.tables import PARTITION, DiskWorld

from router.order.changelog import Progress, Replica
from router.order.lane_table import PartitionTable, share_memory
from router.order.table_errors import ChangelogUnfit, DiskFailed
from router.testing import HandClock


@pytest.fixture
def world(tmp_path: Path) -> Iterator[DiskWorld]:
    world = DiskWorld(tmp_path)
    yield world
    if world.disk is not None:
        world.disk.close()


class Life:
    """A worker's life with one table, of transactions and of everything that can come between them, by a seed."""

    def __init__(self, world: DiskWorld, seed: int) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self.did: list[str] = []

    async def restored(self) -> PartitionTable:
        table = self.world.table()
        assert isinstance(table, PartitionTable)
        self.world.reader.step = self.chance.randint(1, 9)
        if self.chance.random() < 0.3:
            # Killed while it is restored: some steps are on the disk, with the marker that goes with them.
            self.world.reader.dies_after = self.chance.randint(0, 3)
            try:
                await table.restore()
            except KeyboardInterrupt:
                self.did.append("killed while restored")
                self.world.reader.dies_after = None
                return await self.restored()
            self.world.reader.dies_after = None
        await table.restore()
        return table

    async def transaction(self, table: PartitionTable) -> bool:
        """False where the worker is killed in it."""
        chance, keys = self.chance, [b"%c%d" % (kind, number) for kind in b"rs" for number in range(12)]
        for _ in range(chance.randint(0, 8)):
            table.put(chance.choice(keys), chance.choice([None, b"", b"%d" % chance.randrange(100), b"x" * 3_000]))
        taken = table.take_changes()
        end = chance.choice(["committed", "committed", "committed", "killed before", "killed behind", "failed"])
        self.did.append(end)
        if end == "killed before":
            return False
        if end == "failed":
            table.discard()
            await table.restore()
            return True
        behind = self.world.reader.append(taken) if taken else None
        if end == "killed behind":
            return False
        if chance.random() < 0.3:
            table.put(b"next", b"belongs to the next transaction")
        table.committed(source=len(self.did), changelog=behind)
        if chance.random() < 0.2:
            self.did.append("copied")
            self.world.copy_disk()
        return True

    async def live(self, starts: int) -> None:
        for _ in range(starts):
            table = await self.restored()
            assert dict(table.scan(b"")) == self.world.reader.state(), self.did
            for _ in range(self.chance.randint(1, 8)):
                if not await self.transaction(table):
                    break
            self.end()

    def end(self) -> None:
        """What becomes of the disk until the next start."""
        fate = self.chance.choice(["kept", "kept", "kept", "lost", "taken back", "damaged"])
        self.did.append(fate)
        if fate == "lost":
            self.world.lose_disk()
        elif fate == "taken back":
            self.world.use_copy()
        elif fate == "damaged" and self.world.disk is not None:
            self.world.disk.close()
            (self.world.path / "CURRENT").write_bytes(b"garbage")


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_the_table_is_its_changelog_replayed(world: DiskWorld, seed: int) -> None:
    """Killed before and behind a commit, while it is restored, with its disk lost, taken back or damaged."""
    await Life(world, seed).live(starts=8)


@pytest.mark.proof
async def test_many_lives_end_as_their_changelogs_say(tmp_path: Path, proof: Proof) -> None:
    """The same at full size."""
    lives, did = 60, 0
    for seed in range(lives):
        life = Life(DiskWorld(tmp_path / str(seed)), 1_000 + seed)
        await life.live(starts=20)
        await life.world.end()
        did += len(life.did)
    proof.write(
        "tables",
        f"{lives} lives of a table of 20 starts each, with {did:,} transactions and fates: killed before and behind commits,"
        " killed while restored, disks lost, taken back, damaged. At each start the table equalled the replay of its changelog.",
    )


async def test_table_reads_committed_values_from_its_disk(world: DiskWorld) -> None:
    """What it does not remember is there all the same."""
    table = world.table()
    await table.restore()
    for number in range(100):
        table.put(b"%d" % number, b"x")
    table.committed(source=1, changelog=world.reader.append(table.take_changes()))
    assert [table.get(b"%d" % number) for number in range(100)] == [b"x"] * 100


async def test_entries_that_are_put_while_a_scan_rests_are_met(world: DiskWorld) -> None:
    """A scan holds nothing of the disk between two steps, and stops where its table is discarded."""
    table = world.table()
    await table.restore()
    for number in range(0, 2_000, 2):
        table.put(b"%04d" % number, b"x")
    table.committed(source=1, changelog=world.reader.append(table.take_changes()))
    scan = table.scan(b"")
    assert next(scan) == (b"0000", b"x")
    table.put(b"1999", b"y")
    assert list(scan)[-1] == (b"1999", b"y")
    scan = table.scan(b"")
    next(scan)
    table.discard()
    with pytest.raises(AssertionError):
        list(scan)


async def test_unfit_changelog_is_never_read(world: DiskWorld) -> None:
    """A table whose changelog has other partitions would miss keys, and say nothing."""

    def fit() -> None:
        raise ChangelogUnfit(changelog="c", partitions=1, source="order.v1", source_partitions=4)

    world.table()
    assert world.disk is not None
    table = PartitionTable(world.disk, changelog="c", partition=PARTITION, reader=world.reader, fit=fit)
    with pytest.raises(ChangelogUnfit, match=r"1 partitions, its source 'order\.v1' has 4"):
        await table.restore()
    with pytest.raises(AssertionError):
        table.put(b"a", b"1")
    missing = ChangelogUnfit(changelog="c", partitions=0, source="order.v1", source_partitions=4)
    assert "router topics --apply" in str(missing)


class SlowReader:
    """Restores when it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def restore(self, topic: str, partition: int, replica: Replica, progress: Progress) -> None:
        progress.first, progress.position, progress.end, progress.records = 0, 25, 100, 20
        await self.go_on.wait()
        replica.begin(start=0, end=0)


async def test_table_says_how_far_its_restoring_is(world: DiskWorld) -> None:
    """For logs and for readiness, while it lasts."""
    world.table()
    assert world.disk is not None
    reader = SlowReader()
    table = PartitionTable(world.disk, changelog="c", partition=0, reader=reader, fit=lambda: None)
    restoring = asyncio.create_task(table.restore())
    await asyncio.sleep(0)
    assert "restored to 25%: 20 changes read, 75 offsets to go" in str(table.progress)
    reader.go_on.set()
    await restoring
    assert table.progress is None


async def test_lane_learns_that_its_disk_is_gone(world: DiskWorld) -> None:
    """With an error after which it opens again."""
    table = world.table()
    await table.restore()
    assert world.disk is not None
    world.disk.close()
    table.put(b"a", b"1")
    table.take_changes()
    with pytest.raises(DiskFailed):
        table.committed(source=1, changelog=1)
    with pytest.raises(DiskFailed):
        table.get(b"b")


def test_progress_says_what_is_known_of_it() -> None:
    """Nothing before it has begun, and how long it will take once that can be told."""
    clock = HandClock()
    progress = Progress(clock.now(), clock=clock.now)
    assert str(progress) == "its table waits to be restored"
    progress.first, progress.position, progress.end = 100, 150, 300
    clock.advance(10.0)
    assert str(progress).endswith("150 offsets to go, about 30 s")


@pytest.mark.parametrize(("tables", "each"), [(1, 131_072), (4, 32_768), (200, 655), (1_000, 512)])
def test_tables_of_a_worker_share_what_they_remember(tables: int, each: int) -> None:
    """However many partitions a worker has, its memory is bounded; and few of them remember the more."""
    told: list[int] = []

    class Told:
        def remember(self, entries: int) -> None:
            told.append(entries)

    share_memory([cast("PartitionTable", Told())] * tables)
    assert told == [each] * tables


async def test_a_table_that_may_remember_less_forgets(world: DiskWorld) -> None:
    """What it forgets is read from its disk again."""
    table = world.table()
    assert isinstance(table, PartitionTable)
    await table.restore()
    table.remember(1)
    for turn in range(4):
        for number in range(10 * turn, 10 * turn + 10):
            table.put(b"%d" % number, b"x")
        table.committed(source=turn, changelog=world.reader.append(table.take_changes()))
    assert world.disk is not None
    world.disk.write({b"7": b"y"})
    assert table.get(b"7") == b"y"
