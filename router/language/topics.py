"""The topics that a route set needs, each with the shape it should have. Pure: creating them is somebody else's work.

A narrow topic has as many partitions as its source, so that a record keeps its partition's number, and keeps records as
long as its source, unless its team says otherwise. Where several sources reach it, it takes the most partitions and the
longest retention of theirs. Each source has two topics beside it, for what no route wants and for what cannot be read;
both take 64 KiB more than the source itself, because what is set aside carries headers that say why.

A topic whose consumer may reject records (`failure:`) has three: rejections, which the lane of their number reads, so that
there are as many partitions as the source has; the consumer's marks of parked keys, compacted, beside the keys; dead letters,
which take 64 KiB more than rejections do, as those take more than the source.

A source that is put in order, or from which records are kept for such a consumer, has a third: the changelog of its table, one a consumer group. Kafka keeps the last record of
each key in it, and for a week what says that a key is gone, so that a worker's disk may be that old.

An order that goes by another field than the records' keys, or over several sources, has an internal topic that is keyed by
that field, one a consumer group as well (`repartition` of this folder). It is a source from then on, as large as the largest
source that it gets records of, and takes 64 KiB more: its records carry what they were before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from router.exchange.model import Destination, DestinationKind, Exchange
from router.failure.topics import parked_of, rejected_of
from router.language.routes import RouteSet
from router.order.marker import KEEP_TOMBSTONES_MS

__all__ = [
    "ROOM_FOR_REASONS",
    "TopicPlan",
    "TopicRole",
    "as_they_are",
    "changelog_of",
    "dead_letters_of",
    "keeping_sources",
    "needed",
    "plan_topics",
    "repartition_of",
    "sources_by_topic",
    "unroutable_of",
]

ROOM_FOR_REASONS = 65_536
"""Bytes by which a record that is set aside may be larger than its source takes."""

_SEGMENT_BYTES = 104_857_600
"""Kafka compacts all segments of a log but the one that is written: what a restoring worker reads in vain is a part of it."""

KAFKA_MAX_MESSAGE_BYTES = 1_048_588
"""A topic's `max.message.bytes` where neither it nor its broker says otherwise."""


class TopicRole(StrEnum):
    """What a topic is to the router."""

    SOURCE = "source"
    NARROW = "narrow"
    UNROUTABLE = "unroutable"
    DEAD_LETTERS = "dead-letters"
    CHANGELOG = "changelog"
    REPARTITION = "repartition"
    REJECTED = "rejected"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """One topic as it should be created."""

    name: str
    role: TopicRole
    team: str | None
    """Who declared it; None where nobody did."""
    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)
    """Kafka's own names and texts; what is not here has the broker's default."""


def unroutable_of(source: str) -> str:
    """The topic for this source's records that no route wants."""
    return f"{source}.unroutable"


def changelog_of(group: str, source: str) -> str:
    """The topic for the changes of this source's table: by Faust's rule, whose table it is. Each group has its own."""
    return f"{group}-{source}-changelog"


def repartition_of(group: str, exchange: str) -> str:
    """The internal topic in which this exchange's records lie by what they are ordered by. Each group has its own."""
    return f"{group}-{exchange}-repartition"


def dead_letters_of(source: str) -> str:
    """The topic for this source's records that cannot be routed."""
    return f"{source}.dead-letters"


