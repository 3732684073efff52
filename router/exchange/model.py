"""What exchanges, bindings and destinations are: the vocabulary of AMQP 0-9-1, section 3.1, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Binding", "Destination", "DestinationKind", "Exchange", "ExchangeType", "Place"]


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
