"""What a dead letter says of its death, whoever set it aside. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.records.headers import Origin

__all__ = ["Death", "Dialect"]


class Dialect(StrEnum):
    """Whose headers tell of a death."""

    ROUTER = "router"
    CONNECT = "connect"
    STREAMS = "streams"
    SPRING = "spring"
    SHARE_GROUP = "share-group"
    RABBITMQ = "rabbitmq"


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Why a record was set aside. A text is empty where its dialect does not tell it."""

    dialect: Dialect
    reason: str
    """A slug: the router's own, or the nearest that the dialect allows."""
    destination: str = ""
    """Who failed: the topic whose copy it was; in other dialects the group, the connector or the queue."""
    error_class: str = ""
    """The class of the error, as its language names it."""
    message: str = ""
    place: str = ""
    """Where: in the record (`value:amount`), or in the code (`Refunds.java:71`)."""
    count: int = 1
    """How often it died of this there."""
    first: int | None = None
    """Milliseconds since the epoch."""
    last: int | None = None
    """Milliseconds since the epoch."""
    origin: Origin | None = None
    """Where the record lay that failed: of a copy that its consumer rejected the copy's place."""
