"""Faust's RocksDB store, for tables that are written by lanes: what is on a disk was committed, with the offsets it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from faust.stores import rocksdb
from faust.types import TP

from router.order.disk import DiskMemory, PartitionDisk
from router.order.table_errors import WrittenOutside

__all__ = ["LaneStore"]


class LaneStore(rocksdb.Store):
    """One `PartitionDisk` a partition.

    Faust's way to write is refused. Its ways to read are kept, for agents that look something up and for its web views:
    they see what was committed.
    """

    def __init__(self, *args: Any, memory: DiskMemory, **kwargs: Any) -> None:
        """`memory` is shared by all tables of a worker."""
        self._memory = memory
        self._disks: dict[int, PartitionDisk] = {}
        super().__init__(*args, **kwargs)

    def disk(self, partition: int) -> PartitionDisk:
        """The disk of a partition, which need not be open."""
        disk = self._disks.get(partition)
        if disk is None:
            name = f"{self.table_name}/{partition}"
            disk = self._disks[partition] = PartitionDisk(Path(self.partition_path(partition)), self._memory, name=name)
        return disk

    @property
    def disks(self) -> Mapping[int, PartitionDisk]:
        """Those that were ever asked for, by partition."""
        return self._disks

    @property
    def _dbs(self) -> dict[int, Any]:
        """What Faust reads from: the disks that are open."""
        return {partition: disk.db for partition, disk in self._disks.items() if disk.db is not None}

    @_dbs.setter
    def _dbs(self, _: Any) -> None:
        # Faust's own constructor begins with none, and so do we.
        return

    def _open_for_partition(self, partition: int) -> Any:
        disk = self.disk(partition)
        disk.open()
        return disk.db

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog's last offset that is on the disk; None where there is none, or the disk is not open."""
        disk = self.disk(tp.partition)
        return disk.marker.changelog - 1 if disk.db is not None and disk.marker.changelog else None

    def set_persisted_offset(self, tp: TP, offset: int) -> None:  # noqa: ARG002 - Faust's own signature
        """Refused: a marker without the entries that it stands for would be a lie."""
        raise WrittenOutside(table=self.table_name)

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:  # noqa: ARG002 - as above
        """Refused: the changelog's reader does this, with the position behind the records."""
        raise WrittenOutside(table=self.table_name)

    def _set(self, key: bytes, value: bytes | None) -> None:  # noqa: ARG002 - as above
        raise WrittenOutside(table=self.table_name)

    def _del(self, key: bytes) -> None:  # noqa: ARG002 - as above
        raise WrittenOutside(table=self.table_name)

    async def on_rebalance(
        self,
        assigned: AbstractSet[TP],
        revoked: AbstractSet[TP],
        newly_assigned: AbstractSet[TP],
        generation_id: int = 0,
    ) -> None:
        """Disks are opened by who needs them, in the reader's thread: heartbeats wait for what is done here."""

    async def stop(self) -> None:
        """Let go of all disks."""
        for disk in self._disks.values():
            disk.close()
