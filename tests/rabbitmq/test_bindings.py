"""Bindings of definitions as ours."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.model import ExchangeType
from router.rabbitmq.bindings import HEAVIEST, HEAVIEST_RING, carried_binding, ring_weights
from router.rabbitmq.declarations import ImportedBinding
from router.rabbitmq.definitions import BindingDefinition
from router.rabbitmq.exchanges import KnownExchange


def bound(key: str = "", to: str = "q", **arguments: Any) -> BindingDefinition:
    named = {name.replace("_", "-"): value for name, value in arguments.items()}
    return BindingDefinition("x", to, to_exchange=False, routing_key=key, arguments=named)


def carried(type_: ExchangeType, binding: BindingDefinition) -> tuple[ImportedBinding | None, list[str]]:
    found, findings = carried_binding(binding, KnownExchange("x", type_))
    return found, [str(each.kind) for each in findings]


@pytest.mark.parametrize(
    ("type_", "binding", "wanted", "kinds"),
    [
        pytest.param(ExchangeType.DIRECT, bound("k"), ImportedBinding("x", "k"), [], id="direct"),
        pytest.param(ExchangeType.DIRECT, bound(), ImportedBinding("x", ""), [], id="direct, the empty key"),
        pytest.param(
            ExchangeType.TOPIC,
            bound("#", a=1),
            ImportedBinding("x", "#"),
            ["binding-argument"],
            id="topic, with arguments",
        ),
        pytest.param(ExchangeType.FANOUT, bound(), ImportedBinding("x"), [], id="fanout"),
        pytest.param(
            ExchangeType.FANOUT, bound("k"), ImportedBinding("x"), ["binding-argument"], id="fanout, with a key"
        ),
        pytest.param(ExchangeType.CONSISTENT_HASH, bound("3"), ImportedBinding("x"), [], id="ring"),
        pytest.param(
            ExchangeType.HEADERS,
            bound(b=1, a=[1], x_match="any"),
            ImportedBinding("x", headers={"x-match": "any", "a": [1], "b": 1}),
            [],
            id="headers",
        ),
        pytest.param(
            ExchangeType.HEADERS,
            bound("k", a=1),
            ImportedBinding("x", headers={"x-match": "all", "a": 1}),
            ["binding-argument"],
            id="headers, with a key",
        ),
        pytest.param(
            ExchangeType.HEADERS,
            bound(x_up=1),
            ImportedBinding("x", headers={"x-match": "all", "x-up": 1}),
            ["nothing-to-match"],
            id="headers, nothing counts",
        ),
        pytest.param(
            ExchangeType.HEADERS,
            bound(x_up=1, x_match="any-with-x"),
            ImportedBinding("x", headers={"x-match": "any-with-x", "x-up": 1}),
            [],
            id="headers, x- counts",
        ),
        pytest.param(
            ExchangeType.HEADERS,
            bound(a="undefined"),
            ImportedBinding("x", headers={"x-match": "all", "a": "undefined"}),
            ["ambiguous-void"],
            id="headers, void as text",
        ),
        pytest.param(
            ExchangeType.HEADERS,
            bound(a=None),
            ImportedBinding("x", headers={"x-match": "all", "a": None}),
            ["null-argument"],
            id="headers, null",
        ),
        pytest.param(ExchangeType.HEADERS, bound(x_match="ALL"), None, ["invalid-binding"], id="headers, unknown mode"),
        pytest.param(ExchangeType.HEADERS, bound(x_match=5), None, ["invalid-binding"], id="headers, mode no text"),
        pytest.param(
            ExchangeType.HEADERS,
            BindingDefinition("x", "q", to_exchange=False, routing_key="", arguments={"": 1}),
            None,
            ["invalid-binding"],
            id="headers, no name",
        ),
    ],
)
def test_each_type_carries_what_it_looks_at(
    type_: ExchangeType, binding: BindingDefinition, wanted: ImportedBinding | None, kinds: list[str]
) -> None:
    """And tells what it leaves out, or what does not mean what it seems to."""
    assert carried(type_, binding) == (wanted, kinds)


def test_nothing_to_match_says_what_it_takes() -> None:
    """All of nothing is everything, any of nothing is nothing."""
    for mode, takes in (("all", "every record"), ("any", "no record at all")):
        _, (finding,) = carried_binding(bound(x_match=mode), KnownExchange("x", ExchangeType.HEADERS))
        assert takes in finding.message


RING = KnownExchange("x", ExchangeType.CONSISTENT_HASH)


@pytest.mark.parametrize(
    ("keys", "weights", "kinds"),
    [
        pytest.param([("a", "1"), ("b", "2")], [1, 2], ["other-ring"], id="as they are"),
        pytest.param([("a", "+2"), ("b", "03")], [2, 3], ["other-ring"], id="as RabbitMQ reads numbers"),
        pytest.param(
            [("a", "1"), ("a", "9")], [1], ["repeated-ring-binding", "other-ring"], id="the second adds nothing"
        ),
        pytest.param([("a", "0")], [], ["invalid-binding"], id="zero"),
        pytest.param([("a", " 1")], [], ["invalid-binding"], id="a blank"),
        pytest.param([("a", "1.5")], [], ["invalid-binding"], id="a fraction"),
        pytest.param([("a", "")], [], ["invalid-binding"], id="nothing"),
        pytest.param([("a", "2000"), ("b", "500")], [1000, 250], ["other-ring", "scaled-weight"], id="too heavy"),
        pytest.param([("a", "9000"), ("b", "1")], [1000, 1], ["other-ring", "scaled-weight"], id="never nothing"),
        pytest.param([], [], [], id="no bindings"),
    ],
)
def test_binding_keys_of_a_ring_are_weights(keys: list[tuple[str, str]], weights: list[int], kinds: list[str]) -> None:
    """Whole numbers above zero, and light enough for a route file."""
    found, findings = ring_weights(RING, tuple(bound(key, to) for to, key in keys))
    assert list(found.values()) == weights
    assert [str(each.kind) for each in findings] == kinds


def test_a_ring_of_equal_weights_ignores_keys() -> None:
    """Modulus hashing counts each binding once."""
    counted = KnownExchange("x", ExchangeType.CONSISTENT_HASH, counted=True)
    weights, _ = ring_weights(counted, (bound("a", "q"), bound("b", "q"), bound("a", "p")))
    assert weights == {(False, "q"): 2, (False, "p"): 1}


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=200))
def test_scaled_weights_fit_a_route_file(weights: list[int]) -> None:
    """Each by itself and all together, and the heavier stays the heavier."""
    found, _ = ring_weights(RING, tuple(bound(str(weight), f"q{index}") for index, weight in enumerate(weights)))
    scaled = list(found.values())
    assert max(scaled) <= HEAVIEST
    assert sum(scaled) <= HEAVIEST_RING
    ordered = [scaled[index] for index in sorted(range(len(weights)), key=weights.__getitem__)]
    assert ordered == sorted(ordered)
