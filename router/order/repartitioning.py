"""What the lanes of a route set need where records are keyed anew before they are put in order; made once a worker.

    lanes of a source          a `Relay` in the copier's place
    lanes of its internal one  a `GatheringCopier`, a `GatheredOrdering`, and `UpstreamPositions`

All other lanes get nothing from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from router.exchange.decision import Decision
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Positions
from router.lanes.clock import Clock
from router.lanes.copying import Copier, DestinationView
from router.lanes.table import BatchCopier, LaneTable
from router.language.deciders import gathered_readers, relay_reader
from router.language.routes import RouteSet, Source
from router.order.gathering import GatheredOrdering, GatheringCopier
from router.order.ordering import Ordering
from router.order.relaying import Relay, RelayCopier
from router.order.upstream import GroupPositions, UpstreamPositions
from router.records.record import Record

__all__ = ["Repartitioning"]


class TopicCounts(DestinationView, Protocol):
    """What is known of topics, sources included."""

    def count(self, topic: str) -> int:
        """How many partitions it has; 0 where it is not there."""


class Repartitioning:
    """Of a route set that names its internal topics."""

    def __init__(
        self, route_set: RouteSet, *, decide: Mapping[str, Callable[[Record], Decision]], destinations: TopicCounts
    ) -> None:
        """`decide` has what decides for each source but the internal ones (`deciders`)."""
        self._decide = decide
        self._destinations = destinations
        self._relays = {name: source for name, source in route_set.sources.items() if source.relay is not None}
        self._relay_readers = {name: relay_reader(source) for name, source in self._relays.items()}
        self._internal = {name: source for name, source in route_set.sources.items() if source.gathers}
        self._readers = {name: gathered_readers(route_set, source) for name, source in self._internal.items()}

    @property
    def internal(self) -> Mapping[str, Source]:
        """The internal topics, by name."""
        return self._internal

    def copier(self, topic: str, **more: Any) -> Copier | None:
        """What copies a source's records as they come; None where nothing is special about it.

        `more` is what any copier takes besides, as below.
        """
        if topic in self._relays:
            return RelayCopier(self._relays[topic], decide=self._decide[topic], destinations=self._destinations, **more)
        if topic in self._internal:
            return GatheringCopier(self._internal[topic], decide=self._decide, destinations=self._destinations, **more)
        return None

    def relay(self, copier: Copier, topic: str) -> BatchCopier | None:
        """What stands in the place of the copier of a source whose records are sent through an internal topic."""
        if not isinstance(copier, RelayCopier):
            return None
        return Relay(self._relays[topic], copier=copier, reader=self._relay_readers[topic])

    def ordering(self, source: SourcePartition, *, copier: Copier, table: LaneTable, **more: Any) -> Ordering | None:
        """What puts an internal topic's records in order; None of any other. `more` is what any order takes besides."""
        if source.topic not in self._internal:
            return None
        order = self._internal[source.topic].order
        readers = self._readers[source.topic]
        return GatheredOrdering(source, order, copier=copier, table=table, readers=readers, **more)

    def positions(self, topic: str, positions: GroupPositions, *, clock: Clock | None = None) -> Positions:
        """Where a lane stands, and where its source ends: of an internal topic, behind what its sources have."""
        if topic not in self._internal:
            return positions
        gathers, count = self._internal[topic].gathers, self._destinations.count

        def sources() -> list[SourcePartition]:
            return [SourcePartition(name, each) for name in gathers for each in range(count(name))]

        return UpstreamPositions(positions, sources=sources, clock=clock)
