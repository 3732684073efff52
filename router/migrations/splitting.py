"""A topic that is split into a subject a meaning, as a migration: its life is that of a version's, between one topic and several. Pure.

The former topic holds every event; each of the new ones those of its types. What producers write to the new ones is joined to the
former for those who stay. Each step is taken for all of the new topics at once: what stands in the way of one stands in its way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from router.errors import RecordError, TransientError
from router.exchange.decision import Decision, Delivery, Step, Walk
from router.exchange.model import (
    Binding,
    Destination,
    DestinationKind,
    Entry,
    Exchange,
    ExchangeType,
    Place,
    Tombstones,
)
from router.exchange.routing_key import parse_routing_key
from router.language.routes import Format, RouteSet, Source
from router.migrations.phases import Migration, Phase, read_migration
from router.records.catalogue import Catalogue
from router.records.conversion import ValueConversion
from router.records.record import Record
from router.records.splitting import Branch, NoSplit, Otherwise, UnknownType, ValueSplit

__all__ = ["SplitMigration", "Splitting", "TypeRefused", "read_kept", "refused", "split_of", "splitting_of", "way_of"]

_HERE = Place("split.yaml", 1, 1)
_TEAM = "migrations"


class TypeRefused(TransientError):
    """A record is of a type that nobody named, and its topic's split goes past none of these."""

    reason = "type-refused"

    def __init__(self, *, at: str, problem: str) -> None:
        super().__init__(at, problem)
        self.at = at
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"{self.at}: {self.problem}, and it says `else: refuse`: name it there, and start `router migrate run` anew"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitMigration(Migration):
    """One topic on its way into several; its `target` is 0."""

    into: tuple[str, ...]
    """The new topics, as split.yaml had their subjects when it was begun."""

    @property
    def target_topic(self) -> str:
        """All of the new ones, for people; of a pair, the one."""
        return ", ".join(self.into)

    @property
    def topics(self) -> tuple[str, ...]:
        """See Migration."""
        return (self.source_topic, *self.into)

    @property
    def pairs(self) -> tuple[Migration, ...]:
        """The former topic with each of the new ones."""
        return tuple(replace(self, into=(each,)) for each in self.into)

    @property
    def set_aside(self) -> str:
        """See Migration."""
        return "got to none of the others: of types that split.yaml keeps or brings back no more, or dead letters, which say why"

    @property
    def key(self) -> str:
        """By which it is kept: one a topic."""
        return f"{self.name}/v{self.source}-split"

    @property
    def group(self) -> str:
        """See Migration; `crossing.is_mirror` knows the form."""
        return f"{self.workers}-migrate-{self.name}.v{self.source}-split-{self.generation}"

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """See Migration."""
        forth = tuple((self.source_topic, each) for each in self.into)
        back = tuple((each, self.source_topic) for each in self.into)
        if self.phase.ended:
            return ()
        return forth if self.phase is Phase.DRAIN else (*forth, *back)

    def __str__(self) -> str:
        return f"{self.source_topic} split into {len(self.into)}"

    def to_json(self) -> dict[str, object]:
        """See Migration."""
        return {**Migration.to_json(self), "into": list(self.into)}


def read_kept(value: bytes | None) -> Migration | None:
    """What a record of `router.migrations` tells, of a split or of another; None for what is neither."""
    found = read_migration(value)
    if found is None:
        return None
    try:
        into = json.loads(value or b"").get("into")
        if into is None:
            return found
        given = {name: getattr(found, name) for name in Migration.__dataclass_fields__}
        return SplitMigration(**given, into=tuple(map(str, into)))
    except (TypeError, ValueError):
        return None


def split_of(catalogue: Catalogue, topic: str) -> tuple[ValueSplit, dict[str, Branch]]:
    """How a topic is split, and by topic what goes there; a prefix of the one is one of all. Raises NoSplit."""
    found = catalogue.resolve(topic)
    if found is None:
        raise NoSplit(subject=topic, problem="the catalogue has no schema of it")
    split = catalogue.split(found.subject)
    if split.version != found.version:
        raise NoSplit(
            subject=found.subject, problem=f"its split.yaml is about v{split.version}, and not v{found.version}"
        )
    prefix = topic.removesuffix(f"{found.subject}.v{found.version}")
    return split, {f"{prefix}{each.name}": each for each in split.branches}


def way_of(catalogue: Catalogue, topic: str, into: Sequence[str]) -> str:
    """What is wrong with the catalogue for a split that was begun with these topics; empty where nothing is."""
    try:
        _, branches = split_of(catalogue, topic)
    except NoSplit as error:
        return str(error)
    if missing := [each for each in into if each not in branches]:
        return f"split.yaml does not name {', '.join(missing)} any more"
    if more := [each for each in branches if each not in into]:
        return f"split.yaml names {', '.join(more)} by now, with which it was not begun: abort it, and begin anew"
    return ""


