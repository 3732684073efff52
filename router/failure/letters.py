"""What a lane writes of rejected records: sent again, set aside, and the marks by which a key flows again. Pure.

What is sent again is the copy as it was, with its deaths in headers; its origin stays, and it hops no further. A dead letter
carries beside that why, and in the dialect that its topic asks for what that dialect has names for. The records' place is that
of their original, by which their partition is chosen.
"""

from __future__ import annotations

from dataclasses import replace

from router.failure.deaths import Death, Dialect
from router.failure.dialects import write_death
from router.failure.ledger import DEATH, Ledger
from router.failure.notes import DESTINATION, ERROR, PLACE, REASON
from router.failure.parking import Place
from router.failure.rejections import (
    ERROR_CLASS,
    PARKS,
    REJECTS,
    Lane,
    Rejection,
    ReleaseMark,
    release_headers,
)
from router.records.headers import Origin, encode_origin
from router.records.record import Headers, PlainRecord, Record

__all__ = [
    "MALFORMED",
    "TIMESTAMP",
    "dead_letter",
    "malformed_letter",
    "mark",
    "renewed",
    "renewed_headers",
    "sent_again",
]

MALFORMED = "malformed-rejection"
"""The reason of a record among the rejections that says nothing the router could act on."""

TIMESTAMP = "router-timestamp"
"""The original time of a record that was sent so late that it got another: milliseconds since the epoch, in ASCII."""

_LONGEST = 1_024


def sent_again(rejection: Rejection, ledger: Ledger) -> PlainRecord:
    """The rejected copy, to be written once more."""
    return _again(rejection, [*_without(rejection.record.headers, DEATH), *ledger.headers()])


def dead_letter(rejection: Rejection, ledger: Ledger, dialect: Dialect, *, now: int) -> PlainRecord:
    """The rejected copy, set aside; `now` is in milliseconds since the epoch."""
    topic = rejection.copy.topic
    entry = ledger.entry(topic, rejection.reason)
    death = Death(
        dialect=dialect,
        reason=rejection.reason,
        destination=topic,
        error_class=rejection.error_class,
        message=rejection.error,
        place=rejection.place,
        count=entry.count if entry else 1,
        first=entry.first if entry else now,
        last=entry.last if entry else now,
        origin=rejection.copy,
    )
    theirs = [] if dialect is Dialect.ROUTER else write_death(death, dialect, timestamp=rejection.record.timestamp)
    texts = ((ERROR, rejection.error), (ERROR_CLASS, rejection.error_class), (PLACE, rejection.place))
    ours: list[tuple[str, bytes | None]] = [
        (REASON, rejection.reason.encode()),
        *((name, _clipped(text)) for name, text in texts if text),
        (DESTINATION, topic.encode()),
        (REJECTS, encode_origin(rejection.copy)),
        *ledger.headers(),
    ]
    return _again(rejection, [*_without(rejection.record.headers, DEATH), *theirs, *ours])


def malformed_letter(record: Record, problem: str) -> PlainRecord:
    """A record among the rejections that cannot be read as one, set aside as it is."""
    told: Headers = ((REASON, MALFORMED.encode()), (ERROR, _clipped(problem)))
    return PlainRecord(
        topic=record.topic,
        partition=record.partition,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=(*_without(record.headers, PARKS), *told),
    )


def renewed(record: PlainRecord, now: int) -> PlainRecord:
    """The record with the time of its sending; the header `router-timestamp` has the one that it had."""
    return replace(record, timestamp=now, headers=tuple(renewed_headers(record.headers, record.timestamp)))


def renewed_headers(headers: Headers, timestamp: int) -> list[tuple[str, bytes | None]]:
    """The headers of a record that had this time and gets another."""
    known = any(name == TIMESTAMP for name, _ in headers)
    return [*headers] if known else [*headers, (TIMESTAMP, b"%d" % timestamp)]


def mark(lane: Lane, topic: str, key: bytes, *, epoch: int, first: Place | None) -> PlainRecord:
    """A release mark of the key, for the consumer of the topic: without key and value."""
    since = None if first is None else Origin(topic, *first)
    headers = release_headers(ReleaseMark(key, epoch, lane, since))
    return PlainRecord(topic=lane.topic, partition=lane.partition, timestamp=-1, headers=tuple(headers))


def _again(rejection: Rejection, headers: Headers) -> PlainRecord:
    record, origin = rejection.record, rejection.origin
    return PlainRecord(
        topic=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=tuple(headers),
    )


def _without(headers: Headers, unwanted: str) -> list[tuple[str, bytes | None]]:
    return [(name, value) for name, value in headers if name != unwanted]


def _clipped(text: str) -> bytes:
    return text.encode(errors="replace")[:_LONGEST].decode(errors="ignore").encode()
