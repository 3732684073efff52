"""What the feed must become, and whether it did."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.develop.encoding import shop_encoders
from router.develop.feed import FeedEvent, Mischief, events
from router.develop.reconcile import (
    Ledger,
    Row,
    Tally,
    expected_topics,
    fingerprint,
    loader_of,
    outcome_topics,
    reconcile,
)
from router.develop.shop import ORDER, PAYMENT, PRODUCT, REFUND, SOURCES, STOCK

SCHEMAS = Path(__file__).parents[2] / "schemas"


def event(topic: str, facts: dict[str, Any], **changes: Any) -> FeedEvent:
    """Return a record with these facts."""
    given: dict[str, Any] = {
        "topic": topic,
        "key": b"k",
        "value": b"v",
        "headers": (),
        "timestamp": 1,
        "mischief": Mischief.NONE,
        "facts": facts,
    }
    return FeedEvent(**given | changes)


def order(country: str, status: str, *, amount: int = 1, email: str | None = None) -> FeedEvent:
    """Return an order's change."""
    facts = {"country": country, "status": status, "amount": amount, "customer": {"email": email}}
    return event(ORDER, facts)


def requested(reason: str) -> FeedEvent:
    """Return a customer's wish for a refund."""
    return event(REFUND, {"type": "refund_requested", "refund_requested": {"reason": reason}})


def payment(state: str, *, fiscal: bool) -> FeedEvent:
    """Return a payment's step."""
    return event(PAYMENT, {"state": state, "fiscal": fiscal})


def stock(state: str, hall: str) -> FeedEvent:
    """Return a stock level."""
    return event(STOCK, {"state": state, "warehouse": {"code": hall}})


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(order("RU", "created"), {"bob-ru"}, id="one country"),
        pytest.param(order("KZ", "paid"), {"bob-kz", "notifications"}, id="two takers"),
        pytest.param(order("BY", "returned"), {"bob-by", "refund-desk"}, id="a parcel back"),
        pytest.param(order("UA", "packed"), {"bob-ua"}, id="ukraine acts"),
        pytest.param(order("UA", "shipped"), {"unrouted"}, id="ukraine does not"),
        pytest.param(order("AM", "delivered"), {"notifications"}, id="no order system, but news"),
        pytest.param(order("AM", "created"), {"unrouted"}, id="no order system"),
        pytest.param(order("KZ", "paid", amount=100_001, email="f@x"), {"bob-kz", "notifications", "vip"}, id="large"),
        pytest.param(order("KZ", "paid", amount=100_000, email="f@x"), {"bob-kz", "notifications"}, id="not so large"),
        pytest.param(order("KZ", "paid", amount=100_001), {"bob-kz", "notifications"}, id="large, of nobody known"),
        pytest.param(requested("late"), {"refund-desk"}, id="asked for"),
        pytest.param(requested("damaged"), {"refund-desk", "quality"}, id="asked for what is broken"),
        pytest.param(event(REFUND, {"type": "refund_approved"}), {"refund-letters", "payouts"}, id="approved"),
        pytest.param(event(REFUND, {"type": "refund_rejected"}), {"refund-letters"}, id="rejected"),
        pytest.param(event(REFUND, {"type": "money_refunded"}), {"refund-desk"}, id="paid back"),
        pytest.param(event(REFUND, {"type": "refund_failed"}), {"+unroutable"}, id="failed"),
        pytest.param(payment("captured", fiscal=True), {"fiscalization"}, id="receipt"),
        pytest.param(payment("refunded", fiscal=False), {"bookkeeping"}, id="no receipt"),
        pytest.param(payment("declined", fiscal=True), {"fraud"}, id="declined"),
        pytest.param(payment("authorized", fiscal=True), {"fraud"}, id="authorized"),
        pytest.param(payment("voided", fiscal=True), {"+unroutable"}, id="voided"),
        pytest.param(event(PRODUCT, {}, key=b"grocery.tea"), {"groceries"}, id="grocery"),
        pytest.param(event(PRODUCT, {}, key=b"grocery.dairy.x"), {"groceries", "cold-chain"}, id="cold grocery"),
        pytest.param(event(PRODUCT, {}, key=b"pets.frozen.x"), {"cold-chain"}, id="cold, no grocery"),
        pytest.param(event(PRODUCT, {}, key=b"household.paper.x"), {"household"}, id="household"),
        pytest.param(event(PRODUCT, {}, key=b"pets.dry.x"), {"+unroutable"}, id="nobody's product"),
        pytest.param(event(PRODUCT, {}, key=None), {"+unroutable"}, id="no key to route by"),
        pytest.param(stock("in_stock", "spb"), {"sites"}, id="in stock"),
        pytest.param(stock("low", "msk.2"), {"purchasing", "robots"}, id="low in the robots' hall"),
        pytest.param(stock("out_of_stock", "msk.1"), {"sites", "purchasing"}, id="out of stock"),
    ],
)
def test_each_record_has_its_topics(record: FeedEvent, expected: set[str]) -> None:
    """What the teams want of a record, beside analytics, which wants all."""
    topics = {f"{record.topic}.unroutable" if t == "+unroutable" else f"{t}.{record.topic}" for t in expected}
    loaders = {loader_of("k")} if record.topic == ORDER else set()
    assert set(expected_topics(record)) == topics | {f"analytics.{record.topic}"} | loaders


