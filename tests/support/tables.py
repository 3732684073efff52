"""The worlds in which a lane's table must behave alike: memory, RocksDB beside a log in memory, RocksDB and a real Kafka."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import aiokafka

from router.lanes.fetching import FetchedRecord
from router.lanes.table import LaneTable
from router.order.changelog import ChangelogReader, Progress, Replica
from router.order.disk import DiskMemory, PartitionDisk
from router.order.lane_table import PartitionTable
from router.testing import MemoryBroker, MemoryDisk, MemoryTable
from support.topics import Topics

__all__ = ["DiskWorld", "KafkaTableWorld", "LogReader", "MemoryTableWorld", "TableWorld", "commit"]

Changes = Mapping[bytes, bytes | None]
PARTITION = 1


class TableWorld(Protocol):
    """A worker with a disk, and a changelog."""

    changelog: str

    def table(self) -> LaneTable:
        """One on the worker's disk, as after its restart: the former one is no longer used."""

    async def publish(self, changes: Changes) -> int:
        """A committed transaction of the changelog; returns the offset behind its last record."""

    async def abort(self, changes: Changes) -> None:
        """A transaction that was never committed."""

    def copy_disk(self) -> None:
        """Remember the disk as it is."""

    def use_copy(self) -> None:
        """Go back to it."""

    def lose_disk(self) -> None:
        """The next table begins with an empty one."""

    async def end(self) -> None: ...


async def commit(
    world: TableWorld, table: LaneTable, changes: Changes, *, source: int = 0, written: bool = True
) -> None:
    """What a lane does: change, publish, and write the disk; or be killed before it does."""
    for key, value in changes.items():
        table.put(key, value)
    taken = table.take_changes()
    behind = await world.publish(taken) if taken else None
    if written:
        table.committed(source=source, changelog=behind)


class MemoryTableWorld:
    """`router.testing`."""

    def __init__(self, name: str) -> None:
        self.changelog = name
        self.broker = MemoryBroker()
        self.broker.create_topic(name, partitions=2, compacted=True)
        self._disk = MemoryDisk()
        self._copy = MemoryDisk()

    def table(self) -> LaneTable:
        return MemoryTable(self.broker, changelog=self.changelog, partition=PARTITION, disk=self._disk)

    async def publish(self, changes: Changes) -> int:
        for key, value in changes.items():
            self.broker.publish(self.changelog, key=key, value=value, partition=PARTITION)
        return len(self.broker.topics[self.changelog].logs[PARTITION])

    async def abort(self, changes: Changes) -> None:
        """Of what is aborted, this broker never hears."""

    def copy_disk(self) -> None:
        self._copy = self._disk.copy()

    def use_copy(self) -> None:
        self._disk = self._copy.copy()

    def lose_disk(self) -> None:
        self._disk = MemoryDisk()

    async def end(self) -> None:
        return


class LogReader:
    """A changelog in memory, whose reader applies it so many records at a time; can be made to die on the way."""

    def __init__(self, *, step: int = 3) -> None:
        self.log: list[FetchedRecord] = []
        self.start = 0
        self.step = step
        self.dies_after: int | None = None
        """Steps after which it fails."""

    def append(self, changes: Changes) -> int:
        """Returns the offset behind."""
        for key, value in changes.items():
            self.log.append(FetchedRecord("log", PARTITION, len(self.log), 0, key, value, ()))
        return len(self.log)

    def state(self) -> dict[bytes, bytes]:
        """What the log says, replayed."""
        latest = {record.key: record.value for record in self.log}
        return {key: value for key, value in latest.items() if key is not None and value is not None}

    async def restore(self, topic: str, partition: int, replica: Replica, progress: Progress) -> None:
        end = len(self.log)
        position = replica.begin(start=self.start, end=end)
        steps = 0
        while position < end:
            if steps == self.dies_after:
                raise KeyboardInterrupt
            position = min(end, position + self.step)
            replica.apply(self.log[max(self.start, position - self.step) : position], position)
            steps += 1


class DiskWorld:
    """RocksDB, and a log in memory."""

    def __init__(self, directory: Path, name: str = "table-changelog") -> None:
        self.changelog = name
        self.directory = directory
        self.path = directory / "disk" / "table-1.db"
        self.reader = LogReader()
        self.memory = DiskMemory(cache=8 << 20, writes=8 << 20)
        self.disk: PartitionDisk | None = None

    def _new_disk(self) -> PartitionDisk:
        if self.disk is not None:
            self.disk.close()
        self.disk = PartitionDisk(self.path, self.memory, name="table/1")
        return self.disk

    def table(self) -> LaneTable:
        return PartitionTable(
            self._new_disk(),
            changelog=self.changelog,
            partition=PARTITION,
            reader=self.reader,
            fit=lambda: None,
            remember=4,
        )

    async def publish(self, changes: Changes) -> int:
        return self.reader.append(changes)

    async def abort(self, changes: Changes) -> None:
        """A reader that sees only what was committed sees nothing of it."""

    def copy_disk(self) -> None:
        copy = self.directory / "copy"
        while self.path.exists():
            shutil.rmtree(copy, ignore_errors=True)
            try:
                shutil.copytree(self.path, copy)
            except shutil.Error:
                # RocksDB deletes files that it has compacted, whoever copies them: those that took their place are there now.
                continue
            return

    def use_copy(self) -> None:
        self.lose_disk()
        if (self.directory / "copy").exists():
            shutil.copytree(self.directory / "copy", self.path)

    def lose_disk(self) -> None:
        if self.disk is not None:
            self.disk.close()
        shutil.rmtree(self.path, ignore_errors=True)

    async def end(self) -> None:
        if self.disk is not None:
            self.disk.close()


class KafkaTableWorld(DiskWorld):
    """RocksDB and a real Kafka."""

    def __init__(self, directory: Path, name: str, bootstrap: str) -> None:
        super().__init__(directory, name)
        Topics(bootstrap).create(name, partitions=2, cleanup_policy="compact")
        self._bootstrap = bootstrap
        self.kafka = ChangelogReader(bootstrap, dict)
        self._producer: aiokafka.AIOKafkaProducer | None = None

    def table(self) -> LaneTable:
        return PartitionTable(
            self._new_disk(),
            changelog=self.changelog,
            partition=PARTITION,
            reader=self.kafka,
            fit=lambda: None,
            remember=4,
        )

    async def _transaction(self, changes: Changes) -> int:
        if self._producer is None:
            self._producer = aiokafka.AIOKafkaProducer(
                bootstrap_servers=self._bootstrap, transactional_id=f"{self.changelog}-{PARTITION}"
            )
            await self._producer.start()
        await self._producer.begin_transaction()
        behind = 0
        for key, value in changes.items():
            sent = await self._producer.send_and_wait(self.changelog, value, key=key, partition=PARTITION)
            behind = sent.offset + 1
        return behind

    async def publish(self, changes: Changes) -> int:
        behind = await self._transaction(changes)
        assert self._producer is not None
        await self._producer.commit_transaction()
        return behind

    async def abort(self, changes: Changes) -> None:
        await self._transaction(changes)
        assert self._producer is not None
        await self._producer.abort_transaction()

    async def end(self) -> None:
        if self._producer is not None:
            await self._producer.stop()
        await self.kafka.close()
        await super().end()