def refused(catalogue: Catalogue, topic: str, records: Iterable[Record]) -> str:
    """Which of these a split goes past none of, in words; empty where there is none, or where it goes past all. Raises NoSplit."""
    split, branches = split_of(catalogue, topic)
    if split.otherwise is not Otherwise.REFUSE:
        return ""
    deciding = _Deciding(topic, split, branches)
    for record in records:
        try:
            deciding.decide(record)
        except TypeRefused as error:
            return str(error)
        except RecordError:
            continue
    return ""


@dataclass(frozen=True, slots=True)
class Splitting:
    """What a mirror's process needs to know of a split."""

    former: str
    routes: RouteSet
    """Of the former topic: the others are read beside it (`joining.py`)."""
    decide: Mapping[str, Callable[[Record], Decision]]
    """By topic, where its records go."""
    back: Mapping[str, Mapping[str, ValueConversion]]
    """By new topic whose records are joined, how they are converted for the former one; by that, as a copier takes it."""


def splitting_of(ways: Sequence[tuple[str, str]], catalogue: Catalogue) -> Splitting:
    """The routes of a split and of its join, of which the first way leads from the former topic. Raises NoSplit."""
    former = ways[0][0]
    into = [to for start, to in ways if start == former]
    split, branches = split_of(catalogue, former)
    if problem := way_of(catalogue, former, into):
        raise NoSplit(subject=split.subject, problem=problem)
    back = {start: branches[start] for start, to in ways if to == former}
    decide: dict[str, Callable[[Record], Decision]] = {former: _Deciding(former, split, branches).decide}
    for topic, branch in back.items():
        decision = _NOWHERE if branch.back is None else _to(topic, [former])
        decide[topic] = _always(decision)
    text = json.dumps([list(map(list, ways)), split.text])
    routes = RouteSet(
        exchanges={former: _exchange(former, into)},
        sources={former: _source(former, catalogue, {each: branches[each].forth for each in into})},
        topics={},
        teams={},
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:8],
    )
    conversions = {topic: {} if each.back is None else {former: each.back} for topic, each in back.items()}
    return Splitting(former, routes, decide, conversions)


class _Deciding:
    """Where records of the former topic go: by their type, tombstones everywhere."""

    def __init__(self, former: str, split: ValueSplit, branches: Mapping[str, Branch]) -> None:
        self._split = split
        self._all = _to(former, list(branches), tombstone=True)
        self._by_type = {each: _to(former, [topic]) for topic, branch in branches.items() for each in branch.types}

    def decide(self, record: Record) -> Decision:
        """Raises Unreadable, UnknownType, TypeRefused."""
        if record.value is None:
            return self._all
        split = self._split
        said = split.type_of(record)
        decision = None if said is None else self._by_type.get(said)
        if decision is not None:
            return decision
        if split.otherwise is Otherwise.KEEP:
            return _NOWHERE
        unknown = UnknownType(field=split.by, type=said)
        if split.otherwise is Otherwise.REFUSE:
            raise TypeRefused(at=f"{record.topic}/{record.partition}/{record.offset}", problem=str(unknown))
        raise unknown


def _always(decision: Decision) -> Callable[[Record], Decision]:
    return lambda _: decision


def _source(topic: str, catalogue: Catalogue, conversions: Mapping[str, ValueConversion]) -> Source:
    found = catalogue.resolve(topic)
    assert found is not None, "a branch's subject is in the catalogue, and so is what is split"
    return Source(
        topic=topic,
        format=Format(found.schema.format),
        schema=found.schema,
        validate_whole=False,
        entries=(Entry(topic, parse_routing_key("mirror"), None, Tombstones.ALL),),
        conversions=conversions,
    )


def _exchange(start: str, into: Sequence[str]) -> Exchange:
    return Exchange(start, ExchangeType.FANOUT, tuple(_bindings(start, into)), None, _HERE, _TEAM)


def _bindings(start: str, into: Sequence[str]) -> Iterator[Binding]:
    return (Binding(start, None, Destination(DestinationKind.TOPIC, each), _HERE, _TEAM) for each in into)


def _to(start: str, into: Sequence[str], *, tombstone: bool = False) -> Decision:
    bindings = tuple(_bindings(start, into))
    deliveries = tuple(Delivery(each, (binding,)) for each, binding in zip(into, bindings, strict=True))
    return Decision((Walk(start, "", (Step(start, bindings, None),), deliveries),), tombstone=tombstone)


_NOWHERE = Decision(())
"""It stays where it is."""
