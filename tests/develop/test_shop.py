"""The lives of the example shop's orders."""

from __future__ import annotations

from itertools import pairwise

import pytest

from router.develop.shop import (
    ORDER,
    PAYMENT,
    PRODUCT,
    REFUND,
    SOURCES,
    STOCK,
    Happening,
    arrival_of_order,
    life_of_order,
)

START = 1_767_225_600_000
LIVES = [life_of_order(seed=7, number=number, start=START) for number in range(1, 1501)]


def statuses(life: tuple[Happening, ...]) -> list[str]:
    """Return the statuses that an order goes through."""
    return [happening.value["status"] for happening in life if happening.topic == ORDER]


def test_a_seed_tells_the_same_story_at_any_length() -> None:
    """An order's life depends on the seed and its number alone."""
    assert life_of_order(seed=7, number=900, start=START) == LIVES[899]
    assert life_of_order(seed=8, number=900, start=START) != LIVES[899]


def test_a_life_is_told_in_order_of_time() -> None:
    """No happening of a life is before an earlier one, and none before the order can arrive."""
    for number, life in enumerate(LIVES, 1):
        assert life[0].at >= arrival_of_order(number=number, start=START)
        assert all(earlier.at <= later.at for earlier, later in pairwise(life))


def test_sequences_count_from_one() -> None:
    """An order's status events are numbered without a gap."""
    for life in LIVES:
        sequences = [happening.value["sequence"] for happening in life if happening.topic == ORDER]
        assert sequences == list(range(1, len(sequences) + 1))


def test_every_life_is_a_plausible_one() -> None:
    """An order is created first, delivered only when shipped, and gets money back only when it was paid."""
    for life in LIVES:
        told = statuses(life)
        assert told[0] == "created"
        assert len(told) >= 2
        if "delivered" in told:
            assert told.index("packed") < told.index("shipped") < told.index("delivered")
        if "money_refunded" in told:
            assert "paid" in told[: told.index("money_refunded")]
        assert not {"cancelled", "delivered"} <= set(told)


def test_an_item_that_is_cancelled_makes_the_order_cheaper() -> None:
    """The amount is that of the items which are left."""
    life = next(life for life in LIVES if "item_cancelled" in statuses(life))
    amounts = {event.value["status"]: event.value["amount"] for event in life if event.topic == ORDER}
    assert amounts["item_cancelled"] < amounts["created"]


@pytest.mark.parametrize(
    ("topic", "field", "meanings"),
    [
        pytest.param(
            ORDER,
            "status",
            {
                "created",
                "paid",
                "packed",
                "shipped",
                "delivered",
                "item_cancelled",
                "cancelled",
                "return_requested",
                "returned",
                "money_refunded",
            },
            id="orders",
        ),
        pytest.param(ORDER, "country", {"RU", "KZ", "UA", "BY", "AM"}, id="countries"),
        pytest.param(
            REFUND,
            "type",
            {"refund_requested", "refund_approved", "refund_rejected", "money_refunded", "refund_failed"},
            id="refunds",
        ),
        pytest.param(PAYMENT, "state", {"authorized", "captured", "declined", "voided", "refunded"}, id="payments"),
        pytest.param(STOCK, "state", {"in_stock", "low", "out_of_stock"}, id="stock"),
    ],
)
def test_every_meaning_occurs(topic: str, field: str, meanings: set[str]) -> None:
    """The feed shows all that the schemas can say."""
    assert {event.value[field] for life in LIVES for event in life if event.topic == topic} == meanings


def test_a_refund_event_tells_the_story_of_its_type() -> None:
    """The field that is named like the type is there, and no other story."""
    for life in LIVES:
        for event in life:
            if event.topic == REFUND:
                stories = set(event.value) - {"event_id", "refund_id", "order_id", "type", "updated_at"}
                assert stories == {event.value["type"]}


def test_keys_are_those_that_the_schemas_promise() -> None:
    """Orders, payments and refunds are keyed by order, products by path, stock by hall and product."""
    for life in LIVES:
        for event in life:
            match event.topic:
                case topic if topic == PRODUCT:
                    assert "." in event.key
                case topic if topic == STOCK:
                    assert event.key == f"{event.value['warehouse']['code']}/{event.value['sku']}"
                case _:
                    assert event.key == event.value["order_id"]


def test_all_sources_are_fed() -> None:
    """Each broad topic gets something, and nothing else does."""
    assert {event.topic for life in LIVES for event in life} == set(SOURCES)
