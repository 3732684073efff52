"""Exchanges of definitions as ours."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.definitions import definitions, exchange, policy

from router.exchange.model import ExchangeType
from router.rabbitmq.definitions import read_definitions
from router.rabbitmq.exchanges import BUILT_IN, KnownExchange, built_in, known_exchanges
from router.rabbitmq.findings import Finding, Kind
from router.rabbitmq.policies import Policies


def known(*exchanges: dict[str, Any], policies: tuple[dict[str, Any], ...] = ()) -> tuple[KnownExchange, list[Finding]]:
    """The first of them, and all findings."""
    file = definitions(exchanges=list(exchanges), policies=list(policies))
    read, _ = read_definitions(json.dumps(file))
    found, findings = known_exchanges(read, Policies(read.policies))
    return found[exchanges[0]["name"]], findings


@pytest.mark.parametrize(
    ("type_", "ours"),
    [
        pytest.param("direct", ExchangeType.DIRECT, id="direct"),
        pytest.param("topic", ExchangeType.TOPIC, id="topic"),
        pytest.param("fanout", ExchangeType.FANOUT, id="fanout"),
        pytest.param("headers", ExchangeType.HEADERS, id="headers"),
        pytest.param("x-consistent-hash", ExchangeType.CONSISTENT_HASH, id="ring"),
    ],
)
def test_the_types_that_we_have_carry_over(type_: str, ours: ExchangeType) -> None:
    """Without a word."""
    assert known(exchange("x", type_)) == (KnownExchange("x", ours), [])


@pytest.mark.parametrize(
    ("type_", "arguments", "ours", "kind"),
    [
        pytest.param(
            "x-delayed-message", {"x-delayed-type": "topic"}, ExchangeType.TOPIC, Kind.PLUGIN_EXCHANGE, id="delayed"
        ),
        pytest.param("x-delayed-message", {}, ExchangeType.FANOUT, Kind.UNSUPPORTED_EXCHANGE, id="delayed, of no type"),
        pytest.param("x-recent-history", {}, ExchangeType.FANOUT, Kind.PLUGIN_EXCHANGE, id="history"),
        pytest.param("x-modulus-hash", {}, ExchangeType.CONSISTENT_HASH, Kind.PLUGIN_EXCHANGE, id="modulus"),
        pytest.param("x-random", {}, ExchangeType.FANOUT, Kind.UNSUPPORTED_EXCHANGE, id="random"),
    ],
)
def test_plugins_types_are_told(type_: str, arguments: dict[str, Any], ours: ExchangeType, kind: Kind) -> None:
    """Those that route as one of ours become it; for the others there is a stand-in."""
    found, findings = known(exchange("x", type_, arguments=arguments))
    assert found.type is ours
    assert [each.kind for each in findings] == [kind]
    assert found.supported is (kind is Kind.PLUGIN_EXCHANGE)


def test_an_argument_wins_over_a_policy() -> None:
    """Even where it leads nowhere: then there is no alternate at all."""
    late = policy("late", "", alternate_exchange="amq.fanout")
    assert known(exchange("x"), policies=(late,))[0].alternate == "amq.fanout"
    argued = exchange("x", arguments={"alternate-exchange": "amq.topic"})
    assert known(argued, policies=(late,))[0].alternate == "amq.topic"
    gone = exchange("x", arguments={"alternate-exchange": "gone"})
    assert known(gone, policies=(late,))[0].alternate is None


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        pytest.param("gone", "does not exist", id="missing"),
        pytest.param("", "default exchange", id="default exchange"),
        pytest.param(["a"], "does not exist", id="no text"),
    ],
)
def test_an_alternate_that_leads_nowhere_is_told(stated: Any, words: str) -> None:
    """RabbitMQ ignores it, in silence."""
    found, (finding,) = known(exchange("x", arguments={"alternate-exchange": stated}))
    assert found.alternate is None
    assert finding.kind is Kind.MISSING_ALTERNATE
    assert words in finding.message


def test_policies_of_one_priority_are_told() -> None:
    """The first in the file counts, and which others might have is said."""
    found, findings = known(
        exchange("x"),
        policies=(
            policy("b", "^x", alternate_exchange="amq.fanout"),
            policy("a", "^x", alternate_exchange="amq.topic"),
        ),
    )
    assert found.alternate == "amq.fanout"
    assert [each.kind for each in findings] == [Kind.POLICY_TIE]
    assert "'b'" in findings[0].message
    assert "'a'" in findings[0].message


def test_a_policy_of_higher_priority_hides_an_alternate() -> None:
    """At most one policy counts, though it speaks of other things."""
    late = policy("late", "", alternate_exchange="amq.fanout")
    other = policy("other", "", priority=1, federation_upstream="u")
    assert known(exchange("x"), policies=(late, other)) == (KnownExchange("x", ExchangeType.DIRECT), [])


@pytest.mark.parametrize(
    ("arguments", "header", "kinds"),
    [
        pytest.param({}, None, [], id="the routing key"),
        pytest.param({"hash-header": "h"}, "h", [], id="a header"),
        pytest.param({"hash-property": "message_id"}, "message_id", [Kind.HASH_PROPERTY], id="a property"),
    ],
)
def test_a_ring_hashes_what_it_did(arguments: dict[str, Any], header: str | None, kinds: list[Kind]) -> None:
    """A property becomes the header of its name, which publishers must write."""
    found, findings = known(exchange("x", "x-consistent-hash", arguments=arguments))
    assert found.hash_header == header
    assert [each.kind for each in findings] == kinds


def test_how_long_an_exchange_lives_is_told() -> None:
    """And every argument that nobody knows."""
    _, findings = known(exchange("x", durable=False, auto_delete=True, arguments={"b": 1, "a": 2}))
    assert [each.kind for each in findings] == [
        *(Kind.EXCHANGE_ARGUMENT, Kind.EXCHANGE_ARGUMENT),
        *(Kind.LIFETIME, Kind.LIFETIME),
    ]
    assert "'a'" in findings[0].message


def test_internal_exchanges_are_noted() -> None:
    """Nobody can publish to an exchange without sources, so that nothing is lost."""
    found, findings = known(exchange("x", internal=True))
    assert found.notes == ("internal in RabbitMQ: other exchanges alone lead here",)
    assert findings == []


def test_a_stand_in_has_no_alternate() -> None:
    """What it would have routed is unroutable, where somebody sees it."""
    assert known(exchange("x", "x-random", arguments={"alternate-exchange": "amq.fanout"}))[0].alternate is None


def test_built_in_exchanges_are_known_and_not_declared() -> None:
    """Definitions do not list them, and what does is believed."""
    found, _ = known_exchanges(read_definitions('{"queues": []}')[0], Policies(()))
    assert {name: each.declared for name, each in found.items()} == dict.fromkeys(BUILT_IN, False)
    assert built_in("amq.match").type == "headers"
    assert known(exchange("amq.topic", "topic"))[0].declared
