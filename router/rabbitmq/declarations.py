"""What an import makes of definitions: exchanges and topics as a route file declares them, not yet text. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.exchange.model import ExchangeType

__all__ = ["Imported", "ImportedBinding", "ImportedExchange", "ImportedTopic"]


@dataclass(frozen=True, slots=True)
class ImportedBinding:
    """An item of a `from`, with one key."""

    exchange: str
    key: str | None = None
    """None where the exchange's type does not look at it."""
    headers: Mapping[str, Any] | None = None
    """Of a headers exchange: names and plain values as the definitions say them, x-match among them."""
    weight: int | None = None
    """Of a consistent-hash exchange."""


@dataclass(frozen=True, slots=True)
class ImportedExchange:
    """An exchange and what feeds it."""

    name: str
    type: ExchangeType
    bindings: tuple[ImportedBinding, ...] = ()
    alternate: str | None = None
    hash_header: str | None = None
    notes: tuple[str, ...] = ()
    """What a reader of the route file should know of it, a line each."""


@dataclass(frozen=True, slots=True)
class ImportedTopic:
    """A topic that was a queue."""

    name: str
    bindings: tuple[ImportedBinding, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """A virtual host as declarations, in order of names."""

    version: str
    vhost: str | None
    exchanges: tuple[ImportedExchange, ...] = ()
    topics: tuple[ImportedTopic, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What a reader of the whole file should know, a line each."""
