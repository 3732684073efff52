"""Which records of a topic producers wrote there, and which were copied from another version of its subject. Pure.

While a topic moves from one version to the next, each version's topic holds every event: those that producers wrote there,
which are *native*, and copies of those that they wrote to the other. A copy must not be copied back, and who reads both
topics must take each event once. So each record is told apart by where it stands and what its headers say:

    copy      its last two headers are a `router-origin` that names the same partition of another version's topic, and the
              `router-hop` of who wrote it: a mirror between those two versions, as its group's name says; and that origin's
              offset is greater than any that this writer's copies had before
    native    every other

The last condition is what makes headers trustworthy. A client that reads a copy and produces a new event with the headers
that it found would otherwise pass for a mirror, and its event be lost. But a mirror copies a partition in its order, each
record once (`lanes/protocol.py`), so that origins only rise; and whoever repeats headers repeats those of a copy that stood
before. That the writer leads from the one version to the other is asked, too: a copy that is read in one version and produced
anew, headers and all, to a third would be the first of its kind there. What it takes is one number a writer. It is kept as the note of the committed offset, in the same transaction, with a
count of what was native: so it is exact after any restart, and anybody who may read a group's offsets may look at it.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from router.records.headers import HOP, ORIGIN, decode_hop, decode_origin
from router.records.record import Record

__all__ = ["Crossing", "Natives", "is_mirror", "leads", "mirror_group", "read_note"]

_FORMAT = 1
_LEAST_HEADERS = 2
_GROUP = re.compile(r".*-migrate-(?P<name>.+)\.v(?P<source>[0-9]+)-v(?P<target>[0-9]+)-[0-9]+", re.DOTALL)
_SPREADING = re.compile(r".*-migrate-.+\.g[0-9]+-g[0-9]+-[0-9]+", re.DOTALL)
"""The same of one that copies into the next generation of a topic."""
_SPLITTING = re.compile(r".*-migrate-.+\.v[0-9]+-split-[0-9]+", re.DOTALL)
"""The same of one that copies between a topic and those that it is split into."""
_MOST_KNOWN = 1_000
"""Writers of whom it is remembered where they lead: headers can name any number."""


def mirror_group(workers: str, name: str, versions: tuple[int, int], generation: int, *, letter: str = "v") -> str:
    """The group that copies between two versions' topics, and by which its copies are told; `workers` is the workers' own.

    `letter` is g where they are two generations of one topic.
    """
    source, target = versions
    return f"{workers}-migrate-{name}.{letter}{source}-{letter}{target}-{generation}"


def is_mirror(group: str) -> bool:
    """Whether a group has the name of a mirror."""
    return any(each.fullmatch(group) for each in (_GROUP, _SPREADING, _SPLITTING))


def leads(writer: str, origin: str, here: str) -> bool:
    """Whether a group copies from one of these topics to the other, by its name."""
    found = _GROUP.fullmatch(writer)
    return found is not None and {origin, here} == {f"{found['name']}.v{found[each]}" for each in ("source", "target")}


@dataclass(frozen=True, slots=True)
class Natives:
    """What was native in one partition so far."""

    count: int = 0
    last: int = -1
    """The offset of the last one; -1 where there was none."""
    at: int = -1
    """Its timestamp, or when it was read if that was later, since producers date records as they like: in milliseconds since
    the epoch; -1 where there was none."""
    lacking: int = 0
    """How many of them did not get to where they are copied, but among the dead letters."""


class Crossing:
    """Tells copies from native records, in the order of one partition. Holds what is needed to go on from a commit."""

    def __init__(
        self, partition: int, *, twins: Collection[str], writers: Collection[str] | None = None, former: int = 0
    ) -> None:
        """`twins` are the topics of the subject's other versions; `writers` the groups whose copies count, None: every mirror's.

        `former` is how many partitions the smaller of two generations has, where it is these that are twins.
        """
        self._partition = partition
        self._former = former
        self._twins = frozenset(twins)
        self._writers = None if writers is None else frozenset(writers)
        self._seen: dict[tuple[str, str], int] = {}
        """By writer and topic, the greatest offset whose copy stood here."""
        self._natives = Natives()
        self._known: dict[tuple[str, str], bool] = {}
        """Whether a writer leads here from a topic."""
        self._told = 0
        """How many were native when a position was passed last."""
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
        self._told = self._natives.count
        self._notes.clear()
        self._committed = note

    def is_native(self, record: Record) -> bool:
        """Take the partition's next record: whether a producer wrote it here."""
        headers = record.headers
        if len(headers) >= _LEAST_HEADERS and headers[-1][0] == HOP and headers[-2][0] == ORIGIN:
            origin = decode_origin(headers[-2][1])
            if origin is not None and origin.topic in self._twins and self._meets(origin.partition):
                hop = decode_hop(headers[-1][1])
                writer = ("", "") if hop is None else (hop.service, origin.topic)
                # Several partitions of one writer may come together here, each in its order; their names would fill the note.
                one = ("", str(origin.partition)) if self._former else writer
                risen = origin.offset > self._seen.get(one, -1)
                if hop is not None and risen and self._counts(writer, record.topic):
                    self._seen[one] = origin.offset
                    return False
        natives = self._natives
        self._natives = Natives(natives.count + 1, record.offset, record.timestamp, natives.lacking)
        return True

    def passed(self, position: int, *, at: int = -1, lacking: int = 0) -> None:
        """All records before this position were taken; those since the last one at this time, and so many got nowhere."""
        natives = self._natives
        if natives.count > self._told:
            self._natives = natives = replace(natives, at=max(natives.at, at), lacking=natives.lacking + lacking)
            self._told = natives.count
        self._notes.append((position, self._note()))

    def _meets(self, partition: int) -> bool:
        """Whether records of a twin's partition are copied to this one."""
        return partition == self._partition or (
            self._former > 0 and partition % self._former == self._partition % self._former
        )

    def _counts(self, writer: tuple[str, str], here: str) -> bool:
        if self._writers is not None:
            return writer[0] in self._writers
        known = self._known.get(writer)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[writer] = leads(*writer, here)
        return known

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
                "natives": [natives.count, natives.last, natives.at, natives.lacking],
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
        count, last, at, *more = told["natives"]
        return copies, Natives(int(count), int(last), int(at), int(more[0]) if more else 0)
    except (ValueError, TypeError, KeyError):
        return {}, Natives()
