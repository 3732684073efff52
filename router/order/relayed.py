"""A record on its way through the internal topic in which records are keyed anew, and what it is before and behind it. Pure.

    original ── relay ──► in the internal topic ── arrived ──► what is put in order ── restored ──► what consumers get

In the internal topic a record has the text of the field that it is ordered by for its key, so that all of a key lie in one
partition, whichever topics and partitions they came from. Its timestamp there is when it was sent through, so that no
retention counts what happened before. Value and headers are as they were, and behind the headers stand

    router-timestamp   the original timestamp, milliseconds since the epoch, in ASCII
    router-key         the original key, null where there was none; left out where it is the same
    router-given       the topics that do not wait and have their copy, joined by `,`; left out where there are none
    router-origin      where the original lies, and
    router-hop         who sent it through, as on every copy

The last two stay when the record leaves: a copy's first origin is the original, and its path shows the internal topic. The
others are taken off, and the copy is the original again. They are found by where they stand, so that headers of the same
names which the original itself had are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from router.errors import RecordError
from router.exchange.hot_values import hot_value
from router.records.headers import HOP, ORIGIN, decode_origin
from router.records.record import Headers, Record

__all__ = ["GIVEN", "KEY", "TIMESTAMP", "NotRelayed", "Relayed", "Restored", "arrived", "relay", "restored"]

TIMESTAMP = "router-timestamp"
KEY = "router-key"
GIVEN = "router-given"


class NotRelayed(RecordError):
    """The record lies in an internal topic, and is none that the router sent through there for routes of now."""

    reason = "not-relayed"

    def __init__(self, *, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
        """What is wrong with it, in words."""

    def __str__(self) -> str:
        return f"the record was not sent through here to be keyed anew: {self.problem}"


@hot_value
class Restored:
    """A record as it leaves: the original's key, value and timestamp, at its place in the internal topic."""

    topic: str
    """The original's, which its schema and its routes go by."""
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    keyed_by: bytes
    """What it is ordered by: its copies lie where this says, so that a key's lie together whatever their own keys are."""
    given: tuple[str, ...]
    """The topics that have their copy already."""


@hot_value
class Relayed:
    """A record as it is put in order: keyed anew, with its own timestamp, and all headers of the internal topic."""

    topic: str
    """The original's."""
    partition: int
    """Of the internal topic, as the offset."""
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    restored: Restored | None
    """The same as it leaves; None of one that is about to be sent through."""


def relay(record: Record, by: bytes, *, given: Sequence[str] = (), at: int) -> Relayed:
    """What is sent through the internal topic at this time, milliseconds since the epoch; origin and hop are added to it."""
    ours: list[tuple[str, bytes | None]] = [(TIMESTAMP, b"%d" % record.timestamp)]
    if record.key != by:
        ours.append((KEY, record.key))
    if given:
        ours.append((GIVEN, ",".join(given).encode("ascii")))
    headers = [*record.headers, *ours]
    return Relayed(record.topic, record.partition, record.offset, at, by, record.value, headers, None)


def arrived(record: Record) -> Relayed:
    """What a record of the internal topic is to the order of its key. Raises NotRelayed."""
    leaves = restored(record)
    return Relayed(
        leaves.topic,
        record.partition,
        record.offset,
        leaves.timestamp,
        record.key,
        record.value,
        record.headers,
        leaves,
    )


def restored(record: Record) -> Restored:
    """What leaves of a record of the internal topic, held ones included. Raises NotRelayed."""
    headers, by = record.headers, record.key
    if by is None:
        raise NotRelayed(problem="it has no key")
    last = len(headers) - 1
    if last < 2 or headers[last][0] != HOP or headers[last - 1][0] != ORIGIN:
        raise NotRelayed(problem=f"it does not end in the headers {ORIGIN} and {HOP}")
    origin = decode_origin(headers[last - 1][1])
    if origin is None:
        raise NotRelayed(problem=f"its header {ORIGIN} cannot be read")
    at = last - 2
    given: tuple[str, ...] = ()
    key: bytes | None = by
    if headers[at][0] == GIVEN:
        given = tuple((headers[at][1] or b"").decode("ascii", "replace").split(","))
        at -= 1
    if at >= 0 and headers[at][0] == KEY:
        key = headers[at][1]
        at -= 1
    timestamp = headers[at][1] if at >= 0 and headers[at][0] == TIMESTAMP else None
    if timestamp is None or not timestamp.removeprefix(b"-").isdigit():
        raise NotRelayed(problem=f"it has no header {TIMESTAMP} where that belongs, or an unreadable one")
    return Restored(
        origin.topic,
        record.partition,
        record.offset,
        int(timestamp),
        key,
        record.value,
        (*headers[:at], headers[last - 1], headers[last]),
        by,
        given,
    )
