"""Where a dead letter goes that is sent again, and as what. Pure.

It goes to the consumer that failed, alone; where it was a whole record, to all that today's routes give it. A topic whose
consumer may reject gets it from the lane of the key, which may be keeping the key; any other gets it directly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from router.errors import RecordError
from router.failure.commands import REDRIVEN
from router.failure.deaths import Dialect
from router.failure.ledger import DEATH
from router.failure.letters import MALFORMED
from router.failure.notes import DESTINATION, ERROR, EXCHANGES, LOST, PLACE, REASON
from router.failure.rejections import ERROR_CLASS, PARKS, REJECTS
from router.language.deciders import deciders
from router.language.routes import RouteSet
from router.language.topics import dead_letters_of, keeping_sources, plan_topics, sources_by_topic, unroutable_of
from router.records.catalogue import Catalogue
from router.records.conversion import NoConversion, ValueConversion
from router.records.headers import HOP, ORIGIN, Origin, decode_origin
from router.records.json_reader import json_reader
from router.records.reader import FieldReader, compile_avro_reader
from router.records.record import Headers, PlainRecord
from router.records.schema import AvroSchema
from router.redrive.selection import DeadLetter

__all__ = [
    "NO_RECORD",
    "Left",
    "Sending",
    "UsualWay",
    "Way",
    "Ways",
    "cleaned",
    "is_kept",
    "retentions",
    "with_headers",
]

_NOTES = frozenset({REASON, ERROR, ERROR_CLASS, PLACE, DESTINATION, EXCHANGES, LOST, REJECTS, PARKS, REDRIVEN})
_FOREIGN = (
    "__connect.errors.",
    "__streams.errors.",
    "__dlq.errors.",
    "kafka_dlt-",
    "x-death",
    "x-first-death-",
    "x-last-death-",
)
NO_RECORD = frozenset({"offsets-lost", MALFORMED})
"""Reasons of what stands for no record."""
_VERSIONED = re.compile(r".+\.v([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Way:
    """One topic that gets it."""

    topic: str
    lane: Origin | None
    """The original, by whose lane it goes; None: it is written directly."""
    record: PlainRecord
    """As it goes: without what told of its death."""
    converted: bool


@dataclass(frozen=True, slots=True)
class Sending:
    """It is sent."""

    ways: tuple[Way, ...]
    copy: Origin | None
    """Where it lay when its consumer rejected it."""
    origin: Origin | None
    """Where its original lies."""


@dataclass(frozen=True, slots=True, eq=False)
class UsualWay:
    """Where letters of one topic go that name one destination, where that is as it nearly always is: in the version that they have."""

    topic: str
    sources: tuple[str, ...]
    """By whose lanes it goes; none: it is written directly."""
    fits: FieldReader | None
    """What reads a value whole, to know that it is what the topic takes; None where the topic has no schema."""


@dataclass(frozen=True, slots=True)
class Left:
    """It is not sent."""

    reason: str
    """A slug; docs/redrive.md has them."""
    message: str


class Ways:
    """For one set of routes."""

    def __init__(self, route_set: RouteSet, catalogue: Catalogue, *, to: str | None = None) -> None:
        """`route_set` names its internal topics; `to` is the one topic that gets everything."""
        self._routes = route_set
        self._catalogue = catalogue
        self._to = to
        self._reached = sources_by_topic(route_set)
        self._keeping: dict[str, tuple[str, ...]] = {}
        """By topic with `failure:`, the sources whose lanes read what is told them of it."""
        for source, topics in keeping_sources(route_set).items():
            for topic in topics:
                self._keeping[topic] = (*self._keeping.get(topic, ()), source)
        self._deciders = deciders(route_set, in_lanes=True)
        self._fits: dict[str, FieldReader | None] = {}
        self._conversions: dict[tuple[str, str], ValueConversion | Left | None] = {}

    def to(self, topic: str | None) -> Ways:
        """The same, where this topic gets everything; None: each goes where it failed."""
        return Ways(self._routes, self._catalogue, to=topic)

    def knows(self, topic: str) -> bool:
        """Whether the routes lead to that topic."""
        return topic in self._reached

    def of(self, letter: DeadLetter, edited: PlainRecord | None = None) -> Sending | Left:
        """What becomes of it; where it was edited, of that instead, which is of the version of the topic that it goes to."""
        record = letter.record
        last: dict[str, bytes] = {name: each for name, each in record.headers if each is not None}
        origin = decode_origin(last.get(ORIGIN))
        headers = cleaned(record.headers)
        topics = self._topics(letter, last, origin, headers)
        if isinstance(topics, Left):
            return topics
        held, going = None, edited
        if going is None:
            held, going = self._held(letter, origin), with_headers(record, headers)
        ways = []
        for topic in topics:
            way = self._way(topic, held, going, origin)
            if isinstance(way, Left):
                return way
            ways.append(way)
        return Sending(tuple(ways), decode_origin(last.get(REJECTS)), origin)

    def usual(self, letters: str, destination: str) -> UsualWay | None:
        """The way of this topic's letters that name this destination; None where each is to be asked about by itself."""
        held = _beside(letters)
        if self._to is not None or held is None or destination not in self._reached:
            return None
        if self._conversion(held, destination) is not None:
            return None
        return UsualWay(
            destination,
            self._keeping.get(destination, ()),
            self._fitting(destination),
        )

    def edited(self, topic: str, record: PlainRecord, body: bytes) -> PlainRecord | Left:
        """The dead letter's record with another body, as the topic's producers write one now."""
        found, headers = self._catalogue.resolve(topic), cleaned(record.headers)
        revisions = None if found is None else found.revisions
        if revisions is None:
            return replace(record, value=body, headers=headers)
        if revisions.mark is None:
            return Left("unfit", f"the catalogue has no id of a registry with which a record of {topic} is written")
        value, headers = revisions.written(body, headers)
        return replace(record, value=value, headers=headers)

    def topics(self, letter: DeadLetter) -> tuple[str, ...] | Left:
        """Those that get it."""
        headers = letter.record.headers
        last: dict[str, bytes] = {name: each for name, each in headers if each is not None}
        return self._topics(letter, last, decode_origin(last.get(ORIGIN)), cleaned(headers))

    def _topics(  # noqa: PLR0911 -- one return a rule
        self, letter: DeadLetter, last: Mapping[str, bytes], origin: Origin | None, headers: Headers
    ) -> tuple[str, ...] | Left:
        death = letter.death
        if death.reason in NO_RECORD:
            return Left("no-record", f"it stands for no record: {death.message}")
        if self._to is not None:
            return (self._to,)
        if death.destination in self._reached:
            return (death.destination,)
        ours = death.dialect is Dialect.ROUTER
        if ours and death.destination:
            return Left(
                "destination-gone", f"no route leads to '{death.destination}' any more: --to names another topic"
            )
        if origin is not None and (ours or REASON in last):
            return self._decided(letter, origin, headers)
        place = death.origin or origin
        if place is not None and place.topic in self._reached:
            return (place.topic,)
        return Left("destination-unknown", "neither its headers nor the routes say whose it is: --to names a topic")

    def _decided(self, letter: DeadLetter, origin: Origin, headers: Headers) -> tuple[str, ...] | Left:
        source = self._routes.sources.get(origin.topic)
        if source is None:
            return Left("not-routed", f"no routes read '{origin.topic}' any more: --to names a topic")
        if source.gathers or source.relay is not None:
            return Left("internal", f"'{origin.topic}' is put in order by another key than its own: --to names a topic")
        decider, record = self._deciders[origin.topic], letter.record
        original = replace(
            record, topic=origin.topic, partition=origin.partition, offset=origin.offset, headers=_before_us(headers)
        )
        try:
            decision = decider.decide(original)
        except RecordError as error:
            return Left("not-routed", f"today's routes cannot read it either: {error}")
        if not decision.topics:
            return Left("not-routed", "today's routes give it no topic")
        return decision.topics

    def _held(self, letter: DeadLetter, origin: Origin | None) -> str:
        """The topic whose version its bytes have."""
        topic = letter.record.topic
        held = _beside(topic)
        if held is not None:
            return held
        place = letter.death.origin or origin
        return topic if place is None else place.topic

    def _way(self, topic: str, held: str | None, record: PlainRecord, origin: Origin | None) -> Way | Left:
        conversion = None if held is None else self._conversion(held, topic)
        if isinstance(conversion, Left):
            return conversion
        if record.value is not None and conversion is not None:
            try:
                record = conversion.converted(record)
            except RecordError as error:
                return Left("not-converted", f"it has no counterpart in the version of {topic}: {error}")
        fits = self._fitting(topic)
        if record.value is not None and fits is not None:
            try:
                fits.values_of(record)
            except RecordError as error:
                return Left("unfit", f"its bytes are not what {topic} takes: {error}")
        lane = self._lane(topic, origin)
        if isinstance(lane, Left):
            return lane
        return Way(topic, lane, record, converted=conversion is not None)

    def _lane(self, topic: str, origin: Origin | None) -> Origin | Left | None:
        if not self._goes_by_lanes(topic):
            return None
        if origin is None or origin.topic not in self._keeping.get(topic, ()):
            said = "no router-origin" if origin is None else f"its origin in '{origin.topic}'"
            return Left("origin-unknown", f"'{topic}' is written by lanes, and {said} says by which")
        return origin

    def _goes_by_lanes(self, topic: str) -> bool:
        declared = self._routes.topics.get(topic)
        return declared is not None and declared.failure is not None

    def _conversion(self, held: str, topic: str) -> ValueConversion | Left | None:
        """From the version of the one topic to that of the other; None where they are of the same."""
        if (held, topic) not in self._conversions:
            self._conversions[held, topic] = self._find_conversion(held, topic)
        return self._conversions[held, topic]

    def _find_conversion(self, held: str, topic: str) -> ValueConversion | Left | None:
        has, wants = _VERSIONED.fullmatch(held), _VERSIONED.fullmatch(topic)
        if has is None or wants is None or has[1] == wants[1]:
            return None
        one, other = self._catalogue.resolve(held), self._catalogue.resolve(topic)
        if one is None or other is None:
            gone = held if one is None else topic
            return Left("schema-gone", f"its bytes are of '{held}', and the catalogue has no schema of '{gone}'")
        if one.subject != other.subject:
            return Left("not-converted", f"'{held}' and '{topic}' are of different subjects")
        try:
            return self._catalogue.conversion(one.subject, one.version, other.version)
        except NoConversion as error:
            return Left("not-converted", str(error))

    def _fitting(self, topic: str) -> FieldReader | None:
        if topic not in self._fits:
            found = self._catalogue.resolve(topic)
            schema = None if found is None else found.schema
            if found is not None and found.revisions is not None:
                self._fits[topic] = found.revisions.reader((), True)
            elif isinstance(schema, AvroSchema):
                self._fits[topic] = compile_avro_reader(schema, (), whole=True)
            else:
                self._fits[topic] = None if schema is None else json_reader((), schema=schema, whole=True)
        return self._fits[topic]


