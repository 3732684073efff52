"""The headers that the router writes, and the identity of an event.

`router-origin` says where the original lies, in ASCII: `topic/partition/offset`, as `order.status.v1/3/1234`.

`router-hop` is one processing, appended, so that the hops of a record read as its path. ASCII, fields separated by `;`:

    1;service;instance;processing;start;duration;route set;tags
    │                  │          │     │        │         └ joined by `,`; empty where there are none
    │                  │          │     │        └ fingerprint of the routes that decided, 8 hex digits
    │                  │          │     └ microseconds from the start until the batch's copies were decided
    │                  │          └ when the batch was received, milliseconds since the epoch
    │                  └ UUID of the batch, 22 characters of URL-safe base64; the origin's offset tells its records apart
    └ format version

In the texts `;`, `,`, `%`, control characters and what is not ASCII are percent-encoded as UTF-8. Further fields may follow
in later versions of the router: a reader ignores them.

Both are made once a batch (an origin's prefix, a whole hop), so a copy costs one formatted number.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from router.records.record import Headers, Record

__all__ = [
    "EVENT_NAMESPACE",
    "HOP",
    "HOP_LIMIT",
    "ORIGIN",
    "Hop",
    "Origin",
    "decode_hop",
    "decode_origin",
    "encode_hop",
    "encode_origin",
    "event_id",
    "first_origin",
    "hop_count",
    "hops",
    "origin_prefix",
]

ORIGIN = "router-origin"
HOP = "router-hop"
HOP_LIMIT = 16
"""A record that arrives with this many hops is going round; it is dead-lettered instead of routed."""

EVENT_NAMESPACE = UUID("8a2c9a51-5c0e-5d8f-9f2e-6b1f0d4c7e13")
"""The namespace of derived event ids: anyone computes `uuid5(EVENT_NAMESPACE, "topic/partition/offset")`. Never changes."""

_EVENT_ID_HEADERS = ("ce_id", "id")

_VERSION = "1"
_ORIGIN = re.compile(rb"([A-Za-z0-9._-]{1,249})/([0-9]{1,10})/([0-9]{1,19})")
_HOP = re.compile(
    r"1;([^;,]*);([^;,]*);([A-Za-z0-9_-]{22});([0-9]{1,19});([0-9]{1,19});([0-9a-f]{8});([^;]*)(?:;.*)?", re.DOTALL
)
_ESCAPED = re.compile(r"[^\x20-\x7e]|[;,%]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a copy's original lies."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One processing of a record, as its header tells it."""

    service: str
    instance: str
    processing: UUID
    """The batch's; the same for all records of it."""
    start: int
    """Milliseconds since the epoch at which the batch was received."""
    duration: int
    """Microseconds from there until the copies were decided."""
    route_set: str
    """The fingerprint of the route set that decided: 8 hex digits."""
    tags: tuple[str, ...] = ()


def origin_prefix(topic: str, partition: int) -> bytes:
    """The part of an origin that a partition's records share: `prefix + b"%d" % offset` is the whole."""
    return b"%b/%d/" % (topic.encode("ascii"), partition)


def encode_origin(origin: Origin) -> bytes:
    """The value of a `router-origin` header."""
    return origin_prefix(origin.topic, origin.partition) + b"%d" % origin.offset


def decode_origin(value: bytes | None) -> Origin | None:
    """The origin that a header's value tells; None for what is not one, since anybody may write headers."""
    found = _ORIGIN.fullmatch(value or b"")
    return Origin(found[1].decode(), int(found[2]), int(found[3])) if found else None


def encode_hop(hop: Hop) -> bytes:
    """The value of a `router-hop` header."""
    return ";".join(
        (
            _VERSION,
            _escape(hop.service),
            _escape(hop.instance),
            urlsafe_b64encode(hop.processing.bytes)[:22].decode(),
            str(hop.start),
            str(hop.duration),
            hop.route_set,
            ",".join(map(_escape, hop.tags)),
        )
    ).encode("ascii")


def decode_hop(value: bytes | None) -> Hop | None:
    """The hop that a header's value tells; None for what is not one of format version 1."""
    found = _HOP.fullmatch((value or b"").decode("ascii", "replace"))
    if found is None:
        return None
    service, instance, processing, start, duration, route_set, tags = found.groups()
    return Hop(
        service=unquote(service),
        instance=unquote(instance),
        processing=UUID(bytes=urlsafe_b64decode(processing + "==")),
        start=int(start),
        duration=int(duration),
        route_set=route_set,
        tags=tuple(unquote(tag) for tag in tags.split(",")) if tags else (),
    )


def hop_count(headers: Headers) -> int:
    """How many hops a record has behind it, readable or not."""
    count = 0
    for name, _ in headers:
        if name == HOP:
            count += 1
    return count


def hops(headers: Headers) -> tuple[Hop | None, ...]:
    """A record's hops, first to last; None stands for a header that cannot be read."""
    return tuple(decode_hop(value) for name, value in headers if name == HOP)


def first_origin(record: Record) -> Origin:
    """Where the event entered: the earliest readable origin among the headers, else the record's own place."""
    for name, value in record.headers:
        if name == ORIGIN and (origin := decode_origin(value)):
            return origin
    return Origin(record.topic, record.partition, record.offset)


def event_id(record: Record) -> str:
    """The event's identity: what its producer wrote into `ce_id` or `id`, else the UUIDv5 of its first origin.

    A copy gives the same answer as its original, on every hop; so a derived id need not be written anywhere.
    """
    given = {name: value for name, value in reversed(record.headers) if name in _EVENT_ID_HEADERS}
    for name in _EVENT_ID_HEADERS:
        if value := given.get(name):
            return value.decode("utf-8", "backslashreplace")
    return str(uuid5(EVENT_NAMESPACE, str(first_origin(record))))


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), text)
