"""Where a message goes and why: what workers decide, as plain data for pages and the API. Pure.

A message is stated as JSON, or is a real record's. Where its subject has masks, what is said of it is free of what they hide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.console.masks import Seen
from router.errors import RecordError
from router.exchange.explain import explain
from router.exchange.topology import Topology
from router.language.case_values import Misfit
from router.language.cases import message_record
from router.language.deciders import new_decider, new_topology
from router.language.findings import Finding
from router.language.load import load_routes
from router.language.place_in_order import place_in_order
from router.language.routes import RouteSet, Source
from router.language.suggestions import did_you_mean
from router.language.topics import dead_letters_of, unroutable_of
from router.records.catalogue import Catalogue
from router.records.record import Record

__all__ = ["Decided", "Stated", "Unstated", "decide", "proposed", "stated_record"]


class Unstated(ValueError):
    """A message that cannot be asked about; says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Stated:
    """A message as somebody wrote it into a form."""

    topic: str
    value: str = ""
    """JSON; empty for a record without a value."""
    key: str | None = None
    headers: str = ""
    """A line each, `name: value`."""


@dataclass(slots=True)
class Decided:
    """A route set that is asked; its exchanges are compiled once."""

    route_set: RouteSet
    _topology: Topology | None = None
    _deciders: dict[str, Any] = field(default_factory=dict)

    @property
    def topology(self) -> Topology:
        """Compiled when it is first needed."""
        if self._topology is None:
            self._topology = new_topology(self.route_set)
        return self._topology

    def source(self, topic: str) -> Source:
        """Raises Unstated for a topic that no exchange reads."""
        found = self.route_set.sources.get(topic)
        if found is None:
            hint = did_you_mean(topic, self.route_set.sources)
            known = hint or f"the broad topics are {', '.join(sorted(self.route_set.sources)) or 'none'}"
            raise Unstated(f"'{topic}' is no source of any exchange: {known}")
        return found

    def decider(self, source: Source) -> Any:
        """Of one source."""
        if source.topic not in self._deciders:
            self._deciders[source.topic] = new_decider(source, self.topology)
        return self._deciders[source.topic]


def stated_record(decided: Decided, stated: Stated) -> Record:
    """The record that a producer would have written. Raises Unstated."""
    source = decided.source(stated.topic)
    value: Any = None
    if stated.value.strip():
        try:
            value = json.loads(stated.value)
        except (ValueError, RecursionError) as error:
            raise Unstated(f"the value is not JSON: {error}") from error
        if value is None:
            raise Unstated("the value is null: leave it empty for a record without a value")
    try:
        return message_record(source, key=stated.key or None, value=value, headers=_headers(stated.headers))
    except Misfit as misfit:
        hint = f": {misfit.suggestion}" if misfit.suggestion else ""
        raise Unstated(f"the value does not fit the schema of '{source.topic}': {misfit}{hint}") from misfit
    except (RecordError, RecursionError, UnicodeEncodeError) as error:
        raise Unstated(f"the value does not fit the schema of '{source.topic}': {error}") from error


def decide(decided: Decided, record: Record, *, seen: Seen | None = None) -> dict[str, Any]:
    """What becomes of a record. `seen` is what of it may be shown. Raises Unstated."""
    source = decided.source(record.topic)
    said = seen or Seen(None)
    try:
        decider = decided.decider(source)
        decision, messages = decider.decide(record), decider.messages(record)
        found = explain(decision, entries=source.entries, topology=decided.topology, messages=messages)
        placed = place_in_order(source, record, decision)
    except RecordError as error:
        letter = {"topic": dead_letters_of(source.topic), "reason": error.reason, "error": said.text(str(error))}
        return {
            "to": [],
            "dead_letter": letter,
            "walks": [],
            "unroutable": [],
            "order": None,
            "copies_to": [],
            "converted": {},
        }
    told = found.to_json()
    converted = {name: str(source.conversions[name]) for name in decision.topics if name in source.conversions}
    answer: dict[str, Any] = {
        "to": list(decision.topics),
        "dead_letter": None,
        "tombstone": told["tombstone"],
        "unroutable": told["unroutable"],
        "copies_to": [unroutable_of(source.topic)] if decision.unroutable else [],
        "walks": told["walks"],
        "order": None if placed is None else placed.to_json(),
        "order_lines": [] if placed is None else list(placed.lines()),
        "converted": converted,
    }
    return {name: _without(each, said) for name, each in answer.items()}


def proposed(
    texts: Mapping[str, str], name: str, text: str, catalogue: Catalogue
) -> tuple[RouteSet | None, tuple[Finding, ...]]:
    """Today's files with one of them written anew, or one more: the set, or what is wrong with it."""
    return load_routes({**texts, name: text}, catalogue)


def _without(value: Any, seen: Seen) -> Any:
    if not seen.secrets:
        return value
    match value:
        case str():
            return seen.text(value)
        case dict():
            return {name: _without(each, seen) for name, each in value.items()}
        case list():
            return [_without(each, seen) for each in value]
        case _:
            return value


def _headers(text: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for line in text.splitlines():
        if line.strip():
            name, colon, value = line.partition(":")
            if not name.strip():
                raise Unstated(f"'{line}' is no header: write `name: value`, a line each")
            found[name.strip()] = value.strip() if colon else None
    return found
