"""From declarations that passed every check to the route set that everything after the language sees."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from router.exchange.model import (
    Binding,
    Destination,
    DestinationKind,
    Entry,
    Exchange,
    ExchangeType,
    OnError,
    Tombstones,
)
from router.exchange.routing_key import parse_routing_key
from router.language.declarations import BindingLine, Declarations, DeclaredExchange, DeclaredTopic
from router.language.durations import parse_retention
from router.language.failure_lowering import failure_policy
from router.language.header_conditions import parse_headers
from router.language.order_lowering import source_order
from router.language.routes import Format, RouteSet, Source, SourceOrder, Team, TopicDeclaration
from router.language.topic_checks import format_of_source
from router.language.version_lowering import source_conversions
from router.records.catalogue import Catalogue
from router.records.schema import AvroSchema, JsonSchema

__all__ = ["lower"]


def lower(declarations: Declarations, catalogue: Catalogue) -> RouteSet:
    """The route set; what the declarations say must have passed `check` without an error."""
    bindings: dict[str, list[Binding]] = {name: [] for name in declarations.exchanges}
    for line in declarations.binding_lines():
        bindings[line.exchange].append(_binding(line))
    exchanges = {name: _exchange(declared, tuple(bindings[name])) for name, declared in declarations.exchanges.items()}
    sources = _sources(declarations, catalogue, exchanges)
    sources_of = declarations.sources_of()
    topics = {}
    for name, declared in declarations.topics.items():
        feeding = [source for _, binding in declared.bindings() for source in sources_of.get(binding.exchange, ())]
        # By its own name where that says a subject, else by that of what feeds it.
        origin = name if catalogue.resolve(name) or not feeding else feeding[0]
        topics[name] = _topic(declared, format_of_source(origin, declarations, catalogue))
    teams = {
        file.shape.team: Team(name=file.shape.team, contact=file.shape.contact or "", file=file.file)
        for file in declarations.files
    }
    return RouteSet(
        exchanges=exchanges,
        sources=sources,
        topics=topics,
        teams=teams,
        fingerprint=_fingerprint(exchanges, sources, topics),
    )


def _binding(line: BindingLine) -> Binding:
    headers = line.shape.headers
    return Binding(
        exchange=line.exchange,
        key=line.key,
        destination=line.fed.destination,
        place=line.place,
        team=line.fed.team,
        headers=None if headers is None else parse_headers(headers)[0],
        weight=line.shape.weight,
        where=None if line.shape.where is None else line.shape.where.strip(),
        on_error=OnError(line.shape.on_error),
    )


def _exchange(declared: DeclaredExchange, bindings: tuple[Binding, ...]) -> Exchange:
    alternate = None
    if declared.shape.alternate is not None:
        topic, exchange = declared.shape.alternate.topic, declared.shape.alternate.exchange
        if topic is not None:
            alternate = Destination(DestinationKind.TOPIC, topic)
        elif exchange is not None:
            alternate = Destination(DestinationKind.EXCHANGE, exchange)
    return Exchange(
        name=declared.name,
        type=ExchangeType(declared.shape.type),
        bindings=bindings,
        alternate=alternate,
        place=declared.place,
        team=declared.team,
        first_only=declared.shape.limit == "first",
        cc=declared.shape.cc,
        hash_header=None if declared.shape.hash_on is None else declared.shape.hash_on.header,
    )


def _sources(declarations: Declarations, catalogue: Catalogue, exchanges: Mapping[str, Exchange]) -> dict[str, Source]:
    readers: dict[str, list[DeclaredExchange]] = {}
    for declared in declarations.exchanges.values():
        for source in dict.fromkeys(declared.shape.sources):
            readers.setdefault(source, []).append(declared)
    conversions = source_conversions(declarations, catalogue)
    sources = {}
    for topic in sorted(readers):
        subject = catalogue.resolve(topic)
        sources[topic] = Source(
            topic=topic,
            format=Format(format_of_source(topic, declarations, catalogue)),
            schema=subject.schema if subject else None,
            validate_whole=any(reader.shape.validate_ == "whole" for reader in readers[topic]),
            entries=tuple(_entry(reader) for reader in readers[topic]),
            order=source_order(readers[topic], exchanges, declarations),
            conversions=conversions.get(topic, {}),
            revisions=subject.revisions if subject else None,
            subject=declarations.by_subject.get(topic),
        )
    return sources


def _entry(declared: DeclaredExchange) -> Entry:
    template = declared.shape.routing_key
    return Entry(
        exchange=declared.name,
        routing_key=None if template is None else parse_routing_key(template),
        key_field=declared.shape.key,
        tombstones=Tombstones(declared.shape.tombstones),
    )


def _topic(declared: DeclaredTopic, derived_format: str) -> TopicDeclaration:
    return TopicDeclaration(
        name=declared.name,
        team=declared.team,
        partitions=declared.shape.partitions,
        retention_ms=None if declared.shape.retention is None else parse_retention(declared.shape.retention),
        format=Format(declared.shape.format or derived_format),
        place=declared.place,
        ordered=declared.shape.ordered,
        failure=None if declared.shape.failure is None else failure_policy(declared.shape.failure),
    )


def _fingerprint(
    exchanges: Mapping[str, Exchange], sources: Mapping[str, Source], topics: Mapping[str, TopicDeclaration]
) -> str:
    """Of what decides where records go and how they are read; not of places, comments, contacts or the files' names."""
    facts = {
        "exchanges": {
            name: [
                each.type,
                str(each.alternate or ""),
                each.first_only,
                each.cc,
                each.hash_header,
                # Only where the first match wins does their order count.
                [*map(_binding_facts, each.bindings)]
                if each.first_only
                else sorted(map(_binding_facts, each.bindings)),
            ]
            for name, each in exchanges.items()
        },
        "sources": {
            name: [
                each.format,
                each.validate_whole,
                _schema_facts(each.schema),
                sorted(map(_entry_facts, each.entries)),
                *_order_facts(each.order),
                # Nothing where there are none, as it was before there were any.
                *([{topic: one.text for topic, one in each.conversions.items()}] if each.conversions else []),
                *([[each.revisions.encoding, each.revisions.facts]] if each.revisions else []),
                *([f"subject {each.subject}"] if each.subject else []),
            ]
            for name, each in sources.items()
        },
        "topics": {
            name: [each.partitions, each.retention_ms, each.format, *([repr(each.failure)] if each.failure else [])]
            for name, each in topics.items()
        },
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _binding_facts(binding: Binding) -> list[Any]:
    headers = binding.headers
    asked = "" if headers is None else f"{headers.x_match} {sorted(map(repr, headers.conditions))}"
    key = [binding.key is None, binding.key or ""]
    return [*key, str(binding.destination), asked, binding.weight, binding.where or "", str(binding.on_error)]


def _entry_facts(entry: Entry) -> list[str]:
    template = "key" if entry.routing_key is None else f"template {entry.routing_key.text}"
    return [entry.exchange, template, entry.key_field or "", entry.tombstones]


def _order_facts(order: SourceOrder | None) -> list[str]:
    """Which topics do not wait is part of it; nothing where there is no order, as it was before there was any."""
    return [] if order is None else [order.exchange, repr(order.policy), *sorted(order.at_once)]


def _schema_facts(schema: AvroSchema | JsonSchema | None) -> Any:
    match schema:
        case AvroSchema():
            return schema.types.parsed
        case JsonSchema():
            return schema.document
        case None:
            return None
