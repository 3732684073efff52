"""What became of a key, told from the changes of its table: the records of its changelog. Pure.

A changelog is compacted: of what is older than Kafka's last compaction only the latest state is left. So a history says how
far back it goes, and nothing of what lay before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from router.order.stored import RECORD_PREFIX, key_of_record, state_key
from router.tables.view import Explainer, instant

__all__ = ["Change", "History", "concerns", "history_of"]

_OFFSET = 8
"""Bytes, at the end of a held record's entry."""


class ChangeRecord(Protocol):
    """A record of a changelog."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened to a key."""

    offset: int
    """In the changelog."""
    at: int
    """When it was sent, milliseconds since the epoch."""
    what: str
    """In words."""

    def to_json(self) -> dict[str, Any]:
        """As an answer of the API has it."""
        return {"offset": self.offset, "at": instant(self.at), "what": self.what}


@dataclass(frozen=True, slots=True)
class History:
    """The latest changes of a key, the oldest first."""

    changes: tuple[Change, ...]
    begins: int
    """The changelog's offset from which on it was read."""
    whole: bool
    """That is the changelog's beginning, and none of the changes was left out."""
    problem: str = ""
    """Why there is none."""

    def to_json(self) -> dict[str, Any]:
        """As an answer of the API has it."""
        return {
            "changes": [each.to_json() for each in self.changes],
            "begins": self.begins,
            "whole": self.whole,
            "problem": self.problem,
        }


def concerns(key: bytes, entry: bytes | None) -> bool:
    """Whether an entry of the table is of this key."""
    if entry is None:
        return False
    return entry == state_key(key) or (entry.startswith(RECORD_PREFIX) and key_of_record(entry) == key)


def history_of(
    records: Iterable[ChangeRecord],
    *,
    key: bytes,
    partition: int,
    explainer: Explainer,
    most: int,
    begins: int,
    start: int,
) -> History:
    """The latest `most` changes of a key, of the records that concern it; `start` is where its changelog begins."""
    told = list(_changes(records, key, partition, explainer))
    return History(tuple(told[-most:]), begins, whole=begins <= start and len(told) <= most)


def _changes(records: Iterable[ChangeRecord], key: bytes, partition: int, explainer: Explainer) -> Iterator[Change]:
    for record in records:
        entry, value = record.key or b"", record.value
        if entry != state_key(key):
            offset = int.from_bytes(entry[-_OFFSET:], "big")
            what = (
                f"let go of the record at offset {offset}" if value is None else f"held the record at offset {offset}"
            )
        elif value is None:
            what = "ended, or was forgotten"
        else:
            view = explainer.view(key, partition, value, now=record.timestamp)
            past = "" if view.last is None else f"past {view.last}; "
            what = f"{past}{view.sentence}"
        yield Change(record.offset, record.timestamp, what)