def plan_topics(
    route_set: RouteSet,
    *,
    default_partitions: int,
    replication: int,
    max_message_bytes: int = KAFKA_MAX_MESSAGE_BYTES,
    group: str | None = None,
) -> tuple[TopicPlan, ...]:
    """Every topic of the route set, each once: sources, then narrow topics by name, then what is set aside.

    `default_partitions` is for sources whose owner declares none; `max_message_bytes` is what the sources take. `group` is
    the consumer group whose tables' changelogs are planned; none without. Internal topics are planned where the set names
    them (`with_internal_topics`).
    """
    plans: dict[str, TopicPlan] = {}
    room, more_room = (str(max_message_bytes + times * ROOM_FOR_REASONS) for times in (1, 2))
    for source in sorted(name for name, each in route_set.sources.items() if not each.gathers):
        partitions, config = _declared(route_set, source, default_partitions, ())
        team = _team_of(route_set, source)
        plans[source] = TopicPlan(source, TopicRole.SOURCE, team, partitions, replication, config)
    for source in sorted(name for name, each in route_set.sources.items() if each.gathers):
        gathered = [plans[name] for name in route_set.sources[source].gathers]
        partitions, config = _declared(route_set, source, max(plan.partitions for plan in gathered), gathered)
        config["max.message.bytes"] = room
        plans[source] = TopicPlan(source, TopicRole.REPARTITION, None, partitions, replication, config)
    reached = sources_by_topic(route_set)
    keeping = keeping_sources(route_set)
    beside = {name for name, each in route_set.topics.items() if each.failure is not None}
    for topic in sorted(route_set.topics.keys() | reached.keys()):
        if topic not in plans:
            feeding = [plans[source] for source in reached.get(topic, ())]
            partitions, config = _declared(
                route_set, topic, max((plan.partitions for plan in feeding), default=default_partitions), feeding
            )
            if topic in beside:
                # Release marks have no key, and a compacted topic takes no record without one.
                config["cleanup.policy"] = "delete"
            plans[topic] = TopicPlan(
                topic, TopicRole.NARROW, _team_of(route_set, topic), partitions, replication, config
            )
    for source in sorted(route_set.sources):
        partitions, config = plans[source].partitions, dict(plans[source].config)
        config["max.message.bytes"] = room
        for name, role in (
            (unroutable_of(source), TopicRole.UNROUTABLE),
            (dead_letters_of(source), TopicRole.DEAD_LETTERS),
        ):
            plans.setdefault(name, TopicPlan(name, role, None, partitions, replication, config))
        if group is not None and (route_set.sources[source].order is not None or source in keeping):
            name = changelog_of(group, source)
            compacted = {
                "cleanup.policy": "compact",
                "delete.retention.ms": str(KEEP_TOMBSTONES_MS),
                # What is rejected is kept with all that its consumer says of it.
                "max.message.bytes": more_room if source in keeping else room,
                "segment.bytes": str(_SEGMENT_BYTES),
            }
            plans[name] = TopicPlan(name, TopicRole.CHANGELOG, None, partitions, replication, compacted)
    for topic in sorted(beside):
        of_source = max((plans[source].partitions for source in reached.get(topic, ())), default=default_partitions)
        for plan in _beside(plans[topic], of_source, room=room, more_room=more_room):
            plans.setdefault(plan.name, plan)
    return tuple(plans.values())


def needed(
    plans: Iterable[TopicPlan], route_set: RouteSet, there: Collection[str], *, group: str | None = None
) -> tuple[TopicPlan, ...]:
    """Of these plans, those that are of use while `there` are the topics that exist.

    Of a source that is named by its subject one version is enough: what a migration has retired is not made again, and what
    none has begun to fill is for it to make, with the partitions of the former. Where none exists, it is the latest.
    """
    unneeded: set[str] = set()
    for subject in {each.subject for each in route_set.sources.values()} - {None}:
        topics = [topic for topic, each in route_set.sources.items() if each.subject == subject]
        exist = [topic for topic in topics if topic in there] or [max(topics, key=_version)]
        for topic in set(topics).difference(exist):
            unneeded |= {topic, unroutable_of(topic), dead_letters_of(topic)}
            unneeded |= set() if group is None else {changelog_of(group, topic)}
    return tuple(plan for plan in plans if plan.name not in unneeded)


def as_they_are(plans: Iterable[TopicPlan], route_set: RouteSet, there: Mapping[str, int]) -> tuple[TopicPlan, ...]:
    """The same plans, where internal topics stay as they are: what is rejected has a partition for each of their lanes.

    `there` are the partitions of topics that exist.
    """
    lanes: dict[str, int] = {}
    for source, topics in keeping_sources(route_set).items():
        if route_set.sources[source].gathers:
            lanes.update((rejected_of(topic), there.get(source, 0)) for topic in topics)
    return tuple(replace(plan, partitions=max(plan.partitions, lanes.get(plan.name, 0))) for plan in plans)


