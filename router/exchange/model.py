"""What exchanges, bindings and destinations are: the vocabulary of AMQP 0-9-1, section 3.1, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from router.exchange.header_values import HeaderTest
from router.exchange.routing_key import RoutingKey

__all__ = [
    "DEFAULT_EXCHANGE",
    "Binding",
    "Destination",
    "DestinationKind",
    "Entry",
    "Exchange",
    "ExchangeType",
    "Exchanges",
    "HeaderCondition",
    "HeadersMatch",
    "OnError",
    "Place",
    "Tombstones",
    "XMatch",
]

DEFAULT_EXCHANGE = ""
"""Leads to the topic whose name is the routing key; it has no bindings and no alternate."""


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
    HEADERS = "headers"
    CONSISTENT_HASH = "consistent-hash"


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


class XMatch(StrEnum):
    """How many of a headers binding's conditions must hold, and whether names that begin with `x-` count."""

    ALL = "all"
    ANY = "any"
    ALL_WITH_X = "all-with-x"
    ANY_WITH_X = "any-with-x"

    @property
    def every(self) -> bool:
        """Every condition must hold; else one suffices."""
        return self in (XMatch.ALL, XMatch.ALL_WITH_X)

    @property
    def counts_x(self) -> bool:
        """Conditions on names that begin with `x-` count."""
        return self in (XMatch.ALL_WITH_X, XMatch.ANY_WITH_X)


@dataclass(frozen=True, slots=True)
class HeaderCondition:
    """What a headers binding asks of one header."""

    name: str
    test: HeaderTest


@dataclass(frozen=True, slots=True)
class HeadersMatch:
    """The arguments of a headers binding."""

    x_match: XMatch = XMatch.ALL
    conditions: tuple[HeaderCondition, ...] = ()

    @property
    def counting(self) -> tuple[HeaderCondition, ...]:
        """The conditions that count: `x-match` never does, other names in `x-` only where the mode says so."""
        return tuple(
            each
            for each in self.conditions
            if each.name != "x-match" and (self.x_match.counts_x or not each.name.startswith("x-"))
        )


class OnError(StrEnum):
    """What becomes of a copy whose condition cannot be evaluated on the record."""

    NO_MATCH = "no-match"
    DEAD_LETTER = "dead-letter"


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
    headers: HeadersMatch | None = None
    """Of a headers exchange's binding; None takes every message."""
    weight: int = 1
    """Of a consistent-hash exchange's binding: its share of the keys, against the others'."""
    where: str | None = None
    """A condition on the record that must hold as well, by its text."""
    on_error: OnError = OnError.NO_MATCH


@dataclass(frozen=True, slots=True)
class Exchange:
    """A named entry point with its bindings in the order in which they were declared."""

    name: str
    type: ExchangeType
    bindings: tuple[Binding, ...]
    alternate: Destination | None
    place: Place
    team: str
    first_only: bool = False
    """Of the bindings that match, only the first in declared order counts (`limit: first`)."""
    cc: bool = False
    """The headers CC and BCC carry further routing keys."""
    hash_header: str | None = None
    """What a consistent-hash exchange hashes; None: the routing key."""


Exchanges = Mapping[str, Exchange]
"""Every exchange of a route set by its name; whatever a binding names is in it."""


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
