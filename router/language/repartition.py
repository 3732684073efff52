"""From what routes say of order to the internal topics that it takes where records are keyed anew (`repartition: true`).

One exchange's order has one internal topic a consumer group, as it has one table: two groups with the same routes must not
read each other's. So a route set as it was loaded names none, and whoever knows the group has them named here:

    before   source S ──► exchange E, put in order as S's
    after    source S ──► relay ──► internal topic ──► exchange E, put in order as the internal topic's

Behind that, an internal topic is a source like any other: workers read it, lanes carry it, and what is set aside of it lies
beside it. It has as many partitions as the largest source that it gets records of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from router.language.routes import RouteSet, Source, SourceOrder, SourceRelay
from router.language.topics import changelog_of, repartition_of

__all__ = ["internal_topics", "with_internal_topics"]


def internal_topics(route_set: RouteSet, group: str) -> dict[str, str]:
    """By source whose records are keyed anew, the internal topic that they go through."""
    return {
        name: repartition_of(group, source.order.exchange)
        for name, source in route_set.sources.items()
        if source.order is not None and source.order.policy.repartition
    }


def with_internal_topics(route_set: RouteSet, group: str) -> RouteSet:
    """The same routes with the internal topics of this consumer group. Those of a set that has them already stay."""
    internal = internal_topics(route_set, group)
    sources: dict[str, Source] = {}
    gathered: dict[str, list[Source]] = {}
    for name, source in route_set.sources.items():
        if name not in internal:
            sources[name] = source
            continue
        order, topic = source.order, internal[name]
        assert order is not None, "an internal topic is there for an order"
        gathered.setdefault(topic, []).append(source)
        relay = SourceRelay(
            topic=topic,
            changelog=changelog_of(group, topic),
            exchange=order.exchange,
            by=order.policy.by,
            at_once=order.at_once,
        )
        sources[name] = replace(source, order=None, relay=relay)
    for topic, gathers in gathered.items():
        sources[topic] = _internal(topic, gathers)
    return replace(route_set, sources=_sorted(sources)) if internal else route_set


def _internal(topic: str, gathers: list[Source]) -> Source:
    first = gathers[0]
    order = first.order
    assert order is not None, "an internal topic is there for an order"
    return Source(
        topic=topic,
        format=first.format,
        schema=None,
        validate_whole=False,
        entries=tuple(entry for entry in first.entries if entry.exchange == order.exchange),
        order=SourceOrder(
            exchange=order.exchange,
            policy=replace(order.policy, repartition=False),
            paths=order.paths,
            at_once=frozenset[str]().union(*(each.order.at_once for each in gathers if each.order is not None)),
        ),
        # Of one subject there is one version among them: a topic's copies are all converted in the same way.
        conversions={topic: each for source in gathers for topic, each in source.conversions.items()},
        gathers=tuple(source.topic for source in gathers),
    )


def _sorted(sources: Mapping[str, Source]) -> dict[str, Source]:
    return {name: sources[name] for name in sorted(sources)}
