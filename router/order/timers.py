"""When a wait has run out, and how far the log has got: the two times by which keys age. Pure.

A wait runs by the clock, but it must not run out before the lane has read what came in time. So a deadline is *ripe* only
when the lane has read past the end of the log as it stood at the deadline. Nobody can ask a broker for an end of the past;
but the end at any later time lies at or behind it. So the end is asked for now and then, and with each answer goes the
time at which it was asked:

    position of the lane  ≥  end, asked at t      →  all that was in the log at t has been read: deadlines up to t are ripe

After an outage the lane stands far before the end, and nothing ripens until it has read up to where the log ended when it
was asked. On an idle partition the end does not move, so that the next answer makes ripe what is due. `end` is what a
reader of committed records can get to, and `position` is its position: transaction markers count in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush

__all__ = ["Deadlines", "Progress", "Timer", "in_time", "log_time"]

Timer = tuple[int, bytes]
"""A deadline, milliseconds since the epoch, and the key whose it is."""

_SLACK = 64
"""Entries without meaning that are kept before they are swept."""


def log_time(before: int, *, timestamp: int, received: int) -> int:
    """How far the log has got, milliseconds since the epoch, when a record of this timestamp was received.

    It never goes back, and never beyond the clock: one record that is dated next year makes nobody forget anything. A
    record without a timestamp (-1) moves nothing.
    """
    return max(before, min(timestamp, received))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one lane has read, in time. All times are milliseconds since the epoch."""

    read_to: int = 0
    """All that was in the log at this time has been read: deadlines up to it are ripe."""
    awaited: tuple[int, int] | None = None
    """When an end was asked for that has not been reached, and that end."""
    newest: tuple[int, int] | None = None
    """The same of the last answer, where there were several. The oldest is awaited: a lane may never get to the newest."""

    def end_seen(self, *, at: int, end: int) -> Progress:
        """The broker was asked at this time, and said that the log ends there: the offset of the next record to come."""
        if self.awaited is None:
            return replace(self, awaited=(at, end))
        return replace(self, newest=(at, end))

    def reached(self, position: int) -> Progress:
        """The lane has carried everything before this position."""
        read_to, awaited, newest = self.read_to, self.awaited, self.newest
        while awaited is not None and position >= awaited[1]:
            read_to = max(read_to, awaited[0])
            awaited, newest = newest, None
        return Progress(read_to, awaited, newest)

    def asks(self, deadline: int | None, *, now: int) -> bool:
        """Whether the end of the log must be asked for now, so that this deadline can become ripe."""
        if deadline is None or deadline > now:
            return False
        known = max(self.read_to, *(seen[0] for seen in (self.awaited, self.newest) if seen is not None), 0)
        return known < deadline


class Deadlines:
    """The timers of one lane's keys: one a key at most. What was replaced or canceled is dropped when it comes up."""

    def __init__(self) -> None:
        self._at: dict[bytes, int] = {}
        self._heap: list[Timer] = []

    def __len__(self) -> int:
        return len(self._at)

    def arm(self, key: bytes, at: int) -> None:
        """Set the key's timer, or set it anew."""
        if self._at.get(key) != at:
            self._at[key] = at
            heappush(self._heap, (at, key))
            self._sweep()

    def cancel(self, key: bytes) -> None:
        """The key has no timer any more; it need not have had one."""
        self._at.pop(key, None)
        self._sweep()

    def copy(self) -> list[Timer]:
        """All timers as a heap, to be looked through while they change; those that were replaced or canceled may be in it."""
        return self._heap.copy()

    @property
    def next(self) -> int | None:
        """The first deadline; None where there is none."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def ripe(self, until: int, *, most: int | None = None) -> tuple[bytes, ...]:
        """The keys whose deadlines are not after this time (`Progress.read_to`), in their order; their timers are gone.

        Where there are more than `most`, the others wait until this is asked again.
        """
        keys: list[bytes] = []
        while (first := self.next) is not None and first <= until and len(keys) != most:
            _, key = heappop(self._heap)
            del self._at[key]
            keys.append(key)
        return tuple(keys)

    def _drop_stale(self) -> None:
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)

    def _sweep(self) -> None:
        if len(self._heap) > 2 * len(self._at) + _SLACK:
            self._heap = [(at, key) for key, at in self._at.items()]
            heapify(self._heap)


def in_time(heap: Sequence[Timer]) -> Iterator[Timer]:
    """The timers of a heap in their order, each once; for the first few of very many, only those few are looked at."""
    ahead = [(heap[0], 0)] if heap else []
    latest: Timer | None = None
    while ahead:
        timer, index = heappop(ahead)
        if timer != latest:
            yield timer
            latest = timer
        for below in (2 * index + 1, 2 * index + 2):
            if below < len(heap):
                heappush(ahead, (heap[below], below))
