"""The books by the router's own decisions: for routes that were changed, which the hand-written books cannot know.

They prove less, for a decision that is wrong would be wrong in the books, too; but still that no copy is lost, made twice
or altered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from router.develop.feed import FeedEvent
from router.errors import RecordError
from router.language.deciders import deciders
from router.language.routes import RouteSet
from router.language.topics import dead_letters_of, unroutable_of
from router.records.record import PlainRecord

__all__ = ["SHOP_ROUTES", "decided_topics"]

SHOP_ROUTES = "7332b0cf"
"""The fingerprint of routes/ as it comes with the project: what `router.develop.reconcile` is written for."""


def decided_topics(route_set: RouteSet) -> Callable[[FeedEvent], Iterable[str]]:
    """What `expected_topics` is for the shop's routes, for any; a source that no route reads leads nowhere."""
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
        return (*decision.topics, unroutable_of(event.topic)) if decision.unroutable else decision.topics

    return topics