def cleaned(headers: Headers) -> Headers:
    """The headers of a dead letter without what tells of its death; the ledger of its deaths stays."""
    return [header for header in headers if is_kept(header[0])]


def is_kept(name: str) -> bool:
    """Whether a header of this name tells nothing of a record's death."""
    # Few names begin as foreign ones do: most are told apart by their first letter.
    return name not in _NOTES and not (name[:1] in {"_", "k", "x"} and name.startswith(_FOREIGN))


def _beside(topic: str) -> str | None:
    """The topic beside which such a one lies."""
    for ending in (dead_letters_of(""), unroutable_of("")):
        if topic.endswith(ending):
            return topic.removesuffix(ending)
    return None


def with_headers(record: PlainRecord, headers: Headers) -> PlainRecord:
    """The same record with other headers; a third of what `dataclasses.replace` costs, for each of many thousands."""
    return PlainRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=headers,
    )


def _before_us(headers: Headers) -> Headers:
    """As its source had it: without the last origin and hop, and without deaths."""
    kept = [(name, value) for name, value in headers if name != DEATH]
    for ours in (ORIGIN, HOP):
        numbers = [number for number, (name, _) in enumerate(kept) if name == ours]
        if numbers:
            del kept[numbers[-1]]
    return tuple(kept)


def retentions(route_set: RouteSet) -> dict[str, int]:
    """By topic, for how many milliseconds it keeps its records; without those of which it is not known, or for ever."""
    plans = plan_topics(route_set, default_partitions=1, replication=1)
    said = {plan.name: int(plan.config.get("retention.ms", -1)) for plan in plans}
    return {topic: kept for topic, kept in said.items() if kept >= 0}
