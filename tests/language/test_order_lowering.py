"""From what is said of order to what a resequencer obeys."""

from __future__ import annotations

from typing import Any

import pytest
from language.ordering import GOOD, SCHEMAS, STATES, load_order, ordering

from router.language.declarations import gather
from router.language.lower import lower
from router.language.order_lowering import order_policy
from router.language.reading import read_shape
from router.language.routes import RouteSet, SourceOrder
from router.language.shapes import NULLABLE, OrderShape, RouteFile
from router.order.policy import ByTime, OnDuplicate, OnGap, OnLate, OrderPolicy, Sequence, States


def lowered(order: str, **more: str) -> RouteSet:
    """Load what has warnings at most."""
    route_set, findings = load_order(ordering(order, **more))
    assert route_set is not None, findings
    return route_set


def unchecked(order: str, **more: str) -> RouteSet:
    """Return the set of a file that orders so, whether workers do all of it yet or not."""
    parsed, _ = read_shape(
        ordering(order, **more), RouteFile, file="t.yaml", nullable=NULLABLE, fallback={"version": 1, "team": "t"}
    )
    assert parsed is not None
    return lower(gather([parsed], whole=True, all_readable=True)[0], SCHEMAS)


def test_what_is_not_said_has_the_policy_s_defaults() -> None:
    """The language and the policy agree on them."""
    assert order_policy(OrderShape.model_validate({"by": "id", "sequence": "n"})) == OrderPolicy(
        by="id", kind=Sequence("n")
    )


def test_everything_that_is_said_counts() -> None:
    """Each option to its own."""
    said = OrderShape.model_validate(
        {
            "by": "id",
            "sequence": "n",
            "start": 0,
            "wait": "2s",
            "on-gap": "park",
            "park-for": "forever",
            "on-expiry": "release",
            "on-late": "drop",
            "on-duplicate": "release",
            "hold-at-most": 7,
            "forget-after": "forever",
            "repartition": True,
        }
    )
    assert order_policy(said) == OrderPolicy(
        by="id",
        kind=Sequence("n", start=0),
        wait_ms=2_000,
        on_gap=OnGap.PARK,
        park_for_ms=None,
        on_expiry=OnGap.RELEASE,
        on_late=OnLate.DROP,
        on_duplicate=OnDuplicate.RELEASE,
        hold_at_most=7,
        forget_after_ms=None,
        repartition=True,
    )


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"sequence": "n", "start": "first-seen"}, Sequence("n", start=None)),
        ({"time": "at"}, ByTime("at")),
        (
            {"state": "s", "states": {"b": "c", "a": ["c", "b", "c"]}},
            States("s", {"a": ("b", "c"), "b": ("c",)}, ("a",)),
        ),
        ({"state": "s", "states": {"a": "b"}, "start": ["b", "a", "b"]}, States("s", {"a": ("b",)}, ("a", "b"))),
        ({"state": "s", "states": {"a": "b"}, "start": "first-seen"}, States("s", {"a": ("b",)}, None)),
    ],
)
def test_each_kind_has_its_start(said: dict[str, Any], kind: Sequence | ByTime | States) -> None:
    """States are in an order of their own, so that the file's means nothing."""
    assert order_policy(OrderShape.model_validate({"by": "id", **said})).kind == kind


def test_a_source_knows_the_order_that_its_records_get() -> None:
    """With the fields to read, and the topics that do not wait, wherever the exchange leads."""
    route_set = lowered(
        GOOD,
        more="key: id\n    alternate: {topic: rest}",
        exchanges="f: {type: topic, sources: [event.v1]}\n  g: {type: topic, from: [{exchange: e}, {exchange: g}], alternate: {exchange: e}}",
        topics="a.event.v1: {ordered: false, from: [{exchange: e}]}\n  b.event.v1: {ordered: false, from: [{exchange: g}]}\n"
        "  c.event.v1: {from: [{exchange: e}]}\n  d.event.v1: {from: [{exchange: f}]}",
    )
    assert route_set.sources["event.v1"].order == SourceOrder(
        exchange="e",
        policy=OrderPolicy(by="id", kind=Sequence("n")),
        paths=("n", "id"),
        at_once=frozenset({"a.event.v1", "b.event.v1"}),
    )
    assert [name for name, each in route_set.topics.items() if not each.ordered] == ["a.event.v1", "b.event.v1"]


def test_a_place_that_is_the_key_is_read_once() -> None:
    """However odd that is."""
    order = lowered("by: other, time: other", more="key: other").sources["event.v1"].order
    assert order is not None
    assert order.paths == ("other",)


def test_records_that_are_keyed_anew_need_their_key_read() -> None:
    """Behind the place in its order; a source whose exchanges have none has none."""
    route_set = unchecked(
        "by: other, time: at, repartition: true", exchanges="f: {type: topic, sources: [more.event.v1]}"
    )
    order = route_set.sources["event.v1"].order
    assert order is not None
    assert order.paths == ("at", "other")
    assert route_set.sources["more.event.v1"].order is None


@pytest.mark.parametrize(
    "other",
    [
        f"{GOOD}, start: 2",
        f"{GOOD}, wait: 1m",
        f"{GOOD}, on-gap: dead-letter",
        f"{GOOD}, on-late: drop",
        f"{GOOD}, on-duplicate: release",
        f"{GOOD}, hold-at-most: 2",
        f"{GOOD}, forget-after: 1d",
        f"{GOOD}, repartition: true",
        "by: id, time: at",
        STATES,
        f"{STATES}, start: paid",
    ],
)
def test_order_is_part_of_the_fingerprint(other: str) -> None:
    """As is each of its options, and which topics wait."""
    one, another = lowered(GOOD), unchecked(other)
    assert one.fingerprint != another.fingerprint
    assert lowered(GOOD, topics="a.event.v1: {ordered: false, from: [{exchange: e}]}").fingerprint != one.fingerprint
    assert lowered("sequence: n, by: id, wait: 300s").fingerprint == one.fingerprint
