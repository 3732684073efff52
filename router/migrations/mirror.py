"""The two ways between a subject's topics, as routes that a worker obeys: every native record, converted, to its twin.

A mirror is a worker like any other: lanes, transactions, one owner a partition, positions in a group of its own. Its routes are
made here, and lead each topic into the other. What is special: it takes native records only (`crossing.py`), it keeps partitions,
so that there must be equally many, and what it copies back says that its topic is about to go.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from router.errors import DestinationUnavailable
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
from router.lanes.batch import Batch
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, DestinationView, Refusals
from router.language.routes import Format, RouteSet, Source
from router.migrations.twins import Twins
from router.records.catalogue import Catalogue
from router.records.generations import former_partition, spread
from router.records.record import Headers, PlainRecord, Record

__all__ = [
    "Announcing",
    "MirrorCopier",
    "SpreadingCopier",
    "announcement",
    "mirror_routes",
    "mirror_twins",
    "spreading_routes",
]

_HERE = Place("router.migrations", 1, 1)
_TEAM = "migrations"


def mirror_routes(ways: Sequence[tuple[str, str]], catalogue: Catalogue) -> RouteSet:
    """The routes from each topic to its twin. Raises NoConversion, and ValueError for a topic of no version in the catalogue."""
    exchanges: dict[str, Exchange] = {}
    sources: dict[str, Source] = {}
    texts = []
    for start, to in ways:
        given, wanted = catalogue.resolve(start), catalogue.resolve(to)
        if given is None or wanted is None:
            unknown = start if given is None else to
            raise ValueError(f"the catalogue has no schema for '{unknown}'")
        conversion = catalogue.conversion(given.subject, given.version, wanted.version)
        texts.append(conversion.text)
        exchanges[start] = _exchange(start, to)
        sources[start] = Source(
            topic=start,
            format=Format(given.schema.format),
            schema=given.schema,
            validate_whole=False,
            # No field is asked for, and the key is nobody's: a constant.
            entries=(Entry(start, parse_routing_key("mirror"), None, Tombstones.ALL),),
            conversions={to: conversion},
        )
    facts = json.dumps([list(map(list, ways)), texts])
    return RouteSet(
        exchanges=exchanges,
        sources=sources,
        topics={},
        teams={},
        fingerprint=hashlib.sha256(facts.encode()).hexdigest()[:8],
    )


def spreading_routes(ways: Sequence[tuple[str, str]]) -> RouteSet:
    """The routes from each generation of a topic to the other: every record as it is, and whatever it is."""
    facts = json.dumps([list(map(list, ways))])
    return RouteSet(
        exchanges={start: _exchange(start, to) for start, to in ways},
        sources={
            start: Source(
                topic=start,
                format=Format.JSON,
                schema=None,
                validate_whole=False,
                entries=(Entry(start, parse_routing_key("mirror"), None, Tombstones.ALL),),
            )
            for start, _ in ways
        },
        topics={},
        teams={},
        fingerprint=hashlib.sha256(facts.encode()).hexdigest()[:8],
    )


def _exchange(start: str, to: str) -> Exchange:
    binding = Binding(start, None, Destination(DestinationKind.TOPIC, to), _HERE, _TEAM)
    return Exchange(start, ExchangeType.FANOUT, (binding,), None, _HERE, _TEAM)


def mirror_twins(ways: Sequence[tuple[str, str]], *, group: str, former: int = 0) -> dict[str, Twins]:
    """What lanes must know: of a topic's records, those are left out that this very mirror copied there.

    `former`: the partitions of the smaller one, where they are generations.
    """
    others: dict[str, tuple[str, ...]] = {}
    for start, to in ways:
        others[start] = (*others.get(start, ()), to)
    return {start: Twins(each, writers=(group,), former=former) for start, each in others.items()}


class MirrorCopier(Copier):
    """Lays each copy into the partition of its record."""

    def __init__(self, source: str, *, destinations: DestinationView, **more: object) -> None:
        """`more` is what a copier takes besides."""
        super().__init__(source, destinations=destinations, **more)  # type: ignore[arg-type]  # handed on as it came
        self._counts = destinations
        self._from = source

    def fixed_partition(self, topic: str, source: int) -> int | None:
        """See Copier. Raises DestinationUnavailable where the two have not equally many: keys would lie elsewhere."""
        if topic.endswith((".dead-letters", ".unroutable")):
            return super().fixed_partition(topic, source)
        here, there = self._counts.partitions(self._from), self._counts.partitions(topic)
        if here != there:
            problem = f"has {there} partitions and '{self._from}' {here}: versions of a subject have equally many"
            raise DestinationUnavailable(topic=topic, problem=problem)
        return source


class SpreadingCopier(Copier):
    """Lays each copy where its generation has its key: see `records.generations`."""

    def __init__(
        self, source: str, *, counts: Mapping[str, int], by: str, destinations: DestinationView, **more: object
    ) -> None:
        """`counts` are the partitions that both topics were begun with, `by` names the partitioner; `more` is a copier's."""
        super().__init__(source, destinations=destinations, **more)  # type: ignore[arg-type]  # handed on as it came
        self._known = destinations
        self._begun_with = counts
        self._by = by
        self._from = source

    def fixed_partition(self, topic: str, source: int) -> int | None:
        """See Copier. Raises DestinationUnavailable where either has other partitions by now: keys would lie elsewhere."""
        if topic not in self._begun_with:
            return super().fixed_partition(topic, source)
        for each, count in self._begun_with.items():
            has = self._known.partitions(each)
            if has != count:
                problem = f"has {has} partitions, and its generations are copied since it had {count}: keys would lie elsewhere"
                raise DestinationUnavailable(topic=each, problem=problem)
        former = self._begun_with[topic]
        return former_partition(source, former=former) if former <= self._begun_with[self._from] else None

    def partition(self, topic: str, record: Record) -> int:
        """See Copier."""
        if topic not in self._begun_with:
            return super().partition(topic, record)
        former = self._begun_with[self._from]
        times = self._begun_with[topic] // former
        return spread(
            record.key, partition=record.partition, offset=record.offset, former=former, times=times, by=self._by
        )


def announcement(new: str, *, since: str, sunset: str) -> Headers:
    """What copies in the former topic say to those who stay: CloudEvents' extension "deprecation", in Kafka's binding."""
    told = {
        "ce_deprecated": "true",
        "ce_deprecationfrom": since,
        "ce_deprecationsunset": sunset,
        "ce_deprecationmigration": f"{new}",
    }
    return [(name, text.encode()) for name, text in told.items() if text]


class Announcing:
    """Stands in a copier's place where records are copied back, and gives them headers. Fulfils what a lane expects."""

    def __init__(self, inner: Copier, headers: Headers) -> None:
        self._inner = inner
        self._headers = list(headers)

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """Copy the batch, each record with the headers behind its own. Raises what the copier raises."""
        further = self._headers
        records = [
            PlainRecord(
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                timestamp=record.timestamp,
                key=record.key,
                value=record.value,
                headers=[*record.headers, *further],
            )
            for record in batch.records
        ]
        return self._inner.copy(replace(batch, records=records), into=into, new_batch=new_batch, refusals=refusals)
