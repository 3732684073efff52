"""A Faust table that lanes write: its changelog commits with the copies and the source's offset, in one transaction.

Faust's own `table[key] = value` writes the disk first, then the changelog, and commits the source's offset last, each by
itself: after a crash in between, the record is read again by a table that has counted it already. So here

    a lane changes its partition through a `PartitionTable`, and hands the changes over to its transaction
    the disk is written after the commit, with the offsets that it stands for
    an agent's `table[key] = value` is refused, and says why
    Faust's recovery has nothing to do: a lane restores its own partition when it opens, and nobody waits for the others

What stays Faust's is what it is good at: the table's name, its changelog's name and place in the group, and the assignor,
which keeps a partition where it is, gives each to so many standbys, and makes one of those its next owner.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import faust
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.tables.table import Table
from faust.types import TP

from router.language.topics import changelog_of
from router.observe.logs import get_logger
from router.order.changelog import ChangelogReader, Progress
from router.order.disk import DiskMemory, PartitionDisk
from router.order.lane_table import PartitionTable, share_memory
from router.order.store import LaneStore
from router.order.table_errors import ChangelogUnfit, WrittenOutside

__all__ = ["LaneTables", "SourceTable"]

log = get_logger("router.order")

Partitions = Callable[[str], int]
"""How many partitions a topic has; 0 where it is not there."""


class SourceTable(Table):
    """The table of one broad topic. Its name is the topic's; a record's entries lie in the partition of the record."""

    def __init__(self, app: Any, *, name: str, memory: DiskMemory, **settings: Any) -> None:
        """`memory` is shared by all tables of a worker."""
        self._memory = memory
        raw = faust.Schema(key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")
        super().__init__(app, name=name, schema=raw, key_type=bytes, value_type=bytes, **settings)

    def _new_store(self) -> LaneStore:
        return LaneStore(
            "rocksdb://",
            self.app,
            self,
            table_name=self.name,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            loop=self.loop,
            options={"driver": "rocksdict"},
            memory=self._memory,
        )

    def _changelog_topic_name(self) -> str:
        return changelog_of(self.app.conf.id, self.name)

    def on_key_set(self, key: Any, value: Any) -> None:  # noqa: ARG002 - Faust's own signature
        """Refused."""
        raise WrittenOutside(table=self.name)

    def on_key_del(self, key: Any) -> None:  # noqa: ARG002 - as above
        """Refused."""
        raise WrittenOutside(table=self.name)


class LaneTables(TableManager):
    """All tables of a worker: makes those of its lanes, and keeps its standbys at the ends of their changelogs."""

    reader: ChangelogReader
    """Set, like the rest, by `read_with`: Faust makes this service by itself."""

    _recovery: Recovery | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lanes: dict[tuple[str, int], PartitionTable] = {}
        self._standbys: set[tuple[str, int]] = set()
        self._memory: DiskMemory | None = None
        self._partitions: Partitions = lambda _: 0

    def __bool__(self) -> bool:
        """Nothing for Faust's own recovery to do: it asks whether there are tables, and gets on with the streams."""
        return False

    def read_with(self, reader: ChangelogReader, *, memory: DiskMemory, partitions: Partitions) -> None:
        """What tables share. Called once, before the first of them is made."""
        self.reader = reader
        self._memory = memory
        self._partitions = partitions

    def declare(self, sources: Iterable[str]) -> None:
        """A table for each of these broad topics."""
        assert self._memory is not None, "tables are told first what they share"
        for source in sources:
            self.add(SourceTable(self.app, name=source, memory=self._memory))

    def lane_table(self, source: str, partition: int) -> PartitionTable:
        """The table of one lane: a new one for each, since its former one may still be about to end."""
        table = self[source]
        changelog = table.changelog_topic.get_topic_name()

        def fit() -> None:
            ours, theirs = self._partitions(changelog), self._partitions(source)
            if ours != theirs:
                raise ChangelogUnfit(changelog=changelog, partitions=ours, source=source, source_partitions=theirs)

        made = PartitionTable(
            table.data.disk(partition), changelog=changelog, partition=partition, reader=self.reader, fit=fit
        )
        self._lanes[source, partition] = made
        share_memory(self._lanes.values())
        return made

    def disk(self, source: str, partition: int) -> PartitionDisk:
        """What is committed of a partition, where this worker keeps it."""
        disk: PartitionDisk = self[source].data.disk(partition)
        return disk

    def restoring(self) -> Mapping[tuple[str, int], Progress]:
        """The partitions whose tables are being restored now, by source and number, with how far each is."""
        return {at: table.progress for at, table in self._lanes.items() if table.progress is not None}

    @property
    def standbys(self) -> AbstractSet[tuple[str, int]]:
        """The partitions, by source and number, whose tables this worker keeps for another."""
        return self._standbys

    @property
    def recovery(self) -> Recovery:
        """Faust's, which finds nothing to do."""
        if self._recovery is None:
            self._recovery = _NoRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery

    async def on_start(self) -> None:
        """Faust's, without the second that it waits for tables to be declared: ours are before anything starts."""
        await self._update_channels()
        await self.recovery.start()

    async def on_rebalance(
        self,
        assigned: set[TP],
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,
    ) -> None:
        """Follow the changelogs of the partitions that this worker stands by for, and let go of what is no longer its own."""
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)
        ours = {(self._changelogs[tp.topic].name, tp.partition) for tp in assigned if tp.topic in self._changelogs}
        standbys = {
            (self._changelogs[tp.topic].name, tp.partition)
            for tp in self.app.assignor.assigned_standbys()
            if tp.topic in self._changelogs and tp in assigned
        }
        for source, partition in standbys - self._standbys:
            self.reader.follow(self._changelog(source), partition, self.disk(source, partition))
        # A lane that opens takes the place of the standby that it was. What is left is another worker's.
        known = {(name, partition) for name, table in self.items() for partition in table.data.disks}
        for source, partition in known - ours:
            self._lanes.pop((source, partition), None)
            self.reader.leave(self._changelog(source), partition, self.disk(source, partition).close)
        share_memory(self._lanes.values())
        self._standbys = standbys
        if standbys:
            log.info("standing by", partitions=len(standbys))

    def _changelog(self, source: str) -> str:
        name: str = self[source].changelog_topic.get_topic_name()
        return name

    async def on_stop(self) -> None:
        """Stop reading, then let go of the disks."""
        if self._memory is not None:
            await self.reader.close()
        await super().on_stop()


class _NoRecovery(Recovery):
    """Recovers nothing, and resumes the streams at once: lanes open then, each when its own table is restored."""

    async def on_rebalance(
        self,
        assigned: set[TP],  # noqa: ARG002 - Faust's own signature
        revoked: set[TP],  # noqa: ARG002
        newly_assigned: set[TP],  # noqa: ARG002
        generation_id: int = 0,
    ) -> None:
        """Say that there is a new assignment."""
        if generation_id == self.app.consumer_generation_id:
            self._generation_id = generation_id
            self.signal_recovery_start.set()
