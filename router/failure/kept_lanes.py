"""Which lanes of a worker keep what consumers reject, and with what: the one place that puts `Keeping` around a copier."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from router.failure.keeping import Keeping
from router.failure.policy import Kept
from router.failure.reader import RejectionReader
from router.lanes.batch import SourcePartition
from router.lanes.copying import Copier, DestinationView
from router.lanes.lane import Lane
from router.lanes.table import BatchCopier, LaneOrder, LaneTable
from router.language.routes import RouteSet
from router.language.topics import keeping_sources, plan_topics

__all__ = ["KeptLanes", "kept_by_source"]


_USUAL_RETENTION_MS = 604_800_000
"""What brokers keep where nobody says otherwise: 7 days."""


def kept_by_source(route_set: RouteSet) -> dict[str, Kept]:
    """By broad topic, what its lanes keep; only of those from which records go to a topic that says `failure:`."""
    keeping = keeping_sources(route_set)
    if not keeping:
        return {}
    retentions = {
        plan.name: plan.config.get("retention.ms")
        for plan in plan_topics(route_set, default_partitions=1, replication=1)
    }
    found = {}
    for source, topics in keeping.items():
        said = {topic: route_set.topics[topic].failure for topic in topics}
        policies = {topic: policy for topic, policy in said.items() if policy is not None}
        known = {topic: int(retentions[topic] or -1) for topic in topics}
        found[source] = Kept(
            policies=policies,
            retention_ms={topic: None if ms < 0 else ms for topic, ms in known.items()},
            renew_ms={
                topic: int(retentions[topic] or _USUAL_RETENTION_MS) // 2
                for topic in topics
                if retentions[topic] != "-1"
            },
        )
    return found


class KeptLanes:
    """Of one worker. Where no topic says `failure:`, it does nothing at all."""

    def __init__(
        self,
        route_set: RouteSet,
        bootstrap: str,
        security: Callable[[], Mapping[str, Any]],
        *,
        destinations: DestinationView,
    ) -> None:
        """`security` gives a client's settings of that kind."""
        self.sources = kept_by_source(route_set)
        """By broad topic, what its lanes keep."""
        self._destinations = destinations
        self._reader = RejectionReader(bootstrap, security)

    @property
    def trouble(self) -> tuple[str, float | None]:
        """Why what consumers reject cannot be read, and since when; the empty text while all is well."""
        return self._reader.trouble or ("", None)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics whose consumers may reject records, by name."""
        return tuple(sorted({topic for kept in self.sources.values() for topic in kept.policies}))

    def around(
        self,
        source: SourcePartition,
        inner: BatchCopier,
        *,
        copier: Copier,
        order: LaneOrder | None,
        table: Callable[[str, int], LaneTable],
    ) -> Keeping | None:
        """What keeps around a lane's copier, or around what stands around that; None where nothing is kept.

        `table` makes the lane's table; a lane that has `order` has one already.
        """
        kept = self.sources.get(source.topic)
        if kept is None:
            return None
        return Keeping(
            source,
            kept,
            copier=copier,
            inner=inner,
            order=order,
            table=table(source.topic, source.partition) if order is None else order.table,
            destinations=self._destinations,
            feed=self._reader,
        )

    @staticmethod
    def woken(lane: Lane, keeping: Keeping | None) -> Lane:
        """The lane, which hears of rejections from now on."""
        if keeping is not None:
            keeping.wake = lane.wake
        return lane

    async def close(self) -> None:
        """Read no more."""
        await self._reader.close()
