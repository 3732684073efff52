"""Which topics a route set needs, and their shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.exchange.model import (
    Binding,
    Destination,
    DestinationKind,
    Entry,
    Exchange,
    ExchangeType,
    Place,
    Tombstones,
)
from router.failure.policy import FailurePolicy
from router.language.routes import Format, RouteSet, Source, SourceOrder, Team, TopicDeclaration
from router.language.topics import (
    TopicPlan,
    TopicRole,
    changelog_of,
    dead_letters_of,
    keeping_sources,
    needed,
    plan_topics,
    sources_by_topic,
    unroutable_of,
)
from router.order.policy import ByTime, OrderPolicy

PLACE = Place("team.yaml", 1, 1)
DAY = 86_400_000


def topic(name: str) -> Destination:
    """Return a destination that is a topic."""
    return Destination(DestinationKind.TOPIC, name)


def exchange(name: str) -> Destination:
    """Return a destination that is an exchange."""
    return Destination(DestinationKind.EXCHANGE, name)


def route_set(
    *,
    feeds: dict[str, list[str]],
    ways: dict[str, list[Destination]],
    alternates: dict[str, Destination] | None = None,
    declared: dict[str, tuple[int | None, int | None]] | None = None,
) -> RouteSet:
    """Build a set: `feeds` source → exchanges, `ways` exchange → destinations, `declared` topic → (partitions, ms)."""
    alternates = alternates or {}
    return RouteSet(
        exchanges={
            name: Exchange(
                name=name,
                type=ExchangeType.FANOUT,
                bindings=tuple(Binding(name, None, destination, PLACE, "team") for destination in destinations),
                alternate=alternates.get(name),
                place=PLACE,
                team="team",
            )
            for name, destinations in ways.items()
        },
        sources={
            name: Source(name, Format.AVRO, None, False, tuple(Entry(e, None, None, Tombstones.ALL) for e in entered))
            for name, entered in feeds.items()
        },
        topics={
            name: TopicDeclaration(name, "team", partitions, retention, Format.AVRO, PLACE)
            for name, (partitions, retention) in (declared or {}).items()
        },
        teams={"team": Team("team", "#team", "team.yaml")},
        fingerprint="00000000",
    )


def plans(given: RouteSet, **arguments: Any) -> dict[str, TopicPlan]:
    """Plan with three partitions by default, by name."""
    planned = plan_topics(given, **{"default_partitions": 3, "replication": 1} | arguments)
    return {plan.name: plan for plan in planned}


def test_source_that_is_put_in_order_gets_the_changelog_of_its_table() -> None:
    """One for each group, like the source, compacted, and with room for a record that waits with its reasons."""
    given = route_set(feeds={"a.v1": ["x"], "b.v1": ["x"]}, ways={"x": []}, declared={"a.v1": (4, DAY)})
    order = SourceOrder("x", OrderPolicy(by="id", kind=ByTime("at")), (), frozenset())
    given = replace(given, sources={**given.sources, "a.v1": replace(given.sources["a.v1"], order=order)})
    config = {
        "cleanup.policy": "compact",
        "delete.retention.ms": str(7 * DAY),
        "max.message.bytes": "66536",
        "segment.bytes": "104857600",
    }
    planned = plans(given, group="shop", replication=2, max_message_bytes=1000)
    name = changelog_of("shop", "a.v1")
    assert name == "shop-a.v1-changelog"
    assert planned[name] == TopicPlan(name, TopicRole.CHANGELOG, None, 4, 2, config)
    assert [each for each in planned if "changelog" in each] == [name]
    assert name not in plans(given)


def test_topic_whose_consumer_may_reject_gets_three_beside_it() -> None:
    """Rejections have the partitions of the source, marks and dead letters those of the topic; the source gets a table."""
    given = route_set(
        feeds={"a.v1": ["x"], "b.v1": ["y"]},
        ways={"x": [topic("t.v1"), topic("other.v1")], "y": [topic("other.v1")]},
        declared={"a.v1": (6, DAY), "t.v1": (2, None)},
    )
    failing = replace(given.topics["t.v1"], failure=FailurePolicy())
    given = replace(given, topics={**given.topics, "t.v1": failing})
    planned = plans(given, group="shop", replication=2, max_message_bytes=1000)
    room = {"retention.ms": str(DAY), "max.message.bytes": "66536"}
    more = room | {"max.message.bytes": str(1000 + 2 * 65_536)}
    own = {"retention.ms": str(DAY), "cleanup.policy": "delete"}
    assert [plan for name, plan in planned.items() if name.startswith("t.v1")] == [
        TopicPlan("t.v1", TopicRole.NARROW, "team", 2, 2, own),
        TopicPlan("t.v1.rejected", TopicRole.REJECTED, "team", 6, 2, own | room),
        TopicPlan("t.v1.parked", TopicRole.PARKED, "team", 2, 2, {"cleanup.policy": "compact"}),
        TopicPlan("t.v1.dead-letters", TopicRole.DEAD_LETTERS, "team", 2, 2, own | more),
    ]
    assert planned["shop-a.v1-changelog"].config["max.message.bytes"] == more["max.message.bytes"]
    assert "cleanup.policy" not in planned["other.v1"].config
    assert [each for each in planned if "changelog" in each] == ["shop-a.v1-changelog"]
    assert keeping_sources(given) == {"a.v1": ("t.v1",)}


def test_each_source_gets_its_two_topics_beside_it() -> None:
    """What is unroutable or unreadable has a place for every source, and that takes 64 KiB more than the source."""
    planned = plans(route_set(feeds={"a.v1": ["x"]}, ways={"x": []}), replication=2, max_message_bytes=1000)
    room = {"max.message.bytes": "66536"}
    assert planned == {
        "a.v1": TopicPlan("a.v1", TopicRole.SOURCE, None, 3, 2, {}),
        "a.v1.unroutable": TopicPlan("a.v1.unroutable", TopicRole.UNROUTABLE, None, 3, 2, room),
        "a.v1.dead-letters": TopicPlan("a.v1.dead-letters", TopicRole.DEAD_LETTERS, None, 3, 2, room),
    }
    assert (unroutable_of("a.v1"), dead_letters_of("a.v1")) == ("a.v1.unroutable", "a.v1.dead-letters")


def test_a_narrow_topic_is_like_its_source_unless_declared() -> None:
    """Partitions and retention come from the source, and each can be declared by itself."""
    given = route_set(
        feeds={"a.v1": ["x"]},
        ways={"x": [topic("like.a.v1"), topic("own.a.v1"), topic("short.a.v1")]},
        declared={"a.v1": (12, DAY), "like.a.v1": (None, None), "own.a.v1": (2, None), "short.a.v1": (None, 5)},
    )
    shapes = {
        name: (plan.partitions, plan.config.get("retention.ms"), plan.team) for name, plan in plans(given).items()
    }
    assert shapes == {
        "a.v1": (12, str(DAY), "team"),
        "like.a.v1": (12, str(DAY), "team"),
        "own.a.v1": (2, str(DAY), "team"),
        "short.a.v1": (12, "5", "team"),
        "a.v1.unroutable": (12, str(DAY), None),
        "a.v1.dead-letters": (12, str(DAY), None),
    }


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(DAY, 2 * DAY, str(2 * DAY), id="the longer"),
        pytest.param(-1, 2 * DAY, "-1", id="for ever is longest"),
        pytest.param(None, 2 * DAY, None, id="the broker's default is unknown"),
    ],
)
def test_several_sources_give_the_most(first: int | None, second: int | None, expected: str | None) -> None:
    """A topic that two sources reach takes the most partitions and the longest retention."""
    given = route_set(
        feeds={"a.v1": ["x"], "b.v1": ["x"]},
        ways={"x": [topic("both.v1")]},
        declared={"a.v1": (4, first), "b.v1": (6, second), "both.v1": (None, None)},
    )
    plan = plans(given)["both.v1"]
    assert (plan.partitions, plan.config.get("retention.ms")) == (6, expected)


def test_alternates_and_exchanges_lead_to_topics_too() -> None:
    """A topic counts as reached over alternates, exchanges, diamonds and cycles, and needs no declaration."""
    given = route_set(
        feeds={"a.v1": ["x"], "b.v1": ["z"]},
        ways={"x": [exchange("y"), exchange("z")], "y": [exchange("z"), exchange("x")], "z": [topic("end.v1")]},
        alternates={"x": topic("rest.v1"), "z": exchange("y")},
    )
    assert sources_by_topic(given) == {"end.v1": ("a.v1", "b.v1"), "rest.v1": ("a.v1", "b.v1")}
    assert plans(given)["rest.v1"].role is TopicRole.NARROW


def test_a_topic_that_nothing_reaches_is_made_all_the_same() -> None:
    """A declared topic without a way to it exists, so that its consumer can start."""
    given = route_set(feeds={}, ways={}, declared={"alone.v1": (None, None)})
    assert plans(given) == {"alone.v1": TopicPlan("alone.v1", TopicRole.NARROW, "team", 3, 1, {})}


def test_a_topic_that_is_declared_for_dead_letters_keeps_its_declaration() -> None:
    """A team may declare the topic of its own dead letters; the plan then is the team's."""
    given = route_set(feeds={"a.v1": ["x"]}, ways={"x": []}, declared={"a.v1.dead-letters": (1, -1)})
    assert plans(given)["a.v1.dead-letters"].partitions == 1


