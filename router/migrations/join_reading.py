"""Reads for the lanes of a split what they join: all new topics' partitions of a lane's number, by a consumer of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import OffsetOutOfRange, RouterError
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Carrier, Places, Positions, Resuming, note_in
from router.lanes.connections import Connections, read_from
from router.lanes.kafka import TransactionalCarrier
from router.lanes.lane import Lane
from router.lanes.protocol import LaneState
from router.lanes.table import BatchCopier
from router.log_ends import ends_of
from router.migrations.joining import Joining
from router.migrations.merging import Merge
from router.migrations.phases import Migration
from router.migrations.twin_lanes import TwinLanes
from router.migrations.twins import Twins
from router.migrations.under_way import NotUnderWay, PlacesExpired
from router.observe.logs import get_logger
from router.order.upstream import GroupPositions

__all__ = ["Joins", "KnowsMigrations"]

log = get_logger("router.migrations")

_LOOK_EVERY = 0.2
_FETCH_MS = 100
_AT_ONCE = 2_000
"""Records that are fetched at a time."""
_MOST_HELD = 50_000
"""Records that a lane's join holds; more are let go without a margin for what stands behind its time."""
_PAUSE = 0.01
_REFRESH_EVERY = 3_600.0
"""Seconds after which a lane in which nothing comes commits its positions once more: see `Joining.resume`."""
_AGAIN = 2.0
"""Seconds until a reader that failed begins anew."""


class KnowsMigrations(Protocol):
    """`router.migrations`."""

    async def latest(self) -> Mapping[str, Migration]:
        """All migrations by their keys. Raises BrokerUnavailable."""


class _Joined(Resuming):
    """The positions of a lane that joins: it goes on with those of the new topics, too."""

    def __init__(self, positions: Positions, group: GroupPositions, joins: Joins) -> None:
        super().__init__(positions)
        self._group = group
        self._joins = joins

    async def first(self, source: SourcePartition, places: Places) -> None:
        """Take up what is joined."""
        await self._joins.resume(source, places, self._group)


