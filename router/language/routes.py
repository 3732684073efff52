"""A compiled route set: what every part of the router after the language sees of the teams' files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from router.exchange.model import Entry, Exchanges, Place, Tombstones
from router.failure.policy import FailurePolicy
from router.order.policy import OrderPolicy
from router.records.conversion import ValueConversion
from router.records.revisions import Revisions
from router.records.schema import AvroSchema, JsonSchema

__all__ = [
    "Entry",
    "Format",
    "RouteSet",
    "Source",
    "SourceOrder",
    "SourceRelay",
    "Team",
    "Tombstones",
    "TopicDeclaration",
]


class Format(StrEnum):
    """How a topic's values are encoded."""

    AVRO = "avro"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Team:
    """Who owns a route file."""

    name: str
    contact: str
    file: str


@dataclass(frozen=True, slots=True)
class SourceOrder:
    """How the records of a source are put in order as they enter one of its exchanges; into all others they go as they come."""

    exchange: str
    policy: OrderPolicy
    paths: tuple[str, ...]
    """The fields that order needs of every record: the place in its key's order, and behind it what its key must be."""
    at_once: frozenset[str]
    """The topics that do not wait (`ordered: false`), of all that the exchange can lead to."""


@dataclass(frozen=True, slots=True)
class SourceRelay:
    """How the records of a source get to the internal topic in which they lie by the field that they are ordered by."""

    topic: str
    """The internal one."""
    changelog: str
    """Of the table of the internal topic: it has as many partitions, or keys would have moved."""
    exchange: str
    by: str
    at_once: frozenset[str]
    """See SourceOrder: these get their copies before that."""


@dataclass(frozen=True, slots=True)
class Source:
    """A broad topic and the exchanges that it feeds."""

    topic: str
    format: Format
    schema: AvroSchema | JsonSchema | None
    """None where the catalogue has none and no route needs a field."""
    validate_whole: bool
    entries: tuple[Entry, ...]
    order: SourceOrder | None = None
    conversions: Mapping[str, ValueConversion] = field(default_factory=dict)
    """By topic, how its copies get their value, where it is of another version than the source."""
    revisions: Revisions | None = None
    """Where its records say which revision of the schema wrote them."""
    relay: SourceRelay | None = None
    """Its records are put in order in an internal topic; nothing in a set whose internal topics are not named yet."""
    subject: str | None = None
    """What routes name instead of the topic, with all other versions of it: then only what producers wrote here is taken."""
    gathers: tuple[str, ...] = ()
    """Of an internal topic: the sources whose records it gets. Each record is read and decided as one of its source."""


@dataclass(frozen=True, slots=True)
class TopicDeclaration:
    """What a team says of a topic: a narrow one that it consumes, or a broad one that it owns."""

    name: str
    team: str
    partitions: int | None
    """None: as many as its source has."""
    retention_ms: int | None
    """None: as long as its source; -1: for ever."""
    format: Format
    place: Place
    ordered: bool = True
    """It waits for order, where an exchange that leads to it has one."""
    failure: FailurePolicy | None = None
    """What becomes of a record that its consumer rejects; None: what is rejected is not read."""


@dataclass(frozen=True, slots=True)
class RouteSet:
    """All teams' routes, checked and lowered; immutable."""

    exchanges: Exchanges
    sources: Mapping[str, Source]
    topics: Mapping[str, TopicDeclaration]
    teams: Mapping[str, Team]
    fingerprint: str
    """8 hex digits of what was compiled: the same for files that differ in comments and layout only."""
