"""The worker that carries one migration: a router's worker with routes of its own, started by `router migrate run`.

What it is to copy stands in ROUTER_MIGRATION, as JSON. It ends when whoever started it is gone, since nobody else would end it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from router.environment import EARLIEST, EXACTLY_ONCE
from router.errors import ConfigError
from router.lanes.batch import SourcePartition
from router.lanes.copying import Copier
from router.lanes.table import BatchCopier
from router.language.routes import RouteSet
from router.migrations.generation_kafka import WorkerStanding
from router.migrations.join_reading import Joins
from router.migrations.joining import Joining
from router.migrations.log import MigrationLog
from router.migrations.mirror import (
    Announcing,
    MirrorCopier,
    SpreadingCopier,
    announcement,
    mirror_routes,
    mirror_twins,
    spreading_routes,
)
from router.migrations.splitting import Splitting, splitting_of
from router.migrations.twins import Twins
from router.migrations.under_way import MirrorLanes
from router.order.ordering import Ordering
from router.settings import Settings
from router.versions.catalogue import read_catalogue
from router.worker import RouterApp
from router.worker_process import configure_worker_logging

__all__ = ["MIGRATION", "Mirror", "MirrorApp", "mirror_app"]

MIGRATION = "ROUTER_MIGRATION"
"""The variable with what is to be copied."""
_LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """What one process copies."""

    ways: Sequence[tuple[str, str]]
    """From which topic to which."""
    group: str
    retiring: str = ""
    """The topic whose copies announce that it is about to go."""
    since: str = ""
    """When its consumers were asked to move: RFC 3339."""
    sunset: str = ""
    """When it goes; empty: nobody said."""
    counts: tuple[int, ...] = ()
    """The partitions of the former topic and of the new one, where these are generations of one topic."""
    by: str = ""
    """Which partitioner chooses among the new ones."""
    split: bool = False
    """The first way's topic is split into those that ways lead to from there."""
    parent: int = 0
    """The process without which this one ends; 0: it needs none."""

    def to_text(self) -> str:
        """As the variable has it."""
        return json.dumps(
            {
                "ways": [list(each) for each in self.ways], "group": self.group, "retiring": self.retiring,
                "since": self.since, "sunset": self.sunset, "parent": self.parent, "counts": list(self.counts),
                "by": self.by, "split": self.split,
            }
        )  # fmt: skip

    @classmethod
    def from_text(cls, text: str) -> Mirror:
        """Raises ValueError for what is not such a text."""
        try:
            told = json.loads(text)
            return cls(
                ways=tuple((str(start), str(to)) for start, to in told["ways"]),
                group=str(told["group"]),
                retiring=str(told["retiring"]),
                since=str(told["since"]),
                sunset=str(told["sunset"]),
                counts=tuple(int(each) for each in told["counts"]),
                by=str(told["by"]),
                split=bool(told["split"]),
                parent=int(told["parent"]),
            )
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"{MIGRATION} is what `router migrate run` gives to its processes: {error!r}") from error


class MirrorApp(RouterApp):
    """The Faust app of a mirror."""

    def __init__(
        self, settings: Settings, mirror: Mirror, route_set: RouteSet, *, splitting: Splitting | None = None
    ) -> None:
        """`splitting` says where records go, where a topic is split by what they are."""
        self.mirror = mirror
        self.splitting = splitting
        # Whatever workers promise, what was copied twice would not be told from what was produced.
        super().__init__(replace(settings, group=mirror.group, http_port=0, guarantee=EXACTLY_ONCE), route_set)
        self.generations = MirrorLanes(MigrationLog(settings), WorkerStanding(settings), group=mirror.group)
        self.joins = None if splitting is None or not splitting.back else self._joins(settings, splitting)
        self.twins = self.joins or self.twins

    def _twins_of(self, route_set: RouteSet) -> Mapping[str, Twins]:  # noqa: ARG002 - its routes name no subject
        return mirror_twins(self.mirror.ways, group=self.mirror.group, former=min(self.mirror.counts, default=0))

    def _joins(self, settings: Settings, splitting: Splitting) -> Joins:
        """What joins what a topic was split into; `settings` are the workers' own."""
        told = {
            each: announcement(each, since=self.mirror.since, sunset=self.mirror.sunset)
            for each in splitting.back
            if self.mirror.retiring
        }

        def joining(source: SourcePartition, inner: BatchCopier) -> Joining:
            copiers = {
                topic: MirrorCopier(
                    topic,
                    decide=splitting.decide[topic],
                    destinations=self.destinations,
                    identity=self.identity,
                    conversions=conversions,
                )
                for topic, conversions in splitting.back.items()
            }
            headers = {each: told.get(each, ()) for each in copiers}
            return Joining(source, inner, copiers=copiers, group=self.mirror.group, headers=headers)

        return Joins(
            self.twins.topics,
            MigrationLog(settings),
            joining=joining,
            count=self.destinations.count,
            group=self.mirror.group,
            bootstrap=settings.broker,
            security=settings.aiokafka_security,
            accepts_loss=settings.offset_lost == EARLIEST,
        )

    def _copier(self, topic: str) -> Copier:
        if self.mirror.counts:
            return SpreadingCopier(
                topic,
                # The first way leads from the former topic to the new one.
                counts=dict(zip(self.mirror.ways[0], self.mirror.counts, strict=True)),
                by=self.mirror.by,
                decide=self.deciders[topic].decide,
                destinations=self.destinations,
                identity=self.identity,
            )
        return MirrorCopier(
            topic,
            decide=self.deciders[topic].decide if self.splitting is None else self.splitting.decide[topic],
            destinations=self.destinations,
            identity=self.identity,
            conversions=self.route_set.sources[topic].conversions,
        )

    def _in_lane(self, topic: str, copier: Copier, order: Ordering | None) -> BatchCopier:
        if (topic, self.mirror.retiring) not in self.mirror.ways:
            return super()._in_lane(topic, copier, order)
        told = announcement(topic, since=self.mirror.since, sunset=self.mirror.sunset)
        return Announcing(copier, told)

    async def on_start(self) -> None:
        """Look after whoever started this, too."""
        await super().on_start()
        if self.mirror.parent:
            self.add_future(self._end_with(self.mirror.parent))
        if self.joins is not None:
            self.add_future(self.joins.run(lambda: self.consumer.lanes, lambda: self.should_stop))

    async def _end_with(self, parent: int) -> None:
        while not self.should_stop:
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return
            await self.sleep(_LOOK_EVERY)


def mirror_app(environ: Mapping[str, str] = os.environ) -> MirrorApp:
    """The app, from the environment; ends the process with what is at fault."""
    try:
        # Not a setting that anybody chooses: `Settings` would ask what is meant.
        settings = Settings.from_environment({name: text for name, text in environ.items() if name != MIGRATION})
        configure_worker_logging(settings)
        mirror = Mirror.from_text(environ.get(MIGRATION, ""))
        if mirror.split:
            splitting = splitting_of(mirror.ways, read_catalogue(settings.schemas))
            return MirrorApp(settings, mirror, splitting.routes, splitting=splitting)
        if mirror.counts:
            return MirrorApp(settings, mirror, spreading_routes(mirror.ways))
        return MirrorApp(settings, mirror, mirror_routes(mirror.ways, read_catalogue(settings.schemas)))
    except (ConfigError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from error
