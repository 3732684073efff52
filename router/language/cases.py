"""Teams' cases: each a message and where it should go, decided exactly as a worker decides."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from router.errors import RecordError, Unreadable
from router.exchange.deciding import Decider
from router.exchange.explain import explain
from router.exchange.model import Binding, DestinationKind, Place
from router.language.case_shapes import NULLABLE, CaseFile, CaseShape
from router.language.case_values import Misfit, encode_value
from router.language.deciders import new_decider, new_topology
from router.language.findings import Finding, Kind
from router.language.kinds import found
from router.language.place_in_order import place_in_order
from router.language.reading import ParsedFile, read_shape
from router.language.routes import Format, RouteSet, Source
from router.language.suggestions import did_you_mean
from router.language.topics import dead_letters_of, sources_by_topic, unroutable_of
from router.language.yaml_text import CASES_ENDING
from router.records.field_type import Kind as FieldKind
from router.records.json_reader import json_reader
from router.records.marks import SCHEMA_HEADER
from router.records.reader import compile_avro_reader
from router.records.record import Headers, PlainRecord, Record
from router.records.schema import AvroSchema
from router.records.text import as_text

__all__ = ["CaseResult", "message_record", "run_cases"]


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case."""

    name: str
    place: Place
    """Of the case in its file."""
    expected: tuple[str, ...]
    """The topics that it names."""
    got: tuple[str, ...]
    """The topics that get a copy, other teams' included."""
    missing: tuple[str, ...]
    """Named, and without a copy."""
    unexpected: tuple[str, ...]
    """With a copy that the case does not allow."""
    why: tuple[str, ...]
    """Which bindings matched, and what kept the others from it, a line each."""
    matched: tuple[Binding, ...] = ()
    """The bindings that took the message; none for a tombstone, which goes everywhere without being compared."""

    @property
    def passed(self) -> bool:
        """The message went where the case says."""
        return not self.missing and not self.unexpected


def run_cases(texts: Mapping[str, str], route_set: RouteSet) -> tuple[tuple[CaseResult, ...], tuple[Finding, ...]]:
    """The results of all cases of all files, in order, and what is wrong with the files.

    `texts` are files of cases by name. A case with a finding of its own has no result.
    """
    bench = _Bench(route_set)
    results: list[CaseResult] = []
    findings: list[Finding] = []
    for name in sorted(texts):
        parsed, found_here = read_shape(texts[name], CaseFile, file=name, nullable=NULLABLE, fallback={"cases": []})
        findings += found_here
        if parsed is None:
            continue
        for index, case in enumerate(parsed.shape.cases):
            outcome = bench.run(parsed, index, case)
            if isinstance(outcome, CaseResult):
                results.append(outcome)
            else:
                findings.append(outcome)
    return tuple(results), tuple(sorted(set(findings)))


def message_record(source: Source, *, key: str | None, value: Any, headers: Mapping[str, str | None]) -> Record:
    """The record that a producer would have written, from what is stated of it. Raises Misfit.

    What the value leaves out is filled in; a field that the record's key must equal is filled in from the key, and the
    key from the field. A value of None makes a tombstone.
    """
    raw_key = None if key is None else key.encode()
    raw_headers = tuple((name, None if text is None else text.encode()) for name, text in headers.items())
    if value is None:
        return PlainRecord(topic=source.topic, key=raw_key, headers=raw_headers)
    fields = tuple(dict.fromkeys(entry.key_field for entry in source.entries if entry.key_field is not None))
    if key is not None and isinstance(value, dict):
        for path in fields:
            value = _with_field(value, path.split("."), _typed_key(source, path, key))
    # Without a schema nothing of Avro is ever read, so any bytes do.
    raw = b"" if source.schema is None and source.format is Format.AVRO else encode_value(source.schema, value)
    if raw_key is None and fields:
        with suppress(Unreadable):  # then deciding says so
            raw_key = _read_text(source, fields[0], raw).encode(errors="surrogateescape")
    return _written(source, raw_key, raw, raw_headers)


def _written(source: Source, key: bytes | None, body: bytes, headers: Headers) -> Record:
    """The record as the newest revision writes it; one whose headers say a revision by themselves keeps them."""
    if source.revisions is not None:
        if source.revisions.mark is None:
            raise Misfit(
                (), "subject.yaml has no id of a registry for the newest revision, with which it would be written"
            )
        said = any(name == SCHEMA_HEADER for name, _ in headers)
        value, marked = source.revisions.written(body, headers)
        body, headers = value, tuple(headers if said and source.revisions.in_header else marked)
    return PlainRecord(topic=source.topic, key=key, value=body, headers=headers)


def _typed_key(source: Source, path: str, key: str) -> str | int:
    field = None if source.schema is None else source.schema.field(path)
    whole = field is not None and field.kind in {FieldKind.INT, FieldKind.LONG}
    return int(key) if whole and key.isascii() and key.isdigit() and len(key) < 20 else key


