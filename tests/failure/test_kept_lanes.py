"""Which lanes of a worker keep what consumers reject."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from support.language import load

from router.failure.kept_lanes import KeptLanes, kept_by_source
from router.failure.policy import FailurePolicy, Keep, Kept
from router.lanes.batch import SourcePartition
from router.lanes.copying import Copier, Identity
from router.language.routes import RouteSet
from router.testing import MemoryBroker, MemoryTable

ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: fanout, sources: [orders.v1, more.v1]}
  others: {type: fanout, sources: [others.v1]}
topics:
  orders.v1: {format: json}
  more.v1: {format: json}
  others.v1: {format: json}
  vip.v1: {format: json, retention: 2d, FAILURE from: [{exchange: orders}]}
  late.v1: {format: json, from: [{exchange: others}]}
"""
DAY = 86_400_000


def routes(failure: str = "failure: {keep: nothing},") -> RouteSet:
    """Return routes of which one topic says this of failure."""
    route_set, findings = load(ROUTES.replace("FAILURE", failure))
    assert route_set is not None, findings
    return route_set


def lanes(route_set: RouteSet) -> KeptLanes:
    """Return those of a worker that never asks its broker."""
    destinations: Any = None
    return KeptLanes(route_set, "127.0.0.1:1", dict, destinations=destinations)


def test_sources_of_topics_that_say_failure_keep() -> None:
    """Each of them, for the topics that their records can come to; no other source."""
    kept = Kept(
        policies={"vip.v1": FailurePolicy(keep=Keep.NOTHING)},
        retention_ms={"vip.v1": 2 * DAY},
        renew_ms={"vip.v1": DAY},
    )
    assert kept_by_source(routes()) == {"orders.v1": kept, "more.v1": kept}
    assert lanes(routes()).topics == ("vip.v1",)


def test_retention_that_nobody_declares_is_not_known() -> None:
    """Then nothing is forgotten."""
    given = routes()
    topics = {name: dataclasses.replace(each, retention_ms=None) for name, each in given.topics.items()}
    kept = kept_by_source(dataclasses.replace(given, topics=topics))["orders.v1"]
    assert kept.retention_ms == {"vip.v1": None}
    assert kept.renew_ms == {"vip.v1": 7 * DAY // 2}


def test_copies_for_a_topic_that_keeps_all_are_never_renewed() -> None:
    """And nothing is forgotten of it."""
    given = routes()
    topics = {name: dataclasses.replace(each, retention_ms=-1) for name, each in given.topics.items()}
    kept = kept_by_source(dataclasses.replace(given, topics=topics))["orders.v1"]
    assert (kept.retention_ms, kept.renew_ms) == ({"vip.v1": None}, {})


def test_worker_that_reads_rejections_is_in_no_trouble() -> None:
    """Nothing has failed yet."""
    assert lanes(routes()).trouble == ("", None)


def test_routes_without_failure_keep_nothing() -> None:
    """Their lanes are as they would be without any of this."""
    kept = lanes(routes(""))
    assert (kept.sources, kept.topics) == ({}, ())


@pytest.mark.parametrize(("source", "keeps"), [("orders.v1", True), ("others.v1", False)])
async def test_copier_is_kept_around_where_its_source_keeps(source: str, keeps: bool) -> None:
    """With a table of the lane's, and as the copier's keeper."""
    broker = MemoryBroker()
    asked = []

    def table(topic: str, partition: int) -> MemoryTable:
        asked.append((topic, partition))
        return MemoryTable(broker, changelog="changelog", partition=partition)

    identity = Identity(service="s", instance="i", route_set="0")
    destinations: Any = None
    copier = Copier(source, decide=lambda _: pytest.fail("nothing comes"), destinations=destinations, identity=identity)
    kept = lanes(routes())
    keeping = kept.around(SourcePartition(source, 3), copier, copier=copier, order=None, table=table)
    assert (keeping is not None, copier.keeper) == (keeps, keeping)
    assert asked == ([(source, 3)] if keeps else [])
    await kept.close()


class Sleeper:
    """A lane that is woken."""

    def wake(self) -> None:
        """See Lane."""


def test_lane_is_woken_where_it_keeps() -> None:
    """By what comes from the rejections; any other lane is given back as it is."""
    lane: Any = Sleeper()
    keeping: Any = Sleeper()
    assert KeptLanes.woken(lane, None) is lane
    assert KeptLanes.woken(lane, keeping) is lane
    assert keeping.wake == lane.wake
