"""What a lane keeps for consumers that reject its records: what stands around the copier where topics say `failure:`.

The lane reads, beside its source, the partition of its own number of each such topic's rejections, and keeps in its table
what each key does there (`parking`). What is read, what becomes of it and how far was read commit together, with the copies:

    a rejection, an acknowledgement, a time that has passed   ──► a step of the key, whose effects are carried out
    a copy of a key that does not flow                        ──► held (`Keeper`); all others pass untouched

Rejections come from a feed that belongs to no group: the table alone says how far they were read, so that whoever has the
lane next goes on exactly there. A topic whose policy is gone while keys of it wait is read on, and what waits becomes due.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from time import perf_counter
from typing import Protocol

from router.errors import DestinationUnavailable
from router.failure.forgetting import Forgetting
from router.failure.keys import KeptKeys
from router.failure.obeying import Obeying
from router.failure.parking import Phase
from router.failure.policy import Kept
from router.failure.redrives import UsualRedrives
from router.failure.stored import (
    STATE_PREFIX,
    decode_position,
    due_of,
    encode_position,
    parts_of_state_key,
    phase_of,
    position_key,
)
from router.failure.topics import rejected_of
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, DestinationView, Refusals
from router.lanes.table import BatchCopier, Holding, KeptBack, LaneOrder, LaneTable, append_changes
from router.records.record import Headers, Record

__all__ = ["Keeping", "RejectionFeed", "RejectionSink"]

_MOST_AT_ONCE = 500
"""Rejections that are read, and keys whose time has come, between two looks at what else there is to do."""
_MOST_WAITING = 2_000
"""Rejections that wait to be read, from which on no more are fetched."""


class RejectionSink(Protocol):
    """Who reads rejections."""

    @property
    def full(self) -> bool:
        """It wants no more for now."""

    def came(self, topic: str, records: Sequence[Record], position: int) -> None:
        """These were committed to a topic of rejections; `position` is behind them."""


class RejectionFeed(Protocol):
    """Reads topics of rejections, as a reader of what is committed that belongs to no group."""

    def follow(self, partition: int, positions: Mapping[str, int], sink: RejectionSink) -> Callable[[], None]:
        """Read this partition of each topic from its position on, until what this returns is called.

        Positions that retention has passed are taken for the start of the log.
        """

    def room(self) -> None:
        """A sink that was full is so no longer."""


class Keeping:
    """Fulfils what a lane expects of a copier, `LaneOrder`, `Keeper`, and `RejectionSink`."""

    def __init__(
        self,
        source: SourcePartition,
        kept: Kept,
        *,
        copier: Copier,
        table: LaneTable,
        destinations: DestinationView,
        feed: RejectionFeed,
        order: LaneOrder | None = None,
        inner: BatchCopier | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`copier` writes, and has this as its keeper from now on. Of a source that is put in order, `order` and `inner` are
        what does so, with the same table.

        `clock` tells the time in seconds since the epoch.
        """
        self.source = source
        self.table = table
        self.copier = copier
        self.wake: Callable[[], None] = lambda: None
        """Called where there is something to do though no batch came."""
        self._kept = kept
        self._destinations = destinations
        self._feed = feed
        self._order = order
        self._inner: BatchCopier = inner or copier
        self._clock = clock
        self._keys = KeptKeys(table)
        self._redrives = UsualRedrives(source.topic, source.partition)
        self._forgetting = Forgetting(table, kept.retention_ms)
        self._waiting: deque[tuple[str, Record | None, int]] = deque()
        """Topics and rejections, and what is read when each is."""
        self._full = False
        self._leave: Callable[[], None] = lambda: None
        self._position = 0
        self._order_next = True
        copier.keeper = self

    # --- the copier's part -----------------------------------------------------------------------------------------------

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """See Copier."""
        return self._inner.copy(batch, into=into, new_batch=new_batch, refusals=refusals)

    @property
    def keys(self) -> Collection[bytes | None]:
        """See Keeper."""
        return self._keys.kept

    def hold(self, topic: str, record: Record, headers: Headers) -> bool:
        """See Keeper."""
        return self._keys.hold(topic, record, headers)

    # --- the feed's part -------------------------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """See RejectionSink."""
        self._full = len(self._waiting) >= _MOST_WAITING
        return self._full

    def came(self, topic: str, records: Sequence[Record], position: int) -> None:
        """See RejectionSink."""
        self._waiting.extend((topic, record, record.offset + 1) for record in records)
        if not records or position > records[-1].offset + 1:
            self._waiting.append((topic, None, position))
        self.wake()

    # --- the lane's part -------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> Holding | None:
        """See LaneOrder."""
        return None if self._order is None else self._order.waiting

    def timers(self) -> Sequence[tuple[int, bytes]]:
        """See LaneOrder: what is kept for consumers is not in order."""
        return () if self._order is None else self._order.timers()

    @property
    def kept_back(self) -> Mapping[str, KeptBack]:
        """See LaneOrder."""
        nothing = dict.fromkeys(self._kept.policies, KeptBack(0, 0))
        return nothing | dict(self._keys.waiting)

    def resume(self, position: int) -> None:
        """See LaneOrder. Raises UnreadableState, and DestinationUnavailable where rejections cannot be read."""
        if self._order is not None:
            self._order.resume(position)
        self._position = position
        self._let_go()
        topics = set(self._kept.policies)
        now = self._now()
        for entry, stored in self.table.scan(STATE_PREFIX):
            if phase_of(stored) is Phase.FLOWING:
                continue
            topic, ident = parts_of_state_key(entry)
            topics.add(topic)
            self._keys.index(entry, topic, ident, flows=False)
            due = due_of(stored) if topic in self._kept.policies else now
            if due is not None:
                self._keys.deadlines.arm(entry, due)
        self._keys.resume()
        positions = {self._readable(topic): self._read_to(topic) for topic in sorted(topics)}
        self._leave = self._feed.follow(self.source.partition, positions, self)

    def _readable(self, topic: str) -> str:
        """The topic of its rejections. Raises DestinationUnavailable where it has not this lane's partition."""
        rejected = rejected_of(topic)
        partitions = self._destinations.partitions(rejected)
        if partitions <= self.source.partition:
            problem = f"has {partitions} partitions, and this lane reads its partition {self.source.partition}"
            raise DestinationUnavailable(topic=rejected, problem=problem)
        return rejected

    def _read_to(self, topic: str) -> int:
        stored = self.table.get(position_key(rejected_of(topic)))
        return 0 if stored is None else decode_position(stored)

    def looks_in(self) -> float | None:
        """See LaneOrder."""
        if self._waiting:
            return 0.0
        now, due = self._now(), self._keys.deadlines.next
        times = (
            None if self._order is None else self._order.looks_in(),
            None if due is None else max(0, due - now) / 1000,
            self._forgetting.looks_in(now),
        )
        return min((each for each in times if each is not None), default=None)

    def asks(self) -> int | None:
        """See LaneOrder."""
        return None if self._order is None else self._order.asks()

    def end_seen(self, *, at: int, end: int) -> None:
        """See LaneOrder."""
        if self._order is not None:
            self._order.end_seen(at=at, end=end)

    def expire(
        self, position: int, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals
    ) -> Tally | None:
        """See LaneOrder. Order and rejections take turns, where both have something to do."""
        self._position = position
        order, self._order_next = self._order, not self._order_next
        if order is not None and not self._order_next:
            theirs = order.expire(position, into=into, new_batch=new_batch, refusals=refusals)
            if theirs is not None:
                return theirs
        tally = self._work(position, into=into, new_batch=new_batch, refusals=refusals)
        if tally is None and order is not None and self._order_next:
            return order.expire(position, into=into, new_batch=new_batch, refusals=refusals)
        return tally

    def _work(
        self, position: int, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals
    ) -> Tally | None:
        now = self._now()
        due = self._keys.deadlines.next
        forgot = self._forgetting.look(now)
        if not self._waiting and (due is None or due > now):
            return Tally() if forgot else None
        begun = perf_counter()
        tally = Tally()
        batch = Batch(self.source, -1, position, position, (), self._clock())
        writer = self.copier.writer(batch, into=into, new_batch=new_batch, refusals=refusals, tally=tally)
        performance = Obeying(self.source, self._kept, self._keys, writer, tally, now).begin(self._redrives)
        for entry in self._keys.deadlines.ripe(now, most=_MOST_AT_ONCE):
            performance.expire(entry)
        read: dict[str, int] = {}
        for _ in range(min(len(self._waiting), _MOST_AT_ONCE)):
            topic, record, read[topic] = self._waiting.popleft()
            if record is not None:
                performance.read(record)
        performance.finish()
        for topic, offset in read.items():
            self.table.put(position_key(topic), encode_position(offset))
        if self._full and not self.full:
            self._feed.room()
        into.count(tally)
        tally.seconds = perf_counter() - begun
        return tally

    def write_changes(self, into: Copies, *, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> None:
        """See LaneOrder."""
        append_changes(
            self.table,
            self.source.partition,
            into=into,
            new_batch=new_batch,
            most=refusals.most_records,
            timestamp=self._now(),
            offset=max(0, self._position),
        )

    def forget(self) -> None:
        """See LaneOrder."""
        self._let_go()
        if self._order is not None:
            self._order.forget()
        self.table.discard()

    def _let_go(self) -> None:
        self._leave()
        self._leave = lambda: None
        self._waiting.clear()
        self._full = False
        self._keys = KeptKeys(self.table)
        self._forgetting = Forgetting(self.table, self._kept.retention_ms)

    def _now(self) -> int:
        return int(self._clock() * 1000)
