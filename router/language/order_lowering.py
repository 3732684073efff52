"""From what a team says of order to the policy that a resequencer obeys, and to what a source must know of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.exchange.model import DestinationKind, Exchange
from router.language.declarations import Declarations, DeclaredExchange
from router.language.durations import FOREVER, parse_retention, parse_wait
from router.language.order_checks import first_states
from router.language.routes import SourceOrder
from router.language.shapes import OrderShape
from router.order.policy import (
    FIRST_SEEN,
    ByTime,
    Kind,
    OnDuplicate,
    OnGap,
    OnLate,
    OrderPolicy,
    Sequence,
    States,
)

__all__ = ["order_policy", "source_order"]


def order_policy(order: OrderShape) -> OrderPolicy:
    """The policy; what is said must have passed `check_order` without an error."""
    forget_after, park_for = parse_retention(order.forget_after), parse_retention(order.park_for)
    return OrderPolicy(
        by=order.by,
        kind=_kind(order),
        wait_ms=parse_wait(order.wait),
        on_gap=OnGap(order.on_gap),
        on_late=OnLate(order.on_late),
        on_duplicate=OnDuplicate(order.on_duplicate),
        hold_at_most=order.hold_at_most,
        forget_after_ms=None if forget_after == FOREVER else forget_after,
        repartition=order.repartition,
        park_for_ms=None if park_for == FOREVER else park_for,
        on_expiry=OnGap(order.on_expiry),
    )


def _kind(order: OrderShape) -> Kind:
    anywhere = order.start == [FIRST_SEEN]
    if order.sequence is not None:
        start = 1 if order.start is None else order.start
        return Sequence(order.sequence, None if anywhere else int(start))
    if order.time is not None:
        return ByTime(order.time)
    assert order.state is not None, "states have a field that carries them"
    starts = first_states(order) if order.start is None else order.start
    # Sorted, because neither's order means anything.
    transitions = {name: tuple(sorted(set(leads_to))) for name, leads_to in sorted((order.states or {}).items())}
    return States(order.state, transitions, None if anywhere else tuple(sorted(set(starts))))


def source_order(
    readers: list[DeclaredExchange], exchanges: Mapping[str, Exchange], declarations: Declarations
) -> SourceOrder | None:
    """How the source that these exchanges read is put in order; None where none of them has an order."""
    for reader in readers:
        if reader.shape.order is not None:
            policy = order_policy(reader.shape.order)
            at_once = {name for name, topic in declarations.topics.items() if not topic.shape.ordered}
            return SourceOrder(
                exchange=reader.name,
                policy=policy,
                paths=tuple(dict.fromkeys((policy.kind.field, policy.by))),
                at_once=frozenset(at_once.intersection(_topics(reader.name, exchanges))),
            )
    return None


def _topics(start: str, exchanges: Mapping[str, Exchange]) -> Iterator[str]:
    """Every topic that an exchange can lead to."""
    way = [start]
    for name in way:  # which grows on the way
        exchange = exchanges[name]
        onward = [binding.destination for binding in exchange.bindings]
        onward += [] if exchange.alternate is None else [exchange.alternate]
        yield from (each.name for each in onward if each.kind is DestinationKind.TOPIC)
        way += [
            each
            for each in dict.fromkeys(one.name for one in onward if one.kind is DestinationKind.EXCHANGE)
            if each not in way
        ]
