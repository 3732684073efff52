"""Whom a change of a field would break: the routes that read it, and the topics whose consumers decode its records. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from router.exchange.deciding import field_paths
from router.exchange.model import Binding
from router.language.cel.environment import Environment
from router.language.cel.problems import InvalidWhere
from router.language.cel.regex import Re2
from router.language.cel.where import compile_where
from router.language.deciders import new_topology
from router.language.routes import RouteSet, Source
from router.records.catalogue import Catalogue

__all__ = ["Affected", "affected_topics", "reading_routes"]

Affected = tuple[str, ...]
"""One line each: who, and where in the route files."""


def reading_routes(route_set: RouteSet, catalogue: Catalogue, *, subject: str, version: int, field: str) -> Affected:
    """The exchanges and bindings that read a field, or something within it, of a version's records."""
    found: dict[str, None] = {}
    for source in _sources(route_set, catalogue, subject, version):
        for entry in source.entries:
            exchange = route_set.exchanges[entry.exchange]
            if any(_within(path, field) for path in field_paths([entry])):
                found[f"exchange '{entry.exchange}' makes its routing key of it ({exchange.place})"] = None
            if entry.key_field is not None and _within(entry.key_field, field):
                found[f"exchange '{entry.exchange}' takes it for the record's key ({exchange.place})"] = None
        for binding in _bindings(route_set, source):
            if binding.where is not None and any(_within(each, field) for each in _read(binding.where, source)):
                found[
                    f"the binding to {binding.destination} of {binding.team} asks for it in 'where' ({binding.place})"
                ] = None
    return tuple(found)


def affected_topics(route_set: RouteSet, catalogue: Catalogue, *, subject: str, version: int) -> tuple[str, ...]:
    """The topics that carry a version's records to consumers, sorted."""
    topology = new_topology(route_set)
    topics: set[str] = set()
    for source in _sources(route_set, catalogue, subject, version):
        for entry in source.entries:
            topics |= {each.topic for each in topology.walk_everywhere(entry.exchange).deliveries}
    return tuple(sorted(topics))


def _sources(route_set: RouteSet, catalogue: Catalogue, subject: str, version: int) -> Iterator[Source]:
    for source in route_set.sources.values():
        found = catalogue.resolve(source.topic)
        if found is not None and (found.subject, found.version) == (subject, version):
            yield source


def _bindings(route_set: RouteSet, source: Source) -> Iterator[Binding]:
    """All bindings that a source's records can meet."""
    seen: dict[str, None] = dict.fromkeys(entry.exchange for entry in source.entries)
    way = list(seen)
    for name in way:  # which grows on the way
        exchange = route_set.exchanges[name]
        yield from exchange.bindings
        onward = [each.destination for each in exchange.bindings]
        onward += [] if exchange.alternate is None else [exchange.alternate]
        new = [each.name for each in onward if each.kind == "exchange" and each.name in route_set.exchanges]
        way += [each for each in dict.fromkeys(new) if each not in seen]
        seen |= dict.fromkeys(new)


def _read(where: str, source: Source) -> tuple[str, ...]:
    try:
        compiled = compile_where(where, Environment.of_schema(source.schema), engine=Re2())
    except InvalidWhere:  # which `router check` tells
        return ()
    return (*compiled.paths, *compiled.whole)


def _within(path: str, field: str) -> bool:
    """Whether a path reads a field, something in it, or something that it is in."""
    return path == field or not path or path.startswith(f"{field}.") or field.startswith(f"{path}.")
