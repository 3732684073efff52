"""Exchanges of definitions as ours: their type, what they hash, and their alternate. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from router.exchange.model import ExchangeType
from router.rabbitmq.definitions import Definitions, ExchangeDefinition
from router.rabbitmq.findings import Finding, Kind, found
from router.rabbitmq.policies import Policies

__all__ = ["ALTERNATE", "BUILT_IN", "PLAIN_TYPES", "KnownExchange", "built_in", "known_exchanges"]

ALTERNATE = "alternate-exchange"
PLAIN_TYPES: Mapping[str, ExchangeType] = {
    "direct": ExchangeType.DIRECT,
    "topic": ExchangeType.TOPIC,
    "fanout": ExchangeType.FANOUT,
    "headers": ExchangeType.HEADERS,
    "x-consistent-hash": ExchangeType.CONSISTENT_HASH,
}
"""Types that carry over as they are."""
BUILT_IN: Mapping[str, str] = {
    "amq.direct": "direct",
    "amq.topic": "topic",
    "amq.fanout": "fanout",
    "amq.headers": "headers",
    "amq.match": "headers",
}
"""Exchanges that every virtual host has, by type; definitions do not list them."""

_DELAYED = "x-delayed-message"
_PARTLY = {
    "x-recent-history": (ExchangeType.FANOUT, "new bindings do not get its last messages", "replay the topic instead"),
    "x-modulus-hash": (ExchangeType.CONSISTENT_HASH, "messages are spread anew, by a ring of equal weights", ""),
}


@dataclass(frozen=True, slots=True)
class KnownExchange:
    """An exchange that bindings can name, and what becomes of it."""

    name: str
    type: ExchangeType
    supported: bool = True
    """False where it only stands in for one of a type that we do not have. Nothing is bound to it then, nor has it an
    alternate: what it would have routed is unroutable, where somebody sees it.
    """
    counted: bool = False
    """Its ring gives each binding the same weight, whatever the key."""
    alternate: str | None = None
    hash_header: str | None = None
    declared: bool = True
    """Whether the file declares it; the built-in ones are declared where they are used only."""
    notes: tuple[str, ...] = ()


def built_in(name: str) -> ExchangeDefinition:
    """The definition that an `amq.` exchange would have if it were listed."""
    return ExchangeDefinition(name, BUILT_IN[name], internal=False, durable=True, auto_delete=False, arguments={})


def known_exchanges(definitions: Definitions, policies: Policies) -> tuple[dict[str, KnownExchange], list[Finding]]:
    """All exchanges by their name, built-in ones too, and what of them does not carry over."""
    findings: list[Finding] = []
    listed = {each.name: each for each in definitions.exchanges}
    definitions_of = {**{name: built_in(name) for name in BUILT_IN}, **listed}
    known: dict[str, KnownExchange] = {}
    for name, definition in definitions_of.items():
        exchange, found_here = _known(definition, policies, names=definitions_of.keys(), declared=name in listed)
        known[name] = exchange
        findings += found_here
    return known, findings


def _known(
    definition: ExchangeDefinition, policies: Policies, *, names: Container[object], declared: bool
) -> tuple[KnownExchange, list[Finding]]:
    name = definition.name
    notes = ["internal in RabbitMQ: other exchanges alone lead here"] if definition.internal else []
    type_, supported, findings = _type(definition)
    if not supported:
        notes.append(f"stands in for an exchange of type {definition.type}, which cannot be imported")
    alternate, about_alternate = _alternate(definition, policies, names=names)
    hash_header, about_hash = _hash_header(definition)
    return KnownExchange(
        name=name,
        type=type_,
        supported=supported,
        counted=definition.type == "x-modulus-hash",
        alternate=alternate if supported else None,
        hash_header=hash_header,
        declared=declared,
        notes=tuple(notes),
    ), [*findings, *about_alternate, *about_hash, *_arguments(definition), *_lifetime(definition)]


def _type(definition: ExchangeDefinition) -> tuple[ExchangeType, bool, list[Finding]]:
    name, type_ = definition.name, definition.type
    underlying = definition.arguments.get("x-delayed-type")
    if type_ in PLAIN_TYPES:
        return PLAIN_TYPES[type_], True, []
    if type_ == _DELAYED and isinstance(underlying, str) and underlying in PLAIN_TYPES:
        message = f"is of type {type_}: it becomes a plain {underlying} exchange, and x-delay delays nothing"
        finding = found(Kind.PLUGIN_EXCHANGE, what="exchange", name=name, message=message)
        return PLAIN_TYPES[underlying], True, [finding]
    if type_ in _PARTLY:
        ours, loss, instead = _PARTLY[type_]
        message = f"is of type {type_}: it becomes a {ours} exchange; {loss}"
        finding = found(Kind.PLUGIN_EXCHANGE, what="exchange", name=name, message=message, suggestion=instead)
        return ours, True, [finding]
    message = f"is of type {type_}, a plugin's: it cannot be imported, and nothing is bound to what stands in for it"
    hint = "bind its queues to exchanges of other types"
    finding = found(Kind.UNSUPPORTED_EXCHANGE, what="exchange", name=name, message=message, suggestion=hint)
    return ExchangeType.FANOUT, False, [finding]


def _alternate(
    definition: ExchangeDefinition, policies: Policies, *, names: Container[object]
) -> tuple[str | None, list[Finding]]:
    """The argument's, else that of the one policy that counts; none where it does not exist."""
    name = definition.name
    findings: list[Finding] = []
    arguments, by = definition.arguments, "its argument"
    if ALTERNATE not in arguments:
        verdict = policies.for_exchange(name)
        if verdict.policy is None:
            return None, []
        arguments, by = verdict.policy.definition, f"policy '{verdict.policy.name}'"
        if verdict.tied:
            tied = ", ".join(f"'{each}'" for each in verdict.tied)
            message = (
                f"matches {by} and, of the same priority, {tied}: RabbitMQ promises no choice between them; "
                f"'{verdict.policy.name}' counts, the first in the file"
            )
            hint = "give them different priorities"
            findings.append(found(Kind.POLICY_TIE, what="exchange", name=name, message=message, suggestion=hint))
    stated = arguments.get(ALTERNATE)
    if stated is None or (isinstance(stated, str) and stated in names):
        return stated, findings
    missing = "is the default exchange, which leads nowhere as an alternate" if stated == "" else "does not exist"
    message = f"has '{stated}' for its alternate, by {by}: that {missing}, so it has none, as in RabbitMQ"
    findings.append(found(Kind.MISSING_ALTERNATE, what="exchange", name=name, message=message))
    return None, findings


