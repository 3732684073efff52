"""A worker in memory: real lanes over the in-memory ports, fed as the transport feeds them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from router.exchange.decision import Decision
from router.failure.keeping import Keeping
from router.failure.policy import Kept
from router.lanes.batch import SourcePartition
from router.lanes.copying import Copier, Identity
from router.lanes.destinations import Destinations
from router.lanes.lane import Lane, LaneObserver
from router.lanes.lanes import Lanes
from router.lanes.protocol import CommitBudget, Pace
from router.lanes.table import BatchCopier
from router.language.routes import RouteSet, SourceOrder
from router.language.topics import changelog_of
from router.order.ordering import Ordering
from router.order.repartitioning import Repartitioning
from router.records.conversion import ValueConversion
from router.records.reader import FieldReader
from router.records.record import Record
from router.testing.broker import MemoryBroker
from router.testing.ports import MemoryCarrier, MemoryConsumer, MemoryDirectory, MemoryTransactionalCarrier
from router.testing.rejections import MemoryRejections
from router.testing.table import MemoryDisk, MemoryTable

__all__ = ["MemoryWorker", "StandsStill"]

_CALM = 40
"""Turns of the event loop without any activity after which nothing more is to come."""
_RESTLESS = 100_000
"""Turns after which something must be going round in circles."""
_STEP = 0.05
"""Seconds by which `run` moves the clock while lanes wait for something."""


class StandsStill(AssertionError):
    """The lanes did not carry everything in the time that they were given; says what each waits for."""

    def __init__(self, waiting: Mapping[SourcePartition, str]) -> None:
        super().__init__(dict(waiting))
        self.waiting = dict(waiting)

    def __str__(self) -> str:
        return "; ".join(f"{source}: {why or 'not carried'}" for source, why in self.waiting.items())


class MemoryWorker:
    """A member of a group that owns every partition of its sources. `start` it inside an event loop."""

    def __init__(
        self,
        broker: MemoryBroker,
        decide: Mapping[str, Callable[[Record], Decision]],
        *,
        group: str = "router",
        route_set: str = "00000000",
        pace: Pace | None = None,
        observer: LaneObserver | None = None,
        fetch_records: int = 500,
        exactly_once: bool = True,
        orders: Mapping[str, tuple[SourceOrder, FieldReader]] | None = None,
        conversions: Mapping[str, Mapping[str, ValueConversion]] | None = None,
        routes: RouteSet | None = None,
        kept: Mapping[str, Kept] | None = None,
        accepts_loss: bool = False,
        commits_per_second: float = 1e9,
    ) -> None:
        """`decide` says for each broad topic where its records go: `Decider.decide`, or anything that does the same.

        `orders` says for those that are put in order how, and what reads the fields that this takes. Each has a changelog
        of its own, `changelog_of(group, topic)`, which is made where it is not there. `conversions` are by broad topic and
        topic, of copies that are of another version. `routes` say what is keyed anew before
        that, by internal topics that they name (`with_internal_topics`). `kept` says by broad topic what is kept for
        consumers that reject, with a changelog as an order has it. Time stands still here while lanes work: with fewer
        `commits_per_second` they wait for it to be moved.
        """
        self.broker = broker
        self.destinations = Destinations(MemoryDirectory(broker))
        self.consumer = MemoryConsumer(broker, group)
        self.carriers: list[MemoryCarrier] = []
        """All that were ever made, in order."""
        self._decide = decide
        self._identity = Identity(service=group, instance="memory", route_set=route_set)
        self._pace = pace or Pace()
        self._observer = observer or LaneObserver()
        self._fetch_records = fetch_records
        self._accepts_loss = accepts_loss
        self._group = group if exactly_once else None
        self._budget = CommitBudget(commits_per_second)
        self.lanes = Lanes(self._new_lane)
        self.disks: dict[SourcePartition, MemoryDisk] = {}
        """What this worker's disk has of each table."""
        self._conversions = conversions or {}
        self._orders = orders or {}
        self._kept = kept or {}
        self.rejections = MemoryRejections(broker)
        """Where lanes hear of what consumers reject."""
        self._anew = None if routes is None else Repartitioning(routes, decide=decide, destinations=self.destinations)
        for topic in (*self._orders, *self._kept, *(() if self._anew is None else self._anew.internal)):
            changelog = changelog_of(group, topic)
            if changelog not in broker.topics:
                broker.create_topic(changelog, partitions=len(broker.topics[topic].logs), compacted=True)

    def _new_lane(self, source: SourcePartition, room: Callable[[], None]) -> Lane:
        anew, wall = self._anew, self.broker.clock.wall
        copier = None if anew is None else anew.copier(source.topic, identity=self._identity, clock=wall)
        if copier is None:
            copier = Copier(
                source.topic,
                decide=self._decide[source.topic],
                destinations=self.destinations,
                identity=self._identity,
                conversions=self._conversions.get(source.topic),
                clock=wall,
            )
        order = self._order(source, copier)
        relay = None if anew is None else anew.relay(copier, source.topic)
        positions = (
            self.consumer if anew is None else anew.positions(source.topic, self.consumer, clock=self.broker.clock)
        )
        inner = order or relay or copier
        keeping = self._keeping(source, copier, order, inner)
        lane = Lane(
            source,
            copier=keeping or inner,
            order=keeping or order,
            destinations=self.destinations,
            positions=positions,
            new_carrier=self._new_carrier,
            pace=self._pace,
            budget=self._budget,
            observer=self._observer,
            room=room,
            accepts_loss=self._accepts_loss,
            clock=self.broker.clock,
        )
        if keeping is not None:
            keeping.wake = lane.wake
        return lane

    def _keeping(
        self, source: SourcePartition, copier: Copier, order: Ordering | None, inner: BatchCopier
    ) -> Keeping | None:
        kept = self._kept.get(source.topic)
        if kept is None:
            return None
        return Keeping(
            source,
            kept,
            copier=copier,
            inner=inner,
            order=order,
            table=self._table(source) if order is None else order.table,
            destinations=self.destinations,
            feed=self.rejections,
            clock=self.broker.clock.wall,
        )

    def _table(self, source: SourcePartition) -> MemoryTable:
        return MemoryTable(
            self.broker,
            changelog=changelog_of(self._identity.service, source.topic),
            partition=source.partition,
            disk=self.disks.setdefault(source, MemoryDisk()),
        )

    def _order(self, source: SourcePartition, copier: Copier) -> Ordering | None:
        internal = {} if self._anew is None else self._anew.internal
        if source.topic not in {*self._orders, *internal}:
            return None
        table = self._table(source)
        wall = self.broker.clock.wall
        if self._anew is not None and source.topic in internal:
            return self._anew.ordering(source, copier=copier, table=table, clock=wall)
        order, reader = self._orders[source.topic]
        return Ordering(source, order, copier=copier, reader=reader, table=table, clock=wall)

    def _new_carrier(self, source: SourcePartition, waiting: Callable[[str], None]) -> MemoryCarrier:
        ports: dict[str, Any] = {
            "broker": self.broker,
            "positions": self.consumer,
            "destinations": self.destinations,
            "waiting": waiting,
        }
        carrier = (
            MemoryCarrier(source, **ports)
            if self._group is None
            else MemoryTransactionalCarrier(source, group=self._group, **ports)
        )
        self.carriers.append(carrier)
        return carrier

    @property
    def sources(self) -> tuple[SourcePartition, ...]:
        """Every partition of the broad topics that exist."""
        topics = self.broker.topics
        return tuple(
            SourcePartition(topic, partition)
            for topic in sorted({*self._decide, *(() if self._anew is None else self._anew.internal)})
            if topic in topics
            for partition in range(len(topics[topic].logs))
        )

    async def start(self) -> None:
        """Open a lane for each partition, as after an assignment."""
        self.lanes.open(self.sources)
        await self.settle()

    def fetch(self) -> None:
        """One round of fetching, for the partitions whose lanes have room."""
        for batch in self.consumer.fetch(sorted(self.lanes.accepting()), self._fetch_records):
            self.lanes.offered(batch)
            self.lanes.carry(batch)

    async def settle(self) -> None:
        """Let the lanes do what they can do without time passing."""
        calm = turns = 0
        while calm < _CALM:
            seen = self.broker.activity
            await asyncio.sleep(0)
            calm = calm + 1 if seen == self.broker.activity else 0
            turns += 1
            if turns > _RESTLESS:
                raise StandsStill(self.waiting())

    async def step(self, seconds: float = _STEP) -> None:
        """Fetch, let the lanes work, and let so much time pass."""
        self.fetch()
        await self.settle()
        self.broker.clock.advance(seconds)
        await self.settle()

    async def run(self, *, within: float = 60.0) -> None:
        """Carry until everything is committed. Raises StandsStill where that takes longer, by the broker's clock."""
        until = self.broker.clock.now() + within
        await self.settle()
        while self.rejections.look() or self.behind():
            await self.settle()
            if not self.behind():
                continue
            if self.broker.clock.now() >= until:
                raise StandsStill(self.waiting())
            await self.step()

    def behind(self) -> tuple[SourcePartition, ...]:
        """The partitions with records that are not yet committed, or that are held though their time has come."""
        busy = {lane.source for lane in self.lanes if lane.busy}
        return tuple(
            source
            for source in self.sources
            if source in busy
            or (self.consumer.committed(source) or self.broker.start(source)) < self.broker.end(source)
        )

    def waiting(self) -> dict[SourcePartition, str]:
        """What each partition that is behind waits for, as its lane says it."""
        lanes = {lane.source: lane for lane in self.lanes}
        found = {}
        for source in self.behind():
            lane = lanes.get(source)
            found[source] = "no lane" if lane is None else str(lane.protocol.error or lane.waiting)
        return found

    async def stop(self, *, finish: bool = True) -> None:
        """Give the partitions back: after committing what is on its way, or at once, as a worker that is killed."""
        if finish:
            await self.lanes.finish(within=1.0)
        await self.lanes.close()
