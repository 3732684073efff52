"""What a lane keeps between its batches: the port to the table of one partition.

A table is changed in memory while a batch is carried. Each change goes out as a record of the table's changelog topic, in
the same transaction as the copies and the source's offset. Only after that commit are the changes written to disk, in one
piece with the offsets that they stand for. So a disk may be behind the truth, which the changelog makes good, and is never
ahead of it; and whatever is not committed is forgotten by `discard`.

    open ── restore: disk, then the changelog up to its last stable offset ──► ready
    ready ── get, put ──► changed ── take_changes: into the transaction ──► ── committed: onto the disk ──► ready
                             └───────────────── discard: after any error ─────────────────► closed until `restore`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

__all__ = ["LaneTable"]


class LaneTable(Protocol):
    """One partition of a table, for the lane that owns it. All of it runs in the lane's event loop."""

    changelog: str
    """The topic of its changelog; the partition is the lane's own number."""

    async def restore(self) -> None:
        """Bring it to the last committed state. Called after the former owner was shut out, before anything is read.

        Raises BrokerUnavailable. Shows its progress where that takes long.
        """

    def get(self, key: bytes) -> bytes | None:
        """The value as of the latest change, committed or not."""

    def put(self, key: bytes, value: bytes | None) -> None:
        """Change a value; None deletes."""

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All entries whose key begins so, in the order of their keys, as of the latest change."""

    def take_changes(self) -> dict[bytes, bytes | None]:
        """What was put since this was last asked: to be written to the changelog in the transaction that is open."""

    def committed(self, *, source: int, changelog: int | None) -> None:
        """Everything taken so far is committed: write it to disk, with the source's offset and the changelog's next one.

        `changelog` is the offset behind the last changelog record that was delivered, None where there was none since.
        """

    def discard(self) -> None:
        """Forget what is not committed. `restore` comes before anything else is asked."""
