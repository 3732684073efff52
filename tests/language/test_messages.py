"""Messages written as JSON, decided by one exchange."""

from collections.abc import Mapping
from typing import Any

import pytest

from router.exchange.header_values import HeaderTest, Operator
from router.exchange.model import (
    DEFAULT_EXCHANGE,
    Binding,
    Destination,
    DestinationKind,
    Exchange,
    ExchangeType,
    HeaderCondition,
    HeadersMatch,
    Place,
)
from router.exchange.routing_key import parse_routing_key
from router.exchange.topology import Topology
from router.language.messages import MalformedMessage, decide_message

PLACE = Place("routes/x.yaml", 3, 7)


def topic(name: str) -> Destination:
    return Destination(DestinationKind.TOPIC, name)


def binding(exchange: str, destination: Destination, **more: Any) -> Binding:
    return Binding(exchange=exchange, key=more.pop("key", None), destination=destination, place=PLACE, team="t", **more)


def exchange(name: str, kind: ExchangeType, *bindings: Binding, **more: Any) -> Exchange:
    return Exchange(name, kind, bindings, more.pop("alternate", None), PLACE, "t", **more)


TOPOLOGY = Topology(
    {
        "keys": exchange(
            "keys",
            ExchangeType.TOPIC,
            binding("keys", topic("a"), key="a.*"),
            binding("keys", topic("b"), key="b"),
            cc=True,
            alternate=topic("rest"),
        ),
        "plain": exchange("plain", ExchangeType.DIRECT, binding("plain", topic("a"), key="a")),
        "docs": exchange(
            "docs",
            ExchangeType.HEADERS,
            binding(
                "docs",
                topic("five"),
                headers=HeadersMatch(conditions=(HeaderCondition("n", HeaderTest(Operator.EQUALS, 5)),)),
            ),
        ),
        "large": exchange("large", ExchangeType.FANOUT, binding("large", topic("vip"), where="amount > 10")),
    },
    topics=("a", "b"),
)


def decided(name: str, stated: Any, *, template: str | None = None) -> dict[str, Any]:
    def truth(_where: str, message: Mapping[str, Any]) -> bool | None:
        amount = (message.get("value") or {}).get("amount")
        return None if amount is None else amount > 10

    parsed = None if template is None else parse_routing_key(template)
    return decide_message(TOPOLOGY, name, stated, template=parsed, truth=truth).to_json()


@pytest.mark.parametrize(
    ("name", "stated", "topics"),
    [
        pytest.param("keys", {"routing_key": "a.x"}, ["a"], id="by-key"),
        pytest.param("keys", {}, ["rest"], id="nothing-given-is-the-empty-key"),
        pytest.param("keys", {"routing_key": "a.x", "headers": {"CC": ["b", 7]}}, ["a", "b"], id="cc"),
        pytest.param("keys", {"routing_key": "-", "headers": {"BCC": ["b"]}}, ["b"], id="bcc"),
        pytest.param("plain", {"routing_key": "-", "headers": {"CC": ["a"]}}, [], id="cc-where-it-is-not-opted-in"),
        pytest.param("docs", {"headers": {"n": 5.0}}, ["five"], id="typed-number"),
        pytest.param("docs", {"headers": {"n": "5"}}, [], id="text-is-no-number"),
        pytest.param("docs", {"headers": None}, [], id="null-headers"),
        pytest.param("large", {"value": {"amount": 11}}, ["vip"], id="condition-holds"),
        pytest.param("large", {"value": {"amount": 1}}, [], id="condition-does-not-hold"),
        pytest.param("large", {}, [], id="condition-cannot-be-evaluated"),
        pytest.param(DEFAULT_EXCHANGE, {"routing_key": "b", "headers": {"CC": ["a", "-"]}}, ["b", "a"], id="default"),
    ],
)
def test_message_goes_where_its_exchange_sends_it(name: str, stated: Any, topics: list[str]) -> None:
    """One copy a topic, in the order in which they were reached."""
    assert decided(name, stated)["to"] == dict.fromkeys(topics, 1)


@pytest.mark.parametrize(
    ("template", "stated", "key"),
    [
        pytest.param("{country}.{order.kind}", {"value": {"country": "a", "order": {"kind": "x.y"}}}, "a.x%2Ey", id="fields"),
        pytest.param("{country}.z", {"value": {"country": None}}, ".z", id="null"),
        pytest.param("{a.b}.z", {"value": {"a": 1}}, ".z", id="path-through-a-scalar"),
        pytest.param("{key}.{header:h}.{topic}", {"value": {}, "key": "k", "headers": {"h": 5}}, "k.5.", id="others"),
        pytest.param("{country}", {"routing_key": "given", "value": {"country": "a"}}, "given", id="a-given-key-counts"),
        pytest.param("{country}", {}, "", id="no-value"),
    ],
)  # fmt: skip
def test_template_makes_the_key_that_a_message_does_not_state(template: str, stated: Any, key: str) -> None:
    """What the exchange would make of the record, it makes of the value."""
    assert decided("keys", stated, template=template)["routing_key"] == key


def test_answer_tells_what_matched_what_did_not_and_the_alternate() -> None:
    """The nearest miss comes first, with its reason."""
    answer = decided("keys", {"routing_key": "a"})
    assert answer["matched"] == []
    assert answer["alternate"] == [{"exchange": "keys", "to": {"topic": "rest"}}]
    assert [each["why"] for each in answer["unmatched"]] == [
        "the routing key ends after word 1; this binding wants `*` next",
        "word 1 of the routing key is `a`; this binding wants `b`",
    ]
    assert decided("keys", {"routing_key": "b"})["matched"] == [
        {"exchange": "keys", "binding_key": "b", "to": {"topic": "b"}, "file": "routes/x.yaml", "line": 3, "team": "t"}
    ]


@pytest.mark.parametrize(
    ("stated", "problem"),
    [
        pytest.param([], "a message is an object", id="list"),
        pytest.param({"routingkey": "a"}, "has no 'routingkey'", id="unknown-key"),
        pytest.param({"headers": []}, "`headers` is an object", id="headers"),
        pytest.param({"routing_key": 5}, "`routing_key` is a text", id="routing-key"),
        pytest.param({"headers": {"CC": "a"}}, "the header CC is a list", id="cc-text"),
        pytest.param({"value": {"country": []}}, "no single value", id="structured-word"),
    ],
)
def test_malformed_message_is_refused_with_the_reason(stated: Any, problem: str) -> None:
    """A stream goes on after it; so the reason must stand alone."""
    with pytest.raises(MalformedMessage, match=problem):
        decided("keys", stated, template="{country}")
