"""A case made from a real record: what it says, with fields masked, and where it goes today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from router.errors import RecordError
from router.language.case_text import with_case
from router.language.cases import CaseResult, run_cases
from router.language.deciders import new_decider, new_topology
from router.language.findings import Finding
from router.language.masking import mask
from router.language.routes import RouteSet, Source
from router.language.topics import dead_letters_of, unroutable_of
from router.records.record import Record
from router.records.revisions import decode_record

__all__ = ["NewCase", "Unstatable", "new_case", "with_new_case"]

_HEADER = "header:"
_OWN = "router-"


class Unstatable(ValueError):
    """A case cannot state this of the record."""

    def __init__(self, *, what: str, problem: str) -> None:
        super().__init__(what, problem)
        self.what = what
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.what} {self.problem}"


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case that passes, and whether it still says what the record does."""

    case: Mapping[str, Any]
    """As the YAML of an item of `cases:` has it."""
    goes: tuple[str, ...]
    """Where the case's message goes."""
    went: tuple[str, ...]
    """Where the record itself goes, with nothing masked or left out."""


def new_case(record: Record, route_set: RouteSet, *, name: str, masked: Sequence[str] = ()) -> NewCase:
    """The case of a record of one of the set's sources.

    `masked` are dotted paths of fields, and `header:NAME`; the key is masked with a field that it equals. What the router
    itself wrote into headers is left out. Raises Unreadable, UnknownField, or Unstatable.
    """
    source = route_set.sources[record.topic]
    message = _message(record, source, masked)
    case: dict[str, Any] = {"name": name, "message": message, "to": []}
    _, findings, result = _run("", case, route_set, file="new_test.yaml")
    if result is None:
        raise Unstatable(what="the record", problem=f"fits no case: {'; '.join(each.message for each in findings)}")
    aside = unroutable_of(record.topic)
    case["to"] = [topic for topic in result.got if topic != aside]
    if aside in result.got:
        case["unroutable"] = True
    return NewCase(case, result.got, _went(record, source, route_set))


def with_new_case(text: str, case: Mapping[str, Any], route_set: RouteSet, *, file: str) -> str:
    """The text of a file of cases with one more, which passes there. Raises Unstatable where it cannot be appended."""
    before, _ = run_cases({file: text}, route_set) if text.strip() else ((), ())
    appended, _, result = _run(text, case, route_set, file=file, count=len(before) + 1)
    if result is None or not result.passed:
        raise Unstatable(what="the case", problem=f"cannot be appended to '{file}': append by hand what is printed")
    return appended


def _run(
    text: str, case: Mapping[str, Any], route_set: RouteSet, *, file: str, count: int = 1
) -> tuple[str, tuple[Finding, ...], CaseResult | None]:
    """The file with the case, and its result; None where that is not one result more than before."""
    appended = with_case(text, case)
    results, findings = run_cases({file: appended}, route_set)
    return appended, findings, results[-1] if len(results) == count else None


def _message(record: Record, source: Source, masked: Sequence[str]) -> dict[str, Any]:
    fields = [field for field in masked if not field.startswith(_HEADER)]
    hidden = {field.removeprefix(_HEADER) for field in masked if field.startswith(_HEADER)}
    decoded = _decoded(record, source)
    shown = decoded if decoded is None else mask(decoded, fields, schema=source.schema)
    message: dict[str, Any] = {"topic": record.topic}
    if record.key is not None:
        message["key"] = _masked_key(_text(record.key, "the key"), decoded, shown, fields)
    headers = {
        key: None if value is None else "masked" if key in hidden else _text(value, f"header '{key}'")
        for key, value in record.headers
        if not key.startswith(_OWN)
    }
    return message | ({"headers": headers} if headers else {}) | {"value": _stated(shown, ())}


def _decoded(record: Record, source: Source) -> Any:
    try:
        return decode_record(record, source.schema, source.revisions)
    except (ValueError, RecursionError) as error:
        raise Unstatable(what="the value", problem=f"is not JSON: {error}") from error


def _masked_key(key: str, decoded: Any, shown: Any, fields: Sequence[str]) -> str:
    """The key, masked where it is what a masked field was."""
    for field in fields:
        if str(_at(decoded, field)) == key:
            return str(_at(shown, field))
    return key


def _at(value: Any, field: str) -> Any:
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unstatable(what=what, problem="is not text in UTF-8, which is all that a case can state") from error


def _stated(value: Any, path: tuple[str, ...]) -> Any:
    """A decoded value as a case states it."""
    match value:
        case dict():
            return {name: _stated(inner, (*path, name)) for name, inner in value.items()}
        case list():
            return [_stated(item, path) for item in value]
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case bytes():
            return _text(value, f"field '{'.'.join(path)}'")
        case _:
            return value


def _went(record: Record, source: Source, route_set: RouteSet) -> tuple[str, ...]:
    try:
        decision = new_decider(source, new_topology(route_set)).decide(record)
    except RecordError:
        return (dead_letters_of(source.topic),)
    return (*decision.topics, *((unroutable_of(source.topic),) if decision.unroutable else ()))
