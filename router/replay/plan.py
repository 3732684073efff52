"""A replay: a stretch of a broad topic that is sent once more to one consumer, and which of its records are meant. Pure.

since, until    by each record's own timestamp, in milliseconds since the epoch. Timestamps need not rise along a log: the first
                offset is that of the first record which is as new as `since`, before which none is; and all that follows is
                read up to where the lane stands, though most of it be newer than `until`
starts          by partition, the offset at which reading begins
key, where      only records of this key, only those of which this CEL expression holds
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from router.records.record import Record

__all__ = ["BEGINS_WITHIN_MS", "REPLAY", "Replay", "read_replay"]

REPLAY = "router-replay"
"""The header of a copy that was sent by a replay: its id."""

BEGINS_WITHIN_MS = 86_400_000
"""For how long a replay waits for a lane that can begin it: what nobody began for a day, nobody expects any more."""

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One replay, as it stands in `router.replays`."""

    id: str
    group: str
    """Whose workers are to do it."""
    topic: str
    """The consumer's."""
    source: str
    """The broad one."""
    starts: Mapping[int, int]
    at: int
    """When it was asked for: milliseconds since the epoch."""
    by: str
    reason: str
    since: int | None = None
    until: int | None = None
    key: bytes | None = None
    where: str = ""
    ends: Mapping[int, int] = field(default_factory=dict)
    """By partition, the offset before which records are meant; of others, up to where the lane stands when it begins."""

    def means(self, record: Record, holds: Callable[[Record], bool]) -> bool:
        """Whether a record that stands before the end is sent again; `holds` asks for `where`."""
        if self.key is not None and record.key != self.key:
            return False
        if self.since is not None and record.timestamp < self.since:
            return False
        if self.until is not None and record.timestamp >= self.until:
            return False
        return not self.where or holds(record)

    def over(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Replay:
        """The same over these offsets."""
        return replace(self, starts=starts, ends=ends)

    def to_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "format": _FORMAT,
            "id": self.id,
            "group": self.group,
            "topic": self.topic,
            "source": self.source,
            "starts": {str(number): offset for number, offset in self.starts.items()},
            "ends": {str(number): offset for number, offset in self.ends.items()},
            "at": self.at,
            "by": self.by,
            "reason": self.reason,
            "since": self.since,
            "until": self.until,
            "key": None if self.key is None else self.key.decode(errors="surrogateescape"),
            "where": self.where,
        }


def read_replay(value: bytes | None) -> Replay | None:
    """What a record of `router.replays` tells; None for what is none."""
    try:
        told = json.loads(value or b"")
        if told["format"] != _FORMAT:
            return None
        key = told["key"]
        return Replay(
            id=str(told["id"]),
            group=str(told["group"]),
            topic=str(told["topic"]),
            source=str(told["source"]),
            starts={int(number): int(offset) for number, offset in told["starts"].items()},
            ends={int(number): int(offset) for number, offset in told["ends"].items()},
            at=int(told["at"]),
            by=str(told["by"]),
            reason=str(told["reason"]),
            since=None if told["since"] is None else int(told["since"]),
            until=None if told["until"] is None else int(told["until"]),
            key=None if key is None else str(key).encode(errors="surrogateescape"),
            where=str(told["where"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
