"""From a compiled route set to definitions that a RabbitMQ can import, and everything that it does not have. Pure.

The inverse of `importing`: of what came from there, exchanges, bindings and alternates are kept. What only the router has
is a finding each, and what RabbitMQ cannot decide is left out rather than decided otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from router.exchange.header_values import HeaderTest, Operator
from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, HeadersMatch
from router.language.routes import RouteSet
from router.rabbitmq.exchanges import ALTERNATE, BUILT_IN, PLAIN_TYPES
from router.rabbitmq.findings import Finding, Kind, found

__all__ = ["Export", "export_routes"]

_TYPES = {ours: theirs for theirs, ours in PLAIN_TYPES.items()}
_LONGEST = 255
"""Bytes of a name or a binding key."""


@dataclass(frozen=True, slots=True)
class Export:
    """What became of a route set."""

    definitions: Mapping[str, Any]
    """As JSON's plain values, in the form of the management plugin's export."""
    findings: tuple[Finding, ...]
    """Errors first, then by kind of object and name."""


def export_routes(route_set: RouteSet, *, vhost: str = "/") -> Export:
    """The definitions of a route set, for one virtual host."""
    return _Exporting(route_set, vhost).run()


@dataclass(slots=True)
class _Sections:
    exchanges: list[dict[str, Any]] = field(default_factory=list)
    queues: list[dict[str, Any]] = field(default_factory=list)
    bindings: list[dict[str, Any]] = field(default_factory=list)
    policies: list[dict[str, Any]] = field(default_factory=list)


class _Exporting:
    def __init__(self, route_set: RouteSet, vhost: str) -> None:
        self._routes = route_set
        self._vhost = vhost
        self._sections = _Sections()
        self._findings: list[Finding] = []
        self._queues: dict[str, None] = dict.fromkeys(
            name for name in route_set.topics if name not in route_set.sources
        )

    def run(self) -> Export:
        for source, declared in sorted(self._routes.sources.items()):
            entered = ", ".join(f"'{entry.exchange}'" for entry in declared.entries)
            message = (
                f"is not exported: in RabbitMQ publishers choose an exchange ({entered}) and a routing key themselves"
            )
            self._tell(Kind.SOURCE, "source", source, message)
        orders = (each.order for each in self._routes.sources.values() if each.order is not None)
        for name, by in sorted({(order.exchange, order.policy.by) for order in orders}):
            message = f"puts records in order by '{by}' (`order:`): RabbitMQ has nothing like it, consumers get them as they come"
            self._tell(Kind.ORDER, "exchange", name, message, "let consumers wait for what is missing, each by itself")
        for _, exchange in sorted(self._routes.exchanges.items()):
            self._exchange(exchange)
        for name in sorted(self._queues):
            self._queue(name)
        sections = self._sections
        definitions = {
            "vhosts": [{"name": self._vhost}],
            "exchanges": sections.exchanges,
            "queues": sections.queues,
            "bindings": sections.bindings,
            "policies": sections.policies,
        }
        ranked = sorted(dict.fromkeys(self._findings), key=lambda each: (each.level, each.what, each.name, each.kind))
        return Export(definitions, tuple(ranked))

    def _tell(self, kind: Kind, what: str, name: str, message: str, suggestion: str = "") -> None:
        self._findings.append(found(kind, what=what, name=name, message=message, suggestion=suggestion))

    def _exchange(self, exchange: Exchange) -> None:
        if not self._fits(exchange.name):
            return
        theirs = _TYPES[exchange.type]
        arguments: dict[str, Any] = {}
        if exchange.hash_header is not None:
            arguments["hash-header"] = exchange.hash_header
        alternate = self._alternate(exchange)
        if exchange.name in BUILT_IN:
            if theirs != BUILT_IN[exchange.name]:
                message = f"is of type {theirs}: RabbitMQ has an exchange of that name already, of type {BUILT_IN[exchange.name]}"
                self._tell(Kind.BUILT_IN_EXCHANGE, "exchange", exchange.name, message, "give it another name")
                return
            if alternate is not None:
                self._policy(exchange.name, alternate)
        else:
            if alternate is not None:
                arguments[ALTERNATE] = alternate
            self._sections.exchanges.append(self._declared_exchange(exchange.name, theirs, arguments))
        if not exchange.cc:
            message = "does not look at CC and BCC; in RabbitMQ every exchange does"
            self._tell(Kind.CC_KEYS, "exchange", exchange.name, message)
        if exchange.first_only:
            message = (
                "takes its first match only (`limit: first`): RabbitMQ has nothing like it, all its matches would count"
            )
            self._tell(Kind.FIRST_MATCH, "exchange", exchange.name, f"{message}; its bindings are left out")
            return
        for binding in _merged(exchange):
            self._binding(binding, exchange)

    def _declared_exchange(self, name: str, type_: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        lasting = {"durable": True, "auto_delete": False}
        return {"name": name, "vhost": self._vhost, "type": type_, **lasting, "internal": False, "arguments": arguments}

    def _alternate(self, exchange: Exchange) -> str | None:
        """Only an exchange can be an alternate: before a topic we put one that leads there."""
        to = exchange.alternate
        if to is None:
            return None
        if to.kind is DestinationKind.EXCHANGE:
            return to.name
        name = f"{exchange.name}.alternate"
        while name in self._routes.exchanges:
            name += "-"
        message = f"has the topic '{to.name}' for its alternate: a fanout exchange '{name}' leads to the queue"
        self._tell(Kind.ALTERNATE_TOPIC, "exchange", exchange.name, message)
        self._queues.setdefault(to.name)
        self._sections.exchanges.append(self._declared_exchange(name, "fanout", {}))
        self._sections.bindings.append(self._bound(name, to.name, "queue", "", {}))
        return name

    def _policy(self, exchange: str, alternate: str) -> None:
        """What is declared by RabbitMQ itself takes arguments from nobody, but policies count."""
        self._sections.policies.append(
            {
                "vhost": self._vhost,
                "name": f"alternate of {exchange}",
                "pattern": f"^{re.escape(exchange)}$",
                "apply-to": "exchanges",
                "definition": {ALTERNATE: alternate},
                "priority": 0,
            }
        )

    def _bound(
        self, source: str, destination: str, kind: str, key: str, arguments: Mapping[str, Any]
    ) -> dict[str, Any]:
        ends = {"source": source, "vhost": self._vhost, "destination": destination, "destination_type": kind}
        return {**ends, "routing_key": key, "arguments": arguments}

    def _binding(self, binding: Binding, exchange: Exchange) -> None:
        to = binding.destination
        name = f"{binding.exchange} → {to.kind} {to.name}" + (f" by '{binding.key}'" if binding.key else "")
        if to.kind is DestinationKind.TOPIC:
            self._queues.setdefault(to.name)
        if binding.where is not None:
            message = f"is left out: RabbitMQ has no conditions (`where: {binding.where}`)"
            self._tell(Kind.CONDITION, "binding", name, message, "let publishers say it in the routing key or a header")
            return
        key, arguments = "", {}
        match exchange.type:
            case ExchangeType.CONSISTENT_HASH:
                key = str(binding.weight)
            case ExchangeType.HEADERS:
                stated = self._arguments(binding.headers, name)
                if stated is None:
                    return
                arguments = stated
            case ExchangeType.TOPIC:
                key = "#" if binding.key is None else binding.key
            case ExchangeType.DIRECT:
                if binding.key is None:
                    message = (
                        "is left out: it takes every key of a direct exchange, which no binding of RabbitMQ's does"
                    )
                    self._tell(Kind.KEYLESS_BINDING, "binding", name, message, "make the exchange a topic exchange")
                    return
                key = binding.key
            case _:
                pass
        if len(key.encode()) > _LONGEST:
            message = f"is left out: its key has {len(key.encode())} bytes, and RabbitMQ takes {_LONGEST}"
            self._tell(Kind.NAME, "binding", name, message)
            return
        kind = "queue" if to.kind is DestinationKind.TOPIC else "exchange"
        self._sections.bindings.append(self._bound(binding.exchange, to.name, kind, key, arguments))

    def _arguments(self, headers: HeadersMatch | None, name: str) -> dict[str, Any] | None:
        """The arguments of a headers binding; None where RabbitMQ has no way to say them."""
        match = headers or HeadersMatch()
        arguments: dict[str, Any] = {"x-match": str(match.x_match)}
        for condition in match.conditions:
            problem = _unsayable(condition.test)
            if problem:
                message = (
                    f"is left out: it asks of the header '{condition.name}' that it is {condition.test}: {problem}"
                )
                self._tell(Kind.HEADER_OPERATOR, "binding", name, message)
                return None
            arguments[condition.name] = condition.test.operand
        return arguments

    def _queue(self, name: str) -> None:
        lasting = {"durable": True, "auto_delete": False}
        self._sections.queues.append({"name": name, "vhost": self._vhost, **lasting, "arguments": {}})
        declared = self._routes.topics.get(name)
        for setting, holds in _settings(declared):
            if holds:
                message = f"has `{setting}`, which a queue does not have"
                self._tell(Kind.TOPIC_SETTING, "topic", name, message)

    def _fits(self, name: str) -> bool:
        if len(name.encode()) <= _LONGEST:
            return True
        message = f"is left out: its name has {len(name.encode())} bytes, and RabbitMQ takes {_LONGEST}"
        self._tell(Kind.NAME, "exchange", name, message)
        return False


def _merged(exchange: Exchange) -> Iterable[Binding]:
    """On a ring, one binding a destination with all its weight: of several, RabbitMQ counts the first only."""
    if exchange.type is not ExchangeType.CONSISTENT_HASH:
        return exchange.bindings
    merged: dict[tuple[Destination, str | None], Binding] = {}
    for binding in exchange.bindings:
        first = merged.get((binding.destination, binding.where))
        weight = binding.weight + (first.weight if first else 0)
        merged[binding.destination, binding.where] = replace(binding, weight=weight)
    return merged.values()


def _settings(declared: Any) -> Iterator[tuple[str, bool]]:
    if declared is not None:
        yield "partitions", declared.partitions is not None
        yield "retention", declared.retention_ms is not None


def _unsayable(test: HeaderTest) -> str:
    """Why definitions cannot say it; empty where they can."""
    if test.operator is Operator.EQUALS:
        return "" if not _has_null(test.operand) else "null cannot stand in a definitions file"
    if test.operator is Operator.PRESENT or (test.operator is Operator.EXISTS and test.operand):
        return "RabbitMQ's void does that, but a definitions file cannot say it; declare the binding by hand"
    return "RabbitMQ knows equality only"


def _has_null(value: object) -> bool:
    match value:
        case list():
            return any(map(_has_null, value))
        case dict():
            return any(map(_has_null, value.values()))
        case _:
            return value is None
