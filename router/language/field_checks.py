"""Checks of routing keys: their templates, and the fields that they and others name, against the schema of every source."""

from __future__ import annotations

import re
from collections.abc import Iterator

from router.exchange.model import Place
from router.exchange.routing_key import MalformedRoutingKey, Placeholder, PlaceholderKind, parse_routing_key
from router.language.declarations import Declarations, DeclaredExchange
from router.language.findings import Finding, Kind
from router.language.kafka_names import is_topic_name
from router.language.kinds import found
from router.language.suggestions import did_you_mean
from router.records.catalogue import Catalogue, SubjectVersion
from router.records.generations import generation_of

__all__ = ["check_fields", "has_faulty_schema", "schema_file"]

_VERSIONED = re.compile(r"(?P<subject>.+)\.v(?P<version>[1-9][0-9]*)")


def check_fields(declarations: Declarations, catalogue: Catalogue) -> Iterator[Finding]:
    """Findings of every exchange's `routing-key:`, `key:` and `validate:`, and of the fields that its `order:` names."""
    for exchange in declarations.exchanges.values():
        yield from _exchange(exchange, declarations, catalogue)


def schema_file(source: str, *, extension: str) -> str:
    """The file that would hold the schema of a topic of that name, in the catalogue's folder."""
    parts = _VERSIONED.fullmatch(generation_of(source)[0])
    subject, version = (parts["subject"], parts["version"]) if parts else (source, "1")
    return f"{subject}/v{version}.{extension}"


def has_faulty_schema(topic: str, catalogue: Catalogue) -> bool:
    """Whether there is a file for the topic's schema that could not be taken in, which is a finding of its own."""
    wanted = schema_file(topic, extension="")
    return any(f".{wanted}".endswith(f".{_before_extension(fault.file)}.") for fault in catalogue.faults)


def _before_extension(file: str) -> str:
    return file.removesuffix(".avsc").removesuffix(".schema.json")


def _exchange(exchange: DeclaredExchange, declarations: Declarations, catalogue: Catalogue) -> Iterator[Finding]:
    path = ("exchanges", exchange.name, "routing-key")
    placeholders: tuple[Placeholder, ...] = ()
    if exchange.shape.routing_key is not None:
        try:
            placeholders = parse_routing_key(exchange.shape.routing_key).placeholders
        except MalformedRoutingKey as malformed:
            place = exchange.file.place_inside(malformed.position, *path)
            yield found(Kind.MALFORMED_ROUTING_KEY, place, malformed.problem)
    fields = [
        (each.name, exchange.file.place_inside(each.position, *path))
        for each in placeholders
        if each.kind is PlaceholderKind.FIELD
    ]
    if exchange.shape.key is not None:
        fields.append((exchange.shape.key, exchange.place_of("key")))
    order = exchange.shape.order
    if order is not None:
        said = {"by": order.by, "sequence": order.sequence, "time": order.time, "state": order.state}
        fields += [(name, exchange.place_of("order", key)) for key, name in said.items() if name is not None]
    for index, source in enumerate(exchange.shape.sources):
        subject = catalogue.resolve(source)
        if subject is not None:
            yield from _fields(fields, subject, source)
            continue
        place = exchange.place_of("sources", index)
        yield from _without_schema(exchange, source, place, declarations, catalogue, named=[name for name, _ in fields])


def _fields(fields: list[tuple[str, Place]], subject: SubjectVersion, source: str) -> Iterator[Finding]:
    for name, place in fields:
        field = subject.schema.field(name)
        if field is None:
            known = subject.schema.paths()
            otherwise = f"it has {', '.join(known[:12])}{', …' if len(known) > 12 else ''}" if known else ""
            message = f"source '{source}' has no field '{name}'"
            yield found(Kind.UNKNOWN_FIELD, place, message, did_you_mean(name, known, otherwise=otherwise))
        elif not field.scalar:
            article = "an" if field.kind[0] in "aeiou" else "a"
            message = f"field '{name}' of source '{source}' is {article} {field.kind}"
            inner = next((path for path in subject.schema.paths() if path.startswith(f"{name}.")), "")
            yield found(
                Kind.FIELD_NOT_SCALAR, place, message, f"name a field in it, such as '{inner}'" if inner else ""
            )


def _without_schema(
    exchange: DeclaredExchange,
    source: str,
    place: Place,
    declarations: Declarations,
    catalogue: Catalogue,
    *,
    named: list[str],
) -> Iterator[Finding]:
    declared = declarations.topics.get(source)
    json = declared is not None and declared.shape.format == "json"
    if has_faulty_schema(source, catalogue) or not is_topic_name(source):
        return  # told elsewhere
    add = f"add schemas/{schema_file(source, extension='schema.json' if json else 'avsc')}"
    parts = _VERSIONED.fullmatch(generation_of(source)[0])
    subject = parts["subject"] if parts else source
    if subject in catalogue.subjects:
        hint = f"{add}; there is {', '.join(f'v{version}' for version in catalogue.versions_of(subject))}"
    else:
        hint = f"{add}; {did_you_mean(subject, catalogue.subjects)}".removesuffix("; ")
    if named:
        what = f"field{'s' if len(named) > 1 else ''} {', '.join(repr(name) for name in dict.fromkeys(named))}"
        yield found(Kind.NO_SCHEMA, place, f"source '{source}' has no schema, and routes need its {what}", hint)
    elif exchange.shape.validate_ == "whole":
        yield found(Kind.NO_SCHEMA, place, f"source '{source}' has no schema to validate whole records by", hint)
    else:
        yield found(Kind.NO_SUBJECT, place, f"no schema is known for source '{source}'", hint)
