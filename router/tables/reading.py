"""Reads keys from the disk of one partition, a page at a time, beside the lane that writes it.

It reads what was committed, and takes nothing from the lane but moments: after every few entries others get their turn, and
a page ends after so many, found or not. All of it runs in the worker's event loop, where the disk is opened and closed, so
that nobody closes it between two entries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from router.order.stored import (
    RECORD_PREFIX,
    key_of_record,
    key_of_state,
    record_prefix,
    records_from,
    state_key,
)
from router.tables.questions import ListQuestion
from router.tables.view import Condition, Explainer, KeyView

__all__ = ["KeyPage", "Stored", "read_key_view", "read_keys"]

_STEP = 32
"""Entries that are read before others get their turn: usually in less than a millisecond."""
_HELD_STEP = 8
"""The same where each is looked for by itself."""
_MOST_LOOKED = 8_192
"""Entries that one page looks at."""
_MOST_LOOKED_HELD = 1_024
"""The same where each is looked for by itself."""
_MOST_HELD = 2_000
"""Held records that one page tells of, where it tells of them one by one; it exceeds that by one key at most."""
_HOLDING = frozenset({Condition.WAITING, Condition.PARKED, Condition.OVERDUE})
_BEHIND = b"\xff" * 9
"""Greater than any offset."""


class Stored(Protocol):
    """What was committed of one partition."""

    def get(self, key: bytes) -> bytes | None:
        """A value. Raises DiskFailed."""

    def entries(self, prefix: bytes, after: bytes, most: int) -> Sequence[tuple[bytes, bytes]]:
        """Those whose key begins so, in order, from this key on; at most so many. Raises DiskFailed."""


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Some keys of one partition."""

    keys: tuple[KeyView, ...]
    after: bytes | None
    """The key behind which the next page begins; None where there is no more. A page may be empty, and not the last."""
    looked: int = 0
    """Keys that were looked at for it."""


def read_key_view(disk: Stored, key: bytes, partition: int, *, explainer: Explainer, now: int) -> KeyView | None:
    """One key; None where nothing is known of it. Raises DiskFailed."""
    stored = disk.get(state_key(key))
    return None if stored is None else explainer.view(key, partition, stored, now=now)


async def read_keys(
    disk: Stored, partition: int, question: ListQuestion, *, after: bytes | None, explainer: Explainer, now: int
) -> KeyPage:
    """A page of the keys that are meant. Raises DiskFailed.

    In the order of their bytes; where only keys are meant that hold something, the shorter ones come first.
    """
    held_only = bool(question.conditions) and question.conditions <= _HOLDING
    # What holds records and cannot be read is not to be left out of those that hold some.
    wanted = question.conditions | ({Condition.UNREADABLE} if held_only else frozenset())
    found = (_holding if held_only else _all)(disk, question.prefix, after)
    most = _MOST_LOOKED_HELD if held_only else _MOST_LOOKED
    keys: list[KeyView] = []
    looked = held = 0
    async for key, stored in found:
        looked += 1
        meant = not wanted or not wanted.isdisjoint(explainer.conditions(stored, now=now))
        if meant:
            view = explainer.view(key, partition, stored, now=now)
            keys.append(view)
            held += len(view.held) if question.whole else 0
        if len(keys) == question.limit or held >= _MOST_HELD or looked == most:
            return KeyPage(tuple(keys), key, looked)
    return KeyPage(tuple(keys), None, looked)


async def _all(disk: Stored, prefix: bytes, after: bytes | None) -> AsyncIterator[tuple[bytes, bytes]]:
    """Every key that begins so."""
    begin = state_key(prefix)
    start = begin if after is None else max(begin, state_key(after) + b"\0")
    while True:
        found = disk.entries(begin, start, _STEP)
        for entry, stored in found:
            yield key_of_state(entry), stored
        if len(found) < _STEP:
            return
        start = found[-1][0] + b"\0"
        await asyncio.sleep(0)


async def _holding(disk: Stored, prefix: bytes, after: bytes | None) -> AsyncIterator[tuple[bytes, bytes]]:
    """Every key that begins so and holds something: from the first of its held records to the next key's, over all between."""
    start = RECORD_PREFIX if after is None else record_prefix(after) + _BEHIND
    count = 0
    while found := disk.entries(RECORD_PREFIX, start, 1):
        key = key_of_record(found[0][0])
        if key.startswith(prefix):
            # One that has no state is damaged, and is shown as such.
            yield key, disk.get(state_key(key)) or b""
            start = record_prefix(key) + _BEHIND
        else:
            # They lie by their length first: of each length, those that begin so lie together.
            before = len(key) >= len(prefix) and key < prefix
            start = records_from(max(len(prefix), len(key) + (not before)), prefix)
        count += 1
        if count % _HELD_STEP == 0:
            await asyncio.sleep(0)