def by_subject(*topics: str) -> RouteSet:
    """Sources that are versions of one subject, and one that is named by itself."""
    routes = route_set(
        feeds={name: ["orders"] for name in (*topics, "payment.v1")}, ways={"orders": [topic("ru.order.v1")]}
    )
    sources = {
        name: replace(each, subject="order" if name in topics else None) for name, each in routes.sources.items()
    }
    return replace(routes, sources=sources)


ALONE = {"payment.v1", "payment.v1.unroutable", "payment.v1.dead-letters", "ru.order.v1"}


@pytest.mark.parametrize(
    ("there", "versions"),
    [
        pytest.param((), {"order.v10"}, id="fresh: the latest, by number"),
        pytest.param(("order.v1",), {"order.v1"}, id="before a migration"),
        pytest.param(("order.v1", "order.v2"), {"order.v1", "order.v2"}, id="while one is under way"),
        pytest.param(("order.v2", "order.v1.dead-letters"), {"order.v2"}, id="the former is retired"),
        pytest.param(("payment.v1",), {"order.v10"}, id="others do not count"),
    ],
)
def test_one_version_of_a_subject_is_enough(there: tuple[str, ...], versions: set[str]) -> None:
    """What was retired is not made again, and what comes next is for its migration to make."""
    routes = by_subject("order.v1", "order.v2", "order.v10")
    plans = plan_topics(routes, default_partitions=1, replication=1)
    found = {each.name for each in needed(plans, routes, there)}
    assert found - ALONE == {f"{name}{beside}" for name in versions for beside in ("", ".unroutable", ".dead-letters")}
    assert found >= ALONE


def test_what_is_not_needed_needs_no_changelog() -> None:
    """Consumers may reject records of each version, so that each has a table."""
    routes = by_subject("order.v1", "order.v2")
    declared = TopicDeclaration("ru.order.v1", "team", None, None, Format.AVRO, PLACE, failure=FailurePolicy())
    routes = replace(routes, topics={"ru.order.v1": declared})
    plans = plan_topics(routes, default_partitions=1, replication=1, group="g")
    changelogs = {changelog_of("g", name) for name in ("order.v1", "order.v2")}
    assert {each.name for each in plans} >= changelogs
    assert changelogs & {each.name for each in needed(plans, routes, ("order.v1",), group="g")} == {
        changelog_of("g", "order.v1")
    }