def _hash_header(definition: ExchangeDefinition) -> tuple[str | None, list[Finding]]:
    if definition.type != "x-consistent-hash":
        return None, []
    header, property_ = definition.arguments.get("hash-header"), definition.arguments.get("hash-property")
    if isinstance(header, str) and header:
        return header, []
    if isinstance(property_, str) and property_:
        message = f"hashes the property {property_}, which records do not have: it hashes the header of that name"
        hint = f"let publishers write a header '{property_}', or remove `hash-on`"
        return property_, [
            found(Kind.HASH_PROPERTY, what="exchange", name=definition.name, message=message, suggestion=hint)
        ]
    return None, []


_UNDERSTOOD = {
    "x-consistent-hash": {"hash-header", "hash-property"},
    _DELAYED: {"x-delayed-type"},
}


def _arguments(definition: ExchangeDefinition) -> Iterator[Finding]:
    understood = {ALTERNATE} | _UNDERSTOOD.get(definition.type, set())
    for argument in sorted(definition.arguments.keys() - understood):
        message = f"has the argument '{argument}', which is not carried over"
        yield found(Kind.EXCHANGE_ARGUMENT, what="exchange", name=definition.name, message=message)


def _lifetime(definition: ExchangeDefinition) -> Iterator[Finding]:
    if definition.auto_delete:
        message = "is deleted with its last binding (auto-delete): here it stays until its declaration is removed"
        yield found(Kind.LIFETIME, what="exchange", name=definition.name, message=message)
    if not definition.durable:
        message = "is not durable: here it outlasts every restart"
        yield found(Kind.LIFETIME, what="exchange", name=definition.name, message=message)