def test_what_is_taken_at_the_door_is_the_couriers() -> None:
    """By the channel that the payment's header says."""
    door = replace(payment("captured", fiscal=True), headers=(("channel", b"door"),))
    assert "couriers.payment.transaction.v1" in expected_topics(door)


def test_loaders_share_the_orders_by_their_weights() -> None:
    """Three to one, and an order is always the same one's."""
    counts = Counter(loader_of(f"ord-{number}") for number in range(4000))
    assert loader_of("ord-1") == loader_of("ord-1")
    assert 0.7 < counts["large-loader.order.status.v1"] / 4000 < 0.8
    assert counts.keys() == {"large-loader.order.status.v1", "small-loader.order.status.v1"}


@pytest.mark.parametrize(
    ("topic", "count"), [(ORDER, 11), (PRODUCT, 4), (STOCK, 1)], ids=["orders", "products", "stock"]
)
def test_a_tombstone_goes_where_its_exchanges_say(topic: str, count: int) -> None:
    """It goes to every topic that could have its key, or aside, or nowhere."""
    topics = expected_topics(event(topic, {}, value=None, mischief=Mischief.TOMBSTONE))
    assert len(set(topics)) == count
    assert topics == ("stock.level.v1.unroutable",) or f"analytics.{topic}" in topics


@pytest.mark.parametrize("topic", SOURCES)
def test_what_is_unreadable_becomes_a_dead_letter_and_nothing_else(topic: str) -> None:
    """Nobody gets a copy of a broken record."""
    assert expected_topics(event(topic, {}, mischief=Mischief.TRUNCATED)) == (f"{topic}.dead-letters",)


@pytest.mark.parametrize(
    "record",
    [event(REFUND, {"type": "refund_approved"}, key=None), replace(order("RU", "paid"), key=None)],
    ids=["refund", "order"],
)
def test_a_record_without_its_declared_key_becomes_a_dead_letter(record: FeedEvent) -> None:
    """Its team declared what the key carries, so that it is verified."""
    assert expected_topics(record) == (f"{record.topic}.dead-letters",)


def test_an_order_s_event_that_comes_again_reaches_only_those_who_do_not_wait() -> None:
    """Everyone else has it already, in its place."""
    again = replace(order("RU", "paid"), mischief=Mischief.DUPLICATE)
    topics = {"notifications.order.status.v1", "analytics.order.status.v1", loader_of("k")}
    assert set(expected_topics(again)) == topics


def test_every_topic_of_the_shop_gets_something() -> None:
    """The feed exercises every route: over two thousand orders no outcome stays empty."""
    ledger = Ledger()
    for each in events(seed=1, orders=2000, start=0, encoders=shop_encoders(SCHEMAS)):
        for topic in expected_topics(each):
            ledger.enter(topic, 0)
    # A voided payment, a failed refund: rare, but there. Orders have an alternate, so none of them is unroutable.
    assert {topic for topic in outcome_topics(()) if not ledger.count(topic)} == {"order.status.v1.unroutable"}


def test_the_outcomes_are_the_narrow_topics_and_those_beside_the_sources() -> None:
    """Every topic that a record can end in is looked at."""
    assert outcome_topics(["x.a.v1"], sources=["a.v1"]) == ("x.a.v1", "a.v1.unroutable", "a.v1.dead-letters")
    assert len(outcome_topics(())) == 2 * len(SOURCES)


def marks(**changes: Any) -> int:
    """Return the fingerprint of a record that differs from the usual one in this."""
    given: dict[str, Any] = {"key": b"k", "value": b"v", "timestamp": 1, "headers": [("a", b"1")]}
    return fingerprint(**given | changes)


@pytest.mark.parametrize(
    "change",
    [{"key": None}, {"value": None}, {"value": b""}, {"timestamp": 2}, {"headers": []}, {"headers": [("a", None)]}],
    ids=["key", "value", "empty value", "timestamp", "no header", "header's value"],
)
def test_a_fingerprint_sees_any_change(change: dict[str, Any]) -> None:
    """Whatever must pass through unchanged counts."""
    assert marks(**change) != marks()


def test_a_fingerprint_overlooks_what_the_router_adds() -> None:
    """Its own headers do not count."""
    assert marks(headers=[("a", b"1"), ("router-hop", b"x")]) == marks()


def test_a_ledger_counts_by_topic() -> None:
    """It keeps a number and a checksum for each topic, whatever the order of entries."""
    ledger = Ledger()
    for mark in (3, 4):
        ledger.enter("t", mark)
    assert ledger.tallies == {"t": Tally(2, 7)}
    assert (ledger.count("t"), ledger.count("other")) == (2, 0)


def test_equal_books_balance() -> None:
    """The same tallies on both sides leave nothing missing and nothing too many."""
    found = reconcile({"t": Tally(2, 7)}, {"t": Tally(2, 7)})
    assert found.balanced
    assert str(found) == "balanced: 0 missing, 0 too many"


def test_differences_are_told_apart() -> None:
    """What is missing in one topic is not made up for by what is too many in another."""
    found = reconcile(
        {"a": Tally(5, 1), "b": Tally(1, 1), "c": Tally(1, 1)}, {"a": Tally(3, 1), "c": Tally(1, 2), "d": Tally(4, 0)}
    )
    assert found.rows == (
        Row("a", 5, 3, altered=False),
        Row("b", 1, 0, altered=False),
        Row("c", 1, 1, altered=True),
        Row("d", 0, 4, altered=False),
    )
    assert str(found) == "NOT balanced: 3 missing, 4 too many, altered in c"
