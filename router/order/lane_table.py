"""A lane's table for one partition: its changes in memory, over a disk that is written after each commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import Protocol, cast

from router.order.changelog import Progress, Replica
from router.order.disk import PartitionDisk
from router.order.overlay import ABSENT, Overlay

__all__ = ["PartitionTable", "RestoresReplicas", "share_memory"]

REMEMBER = 131_072
"""Entries of each of the two generations that all of a worker's partitions remember together; about 60 MB."""
_REMEMBER_LEAST = 512
"""The same, of one partition however many there are."""
_FIRST_STEP, _STEP = 32, 512
"""Entries that a scan reads at a time: few at first, since many scans end early."""


class RestoresReplicas(Protocol):
    """Brings disks to the ends of their changelogs."""

    async def restore(self, topic: str, partition: int, replica: Replica, progress: Progress) -> None:
        """See ChangelogReader."""


class PartitionTable:
    """Fulfils `LaneTable`."""

    def __init__(
        self,
        disk: PartitionDisk,
        *,
        changelog: str,
        partition: int,
        reader: RestoresReplicas,
        fit: Callable[[], None],
        remember: int = _REMEMBER_LEAST,
    ) -> None:
        """`fit` raises ChangelogUnfit where the changelog has not the partitions of its source.

        `remember` is how many entries each generation of what was read lately has.
        """
        self.changelog = changelog
        self.progress: Progress | None = None
        """While it is restored: how far that is."""
        self._disk = disk
        self._partition = partition
        self._reader = reader
        self._fit = fit
        self._overlay = Overlay(remember=remember)
        self._ready = False

    def remember(self, entries: int) -> None:
        """From now on, let each generation of what was read lately have so many entries."""
        self._overlay.remember = entries

    async def restore(self) -> None:
        """See LaneTable. Raises ChangelogUnfit and DiskFailed as well."""
        self.discard()
        self._fit()
        self.progress = Progress(time.monotonic())
        try:
            await self._reader.restore(self.changelog, self._partition, self._disk, self.progress)
        finally:
            self.progress = None
        self._ready = True

    def get(self, key: bytes) -> bytes | None:
        """See LaneTable. Raises DiskFailed."""
        overlay = self._overlay
        # Nearly always: asked here, once a record, and not by another call.
        value: bytes | object | None = overlay.known.get(key, ABSENT)
        if value is not ABSENT:
            return value  # type: ignore[return-value]  # a cast would be a call
        value = overlay.get(key)
        if value is ABSENT:
            self._expect_ready()
            value = self._disk.get(key)
            overlay.learn(key, value)
        return cast("bytes | None", value)

    def put(self, key: bytes, value: bytes | None) -> None:
        """See LaneTable."""
        assert self._ready, "a table is restored before it is used"
        self._overlay.put(key, value)

    def scan(self, prefix: bytes, *, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See LaneTable. Raises DiskFailed."""
        self._expect_ready()
        return self._scan(prefix, max(prefix, start))

    def _scan(self, prefix: bytes, after: bytes) -> Iterator[tuple[bytes, bytes]]:
        step = _FIRST_STEP
        while True:
            self._expect_ready()
            changed = self._overlay.changed(prefix, after, step)
            stored = self._disk.entries(prefix, after, step)
            # Where one of the two goes on behind its last key, the other says nothing yet about what lies beyond that.
            upto = min((found[-1][0] for found in (changed, stored) if len(found) == step), default=None)
            found: dict[bytes, bytes | None] = dict(stored)
            found.update(changed)
            for key in sorted(found):
                value = found[key]
                if upto is not None and key > upto:
                    break
                if value is not None:
                    yield key, value
            if upto is None:
                return
            after = upto + b"\0"
            step = min(2 * step, _STEP)

    def take_changes(self) -> dict[bytes, bytes | None]:
        """See LaneTable."""
        self._expect_ready()
        return self._overlay.take()

    def committed(self, *, source: int, changelog: int | None) -> None:
        """See LaneTable. Raises DiskFailed."""
        self._expect_ready()
        self._disk.write(self._overlay.taken, source=source, changelog=changelog)
        self._overlay.settle()

    def discard(self) -> None:
        """See LaneTable."""
        self._ready = False
        self._overlay.clear()

    def _expect_ready(self) -> None:
        assert self._ready, "a table is restored before it is used"


def share_memory(tables: Collection[PartitionTable]) -> None:
    """Let all tables of a worker remember equally much, and together so much that it is worth its memory and no more."""
    for table in tables:
        table.remember(max(_REMEMBER_LEAST, REMEMBER // len(tables)))
