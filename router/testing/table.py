"""A table in memory: what a lane keeps between its batches, with a disk that can be behind, old, or gone.

The changelog is a topic of the broker's, and it alone is the truth. A `MemoryDisk` outlives the tables that were on it, as a
worker's disk outlives its worker:

    disk = MemoryDisk()
    table = MemoryTable(broker, changelog="router-order-changelog", partition=0, disk=disk)
    await table.restore()
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from router.errors import BrokerUnavailable
from router.lanes.batch import SourcePartition
from router.testing.broker import MemoryBroker

__all__ = ["MemoryDisk", "MemoryTable"]


@dataclass(slots=True)
class MemoryDisk:
    """What a worker's disk has of one partition of a table."""

    entries: dict[bytes, bytes] = field(default_factory=dict)
    changelog: int = 0
    """The changelog's offset that comes next: what lies before it is in the entries."""
    source: int = 0
    """The source's offset that the entries stand for; 0 where nothing was ever committed here."""

    def copy(self) -> MemoryDisk:
        """The disk as it is now, for a crash that takes a worker back to it."""
        return MemoryDisk(dict(self.entries), self.changelog, self.source)


class MemoryTable:
    """Fulfils `LaneTable`."""

    def __init__(self, broker: MemoryBroker, *, changelog: str, partition: int, disk: MemoryDisk | None = None) -> None:
        """Without a disk it begins with an empty one."""
        self.changelog = changelog
        self.disk = MemoryDisk() if disk is None else disk
        self.progress: str | None = None
        """How far restoring is: it takes no time here."""
        self.restored = 0
        """How often it was brought to the committed state."""
        self._broker = broker
        self._log = SourcePartition(changelog, partition)
        self._ready = False
        self._put: dict[bytes, bytes | None] = {}
        self._taken: dict[bytes, bytes | None] = {}

    async def restore(self) -> None:
        """See LaneTable."""
        broker, disk = self._broker, self.disk
        if problem := broker.away():
            raise BrokerUnavailable(brokers="memory", problem=problem)
        self.discard()
        if disk.changelog > broker.end(self._log):
            # The topic was created anew: what the disk has is of another life.
            disk.entries.clear()
            disk.changelog = disk.source = 0
        log = broker.topics[self._log.topic].logs[self._log.partition]
        for record in log[max(disk.changelog, broker.start(self._log)) :]:
            assert record.key is not None, "a compacted topic takes no record without a key"
            _apply(disk.entries, record.key, record.value)
        disk.changelog = len(log)
        self._ready = True
        self.restored += 1
        broker.happened()

    def get(self, key: bytes) -> bytes | None:
        """See LaneTable."""
        self._expect_ready()
        for layer in (self._put, self._taken):
            if key in layer:
                return layer[key]
        return self.disk.entries.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """See LaneTable."""
        self._expect_ready()
        self._put[key] = value

    def scan(self, prefix: bytes, *, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """See LaneTable."""
        self._expect_ready()
        latest = {**self.disk.entries, **self._taken, **self._put}
        return iter(
            [
                (key, value)
                for key, value in sorted(latest.items())
                if key.startswith(prefix) and key >= start and value is not None
            ]
        )

    def take_changes(self) -> dict[bytes, bytes | None]:
        """See LaneTable."""
        self._expect_ready()
        taken, self._put = self._put, {}
        self._taken |= taken
        return taken

    def committed(self, *, source: int, changelog: int | None) -> None:
        """See LaneTable."""
        self._expect_ready()
        for key, value in self._taken.items():
            _apply(self.disk.entries, key, value)
        self._taken = {}
        self.disk.source = source
        if changelog is not None:
            self.disk.changelog = changelog

    def discard(self) -> None:
        """See LaneTable."""
        self._ready = False
        self._put, self._taken = {}, {}

    def _expect_ready(self) -> None:
        assert self._ready, "a table is restored before it is used"


def _apply(entries: dict[bytes, bytes], key: bytes, value: bytes | None) -> None:
    if value is None:
        entries.pop(key, None)
    else:
        entries[key] = value
