"""Which records of a topic were written there by producers, and which were copied there from another version of its subject.

While a topic moves from one version to the next, each version's topic holds every event: those that producers wrote there,
which are *native*, and copies of those that they wrote to the other. A copy must not be copied back, and who reads both
topics must take each event once. So each record is told apart by where it stands and what its headers say:

    copy      its last two headers are a `router-origin` that names the same partition of another version's topic, and the
              `router-hop` of who wrote it; and that origin's offset is greater than any that this writer's copies had before
    native    every other

The last condition is what makes headers trustworthy. A client that reads a copy and produces a new event with the headers
that it found would otherwise pass for a mirror, and its event be lost. But a mirror copies a partition in its order, each
record once (`lanes/protocol.py`), so that origins only rise; and whoever repeats headers repeats those of a copy that stood
before. What it takes is one number a writer. It is kept as the note of the committed offset, in the same transaction, with a
count of what was native: so it is exact after any restart, and anybody who may read a group's offsets may look at it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from router.records.headers import HOP, ORIGIN, decode_hop, decode_origin
from router.records.record import Record

__all__ = ["Crossing", "Natives", "read_note"]

_FORMAT = 1
_LEAST_HEADERS = 2


@dataclass(frozen=True, slots=True)
class Natives:
    """What was native in one partition so far."""

    count: int = 0
    last: int = -1
    """The offset of the last one; -1 where there was none."""
    at: int = -1
    """Its timestamp, in milliseconds since the epoch; -1 where there was none."""


class Crossing:
    """Tells copies from native records, in the order of one partition. Holds what is needed to go on from a commit."""

    def __init__(self, partition: int, *, twins: Collection[str], writers: Collection[str] | None = None) -> None:
        """`twins` are the topics of the subject's other versions; `writers` the groups whose copies count, None: all."""
        self._partition = partition
        self._twins = frozenset(twins)
        self._writers = None if writers is None else frozenset(writers)
        self._seen: dict[tuple[str, str], int] = {}
        """By writer and topic, the greatest offset whose copy stood here."""
        self._natives = Natives()
        self._notes: deque[tuple[int, str]] = deque()
        """By position behind a run of records, in order: what is known there."""
        self._committed = ""

    @property
    def natives(self) -> Natives:
        """As of the last record that was taken."""
        return self._natives

    def resume(self, note: str) -> None:
        """Go on from a commit, by the note that it had; nothing that was taken since counts any more."""
        self._seen, self._natives = read_note(note)
        self._notes.clear()
        self._committed = note

    def is_native(self, record: Record) -> bool:
        """Take the partition's next record: whether a producer wrote it here."""
        headers = record.headers
        if len(headers) >= _LEAST_HEADERS and headers[-1][0] == HOP and headers[-2][0] == ORIGIN:
            origin = decode_origin(headers[-2][1])
            if origin is not None and origin.topic in self._twins and origin.partition == self._partition:
                hop = decode_hop(headers[-1][1])
                if hop is not None and (self._writers is None or hop.service in self._writers):
                    writer = hop.service, origin.topic
                    if origin.offset > self._seen.get(writer, -1):
                        self._seen[writer] = origin.offset
                        return False
        self._natives = Natives(self._natives.count + 1, record.offset, record.timestamp)
        return True

    def passed(self, position: int) -> None:
        """All records before this position were taken."""
        self._notes.append((position, self._note()))

    def note(self, offset: int) -> str:
        """What is to be kept with a commit of this offset, which is a position that was passed or the last commit's."""
        while self._notes and self._notes[0][0] <= offset:
            self._committed = self._notes.popleft()[1]
        return self._committed

    def _note(self) -> str:
        natives = self._natives
        return json.dumps(
            {
                "format": _FORMAT,
                "copies": [[*writer, offset] for writer, offset in sorted(self._seen.items())],
                "natives": [natives.count, natives.last, natives.at],
            },
            separators=(",", ":"),
        )


def read_note(note: str) -> tuple[dict[tuple[str, str], int], Natives]:
    """By writer and topic the greatest offset that was copied, and what was native. Another's note tells nothing."""
    try:
        told: Any = json.loads(note)
        if told["format"] != _FORMAT:
            return {}, Natives()
        copies = {(str(writer), str(topic)): int(offset) for writer, topic, offset in told["copies"]}
        count, last, at = told["natives"]
        return copies, Natives(int(count), int(last), int(at))
    except (ValueError, TypeError, KeyError):
        return {}, Natives()
