"""From a definitions file to a route file that decides the same, and everything that it could not take over. Pure.

Exchanges keep their names, their types and their alternates, and take further keys from CC and BCC as RabbitMQ's do;
queues become topics. The order is that of names, so that two exports of the same broker make the same file.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from router.exchange.model import ExchangeType
from router.rabbitmq.bindings import carried_binding, ring_weights
from router.rabbitmq.declarations import Imported, ImportedBinding, ImportedExchange, ImportedTopic
from router.rabbitmq.definitions import BindingDefinition, Definitions, QueueDefinition, read_definitions
from router.rabbitmq.exchanges import BUILT_IN, KnownExchange, known_exchanges
from router.rabbitmq.findings import Finding, Kind, found
from router.rabbitmq.losses import other_losses, policy_losses, queue_losses
from router.rabbitmq.names import exchange_names, topic_names
from router.rabbitmq.policies import Policies
from router.rabbitmq.route_text import LARGEST, route_text

__all__ = ["Import", "import_definitions", "imported"]

_Declared = TypeVar("_Declared", ImportedExchange, ImportedTopic)


@dataclass(frozen=True, slots=True)
class Import:
    """What became of a definitions file."""

    declarations: Imported
    text: str
    """The route file."""
    findings: tuple[Finding, ...]
    """Errors first, then by kind of object and name."""


def import_definitions(text: str, *, vhost: str | None = None, team: str = "imported") -> Import:
    """The route file of a definitions file's virtual host. Raises NotDefinitions and UnclearVhost."""
    definitions, malformed = read_definitions(text, vhost=vhost)
    declarations, findings = imported(definitions)
    written = route_text(declarations, team=team)
    if len(written.encode()) > LARGEST:
        message = f"comes to {len(written.encode()):,} bytes of routes; `router check` reads files of up to {LARGEST:,}"
        hint = "split it by team: exchanges and topics may stand in any file of the folder"
        name = definitions.vhost or ""
        findings = (*findings, found(Kind.TOO_LARGE, what="virtual host", name=name, message=message, suggestion=hint))
    ordered = sorted(dict.fromkeys([*malformed, *findings]), key=_rank)
    return Import(declarations, written, tuple(ordered))


def _rank(finding: Finding) -> tuple[str, str, str, str]:
    return finding.level, finding.what, finding.name, finding.kind


def imported(definitions: Definitions) -> tuple[Imported, tuple[Finding, ...]]:
    """The declarations that definitions become, and what does not carry over."""
    return _Importing(definitions).run()


def _by_name(declared: Iterable[_Declared]) -> tuple[_Declared, ...]:
    return tuple(sorted(declared, key=lambda each: each.name))