def _version(topic: str) -> int:
    return int(topic.rpartition(".v")[2])


def _beside(topic: TopicPlan, of_source: int, *, room: str, more_room: str) -> Iterable[TopicPlan]:
    """What stands beside a topic whose consumer may reject its records.

    A rejection has room for its reasons, and a dead letter for those and the router's.
    """
    rejections, letters = ({**topic.config, "max.message.bytes": each} for each in (room, more_room))
    marks = {"cleanup.policy": "compact"}
    for name, role, partitions, config in (
        (rejected_of(topic.name), TopicRole.REJECTED, of_source, rejections),
        (parked_of(topic.name), TopicRole.PARKED, topic.partitions, marks),
        (dead_letters_of(topic.name), TopicRole.DEAD_LETTERS, topic.partitions, letters),
    ):
        yield TopicPlan(name, role, topic.team, partitions, topic.replication, config)


def keeping_sources(route_set: RouteSet) -> dict[str, tuple[str, ...]]:
    """By source, the topics whose consumers may reject its records, by name: its lanes keep what waits for them."""
    found: dict[str, list[str]] = {}
    for topic, sources in sorted(sources_by_topic(route_set).items()):
        declared = route_set.topics.get(topic)
        if declared is not None and declared.failure is not None:
            for source in sources:
                if _written_by_lanes(route_set, source, topic):
                    found.setdefault(source, []).append(topic)
    return {source: tuple(topics) for source, topics in found.items()}


def sources_by_topic(route_set: RouteSet) -> dict[str, tuple[str, ...]]:
    """For each topic that records can be copied to, the sources that they can come from, by name."""
    found: dict[str, list[str]] = {}
    for source in sorted(route_set.sources):
        for topic in _reachable(route_set, [entry.exchange for entry in route_set.sources[source].entries]):
            found.setdefault(topic, []).append(source)
    return {topic: tuple(sources) for topic, sources in found.items()}


def _written_by_lanes(route_set: RouteSet, source: str, topic: str) -> bool:
    """Whether the source's own lanes write what the topic gets of it, and not those of an internal topic, or those before one."""
    read = route_set.sources[source]
    # Behind an internal topic all can come: what was declared `ordered: false` while records lay in it, too.
    if read.relay is None or topic in read.relay.at_once:
        return True
    return topic in _reachable(
        route_set, [entry.exchange for entry in read.entries if entry.exchange != read.relay.exchange]
    )


def _reachable(route_set: RouteSet, exchanges: Iterable[str]) -> set[str]:
    topics: set[str] = set()
    seen = set(exchanges)
    waiting = list(seen)
    while waiting:
        for destination in _destinations(route_set.exchanges[waiting.pop()]):
            if destination.kind is DestinationKind.TOPIC:
                topics.add(destination.name)
            elif destination.name not in seen:
                seen.add(destination.name)
                waiting.append(destination.name)
    return topics


def _destinations(exchange: Exchange) -> Iterable[Destination]:
    for binding in exchange.bindings:
        yield binding.destination
    if exchange.alternate is not None:
        yield exchange.alternate


def _declared(
    route_set: RouteSet, topic: str, partitions: int, feeding: Iterable[TopicPlan]
) -> tuple[int, dict[str, str]]:
    """Partitions and configuration: the topic's own where declared, else those of what feeds it."""
    declaration = route_set.topics.get(topic)
    retention = None if declaration is None else declaration.retention_ms
    if retention is None:
        retention = _longest(plan.config.get("retention.ms") for plan in feeding)
    if declaration is not None and declaration.partitions is not None:
        partitions = declaration.partitions
    return partitions, {} if retention is None else {"retention.ms": str(retention)}


def _longest(retentions: Iterable[str | None]) -> int | None:
    """The longest of these; -1 is for ever. None, the broker's default, where one of them is that."""
    found = list(retentions)
    numbers = [int(retention) for retention in found if retention is not None]
    if not numbers or len(numbers) < len(found):
        return None
    return -1 if -1 in numbers else max(numbers)


def _team_of(route_set: RouteSet, topic: str) -> str | None:
    declaration = route_set.topics.get(topic)
    return None if declaration is None else declaration.team
