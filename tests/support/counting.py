"""The smallest thing that keeps a table in a lane: it counts each key's records, beside copying them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from router.lanes.batch import Batch
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, Refusals
from router.lanes.table import LaneTable

__all__ = ["Counting"]


class Counting:
    """Fulfils `BatchCopier` and `LaneOrder`. A count that is too high has counted a record twice, as after a wrong crash."""

    def __init__(self, copier: Copier, table: LaneTable, partition: int) -> None:
        self.table = table
        self._copier = copier
        self._partition = partition

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """See BatchCopier."""
        for record in batch.records:
            assert record.key is not None
            self.table.put(record.key, b"%d" % (int(self.table.get(record.key) or b"0") + 1))
        return self._copier.copy(batch, into=into, new_batch=new_batch, refusals=refusals)

    def write_changes(self, into: Copies, *, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> None:
        """See LaneOrder."""
        changes = self.table.take_changes()
        if changes:
            changelog = self.table.changelog
            batch = into.begin((changelog, self._partition), new_batch(changelog), 0)
            for key, value in changes.items():
                appended = batch.append(timestamp=0, key=key, value=value, headers=[])
                assert appended is not None, "a test's changes fit into one batch"

    def resume(self, position: int) -> None:
        """Nothing is held."""

    def forget(self) -> None:
        """See LaneOrder."""
        self.table.discard()

    def looks_in(self) -> float | None:
        """Never."""
        return None

    def asks(self) -> int | None:
        """Nothing."""
        return None

    def end_seen(self, *, at: int, end: int) -> None:
        """It is not asked for."""

    def expire(self, position: int, *, into: Copies, new_batch: Any, refusals: Refusals) -> Tally | None:
        """Nothing is held."""
        return None
