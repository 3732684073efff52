"""The way of a message through exchanges, as RabbitMQ walks it.

The walk visits each exchange once, so that cycles, diamonds and bindings to itself are harmless. An exchange whose own
bindings match nothing hands the message to its alternate; a match on a binding to another exchange is a match even
where that exchange leads nowhere, and an alternate that does not exist is ignored. Each topic that is reached gets one copy.
The routing key never changes on the way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping

from router.exchange.consistent_hash import ConsistentHashMatcher
from router.exchange.decision import Delivery, Step, Walk
from router.exchange.direct import DirectMatcher
from router.exchange.fanout import FanoutMatcher
from router.exchange.header_values import Search
from router.exchange.headers import HeadersMatcher
from router.exchange.matcher import ConditionMiss, Matcher, Message, Shadowed, Why
from router.exchange.model import (
    DEFAULT_EXCHANGE,
    Binding,
    Destination,
    DestinationKind,
    Exchange,
    Exchanges,
    ExchangeType,
)
from router.exchange.topic import TopicMatcher

__all__ = ["Topology"]

_StepOf = Callable[[Exchange], Step]
_TOPIC = DestinationKind.TOPIC


class Topology:
    """All exchanges of a route set, compiled; reads only."""

    def __init__(self, exchanges: Exchanges, *, search: Search | None = None, topics: Collection[str] = ()) -> None:
        """`search` is the regex engine of header conditions, needed where one says `matches`; `topics` are those that the
        default exchange leads to.
        """
        self.exchanges = exchanges
        self.topics = frozenset(topics)
        self._matchers: dict[str, Matcher] = {name: _compiled(each, search) for name, each in exchanges.items()}
        self._alternates = {name: _that_exists(each.alternate, exchanges) for name, each in exchanges.items()}
        bindings = [binding for each in exchanges.values() for binding in each.bindings]
        self._conditional = {binding.exchange for binding in bindings if binding.where is not None}
        self._alone = {id(binding): Delivery(binding.destination.name, (binding,)) for binding in bindings}
        """For each binding the copy that no other leads to, which is what most copies are."""
        self._simple = {each.name for each in exchanges.values() if _is_simple(each)}

    def walk(self, exchange: str, message: Message) -> Walk:
        """Where a message goes that is published to this exchange, and by which bindings."""
        if exchange == DEFAULT_EXCHANGE:
            return self._walk_default(message)
        if exchange in self._simple:
            step = self._step(self.exchanges[exchange], message)
            if step.alternate is None:
                alone = self._alone
                return Walk(exchange, message.routing_key, (step,), tuple([alone[id(each)] for each in step.matched]))
        return self._visit(exchange, message.routing_key, lambda each: self._step(each, message))

    def walk_everywhere(self, exchange: str) -> Walk:
        """Every topic that the exchange can reach, over all bindings and alternates: the way of a tombstone."""

        def all_ways(each: Exchange) -> Step:
            return Step(each.name, each.bindings, self._alternates[each.name])

        return self._visit(exchange, "", all_ways)

    def why_not(self, binding: Binding, message: Message) -> Why | None:
        """What keeps a binding from taking the message at its exchange; None where it takes it."""
        exchange = self.exchanges[binding.exchange]
        miss = self._matchers[exchange.name].miss(binding, message)
        if miss is not None:
            return miss
        if not message.allows(binding):
            assert binding.where is not None, "a binding without a condition is always allowed"
            return ConditionMiss(binding.where, failed=message.truths.get(binding.where) is None)
        if exchange.first_only:
            first = self._step(exchange, message).matched[0]
            return None if first is binding else Shadowed(first)
        return None

    def _walk_default(self, message: Message) -> Walk:
        keys = (message.routing_key, *(key for key, _ in message.further))
        topics = [key for key in dict.fromkeys(keys) if key in self.topics]
        deliveries = tuple(Delivery(topic, ()) for topic in topics)
        return Walk(DEFAULT_EXCHANGE, message.routing_key, (Step(DEFAULT_EXCHANGE, (), None),), deliveries)

    def _step(self, exchange: Exchange, message: Message) -> Step:
        matched = found = self._matchers[exchange.name].match(message)
        failed: tuple[Binding, ...] = ()
        if exchange.name in self._conditional:
            matched = tuple(binding for binding in found if message.allows(binding))
            failed = tuple(each for each in found if each.where is not None and message.truths.get(each.where) is None)
        if exchange.first_only:
            matched = matched[:1]
        return Step(exchange.name, matched, None if matched else self._alternates[exchange.name], failed)

    def _visit(self, start: str, routing_key: str, step_of: _StepOf) -> Walk:
        steps: list[Step] = []
        deliveries: dict[str, Delivery] = {}
        further: defaultdict[str, list[Binding]] = defaultdict(list)
        """Bindings, by topic, after the first that led there."""
        alternates: defaultdict[str, list[str]] = defaultdict(list)
        exchanges = [start]
        seen = {start}
        for exchange in exchanges:  # which grows on the way
            step = step_of(self.exchanges[exchange])
            steps.append(step)
            for binding in step.matched:
                to = binding.destination
                if to.kind is _TOPIC:
                    # A binding is met once: each exchange is visited once and names its matches once.
                    if to.name in deliveries:
                        further[to.name].append(binding)
                    else:
                        deliveries[to.name] = self._alone[id(binding)]
                elif to.name not in seen:
                    seen.add(to.name)
                    exchanges.append(to.name)
            rest = step.alternate
            if rest is None:
                continue
            if rest.kind is _TOPIC:
                deliveries.setdefault(rest.name, Delivery(rest.name, ()))
                alternates[rest.name].append(exchange)
            elif rest.name not in seen:
                seen.add(rest.name)
                exchanges.append(rest.name)
        for topic in {**further, **alternates}:
            bindings = (*deliveries[topic].bindings, *further[topic])
            deliveries[topic] = Delivery(topic, bindings, tuple(alternates[topic]))
        return Walk(start, routing_key, tuple(steps), tuple(deliveries.values()))


def _is_simple(exchange: Exchange) -> bool:
    """Each of its bindings leads to a topic, and no two to the same: whatever matches, there is nothing to walk or to merge."""
    topics = {each.destination.name for each in exchange.bindings if each.destination.kind is _TOPIC}
    return len(topics) == len(exchange.bindings)


def _that_exists(alternate: Destination | None, exchanges: Exchanges) -> Destination | None:
    """An alternate that does not exist is ignored; the default exchange is none, for it would lead nowhere."""
    if alternate is None or alternate.kind is _TOPIC or alternate.name in exchanges:
        return alternate
    return None


_MATCHERS: Mapping[ExchangeType, Callable[[Exchange], Matcher]] = {
    ExchangeType.DIRECT: DirectMatcher,
    ExchangeType.TOPIC: TopicMatcher,
    ExchangeType.FANOUT: FanoutMatcher,
    ExchangeType.CONSISTENT_HASH: ConsistentHashMatcher,
}


def _compiled(exchange: Exchange, search: Search | None) -> Matcher:
    if exchange.type is ExchangeType.HEADERS:
        return HeadersMatcher(exchange, search)
    return _MATCHERS[exchange.type](exchange)
