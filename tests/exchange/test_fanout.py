"""The fanout exchange."""

from __future__ import annotations

import pytest

from router.exchange.fanout import FanoutMatcher
from router.exchange.matcher import message
from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, Place

BINDINGS = tuple(
    Binding("x", key, Destination(DestinationKind.TOPIC, "t"), Place("f", line, 1), "team")
    for line, key in enumerate(["a", None, "b.*", "a"], 1)
)


def matcher(bindings: tuple[Binding, ...]) -> FanoutMatcher:
    """The exchange with these bindings."""
    return FanoutMatcher(Exchange("x", ExchangeType.FANOUT, bindings, None, Place("f", 1, 1), "team"))


@pytest.mark.parametrize("routing_key", ["", "a", "b.c", "anything.else"])
def test_fanout_ignores_the_key(routing_key: str) -> None:
    """Every binding takes every message, in declared order; binding keys play no part."""
    assert matcher(BINDINGS).match(message(routing_key)) == BINDINGS


def test_nothing_ever_misses() -> None:
    """There is nothing to explain about a binding of a fanout exchange."""
    assert [matcher(BINDINGS).miss(each, message("z")) for each in BINDINGS] == [None] * 4


def test_without_bindings_nothing_matches() -> None:
    """So that its alternate is taken."""
    assert matcher(()).match(message("a")) == ()
