"""Declarations that an import makes."""

from __future__ import annotations

from router.exchange.model import ExchangeType
from router.rabbitmq.declarations import Imported, ImportedBinding, ImportedExchange, ImportedTopic


def test_the_least_that_can_be_declared() -> None:
    """What is not said is nothing: no key, no headers, no weight, no alternate."""
    assert ImportedBinding("x") == ImportedBinding("x", key=None, headers=None, weight=None)
    assert ImportedExchange("x", ExchangeType.FANOUT).bindings == ()
    assert ImportedTopic("q").notes == ()
    assert Imported("", None).exchanges == ()
