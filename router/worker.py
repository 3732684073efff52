"""The composition root: the one place that knows all parts of a worker, and puts them together.

Settings and routes are read and checked whole before anything starts; a worker whose routes have an error does not start.
The rest is Faust's: its worker starts the app, the app its consumer, the consumer opens lanes, an agent hands them batches.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import faust
from faust.app.base import BootStrategy
from faust.web.views import View
from prometheus_client import CollectorRegistry

from router import __version__
from router.environment import EARLIEST, EXACTLY_ONCE
from router.errors import BrokerUnavailable, ConfigError
from router.failure.kept_lanes import KeptLanes
from router.lanes.batch import SourcePartition
from router.lanes.careful import careful
from router.lanes.carrier import Carrier
from router.lanes.copying import Copier, Identity
from router.lanes.destinations import Destinations
from router.lanes.directory import KafkaDirectory
from router.lanes.joint_requests import JointRequests
from router.lanes.kafka import IdempotentCarrier, TransactionalCarrier
from router.lanes.lane import Lane
from router.lanes.lanes import Lanes
from router.lanes.protocol import CommitBudget
from router.lanes.reporting import Reporter, kept_back_of, subject_of
from router.lanes.table import BatchCopier
from router.lanes.transport import BatchTransport
from router.language.deciders import deciders, order_reader
from router.language.files import read_routes
from router.language.load import load_valid_routes
from router.language.repartition import with_internal_topics
from router.language.routes import RouteSet
from router.language.topics import changelog_of, sources_by_topic
from router.migrations.generation_kafka import WorkerStanding
from router.migrations.generation_lanes import GenerationLanes
from router.migrations.twin_lanes import TwinLanes
from router.migrations.twins import Twins, twins_of, unneeded
from router.migrations.under_way import MirrorLanes
from router.observe.health import Health, Readiness
from router.observe.logs import get_logger
from router.observe.metrics import Metrics
from router.observe.progress import Progress, Subject
from router.observe.watchdog import Watchdog
from router.order.changelog import ChangelogReader
from router.order.disk import DiskMemory
from router.order.ordering import Ordering
from router.order.repartitioning import Repartitioning
from router.order.table import LaneTables
from router.order.upstream import GroupPositions
from router.replay.asking import asked_of, can_replay
from router.replay.by_hand import ByHandApi
from router.replay.log import REPLAYS, ReplayLog
from router.replay.serving import Replays
from router.runtime import allow_connections, spare_garbage_collection
from router.settings import InvalidSettings, Settings
from router.tables.serving import ServedTables, announced
from router.versions.catalogue import read_catalogue
from router.worker_parts import cannot_follow, cannot_keep, cannot_order, pace, utilization
from router.worker_process import RouterWorker, configure_worker_logging, end_blocked, end_stalled

__all__ = ["RouterApp", "router_app"]

log = get_logger("router.worker")

_FINISH_WITHIN = 3.0
"""Seconds that lanes may take to commit when their partitions are revoked or the worker ends."""
_FETCHED_AHEAD = 4
"""One part in so many of a worker's buffers is for what is fetched ahead: its copies, with our headers, take twice as much."""
_LOOK_EVERY = 2.0
"""Seconds between two looks at the broker and at the lanes."""
_BEAT_EVERY = 1.0
"""Seconds between two looks at whether anything moves."""
_METADATA_AGE_MS = 1_000
"""How old a consumer's knowledge of its topics becomes: asking costs a request for the broad topics alone."""
_HEARTBEAT_EVERY = 0.5
"""Seconds between two heartbeats. By their answers a member learns that the group deals anew, and all wait for the last."""


class WebFirst(BootStrategy):
    """Health is answered before a broker is: a worker that waits for one can say so. Lanes have producers of their own."""

    def server(self) -> Iterable[Any]:
        """What starts, in this order."""
        services: Iterable[Any] = self._chain(
            self.sensors(),
            self.web_server(),
            self.kafka_consumer(),
            self.agents(),
            self.kafka_conductor(),
            self.tables(),
        )
        return services


