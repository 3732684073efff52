"""An index of origins: reads the topics that copies are written to, and says where the copies of a key or of a record lie.

It is a process of its own, and off unless somebody runs it (`router index`): no worker writes to it, so copying costs what it cost. It
keeps what it has read on a disk, in one piece with how far it has read; it needs no changelog, since the topics are it. Whatever
it has not read yet it names, partition by partition: an answer is exact as far as it goes, and says how far that is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from router.console.kafka import KafkaReads
from router.console.measuring import At
from router.console.origins import (
    Copy,
    copies_before,
    decode_position,
    encode_position,
    entries_of,
    forgotten,
    of_key,
    of_origin,
    position_key,
    read_copy,
    time_and_origin,
)
from router.errors import RouterError
from router.observe.logs import get_logger
from router.tables.view import instant

__all__ = ["Index", "IndexDisk"]

log = get_logger("router.index")

_MOST = 1_000
"""Copies that one answer tells of."""
_LOOKS_EVERY = 10.0
"""Seconds between two looks at which topics and partitions there are, and at what retention has taken."""
_AGAIN = 1.0
_FORGOTTEN_AT_ONCE = 5_000
_NEVER = 2**63 - 1


class IndexDisk(Protocol):
    """What it is kept on."""

    def get(self, key: bytes) -> bytes | None:
        """A value. Raises DiskFailed."""

    def entries(self, prefix: bytes, after: bytes, most: int) -> Sequence[tuple[bytes, bytes]]:
        """Those whose key begins so, in order, from this key on; at most so many. Raises DiskFailed."""

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """All of it in one piece. Raises DiskFailed."""


class Index:
    """Reads, and answers."""

    def __init__(self, kafka: KafkaReads, disk: IndexDisk, topics: Callable[[], Awaitable[Sequence[str]]]) -> None:
        """`topics` tells which topics copies are written to, as routes have it now."""
        self.problem = "it has not begun to read"
        """Why it does not read on; empty while it does."""
        self._kafka = kafka
        self._disk = disk
        self._topics = topics
        self._positions: dict[At, int] = {}

    async def follow(self) -> None:
        """Read for ever: what is there, and what comes."""
        while True:
            try:
                await self._read_on()
            except RouterError as error:
                self.problem = str(error)
                log.warning("the index does not read on", problem=str(error))
                await asyncio.sleep(_AGAIN)

    async def _read_on(self) -> None:
        """Until there are other partitions, or retention has taken something."""
        partitions = await self._partitions()
        begins, ends = await self._kafka.begins(partitions), await self._kafka.ends(partitions)
        # A topic that ends before where it was read to was made anew: nothing of what was there is.
        anew = {at for at in partitions if self._position(at) > ends[at]}
        await self._forget({at: _NEVER if at in anew else begin for at, begin in begins.items()})
        starts = {at: begins[at] if at in anew else max(self._position(at), begins[at]) for at in partitions}
        self._positions = dict(starts)
        self.problem = "" if starts else "no topic that copies are written to is there yet"
        if not starts:
            await asyncio.sleep(_AGAIN)
            return
        looked = time.monotonic()
        async for records, positions in self._kafka.read(starts, None):
            changes: dict[bytes, bytes | None] = {}
            for record in records:
                changes |= entries_of(record)
            moved = {at: each for at, each in positions.items() if each != self._positions[at]}
            changes |= {position_key(*at): encode_position(each) for at, each in moved.items()}
            if changes:
                await asyncio.to_thread(self._disk.write, changes)
            self._positions |= moved
            if time.monotonic() - looked > _LOOKS_EVERY:
                looked = time.monotonic()
                now = await self._partitions()
                if set(now) != set(starts) or await self._kafka.begins(now) != begins:
                    return

    async def _partitions(self) -> list[At]:
        counts = await self._kafka.partition_counts()
        return [(topic, each) for topic in await self._topics() for each in range(counts.get(topic, 0))]

    def _position(self, at: At) -> int:
        stored = self._disk.get(position_key(*at))
        return 0 if stored is None else decode_position(stored)

    async def _forget(self, begins: Mapping[At, int]) -> None:
        """Let go of copies that are not in their topics any more."""
        for (topic, partition), begin in begins.items():
            prefix, upto = copies_before(topic, partition, begin)
            while True:
                found = self._disk.entries(prefix, prefix, _FORGOTTEN_AT_ONCE)
                gone = [each for each in found if each[0] < upto]
                if gone:
                    changes = dict.fromkeys(key for each in gone for key in forgotten(*each))
                    await asyncio.to_thread(self._disk.write, changes)
                if len(gone) < _FORGOTTEN_AT_ONCE:
                    break

    async def copies_of_key(self, key: bytes) -> dict[str, Any]:
        """Where all copies with a key lie. Raises BrokerUnavailable, DiskFailed."""
        prefix = of_key(key)
        found = self._disk.entries(prefix, prefix, _MOST + 1)
        return await self._told(
            [(read_copy(entry, prefix), *time_and_origin(value)) for entry, value in found[:_MOST]],
            cut=len(found) > _MOST,
        )

    async def copies_of_record(self, origin: str) -> dict[str, Any]:
        """Where all copies of one record lie, `topic/partition/offset`, and copies of these. Raises as above."""
        prefix = of_origin(origin.encode())
        found = self._disk.entries(prefix, prefix, _MOST + 1)
        return await self._told(
            [(read_copy(entry, prefix), None, origin) for entry, _ in found[:_MOST]], cut=len(found) > _MOST
        )

    async def _told(self, copies: Sequence[tuple[Copy, int | None, str]], *, cut: bool) -> dict[str, Any]:
        partitions = list(self._positions)
        begins, ends = await self._kafka.begins(partitions), await self._kafka.ends(partitions)
        told = [
            {
                "topic": each.topic, "partition": each.partition, "offset": each.offset, "origin": origin,
                "at": None if at is None or at < 0 else instant(at),
            }
            for each, at, origin in copies
            # What retention has taken in these moments is gone, whatever is remembered of it.
            if each.offset >= begins.get((each.topic, each.partition), 0)
        ]  # fmt: skip
        behind = [
            {"topic": at[0], "partition": at[1], "read_to": position, "end": ends[at]}
            for at, position in sorted(self._positions.items())
            if position < ends[at]
        ]
        return {"copies": told, "cut": cut, "behind": behind, "partitions": len(partitions), "problem": self.problem}
