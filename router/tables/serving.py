"""Puts the API of a worker's tables together."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from router.lanes.destinations import Destinations
from router.lanes.lane import Lane
from router.lanes.protocol import LaneState
from router.lanes.reporting import status_of
from router.language.routes import RouteSet
from router.language.topics import keeping_sources
from router.settings import Settings
from router.tables.api import TablesApi
from router.tables.asking import Asking
from router.tables.here import Here, OwnedPartition, PartitionStore
from router.tables.history import ChangelogPast
from router.tables.kept import AskingKept
from router.tables.owners import Owner, advertised, owner_at, owners_of
from router.tables.peers import HttpPeers
from router.tables.view import Explainer

__all__ = ["ServedTables", "TablesWorker", "announced", "owned_partition"]


def announced(settings: Settings) -> str:
    """The URL by which the group knows this worker."""
    return advertised(
        instance=settings.instance,
        host=settings.http_host,
        port=settings.http_port,
        url=settings.http_url,
        machine=socket.gethostname(),
    )


def owned_partition(lane: Lane, disk: PartitionStore) -> OwnedPartition:
    """A lane's partition as it is now."""
    status = status_of(lane)
    return OwnedPartition(
        disk,
        carrying=lane.protocol.state is LaneState.CARRYING,
        restoring=lane.restoring,
        reason=status.reason,
        message=status.message,
        timers=lane.timers,
    )


class TablesOnDisk(Protocol):
    """What a worker keeps of its tables."""

    def disk(self, source: str, partition: int) -> PartitionStore:
        """What is committed of a partition."""


class TablesWorker(Protocol):
    """What is asked of a worker."""

    destinations: Destinations
    conf: Any
    """Faust's, which has the URL as the group is told it."""

    @property
    def lanes(self) -> Iterable[Lane]:
        """Those of the partitions that it owns."""

    @property
    def assignor(self) -> Any:
        """Faust's, which knows what was dealt to whom."""

    @property
    def lane_tables(self) -> TablesOnDisk:
        """Those of its lanes."""


class ServedTables:
    """The pages, and the connections to other workers behind them."""

    def __init__(self, settings: Settings, route_set: RouteSet, worker: TablesWorker) -> None:
        """A table for each of the sources that are put in order, and what lanes keep for consumers that reject."""

        def look(source: str, partition: int) -> OwnedPartition | None:
            at = (source, partition)
            lane = next((each for each in worker.lanes if (each.source.topic, each.source.partition) == at), None)
            return None if lane is None else owned_partition(lane, worker.lane_tables.disk(source, partition))

        def owners(changelog: str) -> Mapping[int, Owner]:
            return owners_of(changelog, worker.assignor.changelog_distribution)

        ordered = {topic: source.order for topic, source in route_set.sources.items() if source.order is not None}
        self._peers = HttpPeers(settings.api_token or "")
        me, count = owner_at(str(worker.conf.canonical_url)), worker.destinations.count
        asking = Asking(
            group=settings.group,
            me=me,
            here=Here(look, {source: Explainer(order.policy) for source, order in ordered.items()}),
            peers=self._peers,
            owners=owners,
            count=count,
            past=ChangelogPast(settings.broker, settings.aiokafka_security),
        )
        kept = AskingKept(
            group=settings.group, me=me, sources=keeping_sources(route_set), look=look, peers=self._peers, owners=owners, count=count
        )  # fmt: skip
        self._api = TablesApi(asking, kept, token=settings.api_token)

    @property
    def pages(self) -> Mapping[str, Callable[..., Any]]:
        """By path, for the web server."""
        return self._api.pages

    async def close(self) -> None:
        """Let go of the connections."""
        await self._peers.close()