class RouterApp(faust.App):
    """The Faust app of a worker: its broad topics, and the lanes that carry them."""

    BootStrategy = WebFirst

    def __init__(self, settings: Settings, route_set: RouteSet) -> None:
        self.router_settings = settings
        self.route_set = route_set = with_internal_topics(route_set, settings.group)
        self.deciders = deciders(route_set, in_lanes=True)
        self.finish_within = _FINISH_WITHIN
        self.fetch_ahead_bytes = settings.buffer_bytes // _FETCHED_AHEAD
        self.utilization = utilization(settings)
        self.directory = KafkaDirectory(settings.broker, settings.aiokafka_security())
        self.destinations = Destinations(self.directory)
        self.metrics = Metrics(CollectorRegistry())
        self.metrics.running(version=__version__, routes=route_set.fingerprint)
        for topic in route_set.sources:
            self.metrics.declare(topic)
        self.health = Health({"instance": settings.instance, "routes": route_set.fingerprint}, since=time.time())
        self.reporter = Reporter(self.metrics, fatal=self._end_for)
        ordered = sorted(topic for topic, source in route_set.sources.items() if source.order is not None)
        if ordered and settings.guarantee != EXACTLY_ONCE:
            named = sorted({name for topic in ordered for name in route_set.sources[topic].gathers or (topic,)})
            raise InvalidSettings([cannot_order(settings, named)])
        self._left_behind: list[str] = []
        self.order_readers = {
            topic: order_reader(route_set.sources[topic]) for topic in ordered if topic in self.deciders
        }
        decide = {topic: decider.decide for topic, decider in self.deciders.items()}
        twins = self._twins_of(route_set)
        if twins and settings.guarantee != EXACTLY_ONCE:
            raise InvalidSettings([cannot_follow(settings, sorted(twins))])
        self.twins = TwinLanes(twins, count=self.destinations.count)
        self.generations: GenerationLanes | MirrorLanes = GenerationLanes(
            WorkerStanding(settings),
            group=settings.group,
            topics=sources_by_topic(route_set),
            count=self.destinations.count,
        )
        self.replays = Replays(
            ReplayLog(settings),
            group=settings.group,
            bootstrap=settings.broker,
            security=settings.aiokafka_security,
            # Read once more, and only where somebody asks: hardly a worker ever replays.
            asks=lambda replay: asked_of(read_catalogue(settings.schemas), replay),
            there=lambda: self.destinations.count(REPLAYS) > 0,
        )
        self.repartitioning = Repartitioning(route_set, decide=decide, destinations=self.destinations)
        for topic in ordered:
            self.metrics.ordered(topic, held=0, released={}, gaps=0, late=0, duplicates=0, illegal=0)
        kafka = settings.broker, settings.aiokafka_security
        self.kept = KeptLanes(route_set, *kafka, destinations=self.destinations)
        if self.kept.topics and settings.guarantee != EXACTLY_ONCE:
            raise InvalidSettings([cannot_keep(settings, self.kept.topics)])
        self.metrics.failing(self.kept.topics)
        self.tabled = tabled = frozenset({*ordered, *self.kept.sources})
        super().__init__(settings.group, **_faust_settings(settings, standbys=settings.standbys if tabled else 0))
        if tabled:
            reader = ChangelogReader(settings.broker, settings.aiokafka_security)
            self.lane_tables.read_with(reader, memory=DiskMemory(), partitions=self.destinations.count)
            self.lane_tables.declare(sorted(tabled))
        self.served_tables = ServedTables(settings, route_set, self)
        pages = {"/healthz": _healthz, "/readyz": _readyz, "/metrics": _metrics, **self.served_tables.pages}
        for path, view in pages.items():
            self.page(path, name=path.strip("/"))(view)
        self.by_hand = ByHandApi(settings, route_set)
        for path, methods in self.by_hand.pages.items():
            self.page(path, name=path.strip("/"))(type("ByHand", (View,), dict(methods)))

    @property
    def broad_topics(self) -> faust.TopicT:
        """One channel over all sources, whose events are batches."""
        return BatchTopic(self, topics=sorted(self.route_set.sources), internal=False)

    @property
    def lane_tables(self) -> LaneTables:
        """The tables of the sources that are put in order: `lane_table(topic, partition)` for each lane."""
        tables: LaneTables = self.tables
        return tables

    @property
    def lanes(self) -> Lanes:
        """The lanes of the partitions that this worker owns."""
        lanes: Lanes = self.consumer.lanes
        return lanes

    def _twins_of(self, route_set: RouteSet) -> Mapping[str, Twins]:
        return twins_of(route_set)

    def new_lanes(self, positions: GroupPositions) -> Lanes:
        """Called by the consumer for the lanes that it feeds."""
        settings = self.router_settings
        budget = CommitBudget(settings.commits_per_second)
        joint = JointRequests()
        notes = settings.data_dir / "begun"

        def new_lane(source: SourcePartition, room: Any) -> Lane:
            copier = self._copier(source.topic)
            order = self._order(source, copier)
            inner = self._in_lane(source.topic, copier, order)
            keeping = self.kept.around(source, inner, copier=copier, order=order, table=self.lane_tables.lane_table)
            outer = self.twins.around(source, keeping or inner)
            if can_replay(self.route_set, source.topic) and settings.guarantee == EXACTLY_ONCE:
                outer = self.replays.around(source, outer, copier=copier)
            usual = self.repartitioning.positions(source.topic, positions)
            lane = Lane(
                source,
                copier=careful(source, outer, copier=copier, directory=notes),
                order=keeping or order,
                destinations=self.destinations,
                positions=self.generations.positions(
                    self.replays.positions(source, self.twins.positions(source, positions, usual))
                ),
                new_carrier=new_carrier,
                pace=pace(settings),
                budget=budget,
                observer=self.reporter,
                room=room,
                accepts_loss=settings.offset_lost == EARLIEST,
            )
            return self.kept.woken(lane, keeping)

        def new_carrier(source: SourcePartition, waiting: Any) -> Carrier:
            common = {
                "bootstrap": settings.broker,
                "security": settings.aiokafka_security(),
                "destinations": self.destinations,
                "waiting": waiting,
            }
            if settings.guarantee != EXACTLY_ONCE:
                return IdempotentCarrier(source, positions=positions, joint=joint, **common)
            carrier = TransactionalCarrier(
                source,
                group=settings.group,
                transaction_timeout_ms=settings.transaction_timeout_ms,
                note=self.twins.note(source) or self.replays.note(source),
                **common,
            )
            after = self.generations.carrier(self.replays.carrier(source, carrier), waiting)
            return self.twins.behind(source, after, positions, waiting)

        return Lanes(new_lane, buffer_bytes=settings.buffer_bytes - self.fetch_ahead_bytes)

    @property
    def identity(self) -> Identity:
        """What hops say of this worker."""
        settings = self.router_settings
        return Identity(
            service=settings.group,
            instance=settings.instance,
            route_set=self.route_set.fingerprint,
            tags=settings.tags,
        )

    def _copier(self, topic: str) -> Copier:
        anew = self.repartitioning.copier(topic, identity=self.identity)
        return anew or Copier(
            topic,
            decide=self.deciders[topic].decide,
            destinations=self.destinations,
            identity=self.identity,
            conversions=self.route_set.sources[topic].conversions,
        )

    def _in_lane(self, topic: str, copier: Copier, order: Ordering | None) -> BatchCopier:
        """What a lane's batches are given to, before rejections and twins."""
        return order or self.repartitioning.relay(copier, topic) or copier

    def _order(self, source: SourcePartition, copier: Copier) -> Ordering | None:
        order = self.route_set.sources[source.topic].order
        if order is None:
            return None
        table = self.lane_tables.lane_table(source.topic, source.partition)
        gathered = self.repartitioning.ordering(source, copier=copier, table=table)
        return gathered or Ordering(source, order, copier=copier, reader=self.order_readers[source.topic], table=table)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def _create_directories(self) -> None:
        self.conf.datadir.mkdir(parents=True, exist_ok=True)
        super()._create_directories()

    def readiness(self) -> Readiness:
        """How this worker is now; brings the gauges up to date with it."""
        statuses = self.reporter.look(self.lanes, self.consumer.lag)
        failure, since = self.consumer.thread.failure(time.time()) or ("", None)
        self.health.fetching(failure, since=since)
        trouble, since = self.kept.trouble
        self.health.rejections(trouble, since=since)
        readiness = self.health.readiness(statuses, now=time.time(), kept_back=kept_back_of(self.lanes))
        self.metrics.ready(readiness.ready)
        return readiness

    async def on_start(self) -> None:
        """Begin to look after ourselves before the consumer starts: that may take as long as there is no broker."""
        await super().on_start()
        spare_garbage_collection()
        allow_connections()
        self.add_future(self._look_after())
        self.add_future(self.replays.run(lambda: self.consumer.lanes, lambda: self.should_stop))
        limit = self.router_settings.stall_timeout_ms / 1000
        if limit:
            self.add_future(self._watch(limit))

    async def _watch(self, limit: float) -> None:
        """End this process where it does not move although it has work: nothing that was committed is lost by that."""
        progress = Progress(limit)
        watchdog = Watchdog(limit, end=end_blocked)
        watchdog.start()
        said = False
        try:
            while not self.should_stop:
                watchdog.beat()
                stall = progress.look(self._subjects(), time.monotonic())
                self.health.progress(str(stall or ""), since=time.time() - stall.seconds if stall else None)
                if stall is not None and stall.over:
                    end_stalled(stall)
                if stall is not None and not said:
                    log.warning("something does not move", reason="no-progress", problem=str(stall), limit=stall.limit)
                said = stall is not None
                await self.sleep(_BEAT_EVERY)
        finally:
            # Who ends has its own time for that.
            watchdog.stop()

    def _subjects(self) -> Iterator[Subject]:
        consumer = self.consumer
        thread = consumer.thread
        known = self.health.waits or thread.failure(time.time()) is not None
        dealing = self.rebalancing
        yield Subject(
            "the group",
            self.rebalancing_count,
            owes=dealing and thread.grouped and not known,
            allowance=float(self.conf.broker_rebalance_timeout),
        )
        yield Subject("fetching", consumer.turns, owes=bool(consumer.lanes) and not dealing and not known)
        restoring = self.lane_tables.restoring()
        read = sum(each.position for each in restoring.values())
        yield Subject("restoring tables", read, owes=bool(restoring) and not dealing and not known)
        for lane in consumer.lanes:
            subject = subject_of(lane, unread=consumer.unread(lane.source))
            yield replace(subject, owes=subject.owes and not lane.restoring and not dealing and not known)

    async def _look_after(self) -> None:
        while not self.should_stop:
            try:
                await self.destinations.refresh()
                self.health.broker_connected()
                missing = self.destinations.missing(self.route_set.sources)
                needless = unneeded(missing, self.twins.topics)
                self._say_missing([each for each in missing if each not in needless])
                self._say_left_behind()
            except BrokerUnavailable as error:
                self.health.broker_lost(str(error), since=time.time())
            self.readiness()
            gc.collect()
            await self.sleep(_LOOK_EVERY)

    def _say_missing(self, sources: Sequence[str]) -> None:
        if self.health.sources_missing(sources, since=time.time()) and sources:
            log.warning("broad topics are missing", reason="source-unavailable", topics=", ".join(sources))

    def _say_left_behind(self) -> None:
        """Tables of sources of which nothing is kept any more: what they hold is sent by nobody."""
        untabled = self.route_set.sources.keys() - self.tabled
        left = sorted(topic for topic in untabled if self.destinations.count(changelog_of(self.conf.id, topic)))
        if left and left != self._left_behind:
            log.warning(
                "there are tables of sources whose records routes put in order no longer, or whose consumers reject no more: what they hold is not sent",
                reason="left-behind",
                topics=", ".join(left),
            )
        self._left_behind = left

    def on_rebalance_start(self) -> None:
        """The group deals out its partitions."""
        self.health.unassigned(since=time.time())
        super().on_rebalance_start()

    def on_rebalance_end(self) -> None:
        """The partitions are dealt out, and this worker's lanes begin to open."""
        super().on_rebalance_end()
        self.health.assigned()
        self.metrics.rebalanced()

    async def on_stop(self) -> None:
        """Let go of the connections that no service owns."""
        await super().on_stop()
        await self.by_hand.close()
        await self.served_tables.close()
        await self.kept.close()
        await self.directory.close()

    def _end_for(self, error: BaseException) -> None:
        log.critical("the worker ends: it contradicts itself", error=error)
        sys.stdout.flush()
        os._exit(70)