class _Importing:
    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._policies = Policies(definitions.policies)
        self._exchanges, self._findings = known_exchanges(definitions, self._policies)
        self._queues = {each.name: each for each in definitions.queues}
        self._fed: defaultdict[tuple[bool, str], list[ImportedBinding]] = defaultdict(list)
        """By destination: whether it is an exchange, and its name."""
        self._bound: set[str] = set()
        """Exchanges that have bindings."""

    def run(self) -> tuple[Imported, tuple[Finding, ...]]:
        self._bind()
        topics = topic_names(self._queues)
        exchanges = self._declared()
        unused = BUILT_IN.keys() - exchanges.keys()
        self._findings = [each for each in self._findings if each.what != "exchange" or each.name not in unused]
        named = exchange_names(exchanges)
        self._tell_renamed("queue", topics)
        self._tell_renamed("exchange", named)
        self._findings += policy_losses(self._definitions, self._policies)
        self._findings += other_losses(self._definitions)
        new_names = {name: new for name, (new, _) in named.items()}
        return Imported(
            version=self._definitions.version,
            vhost=self._definitions.vhost,
            exchanges=_by_name(self._exchange(each, new_names) for each in exchanges.values()),
            topics=_by_name(self._topic(each, topics[each.name][0], new_names) for each in self._queues.values()),
        ), tuple(self._findings)

    def _bind(self) -> None:
        by_source: defaultdict[str, list[BindingDefinition]] = defaultdict(list)
        for binding in self._definitions.bindings:
            if self._can_be_bound(binding):
                by_source[binding.source].append(binding)
        for source, bindings in by_source.items():
            self._bind_from(self._exchanges[source], tuple(bindings))

    def _bind_from(self, exchange: KnownExchange, bindings: tuple[BindingDefinition, ...]) -> None:
        weights: Mapping[tuple[bool, str], int] | None = None
        if exchange.type is ExchangeType.CONSISTENT_HASH:
            weights, found_here = ring_weights(exchange, bindings)
            self._findings += found_here
        for binding in bindings:
            carried, about = carried_binding(binding, exchange)
            self._findings += about
            destination = (binding.to_exchange, binding.destination)
            if carried is not None and weights is not None:
                weight = weights.get(destination)
                carried = None if weight is None else replace(carried, weight=weight)
            if carried is None:
                continue
            self._bound.add(exchange.name)
            self._fed[destination].append(carried)

    def _can_be_bound(self, binding: BindingDefinition) -> bool:
        """Both ends are there; what RabbitMQ's own import drops without a word is a finding."""
        if binding.source == "":
            return self._is_default(binding)
        ends = [binding.source, *([binding.destination] if binding.to_exchange else [])]
        missing = [name for name in ends if name not in self._exchanges]
        if missing:
            self._missing_exchange(binding, missing[0])
            return False
        if not binding.to_exchange and binding.destination not in self._queues:
            message = f"is left out: the file has no queue '{binding.destination}'; exclusive ones are not exported"
            self._tell(Kind.MISSING_QUEUE, binding, message, "declare a topic for it where it is wanted")
            return False
        if not self._exchanges[binding.source].supported:
            message = f"is left out with its exchange '{binding.source}', whose type cannot be imported"
            self._tell(Kind.UNSUPPORTED_EXCHANGE, binding, message)
            return False
        return True

    def _is_default(self, binding: BindingDefinition) -> bool:
        """What every queue has of itself is nothing to tell; the default exchange takes no other binding."""
        if binding.to_exchange or binding.routing_key != binding.destination:
            message = "is left out: the default exchange leads to the queue of the key's name and has no other bindings"
            self._tell(Kind.INVALID_BINDING, binding, message)
        return False

    def _missing_exchange(self, binding: BindingDefinition, name: str) -> None:
        if name.startswith("amq."):
            message = f"is left out: '{name}' is an exchange of RabbitMQ itself, for its own traces and events"
            self._tell(Kind.MISSING_EXCHANGE, binding, message)
            return
        message = (
            f"is left out, as RabbitMQ's own import would do: the file has no exchange '{name}'; "
            "`rabbitmqctl export_definitions` leaves out internal exchanges"
        )
        self._tell(Kind.MISSING_EXCHANGE, binding, message, "import the management plugin's export instead")

    def _tell(self, kind: Kind, binding: BindingDefinition, message: str, suggestion: str = "") -> None:
        self._findings.append(found(kind, what="binding", name=binding.title, message=message, suggestion=suggestion))

    def _tell_renamed(self, what: str, names: Mapping[str, tuple[str, str]]) -> None:
        for name, (new, reason) in names.items():
            if reason:
                becomes = "topic" if what == "queue" else "exchange"
                message = f"becomes {becomes} '{new}', here and in all bindings: {reason}"
                self._findings.append(found(Kind.RENAMED, what=what, name=name, message=message))

    def _declared(self) -> Mapping[str, KnownExchange]:
        """Those of the file, and of the built-in ones those that are used."""
        alternates = {each.alternate for each in self._exchanges.values() if each.declared}
        used = alternates | self._bound | {name for to_exchange, name in self._fed if to_exchange}
        waiting = [name for name in BUILT_IN if name in used or self._exchanges[name].alternate is not None]
        declared = {name: each for name, each in self._exchanges.items() if each.declared or name in waiting}
        for each in tuple(declared.values()):
            if each.alternate is not None:
                declared.setdefault(each.alternate, self._exchanges[each.alternate])
        return declared

    def _exchange(self, known: KnownExchange, names: Mapping[str, str]) -> ImportedExchange:
        renamed = () if names[known.name] == known.name else (f"was exchange '{known.name}'",)
        return ImportedExchange(
            name=names[known.name],
            type=known.type,
            bindings=self._bindings_to((True, known.name), names),
            alternate=None if known.alternate is None else names[known.alternate],
            hash_header=known.hash_header,
            notes=(*renamed, *known.notes),
        )

    def _topic(self, queue: QueueDefinition, name: str, names: Mapping[str, str]) -> ImportedTopic:
        losses = tuple(queue_losses(queue))
        self._findings += losses
        bindings = self._bindings_to((False, queue.name), names)
        notes = [f"was queue '{queue.name}'"] if name != queue.name else []
        if not bindings:
            notes.append("bound to nothing: the default exchange alone leads here")
        lost = [each for each in sorted(queue.arguments) if each != "x-queue-type"]
        if lost:
            notes.append(f"not carried over: {', '.join(lost)}")
        return ImportedTopic(name, bindings, tuple(notes))

    def _bindings_to(self, destination: tuple[bool, str], names: Mapping[str, str]) -> tuple[ImportedBinding, ...]:
        """In order, each once: what does not tell two bindings apart here was left out."""
        bindings = {
            (each.exchange, each.key or "", json.dumps(each.headers, sort_keys=True)): each
            for each in self._fed.get(destination, ())
        }
        return tuple(replace(each, exchange=names[each.exchange]) for _, each in sorted(bindings.items()))
