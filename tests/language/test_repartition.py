"""Internal topics, named for a group."""

from __future__ import annotations

from dataclasses import replace

from language.ordering import GOOD, load_order, ordering

from router.failure.policy import FailurePolicy
from router.language.repartition import internal_topics, with_internal_topics
from router.language.routes import RouteSet, SourceOrder, SourceRelay
from router.language.topics import TopicRole, as_they_are, keeping_sources, plan_topics
from router.order.policy import OrderPolicy, Sequence

BY_OTHER = "by: other, sequence: n, repartition: true"
EXCHANGES = "f: {type: topic, sources: [more.event.v1, event.v1]}"
TOPICS = """a.event.v1: {from: [{exchange: e}]}
  now.event.v1: {ordered: false, from: [{exchange: e}]}
  plain: {format: avro, from: [{exchange: f}]}
  more.event.v1: {partitions: 9}
  event.v1: {partitions: 5, retention: 2d}"""


def loaded(order: str) -> RouteSet:
    """Return a set with this order."""
    found, findings = load_order(ordering(order, exchanges=EXCHANGES, topics=TOPICS))
    assert found is not None, findings
    return found


def test_set_without_such_an_order_stays_as_it_is() -> None:
    """There is nothing to name."""
    given = loaded(GOOD)
    assert with_internal_topics(given, "shop") is given
    assert internal_topics(given, "shop") == {}


def test_order_moves_from_the_source_to_its_internal_topic() -> None:
    """Which is a source of the ordering exchange, and of no other; what other exchanges get stays with the first."""
    given = loaded(BY_OTHER)
    assert internal_topics(given, "shop") == {"event.v1": "shop-e-repartition"}
    named = with_internal_topics(given, "shop")
    source, internal = named.sources["event.v1"], named.sources["shop-e-repartition"]
    assert list(named.sources) == ["event.v1", "more.event.v1", "shop-e-repartition"]
    assert source.order is None
    assert source.relay == SourceRelay(
        topic="shop-e-repartition",
        changelog="shop-shop-e-repartition-changelog",
        exchange="e",
        by="other",
        at_once=frozenset({"now.event.v1"}),
    )
    assert source.entries == given.sources["event.v1"].entries
    assert [entry.exchange for entry in internal.entries] == ["e"]
    assert internal.gathers == ("event.v1",)
    assert internal.order == SourceOrder(
        exchange="e",
        policy=OrderPolicy(by="other", kind=Sequence("n")),
        paths=("n", "other"),
        at_once=frozenset({"now.event.v1"}),
    )
    assert named.sources["more.event.v1"] is given.sources["more.event.v1"]
    assert replace(named, sources=given.sources) == given


def test_naming_twice_changes_nothing() -> None:
    """A set that has its internal topics keeps them, whoever asks."""
    named = with_internal_topics(loaded(BY_OTHER), "shop")
    assert with_internal_topics(named, "other") is named


def test_internal_topic_is_planned_like_its_source_with_room_and_a_table() -> None:
    """And what is set aside of it lies beside it."""
    named = with_internal_topics(loaded(BY_OTHER), "shop")
    planned = {
        plan.name: plan
        for plan in plan_topics(named, default_partitions=3, replication=2, max_message_bytes=1_000, group="shop")
    }
    internal = planned["shop-e-repartition"]
    assert (internal.role, internal.partitions, internal.replication) == (TopicRole.REPARTITION, 5, 2)
    assert internal.config == {"retention.ms": str(2 * 86_400_000), "max.message.bytes": "66536"}
    assert planned["shop-shop-e-repartition-changelog"].partitions == 5
    assert planned["shop-e-repartition.dead-letters"].role is TopicRole.DEAD_LETTERS
    assert planned["shop-e-repartition.unroutable"].role is TopicRole.UNROUTABLE
    assert "shop-event.v1-changelog" not in planned
    assert planned["a.event.v1"].config == {"retention.ms": str(2 * 86_400_000)}


def test_what_consumers_reject_is_kept_by_who_writes_their_topics() -> None:
    """The internal topic's lanes; the source's own for what does not wait, and for what another exchange of it leads to."""
    given = loaded(BY_OTHER)
    rejecting = {name: replace(each, failure=FailurePolicy()) for name, each in given.topics.items()}
    named = with_internal_topics(replace(given, topics=rejecting), "shop")
    assert keeping_sources(named) == {
        "event.v1": ("now.event.v1", "plain"),
        "more.event.v1": ("plain",),
        "shop-e-repartition": ("a.event.v1", "now.event.v1"),
    }
    planned = {plan.name: plan for plan in plan_topics(named, default_partitions=3, replication=2, group="shop")}
    assert planned["a.event.v1.rejected"].partitions == planned["shop-e-repartition"].partitions
    assert {"shop-event.v1-changelog", "shop-shop-e-repartition-changelog"} <= planned.keys()


def test_what_is_rejected_has_a_partition_for_each_lane_of_an_internal_topic_as_it_is() -> None:
    """It stays as it was made, though its sources are smaller by now."""
    given = loaded(BY_OTHER)
    failing = replace(given.topics["a.event.v1"], failure=FailurePolicy())
    named = with_internal_topics(replace(given, topics={**given.topics, "a.event.v1": failing}), "shop")
    plans = plan_topics(named, default_partitions=3, replication=2, group="shop")
    before = {plan.name: plan.partitions for plan in plans}
    after = {plan.name: plan.partitions for plan in as_they_are(plans, named, {"shop-e-repartition": 8})}
    assert {name for name in before if before[name] != after[name]} == {"a.event.v1.rejected"}
    assert after["a.event.v1.rejected"] == 8