def _with_field(value: dict[str, Any], names: list[str], text: object) -> dict[str, Any]:
    """The value with a field that it does not state; as it is where it states it, or something in its way."""
    name, *inner = names
    if not inner:
        return value if name in value else {**value, name: text}
    below = value.get(name, {})
    return {**value, name: _with_field(below, inner, text)} if isinstance(below, dict) else value


def _read_text(source: Source, path: str, raw: bytes) -> str:
    if isinstance(source.schema, AvroSchema):
        reader = compile_avro_reader(source.schema, (path,))
    else:
        reader = json_reader((path,), schema=source.schema)
    return as_text(reader.values(reader.read(raw))[0])


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What was decided for a case's message."""

    got: tuple[str, ...]
    why: tuple[str, ...]
    matched: tuple[Binding, ...]


class _Bench:
    """The route set as cases see it, compiled once."""

    def __init__(self, route_set: RouteSet) -> None:
        self._routes = route_set
        self._topology = new_topology(route_set)
        self._deciders: dict[str, Decider] = {}
        self._reached = sources_by_topic(route_set)

    def run(self, parsed: ParsedFile[CaseFile], index: int, case: CaseShape) -> CaseResult | Finding:
        path = ("cases", index)
        source = self._routes.sources.get(case.message.topic)
        if source is None:
            place = parsed.place(*path, "message", "topic")
            message = f"no exchange reads '{case.message.topic}'"
            return found(Kind.UNKNOWN_SOURCE, place, message, did_you_mean(case.message.topic, self._routes.sources))
        unknown = self._unknown_destination(parsed, index, case)
        if unknown:
            return unknown
        try:
            record = message_record(
                source, key=case.message.key, value=case.message.value, headers=case.message.headers
            )
        except Misfit as misfit:
            place = parsed.place(*path, "message", "value", *misfit.path)
            what = f"'{'.'.join(map(str, misfit.path))}'" if misfit.path else "the value"
            return found(
                Kind.INVALID_VALUE, place, f"{what} does not fit the schema: {misfit.problem}", misfit.suggestion
            )
        return self._compare(parsed, index, case, self._decide(source, record))

    def _unknown_destination(self, parsed: ParsedFile[CaseFile], index: int, case: CaseShape) -> Finding | None:
        source = case.message.topic
        known = {*self._reached, unroutable_of(source), dead_letters_of(source)}
        for number, topic in enumerate(case.to):
            if topic not in known:
                place = parsed.place("cases", index, "to", number)
                return found(
                    Kind.UNKNOWN_DESTINATION, place, f"no route feeds topic '{topic}'", did_you_mean(topic, known)
                )
        return None

    def _decide(self, source: Source, record: Record) -> _Outcome:
        decider = self._deciders.get(source.topic)
        if decider is None:
            decider = self._deciders[source.topic] = new_decider(source, self._topology)
        try:
            decision = decider.decide(record)
        except RecordError as error:
            return _Outcome((dead_letters_of(source.topic),), (f"a dead letter: {error}",), ())
        aside = (unroutable_of(source.topic),) if decision.unroutable else ()
        messages = decider.messages(record)
        explained = explain(decision, entries=source.entries, topology=self._topology, messages=messages)
        placed = place_in_order(source, record, decision)
        lines = (*explained.lines(), *(() if placed is None else placed.lines()))
        steps = () if decision.tombstone else (step for walk in decision.walks for step in walk.steps)
        matched = dict.fromkeys(binding for step in steps for binding in step.matched)
        return _Outcome((*decision.topics, *aside), lines, tuple(matched))

    def _compare(self, parsed: ParsedFile[CaseFile], index: int, case: CaseShape, outcome: _Outcome) -> CaseResult:
        aside = unroutable_of(case.message.topic)
        expected = dict.fromkeys(case.to)
        if case.unroutable:
            expected[aside] = None
        own = self._own_topics(parsed.file) | {dead_letters_of(case.message.topic)}
        if case.unroutable is False:
            own |= {aside}
        return CaseResult(
            name=case.name,
            place=parsed.place("cases", index),
            expected=tuple(expected),
            got=outcome.got,
            missing=tuple(topic for topic in expected if topic not in outcome.got),
            unexpected=tuple(topic for topic in outcome.got if topic in own and topic not in expected),
            why=outcome.why,
            matched=outcome.matched,
        )

    def _own_topics(self, file: str) -> set[str]:
        """The topics of the team whose file of cases this is; all topics where it is nobody's."""
        stem = file.rpartition(".")[0].removesuffix(CASES_ENDING)
        team = next((name for name, each in self._routes.teams.items() if each.file.rpartition(".")[0] == stem), None)
        if team is None:
            return set(self._reached)
        alternates = {
            exchange.alternate.name
            for exchange in self._routes.exchanges.values()
            if exchange.team == team
            and exchange.alternate is not None
            and exchange.alternate.kind is DestinationKind.TOPIC
        }
        return alternates | {name for name, each in self._routes.topics.items() if each.team == team}
