"""A stream of messages, each decided by one exchange."""

import json
from collections.abc import Iterable
from typing import Any

import click
import pytest

from router.commands.message_stream import decide_stream
from router.language.load import load_routes
from router.language.routes import RouteSet
from router.records.catalogue import Catalogue

ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: fanout, sources: [order.v1], routing-key: "{kind}"}
topics:
  big.order.v1: {from: [{exchange: orders, where: "amount > 10 && headers['h'] == 'x' && key == 'k'"}]}
  every.order.v1: {from: [{exchange: orders}]}
"""
SCHEMA = """{"type": "record", "name": "order", "fields": [
  {"name": "kind", "type": "string"}, {"name": "amount", "type": "long"}]}"""


@pytest.fixture(scope="module")
def route_set() -> RouteSet:
    loaded, findings = load_routes({"routes/shop.yaml": ROUTES}, Catalogue.from_texts({"order/v1.avsc": SCHEMA}))
    assert loaded is not None, findings
    return loaded


def answers(route_set: RouteSet, exchange: str, lines: Iterable[Any]) -> list[dict[str, Any]]:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    return [json.loads(answer) for answer in decide_stream(route_set, exchange, texts)]


@pytest.mark.parametrize(
    ("message", "holds"),
    [
        pytest.param({"value": {"amount": 11}, "headers": {"h": "x"}, "key": "k"}, True, id="holds"),
        pytest.param({"value": {"amount": 10}, "headers": {"h": "x"}, "key": "k"}, False, id="false"),
        pytest.param({"value": {}, "headers": {"h": "x"}, "key": "k"}, False, id="a-field-is-missing"),
        pytest.param({"value": {"amount": "11"}, "headers": {"h": "x"}, "key": "k"}, False, id="another-type"),
        pytest.param({"value": {"amount": 11}, "key": "k"}, False, id="a-header-is-missing"),
    ],
)
def test_conditions_are_evaluated_over_plain_values(route_set: RouteSet, message: Any, holds: bool) -> None:
    """Without a schema; what cannot be evaluated does not hold."""
    (answer,) = answers(route_set, "orders", [message])
    assert ("big.order.v1" in answer["to"]) is holds


def test_answers_come_in_order_and_bad_lines_have_their_own(route_set: RouteSet) -> None:
    """Empty lines are no messages, and nothing ends the stream."""
    lines = [{"value": {"kind": "a"}}, "", "{", [], "[" * 100_000, {"routing_key": "b"}]
    found = answers(route_set, "orders", lines)
    assert [answer.get("routing_key") for answer in found] == ["a", None, None, None, "b"]
    assert all("error" in answer for answer in found[1:4])


def test_default_exchange_leads_to_the_topic_of_that_name(route_set: RouteSet) -> None:
    """It is the one whose name is empty."""
    assert answers(route_set, "", [{"routing_key": "every.order.v1"}, {"routing_key": "no"}])[0]["to"] == {
        "every.order.v1": 1
    }


def test_unknown_exchange_is_told_with_the_nearest(route_set: RouteSet) -> None:
    """Before any message is read."""
    with pytest.raises(click.ClickException, match="did you mean 'orders'"):
        list(decide_stream(route_set, "order", []))
