"""The router's own values for what tests declare in the naive model's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exchange.naive import Asked, Bound, Declared, is_exchange

from router.exchange.header_values import HeaderTest, Operator
from router.exchange.model import (
    Binding,
    Destination,
    DestinationKind,
    Exchange,
    ExchangeType,
    HeaderCondition,
    HeadersMatch,
    Place,
    XMatch,
)
from router.exchange.topology import Topology

__all__ = ["compiled"]


def destination(name: str) -> Destination:
    """As the model tells them apart."""
    return Destination(DestinationKind.EXCHANGE if is_exchange(name) else DestinationKind.TOPIC, name)


def headers_match(one: Asked) -> HeadersMatch:
    """As the language says it: null is presence."""
    conditions = (
        HeaderCondition(name, HeaderTest(Operator.PRESENT) if value is None else HeaderTest(Operator.EQUALS, value))
        for name, value in one.values.items()
    )
    return HeadersMatch(XMatch(one.x_match), tuple(conditions))


def compiled(declared: Mapping[str, Declared], topics: Sequence[str] = ()) -> Topology:
    """The topology, whose default exchange leads to `topics`; a binding's line is its place in the declaration."""

    def binding(name: str, line: int, one: Bound) -> Binding:
        match = None if one.headers is None else headers_match(one.headers)
        to, place = destination(one.to), Place(name, line, 1)
        return Binding(name, one.key, to, place, "team", headers=match, weight=one.weight, where=one.where)

    return Topology(
        {
            name: Exchange(
                name,
                ExchangeType(one.type),
                tuple(binding(name, line, each) for line, each in enumerate(one.bindings, 1)),
                None if one.alternate is None else destination(one.alternate),
                Place(name, 1, 1),
                "team",
                first_only=one.first_only,
                cc=one.cc,
            )
            for name, one in declared.items()
        },
        topics=topics,
    )
