"""Records of several topics as one run, each key's in the order in which they were written. Pure.

The subjects that a topic was split into are several logs, and a key's events lie in all of them. To join them, somebody has to say
which of two records in two logs came first. Kafka does not; what does, is told here:

    within a topic      its log's order, always
    between topics      of one key, the timestamps; of the same millisecond, the order in which the topics are named

and it may only be asked once nothing earlier can be missing, which is the barrier. A producer writes the next event of a key after
the former one was acknowledged. So whoever has fetched the later one, and *then* asks every other topic's partition of the same number
where it ends, knows that the earlier one stands before that. A *round* is all that was fetched before the ends were asked; its records
are let go when all partitions were read up to these ends. What is fetched beyond them belongs to the next round, and waits.

While a topic is read from far behind, its end is far ahead, and to wait for it would be to hold all of it. Then records are let go up
to the time that every topic has been read to, less a margin for what stands in a log behind its time.

Keys that no two topics share wait for nothing of each other: only the logs' order holds them. Where two keys' timestamps contradict
both logs, which only clocks that disagree can do, the least timestamp goes first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from router.records.record import Record

__all__ = ["LATENESS_MS", "Merge", "Run"]

LATENESS_MS = 5_000
"""How far behind its time a record may stand in its log, while a topic is read from far behind."""


@dataclass(frozen=True, slots=True)
class Run:
    """Records of one topic that come next, and the position behind them."""

    topic: int
    records: Sequence[Record]
    position: int


@dataclass(slots=True)
class _Log:
    """What was read of one topic, and is not let go."""

    records: deque[tuple[int, Record]] = field(default_factory=deque)
    """With the round in which each was read."""
    position: int = 0
    """Behind what was read."""
    passed: int = 0
    """Behind what was let go."""
    keys: dict[bytes | None, deque[int]] = field(default_factory=dict)
    """By key, the timestamps of its records, in order."""
    latest: int = -1
    """The greatest timestamp that was read."""


class Merge:
    """Of the partitions of one number, of several topics; they are named by their numbers."""

    def __init__(self, positions: Sequence[int], *, apart: Callable[[Record], bool] = lambda _: False) -> None:
        """`positions` are those from which on each is read.

        Records that stand `apart` wait for none and have none wait: copies come late, with the time of their originals.
        """
        self.apart = apart
        self._logs = [_Log(position=each, passed=each) for each in positions]
        self._round = 0

    @property
    def held(self) -> int:
        """Records that are not let go."""
        return sum(len(each.records) for each in self._logs)

    @property
    def positions(self) -> tuple[int, ...]:
        """Behind what was read of each topic."""
        return tuple(each.position for each in self._logs)

    @property
    def passed(self) -> tuple[int, ...]:
        """Behind what was let go of each topic."""
        return tuple(each.passed for each in self._logs)

    def read(self, topic: int, records: Sequence[Record], position: int) -> None:
        """These were read next; the position is behind them, and behind markers that are no records."""
        log = self._logs[topic]
        for record in records:
            log.records.append((self._round, record))
            if self.apart(record):
                continue
            log.keys.setdefault(record.key, deque()).append(record.timestamp)
            log.latest = max(log.latest, record.timestamp)
        log.position = position

    def turn(self) -> int:
        """Ends a round: what is read from now on is of the next. Gives the one that ended."""
        self._round += 1
        return self._round - 1

    def release(self, until: int, ends: Sequence[int], *, all_of_it: bool = False) -> list[Run]:
        """What comes next, of this round and those before; the ends were asked for when it had ended.

        Topics that are not read to these ends let go what is old enough; `all_of_it` lets go whatever is there.
        """
        behind = [log for log, end in zip(self._logs, ends, strict=True) if log.position < end]
        limit = None if all_of_it or not behind else min(each.latest for each in behind) - LATENESS_MS
        runs: list[tuple[int, list[Record], int]] = []
        while (topic := self._next(until, limit)) is not None:
            log = self._logs[topic]
            _, record = log.records.popleft()
            if not self.apart(record):
                own = log.keys[record.key]
                own.popleft()
                if not own:
                    del log.keys[record.key]
            log.passed = log.records[0][1].offset if log.records else log.position
            before = runs.pop()[1] if runs and runs[-1][0] == topic else []
            before.append(record)
            runs.append((topic, before, log.passed))
        for number, log in enumerate(self._logs):
            if not log.records and log.passed < log.position:
                # Markers alone, or what was aborted: the position moves on without a record.
                log.passed = log.position
                runs.append((number, [], log.position))
        return [Run(*each) for each in runs]

    def _next(self, until: int, limit: int | None) -> int | None:
        """The topic whose first record comes next; None where none may."""
        heads = []
        for number, log in enumerate(self._logs):
            if log.records:
                read, record = log.records[0]
                heads.append((record.timestamp, number, None if self.apart(record) else record.key, read))
        heads.sort(key=lambda each: each[:2])
        free = [each for each in heads if not self._waits(each[0], each[1], each[2])]
        for at, number, _, read in free or heads[:1]:
            if read <= until and (limit is None or at <= limit):
                return number
        return None

    def _waits(self, at: int, topic: int, key: bytes | None) -> bool:
        """Whether another topic has an earlier record of the key."""
        if key is None:
            return False
        for number, log in enumerate(self._logs):
            first = log.keys.get(key)
            if number != topic and first is not None and (first[0], number) < (at, topic):
                return True
        return False
