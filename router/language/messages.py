"""Messages written as JSON, decided by one exchange: no schema, no source, no broker.

A message has `routing_key`, `headers` (typed, as AMQP's are; null is void), `key` and `value`, all of them optional. The
headers CC and BCC are lists of further routing keys. Where no routing key is given, a template of the exchange makes it
from the value; else it is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.exchange.decision import Walk
from router.exchange.explain import Missed, binding_json, destination_json, missed
from router.exchange.further_keys import BCC, CC
from router.exchange.matcher import Message, words_of
from router.exchange.model import DEFAULT_EXCHANGE, Binding
from router.exchange.routing_key import Placeholder, PlaceholderKind, RoutingKey
from router.exchange.topology import Topology
from router.records.text import as_text

__all__ = ["Decided", "MalformedMessage", "decide_message"]

Truth = Callable[[str, Mapping[str, Any]], bool | None]
"""Whether a condition holds for a message; None where it cannot be evaluated."""

_KEYS = frozenset({"routing_key", "headers", "key", "value"})


class MalformedMessage(ValueError):
    """A line is no message; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Where one message goes from one exchange, with its reasons."""

    walk: Walk
    missed: tuple[Missed, ...]

    def to_json(self) -> dict[str, Any]:
        """`to` maps each topic to its copies; the nearest misses come first."""
        steps = self.walk.steps
        return {
            "to": {delivery.topic: 1 for delivery in self.walk.deliveries},
            "routing_key": self.walk.routing_key,
            "matched": [binding_json(binding) for step in steps for binding in step.matched],
            "alternate": [
                {"exchange": step.exchange, "to": destination_json(step.alternate)}
                for step in steps
                if step.alternate is not None
            ],
            "unmatched": [{**binding_json(each.binding), "why": str(each)} for each in self.missed],
        }


def decide_message(
    topology: Topology,
    exchange: str,
    stated: Any,
    *,
    template: RoutingKey | None,
    truth: Truth,
) -> Decided:
    """Decide one message. Raises MalformedMessage."""
    message = _message(topology, exchange, stated, template=template, truth=truth)
    walk = topology.walk(exchange, message)
    return Decided(walk, missed(walk, topology, message, template if "routing_key" not in stated else None))


def _message(topology: Topology, exchange: str, stated: Any, *, template: RoutingKey | None, truth: Truth) -> Message:
    if not isinstance(stated, dict):
        raise MalformedMessage("a message is an object")
    unknown = stated.keys() - _KEYS
    if unknown:
        raise MalformedMessage(f"a message has no '{min(unknown)}': it has {', '.join(sorted(_KEYS))}")
    headers = {} if stated.get("headers") is None else stated["headers"]
    if not isinstance(headers, dict):
        raise MalformedMessage("`headers` is an object")
    key = _routing_key(stated, headers, template)
    takes_cc = exchange == DEFAULT_EXCHANGE or topology.exchanges[exchange].cc
    further = [each for name in (CC, BCC) for each in _further(headers, name)] if takes_cc else []
    if takes_cc:
        headers = {name: value for name, value in headers.items() if name != BCC}
    return Message(
        key,
        words_of(key),
        further=tuple((each, words_of(each)) for each in dict.fromkeys(further)),
        headers=headers,
        typed=True,
        truths={where: truth(where, stated) for where in _conditions(topology, exchange)},
    )


def _routing_key(stated: Mapping[str, Any], headers: Mapping[str, Any], template: RoutingKey | None) -> str:
    key = stated.get("routing_key")
    if key is None and template is not None and "value" in stated:
        return template.render(lambda placeholder: _text(placeholder, stated, headers))
    if key is None:
        return ""
    if not isinstance(key, str):
        raise MalformedMessage("`routing_key` is a text")
    return key


def _text(placeholder: Placeholder, stated: Mapping[str, Any], headers: Mapping[str, Any]) -> str:
    match placeholder.kind:
        case PlaceholderKind.HEADER:
            value = headers.get(placeholder.name)
        case PlaceholderKind.KEY:
            value = stated.get("key")
        case PlaceholderKind.TOPIC:
            value = None
        case _:
            value = stated.get("value")
            for name in placeholder.name.split("."):
                value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict | list):
        raise MalformedMessage(f"'{placeholder.name}' is no single value, and so no word of a routing key")
    return as_text(value)


def _further(headers: Mapping[str, Any], name: str) -> Sequence[str]:
    listed = headers.get(name)
    if listed is None:
        return ()
    if not isinstance(listed, list):
        # RabbitMQ closes the channel with 406 PRECONDITION_FAILED.
        raise MalformedMessage(f"the header {name} is a list of routing keys")
    return [key for key in listed if isinstance(key, str)]


def _conditions(topology: Topology, exchange: str) -> Sequence[str]:
    if exchange == DEFAULT_EXCHANGE:
        return ()
    steps = topology.walk_everywhere(exchange).steps
    bindings: list[Binding] = [binding for step in steps for binding in topology.exchanges[step.exchange].bindings]
    return tuple(dict.fromkeys(binding.where for binding in bindings if binding.where is not None))
