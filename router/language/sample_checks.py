"""Conditions against real records: a `where` may fit the schema and still hang on a field that nobody fills in.

A schema says that a field may be null; only records say that it always is. A condition on such a field is the same for all of
them, which no other check can know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from router.errors import Unreadable
from router.exchange.model import Binding, Place
from router.language.cel.environment import Environment
from router.language.cel.regex import Re2
from router.language.cel.where import compile_where
from router.language.deciders import new_topology
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.routes import RouteSet, Source
from router.records.record import Record
from router.records.revisions import decode_record

__all__ = ["Sample", "check_sample", "sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Some records of one source, as far as conditions see them."""

    source: Source
    values: tuple[Any, ...]
    """The plain values of those that could be read."""
    tombstones: int
    """Records without a value, of which no condition is asked."""
    unreadable: int
    """Records whose value is not what the schema says."""


def sample(source: Source, records: Iterable[Record]) -> Sample:
    """What records of a source have to say."""
    values: list[Any] = []
    tombstones = unreadable = 0
    for record in records:
        if record.value is None:
            tombstones += 1
            continue
        try:
            values.append(decode_record(record, source.schema, source.revisions))
        except (Unreadable, ValueError, RecursionError):  # any bytes may come
            unreadable += 1
    return Sample(source, tuple(values), tombstones, unreadable)


def check_sample(route_set: RouteSet, sampled: Sample) -> tuple[Finding, ...]:
    """A finding for each `where` that uses a field which no sampled record has; none where there are no records."""
    if not sampled.values:
        return ()
    environment, engine = Environment.of_schema(sampled.source.schema), Re2()
    findings = []
    for place, text in _conditions(route_set, sampled.source):
        where = compile_where(text, environment, engine=engine)
        missing = [path for path in (*where.paths, *filter(None, where.whole)) if _always_null(path, sampled.values)]
        if missing:
            findings.append(found(Kind.NULL_IN_SAMPLE, place, _message(missing, text, sampled)))
    return tuple(sorted(findings))


def _conditions(route_set: RouteSet, source: Source) -> Iterator[tuple[Place, str]]:
    """Each condition that the source's records can meet, by the first binding of those that a file makes with it."""
    topology = new_topology(route_set)
    walks = [topology.walk_everywhere(entry.exchange) for entry in source.entries]
    bindings = [binding for walk in walks for step in walk.steps for binding in step.matched]
    first: dict[tuple[object, ...], Binding] = {}
    for binding in sorted(bindings, key=lambda each: each.place):
        # The keys of one `binding-key:` list are bindings of their own, and share the condition.
        first.setdefault((binding.place.file, binding.exchange, binding.destination, binding.where), binding)
    for binding in first.values():
        if binding.where is not None:
            yield binding.place, binding.where


def _always_null(path: str, values: Iterable[Any]) -> bool:
    return all(_at(path, value) is None for value in values)


def _at(path: str, value: Any) -> Any:
    for name in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _message(missing: list[str], text: str, sampled: Sample) -> str:
    fields = " and ".join(f"'{path}'" for path in missing)
    count = len(sampled.values)
    records = f"all {count:,} sampled records" if count > 1 else "the one sampled record"
    return f"{fields} {'is' if len(missing) == 1 else 'are'} null in {records} of '{sampled.source.topic}': `{text}`"
