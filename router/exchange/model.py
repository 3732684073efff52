"""What exchanges, bindings and destinations are: the vocabulary of AMQP 0-9-1, section 3.1, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from router.exchange.routing_key import RoutingKey

__all__ = [
    "Binding",
    "Destination",
    "DestinationKind",
    "Entry",
    "Exchange",
    "ExchangeType",
    "Exchanges",
    "Place",
    "Tombstones",
]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where in a route file something was said; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class ExchangeType(StrEnum):
    """How an exchange compares a message with its bindings."""

    DIRECT = "direct"
    TOPIC = "topic"
    FANOUT = "fanout"


class DestinationKind(StrEnum):
    """What a binding or an alternate leads to."""

    TOPIC = "topic"
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class Destination:
    """A topic or an exchange that a binding, or an alternate, leads to."""

    kind: DestinationKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} '{self.name}'"


@dataclass(frozen=True, slots=True)
class Binding:
    """One line between an exchange and a destination."""

    exchange: str
    key: str | None
    """The binding key; None takes every routing key."""
    destination: Destination
    place: Place
    """Of the binding key where there is one, else of the binding."""
    team: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """A named entry point with its bindings in the order in which they were declared."""

    name: str
    type: ExchangeType
    bindings: tuple[Binding, ...]
    alternate: Destination | None
    place: Place
    team: str


Exchanges = Mapping[str, Exchange]
"""Every exchange of a route set by its name; whatever a binding or an alternate names is in it."""


class Tombstones(StrEnum):
    """Where a record without a value goes: it has no fields to route by, and a compacted topic must still see it."""

    ALL = "all"
    """To every topic that its exchange can reach."""
    DROP = "drop"
    """Nowhere; counted."""
    UNROUTABLE = "unroutable"
    """To the source's unroutable topic."""


@dataclass(frozen=True, slots=True)
class Entry:
    """How the records of one broad topic enter one exchange."""

    exchange: str
    routing_key: RoutingKey | None
    """None: the record's key, as text, is the routing key."""
    key_field: str | None
    """The field whose value the record's key must be; None where the exchange declares no `key:`."""
    tombstones: Tombstones