class Joins(TwinLanes):
    """What the lanes of a split need because of their twins; one process's."""

    def __init__(
        self,
        twins: Mapping[str, Twins],
        migrations: KnowsMigrations,
        *,
        joining: Callable[[SourcePartition, BatchCopier], Joining],
        count: Callable[[str], int],
        group: str,
        bootstrap: str,
        security: Callable[[], Mapping[str, Any]],
        accepts_loss: bool,
    ) -> None:
        """`joining` makes what stands in the copier's place; `group` is the mirror's."""
        super().__init__(twins, count=count)
        self._joining = joining
        self._migrations = migrations
        self._group = group
        self._bootstrap = bootstrap
        self._security = security
        self._accepts_loss = accepts_loss
        self._joinings: dict[SourcePartition, Joining] = {}
        self._reading: dict[SourcePartition, tuple[Merge, asyncio.Task[None]]] = {}

    def around(self, source: SourcePartition, copier: BatchCopier) -> BatchCopier:
        """See TwinLanes."""
        joining = self._joinings[source] = self._joining(source, copier)
        return super().around(source, joining)

    def positions(self, source: SourcePartition, positions: GroupPositions, usual: Positions) -> Positions:
        """See TwinLanes."""
        return _Joined(super().positions(source, positions, usual), positions, self)

    def behind(
        self, source: SourcePartition, carrier: Carrier, positions: GroupPositions, waiting: Callable[[str], None]
    ) -> Carrier:
        """See TwinLanes: what is joined is committed with it."""
        # What may stand around it (`replay/serving.py`) is above this folder.
        own = getattr(carrier, "inner", carrier)
        assert isinstance(own, TransactionalCarrier), "a mirror copies exactly once"
        own.beside = self._joinings[source]
        return super().behind(source, carrier, positions, waiting)

    async def resume(self, source: SourcePartition, places: Places, positions: GroupPositions) -> None:
        """Take up what a lane joins from where it was committed. Raises NotUnderWay, PlacesExpired, BrokerUnavailable."""
        joining = self._joinings[source]
        # A process that hung through `drain` would go on joining: its lane opens again, since it still splits.
        kept = (await self._migrations.latest()).values()
        own = next((each for each in kept if each.group == self._group), None)
        if own is None or any((each, source.topic) not in own.ways for each in joining.topics):
            raise NotUnderWay(topic=joining.topics[0], group=self._group)
        partitions = joining.partitions()
        new = [each for each in partitions if each not in places]
        begin = await positions.standing(new) if new else {}
        notes = {each.topic: note_in(places, each) for each in partitions}
        if note_in(places, source) and (gone := [each for each, note in notes.items() if not note]):
            # They were committed together.
            raise PlacesExpired(topic=gone[0], partition=source.partition, group=self._group)
        stands = {each.topic: places[each].offset if each in places else begin[each] for each in partitions}
        joining.resume(stands, notes)

    async def run(self, lanes: Callable[[], Iterable[Lane]], should_stop: Callable[[], bool]) -> None:
        """Until told to stop: read for each lane that carries."""
        try:
            while not should_stop():
                self._look(list(lanes()))
                await asyncio.sleep(_LOOK_EVERY)
        finally:
            for _, task in self._reading.values():
                task.cancel()
            await asyncio.gather(*(task for _, task in self._reading.values()), return_exceptions=True)

    def _look(self, lanes: list[Lane]) -> None:
        for lane in lanes:
            joining = self._joinings.get(lane.source)
            if joining is None or joining.merge is None or lane.protocol.state is not LaneState.CARRYING:
                continue
            before = self._reading.get(lane.source)
            if before is not None and not before[1].done():
                continue
            task = asyncio.create_task(self._read(lane, joining, joining.merge), name=f"join {lane.source}")
            self._reading[lane.source] = joining.merge, task

    async def _read(self, lane: Lane, joining: Joining, merge: Merge) -> None:
        """Read until the lane is opened anew, and has another merge."""
        tps = [TopicPartition(each.topic, each.partition) for each in joining.partitions()]
        connections = Connections(self._bootstrap, self._security(), client_id="router-join")
        try:
            async with connections.reader(auto_offset_reset="none") as consumer:
                try:
                    await self._follow(consumer, tps, lane, joining, merge)
                except kafka_errors.OffsetOutOfRangeError as error:
                    await self._lost(consumer, tps, joining, merge, error)
        except RouterError as error:
            # Another look goes on behind what was read: the merge holds it.
            log.warning("what is joined cannot be read", source=str(lane.source), error=error)
            await asyncio.sleep(_AGAIN)

    async def _follow(
        self, consumer: AIOKafkaConsumer, tps: list[TopicPartition], lane: Lane, joining: Joining, merge: Merge
    ) -> None:
        read_from(consumer, dict(zip(tps, merge.positions, strict=True)))
        told = time.monotonic()
        while joining.merge is merge and lane.protocol.state is LaneState.CARRYING:
            await self._step(consumer, tps, lane, joining, merge)
            if time.monotonic() - told > _REFRESH_EVERY and lane.accepts:
                told = time.monotonic()
                _nudge(lane)

    async def _step(
        self, consumer: AIOKafkaConsumer, tps: list[TopicPartition], lane: Lane, joining: Joining, merge: Merge
    ) -> None:
        """One round: what was fetched is let go once all topics were read to where they ended then."""
        before = merge.positions
        await self._fetch(consumer, tps, merge)
        if merge.positions == before and not merge.held:
            return
        until = merge.turn()
        known = await ends_of(consumer, tps, committed=False)
        ends = [known[tp] for tp in tps]
        while merge.held < _MOST_HELD and any(at < end for at, end in zip(merge.positions, ends, strict=True)):
            if joining.merge is not merge or lane.protocol.state is not LaneState.CARRYING:
                return
            held = merge.held
            await self._fetch(consumer, tps, merge)
            if merge.held >= held + _AT_ONCE:
                break
        while not lane.accepts:
            if joining.merge is not merge or lane.protocol.state is not LaneState.CARRYING:
                return
            await asyncio.sleep(_PAUSE)
        if joining.merge is not merge or lane.protocol.state is not LaneState.CARRYING:
            return
        runs = merge.release(until, ends, all_of_it=merge.held >= _MOST_HELD)
        if runs:
            joining.feed(runs)
            _nudge(lane)

    @staticmethod
    async def _fetch(consumer: AIOKafkaConsumer, tps: list[TopicPartition], merge: Merge) -> None:
        fetched = await consumer.getmany(*tps, timeout_ms=_FETCH_MS, max_records=_AT_ONCE)
        for number, tp in enumerate(tps):
            records = fetched.get(tp, ())
            position = await consumer.position(tp)
            if records or position != merge.positions[number]:
                merge.read(number, records, position)

    async def _lost(
        self,
        consumer: AIOKafkaConsumer,
        tps: list[TopicPartition],
        joining: Joining,
        merge: Merge,
        error: kafka_errors.KafkaError,
    ) -> None:
        """What was to be read next is deleted: nothing is joined any more, unless losses are accepted."""
        starts = await consumer.beginning_offsets(tps)
        ends = await consumer.end_offsets(tps)
        for tp, position in zip(tps, merge.positions, strict=True):
            if position >= starts[tp]:
                continue
            loss = OffsetOutOfRange(
                topic=tp.topic, partition=tp.partition, committed=position, earliest=starts[tp], latest=ends[tp]
            )
            log.error("records to be joined are deleted", source=str(joining.source), error=loss)
        if self._accepts_loss and joining.merge is merge:
            joining.merge = Merge(
                [max(at, starts[tp]) for tp, at in zip(tps, merge.passed, strict=True)], apart=merge.apart
            )
        else:
            log.debug("nothing is joined", error=error)
            await asyncio.sleep(_AGAIN)


def _nudge(lane: Lane) -> None:
    """Have a lane take what it was fed, and commit."""
    carried = lane.protocol.position
    empty = Batch(lane.source, lane.protocol.epoch, carried, carried, (), time.time())
    lane.offered(empty)
    lane.carry(empty)
