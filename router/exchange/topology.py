"""The way of a message through exchanges, as RabbitMQ walks it.

The walk visits each exchange once, so that cycles, diamonds and bindings to itself are harmless. An exchange whose own
bindings match nothing hands the message to its alternate; a match on a binding to another exchange is a match even
where that exchange leads nowhere. Each topic that is reached gets one copy. The routing key never changes on the way.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping

from router.exchange.decision import Delivery, Step, Walk
from router.exchange.direct import DirectMatcher
from router.exchange.fanout import FanoutMatcher
from router.exchange.matcher import Matcher, Message, message
from router.exchange.model import Binding, DestinationKind, Exchange, Exchanges, ExchangeType
from router.exchange.topic import TopicMatcher

__all__ = ["Topology"]

_MATCHERS: Mapping[ExchangeType, type[DirectMatcher | FanoutMatcher | TopicMatcher]] = {
    ExchangeType.DIRECT: DirectMatcher,
    ExchangeType.FANOUT: FanoutMatcher,
    ExchangeType.TOPIC: TopicMatcher,
}

_StepOf = Callable[[Exchange], Step]


class Topology:
    """All exchanges of a route set, compiled; reads only."""

    def __init__(self, exchanges: Exchanges) -> None:
        self.exchanges = exchanges
        self._matchers: dict[str, Matcher] = {name: _MATCHERS[each.type](each) for name, each in exchanges.items()}

    def matcher(self, exchange: str) -> Matcher:
        """The compiled form of one exchange."""
        return self._matchers[exchange]

    def walk(self, exchange: str, routing_key: str) -> Walk:
        """Where a message goes that is published to this exchange, and by which bindings."""
        published = message(routing_key)
        return self._visit(exchange, routing_key, lambda each: self._step(each, published))

    def walk_everywhere(self, exchange: str) -> Walk:
        """Every topic that the exchange can reach, over all bindings and alternates: the way of a tombstone."""

        def all_ways(each: Exchange) -> Step:
            return Step(each.name, each.bindings, each.alternate)

        return self._visit(exchange, "", all_ways)

    def _step(self, exchange: Exchange, published: Message) -> Step:
        matched = self._matchers[exchange.name].match(published)
        return Step(exchange.name, matched, None if matched else exchange.alternate)

    def _visit(self, start: str, routing_key: str, step_of: _StepOf) -> Walk:
        steps: list[Step] = []
        found: defaultdict[str, tuple[list[Binding], list[str]]] = defaultdict(lambda: ([], []))
        waiting = deque([start])
        seen = {start}

        def lead_on(exchange: str) -> None:
            if exchange not in seen:
                seen.add(exchange)
                waiting.append(exchange)

        while waiting:
            step = step_of(self.exchanges[waiting.popleft()])
            steps.append(step)
            for binding in step.matched:
                if binding.destination.kind is DestinationKind.TOPIC:
                    found[binding.destination.name][0].append(binding)
                else:
                    lead_on(binding.destination.name)
            if step.alternate is None:
                continue
            if step.alternate.kind is DestinationKind.TOPIC:
                found[step.alternate.name][1].append(step.exchange)
            else:
                lead_on(step.alternate.name)
        # No binding can lead to a topic twice in one walk: each exchange is visited once and names its matches once.
        deliveries = tuple(
            Delivery(topic, tuple(bindings), tuple(alternates)) for topic, (bindings, alternates) in found.items()
        )
        return Walk(start, routing_key, tuple(steps), deliveries)
