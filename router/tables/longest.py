"""The keys of one partition that wait, those first that have waited longest.

The lane that holds their records has a timer for each of them: the deadline of the one that has waited longest, which is when that
came and what routes let it wait. All of a source wait equally long, so the lane's heap of timers is the list, and whoever asks for
the first few of a million looks at those few. It is in memory and ahead of the disk, from which the keys are read: a timer counts
where the disk has the key wait until then. One that is set anew in these moments, and not committed, may be missed until it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify

from router.order.stored import state_key
from router.order.timers import Timer, in_time
from router.tables.questions import ListQuestion, Waited
from router.tables.reading import Stored
from router.tables.view import Condition, Explainer, KeyView

__all__ = ["LongestPage", "read_longest"]

_STEP = 8
"""Keys that are read before others get their turn: in less than a millisecond."""
_FILTERED = 4_096
"""Timers that are filtered before others get their turn: likewise."""
_MOST_LOOKED = 2_000
"""Keys that one page looks at."""


@dataclass(frozen=True, slots=True)
class LongestPage:
    """Some keys of one partition."""

    keys: tuple[tuple[int, KeyView], ...]
    """Each with its deadline."""
    upto: Waited | None
    """How far it got; None where there is no more."""
    looked: int
    """Keys that were looked at for it."""


async def read_longest(
    disk: Stored,
    partition: int,
    question: ListQuestion,
    *,
    timers: Sequence[Timer],
    after: Waited | None,
    explainer: Explainer,
    now: int,
) -> LongestPage:
    """A page of the keys that are meant and wait. `timers` is a heap that nobody changes. Raises DiskFailed."""
    heap = await _narrowed(timers, question.prefix, partition, after)
    found: list[tuple[int, KeyView]] = []
    looked, latest = 0, (0, b"")
    # Those whose wait has run out are the first: behind them there is none.
    overdue = question.conditions == {Condition.OVERDUE}
    for deadline, key in in_time(heap):
        if len(found) == question.limit or looked == _MOST_LOOKED:
            return LongestPage(tuple(found), Waited(*latest, partition), looked)
        if overdue and deadline > now:
            break
        latest = deadline, key
        looked += 1
        stored = disk.get(state_key(key))
        if stored is not None:
            view = explainer.view(key, partition, stored, now=now)
            if _is_meant(view, deadline, question):
                found.append((deadline, view))
        if looked % _STEP == 0:
            await asyncio.sleep(0)
    return LongestPage(tuple(found), None, looked)


def _is_meant(view: KeyView, deadline: int, question: ListQuestion) -> bool:
    # What must be looked at in any case is held by another kind of order, or cannot be read.
    due = deadline == view.deadline or (deadline == 0 and bool(view.held)) or Condition.UNREADABLE in view.conditions
    return due and (not question.conditions or not question.conditions.isdisjoint(view.conditions))


async def _narrowed(timers: Sequence[Timer], prefix: bytes, partition: int, after: Waited | None) -> Sequence[Timer]:
    """The timers of keys that begin so, behind the one where the page before ended, as a heap."""
    if not prefix and after is None:
        return timers
    behind: Timer = (-1, b"") if after is None else (after.deadline, after.key)
    # The same key may wait in two partitions until the same moment.
    again = after is not None and partition > after.partition
    left: list[Timer] = []
    for first in range(0, len(timers), _FILTERED):
        some = timers[first : first + _FILTERED]
        left += [each for each in some if each[1].startswith(prefix) and (each > behind or (again and each == behind))]
        await asyncio.sleep(0)
    heapify(left)
    return left