async def _healthz(view: Any, _request: Any) -> Any:
    liveness = view.app.health.liveness(now=time.time())
    return view.json(liveness.to_json(), status=liveness.status)


async def _readyz(view: Any, _request: Any) -> Any:
    readiness = view.app.readiness()
    return view.json(readiness.to_json(), status=readiness.status)


async def _metrics(view: Any, _request: Any) -> Any:
    view.app.readiness()
    metrics = view.app.metrics
    return view.bytes(metrics.render(), headers={"Content-Type": metrics.content_type})


class BatchTopic(faust.Topic):
    """A topic whose events are batches as the transport made them: nothing is left to decode."""

    def _compile_decode(self) -> None:
        create_event = self.app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's own signature
            return create_event(None, message.value, None, message)

        self.decode = decode


def router_app(environ: Mapping[str, str] = os.environ) -> RouterApp:
    """The app of a worker, from the environment; ends the process with the findings where they are at fault."""
    try:
        settings = Settings.from_environment(environ)
        configure_worker_logging(settings)
        return RouterApp(settings, read_route_set(settings))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(1) from error


def read_route_set(settings: Settings) -> RouteSet:
    """The routes that the settings name, checked against the catalogue. Raises InvalidRoutes or InvalidSchema."""
    route_set, findings = load_valid_routes(read_routes(settings.routes), read_catalogue(settings.schemas))
    for finding in findings:
        log.warning("route finding", finding=str(finding), reason=str(finding.kind))
    return route_set


