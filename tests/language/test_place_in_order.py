"""A record's place in its key's order is told with what waits and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from support.language import load, routes

from router.language.cases import message_record
from router.language.deciders import new_decider, new_topology
from router.language.place_in_order import PlaceInOrder, place_in_order

ORDERS = "orders: {type: topic, sources: [order.status.v1], routing-key: '{status}', key: order_id, order: {%s}}"
OTHERS = "others: {type: fanout, sources: [order.status.v1]}"
TOPICS = """
waits.order.status.v1: {from: [{exchange: orders, binding-key: '#'}]}
now.order.status.v1: {ordered: false, from: [{exchange: orders, binding-key: paid}]}
beside.order.status.v1: {from: [{exchange: others}]}
"""
SEQUENCE = "by: order_id, sequence: amount"
NO_PLACE = "field 'amount' is -1, which is negative: the record has no place in its key's order"
STATES = "by: order_id, state: status, states: {created: [paid], paid: [delivered]}"


def told(order: str | None, value: dict[str, Any] | None, *, key: str | None = "o1") -> PlaceInOrder | None:
    exchanges = OTHERS if order is None else f"{ORDERS % order}\n{OTHERS}"
    topics = "beside.order.status.v1: {from: [{exchange: others}]}" if order is None else TOPICS
    route_set, findings = load(routes(exchanges=exchanges, topics=topics))
    assert route_set is not None, [*map(str, findings)]
    source = route_set.sources["order.status.v1"]
    stated = None if value is None else {"order_id": "o1", **value}
    record = message_record(source, key=key, value=stated, headers={})
    decision = new_decider(source, new_topology(route_set)).decide(record)
    return place_in_order(source, record, decision)


@pytest.mark.parametrize(
    ("order", "value", "lines"),
    [
        pytest.param(
            SEQUENCE,
            {"amount": 7, "status": "paid"},
            [
                "in order by 'orders', of 'order_id' o1: its 'amount' is 7",
                "  waits for what comes before it: waits.order.status.v1",
                "  at once: now.order.status.v1, beside.order.status.v1",
            ],
            id="a number",
        ),
        pytest.param(
            STATES,
            {"status": "created"},
            [
                "in order by 'orders', of 'order_id' o1: its 'status' is created",
                "  waits for what comes before it: waits.order.status.v1",
                "  at once: beside.order.status.v1",
            ],
            id="a state",
        ),
        pytest.param(
            f"{SEQUENCE}, repartition: true",
            {"amount": 7, "status": "created"},
            [
                "in order by 'orders', of 'order_id' o1: its 'amount' is 7",
                "  keyed anew by it in <group>-orders-repartition",
                "  waits for what comes before it: waits.order.status.v1",
                "  at once: beside.order.status.v1",
            ],
            id="a number, by a field",
        ),
        pytest.param(
            SEQUENCE,
            {"amount": -1, "status": "paid"},
            [
                f"in order by 'orders', of 'order_id' o1: a dead letter: order-unknown: {NO_PLACE}",
                "  at once: now.order.status.v1, beside.order.status.v1",
            ],
            id="no place",
        ),
        pytest.param(
            SEQUENCE,
            None,
            [
                "in order by 'orders', of 'order_id' o1: without a value, it goes behind all that came before it",
                "  waits for what comes before it: waits.order.status.v1",
                "  at once: now.order.status.v1, beside.order.status.v1",
            ],
            id="a tombstone",
        ),
    ],
)
def test_lines_tell_the_place_and_what_waits(order: str, value: dict[str, Any] | None, lines: list[str]) -> None:
    """A topic that is not ordered, and one of another exchange, get their copies at once."""
    found = told(order, value)
    assert found is not None
    assert [*found.lines()] == lines


def test_a_tombstone_without_a_key_has_no_place() -> None:
    """Nobody knows which key it belongs to."""
    found = told(SEQUENCE, None, key=None)
    assert found is not None
    assert found.waits == ()
    assert next(found.lines()).startswith("in order by 'orders', of 'order_id': a dead letter: order-unknown: ")
    assert found.to_json()["dead_letter"]["reason"] == "order-unknown"


@pytest.mark.parametrize(
    ("by", "value", "told_of"),
    [
        pytest.param("customer.email", {"amount": 1}, "is null, and no key", id="null"),
        pytest.param("customer.email", None, "is not in a record without a value", id="of another field than the key"),
        pytest.param("order_id", None, "", id="of the key"),
    ],
)
def test_record_that_is_keyed_anew_has_what_it_is_keyed_by(by: str, value: dict[str, Any] | None, told_of: str) -> None:
    """A tombstone has only its key."""
    found = told(f"by: {by}, sequence: amount, repartition: true", value)
    assert found is not None
    assert (told_of in str(found.error)) if told_of else found.error is None


def test_json_has_the_same_facts() -> None:
    """For programs."""
    found = told(SEQUENCE, {"amount": 7, "status": "paid"})
    assert found is not None
    assert found.to_json() == {
        "exchange": "orders",
        "by": "order_id",
        "key": "o1",
        "field": "amount",
        "place": 7,
        "waits": ["waits.order.status.v1"],
        "at_once": ["now.order.status.v1", "beside.order.status.v1"],
        "dead_letter": None,
        "through": None,
    }


def test_nothing_is_told_where_nothing_is_put_in_order() -> None:
    """Records go as they come."""
    assert told(None, {"status": "paid"}) is None
