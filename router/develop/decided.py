"""The books by the router's own decisions: for routes that were changed, which the hand-written books cannot know.

They prove less, for a decision that is wrong would be wrong in the books, too; but still that no copy is lost, made twice
or altered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from router.develop.feed import FeedEvent, Mischief
from router.errors import RecordError
from router.language.deciders import deciders
from router.language.routes import RouteSet
from router.language.topics import dead_letters_of, unroutable_of
from router.order.policy import ByTime, OnDuplicate, OrderPolicy
from router.order.splitting import on_arrival
from router.records.record import PlainRecord

__all__ = ["SHOP_ROUTES", "decided_topics"]

SHOP_ROUTES = "76b27bd2"
"""The fingerprint of routes/ as it comes with the project: what `router.develop.reconcile` is written for."""


def decided_topics(route_set: RouteSet) -> Callable[[FeedEvent], Iterable[str]]:
    """What `expected_topics` is for the shop's routes, for any; a source that no route reads leads nowhere.

    Where records are put in order, it takes for granted that what comes late, or waits in vain, is released.
    """
    by_source = deciders(route_set)

    def topics(event: FeedEvent) -> tuple[str, ...]:
        decider = by_source.get(event.topic)
        if decider is None:
            return ()
        record = PlainRecord(topic=event.topic, key=event.key, value=event.value, headers=event.headers)
        try:
            decision = decider.decide(record)
        except RecordError:
            return (dead_letters_of(event.topic),)
        order = route_set.sources[event.topic].order
        if order is not None and event.mischief is Mischief.DUPLICATE and _drops_duplicates(order.policy):
            decision = on_arrival(decision, exchange=order.exchange, at_once=order.at_once)
        return (*decision.topics, unroutable_of(event.topic)) if decision.unroutable else decision.topics

    return topics


def _drops_duplicates(policy: OrderPolicy) -> bool:
    """Order by time knows none."""
    return policy.on_duplicate is OnDuplicate.DROP and not isinstance(policy.kind, ByTime)