def _faust_settings(settings: Settings, *, standbys: int) -> dict[str, Any]:
    session = settings.session_timeout_ms / 1000
    return {
        "broker": [f"kafka://{address}" for address in settings.broker.split(",")],
        "broker_credentials": _credentials(settings),
        "canonical_url": announced(settings),
        "broker_max_poll_records": settings.fetch_records,
        "consumer_max_fetch_size": settings.fetch_bytes,
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": settings.instance if settings.static_membership else None,
        # How soon a broad topic that is created late is found, and one that gets more partitions.
        "consumer_metadata_max_age_ms": _METADATA_AGE_MS,
        "broker_session_timeout": session,
        "broker_heartbeat_interval": min(session / 5, _HEARTBEAT_EVERY),
        "broker_rebalance_timeout": max(session, 30.0),
        "broker_request_timeout": max(session, 40.0),
        "broker_max_poll_interval": 300.0,
        "datadir": settings.data_dir,
        "store": "memory://",
        "table_standby_replicas": standbys,
        "TableManager": LaneTables,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "web_enabled": settings.http_port != 0,
        "web_bind": settings.http_host,
        "web_host": settings.http_host,
        "web_port": settings.http_port or 6066,
        "web_graph_enabled": False,
        "web_router_enabled": False,
        "web_stats_enabled": False,
        "web_tables_enabled": False,
        "Worker": RouterWorker,
    }


def _credentials(settings: Settings) -> Any:
    if settings.sasl:
        return faust.SASLCredentials(
            username=settings.sasl_username,
            password=settings.sasl_password,
            mechanism=settings.sasl_mechanism,
            ssl_context=settings.ssl_context(),
        )
    return faust.SSLCredentials(context=settings.ssl_context()) if settings.tls else None
