"""Bindings of definitions as ours: what of them each exchange type looks at. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from router.exchange.model import ExchangeType, XMatch
from router.rabbitmq.declarations import ImportedBinding
from router.rabbitmq.definitions import BindingDefinition
from router.rabbitmq.exchanges import KnownExchange
from router.rabbitmq.findings import Finding, Kind, found

__all__ = ["HEAVIEST", "HEAVIEST_RING", "X_MATCH", "carried_binding", "ring_weights"]

X_MATCH = "x-match"
VOID = "undefined"
"""What an export writes for an argument without a value."""
HEAVIEST = 1_000
"""The most that a binding can weigh in a route file."""
HEAVIEST_RING = 20_000
"""The most that the bindings of one exchange can weigh together."""

_WEIGHT = re.compile(r"\+?[0-9]{1,18}", re.ASCII)


def carried_binding(
    binding: BindingDefinition, exchange: KnownExchange
) -> tuple[ImportedBinding | None, tuple[Finding, ...]]:
    """The item of a `from`, None where RabbitMQ would refuse the binding as it stands; its weight comes from `ring_weights`."""
    match exchange.type:
        case ExchangeType.HEADERS:
            return _headers(binding)
        case ExchangeType.CONSISTENT_HASH:
            return ImportedBinding(exchange.name), tuple(_arguments(binding))
        case ExchangeType.FANOUT:
            return ImportedBinding(exchange.name), (*_arguments(binding), *_keys(binding))
        case _:
            return ImportedBinding(exchange.name, key=binding.routing_key), tuple(_arguments(binding))


def _about(binding: BindingDefinition, kind: Kind, message: str, suggestion: str = "") -> Finding:
    return found(kind, what="binding", name=binding.title, message=message, suggestion=suggestion)


def _keys(binding: BindingDefinition) -> Iterator[Finding]:
    if binding.routing_key:
        message = f"has the binding key '{binding.routing_key}', which means nothing to its exchange and is left out"
        yield _about(binding, Kind.BINDING_ARGUMENT, message)


def _arguments(binding: BindingDefinition) -> Iterator[Finding]:
    if binding.arguments:
        names = ", ".join(sorted(binding.arguments))
        message = f"has arguments ({names}) that its exchange does not look at: they are left out"
        yield _about(binding, Kind.BINDING_ARGUMENT, message)


def _headers(binding: BindingDefinition) -> tuple[ImportedBinding | None, tuple[Finding, ...]]:
    arguments = binding.arguments
    mode = arguments.get(X_MATCH, str(XMatch.ALL))
    if not isinstance(mode, str) or mode not in list(XMatch):
        message = f"is left out: its x-match is {mode!r}, which RabbitMQ refuses"
        return None, (_about(binding, Kind.INVALID_BINDING, message, f"x-match is {', '.join(XMatch)}"),)
    if "" in arguments:
        message = "is left out: it asks for a header without a name, which a route cannot"
        return None, (_about(binding, Kind.INVALID_BINDING, message),)
    headers = {X_MATCH: mode, **{name: value for name, value in sorted(arguments.items()) if name != X_MATCH}}
    findings = [*_keys(binding), *_values(binding)]
    counting = [name for name in headers if _counts(name, XMatch(mode))]
    if not counting:
        takes = "every record" if XMatch(mode).every else "no record at all"
        message = f"has no header to match, and so takes {takes}, as in RabbitMQ"
        findings.append(_about(binding, Kind.NOTHING_TO_MATCH, message))
    return ImportedBinding(binding.source, headers=headers), tuple(findings)


def _counts(name: str, mode: XMatch) -> bool:
    return name != X_MATCH and (mode.counts_x or not name.startswith("x-"))


def _values(binding: BindingDefinition) -> Iterator[Finding]:
    for name, value in binding.arguments.items():
        if value == VOID and name != X_MATCH:
            message = (
                f"wants the header '{name}' to be the text 'undefined': an export writes that for a header which only has "
                "to be present, too, and RabbitMQ reads it back as the text"
            )
            yield _about(
                binding, Kind.AMBIGUOUS_VOID, message, f"if it was void, write {name}: null into the route file"
            )
        elif value is None:
            message = f"has null for the header '{name}': it is read as 'present'; RabbitMQ would refuse the file"
            yield _about(binding, Kind.NULL_ARGUMENT, message)


def ring_weights(
    exchange: KnownExchange, bindings: tuple[BindingDefinition, ...]
) -> tuple[Mapping[tuple[bool, str], int], tuple[Finding, ...]]:
    """By destination of a consistent-hash exchange (whether it is an exchange, and its name) what its binding weighs.

    Of several bindings to one destination the first counts, as in RabbitMQ. Destinations without a good weight are left out.
    """
    findings: list[Finding] = []
    weights: dict[tuple[bool, str], int] = {}
    for binding in bindings:
        destination = (binding.to_exchange, binding.destination)
        if exchange.counted:
            weights[destination] = weights.get(destination, 0) + 1
            continue
        weight = _weight(binding.routing_key)
        if weight is None:
            message = f"is left out: '{binding.routing_key}' is no weight, which is a whole number above 0"
            findings.append(_about(binding, Kind.INVALID_BINDING, message))
        elif destination not in weights:
            weights[destination] = weight
        else:
            message = (
                f"is left out: a second binding of one destination adds nothing in RabbitMQ, where the first weighs "
                f"{weights[destination]}; which was bound first an export does not say, so the first in the file counts"
            )
            findings.append(_about(binding, Kind.REPEATED_RING_BINDING, message, "check its weight"))
    if not weights:
        return weights, tuple(findings)
    message = (
        "spreads by a ring of its own: the shares stay, but a key may belong to another destination than in RabbitMQ"
    )
    hint = "drain the queues before the topics' consumers take over, where a key must stay with one consumer"
    findings.append(found(Kind.OTHER_RING, what="exchange", name=exchange.name, message=message, suggestion=hint))
    scaled = _scaled(weights)
    if scaled != weights:
        message = f"has weights of up to {max(weights.values())}: they are scaled down to {max(scaled.values())}"
        findings.append(found(Kind.SCALED_WEIGHT, what="exchange", name=exchange.name, message=message))
    return scaled, tuple(findings)


def _weight(key: str) -> int | None:
    return int(key) or None if _WEIGHT.fullmatch(key) else None


def _scaled(weights: Mapping[tuple[bool, str], int]) -> Mapping[tuple[bool, str], int]:
    """In the same proportions, as far as whole numbers go, but light enough for a route file."""
    heaviest, together = max(weights.values()), sum(weights.values())
    if heaviest <= HEAVIEST and together <= HEAVIEST_RING:
        return weights
    # Rounding up to 1 may add one for each: they are left room.
    room = max(HEAVIEST_RING - len(weights), len(weights))
    factor = min(HEAVIEST / heaviest, room / together)
    return {each: max(1, int(weight * factor)) for each, weight in weights.items()}
