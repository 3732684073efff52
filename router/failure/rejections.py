"""What consumers and the router tell each other of records that a consumer cannot process, as headers. Pure.

A narrow topic `T` has two topics beside it. Consumers write both, in one transaction with their offsets, and the router reads
the first and never writes it:

    T.rejected    rejections, in the partition of the copy's `router-origin`; acknowledgements, in that of the mark's lane
    T.parked      marks: by key, where the key has been parked since; compacted, with the partitions of T

A rejection is the copy as it came (key, value, headers), and behind its headers

    router-rejects      topic/partition/offset of the copy: what identifies the rejection
    router-reason       why, as a slug for programs: `failed` unless the consumer knows better. `behind` is reserved: the
                        record was not looked at, because its key is parked
    router-error        the same in words
    router-error-class  the error's class, as the consumer's language names it
    router-place        where, in the record (`value:amount`) or in the code (`Refunds.java:71`)
    router-parks        `1` where the consumer treats the key as parked from this record on; with `behind` it always does

An acknowledgement has the key, no value, and

    router-acknowledges   the epoch of the release mark that the consumer has met
    router-lane           as the mark has it

A release mark stands in T, in the partition of the key's copies. It has neither key nor value, so that nobody who keeps a
table of T takes it for a delete, and

    router-release      the epoch: a number that grows with each release of the key
    router-key          the key
    router-lane         topic/partition of the source whose lane writes the key: where it awaits the acknowledgement
    router-rejects      topic/partition/offset of the rejected copy since which the key is parked; none where nobody told

A mark in T.parked has the key, and as its value `partition/offset` of the copy since which the key is parked; without a value
the key is parked no more. It stands in the partition of the key's copies.

Anybody may write to T.rejected, so what cannot be read becomes a value that says what is wrong with it, and never an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from router.failure.notes import ERROR, PLACE, REASON
from router.failure.topics import parked_of, rejected_of
from router.records.headers import ORIGIN, Origin, decode_origin, encode_origin
from router.records.record import Headers, PlainRecord, Record

__all__ = [
    "ACKNOWLEDGES",
    "BEHIND",
    "ERROR_CLASS",
    "FAILED",
    "KEY",
    "LANE",
    "PARKS",
    "REJECTS",
    "RELEASE",
    "Acknowledgement",
    "Lane",
    "Malformed",
    "Rejection",
    "ReleaseMark",
    "acknowledgement_headers",
    "parked_of",
    "read_rejected",
    "rejected_of",
    "rejection_headers",
    "release_headers",
    "release_mark",
]

REJECTS = "router-rejects"
ERROR_CLASS = "router-error-class"
PARKS = "router-parks"
ACKNOWLEDGES = "router-acknowledges"
RELEASE = "router-release"
KEY = "router-key"
LANE = "router-lane"

FAILED = "failed"
"""The reason of a rejection that gives none."""
BEHIND = "behind"
"""The reason of a record that the consumer skipped, because its key is parked."""

_OF_REJECTIONS = frozenset({REJECTS, REASON, ERROR, ERROR_CLASS, PLACE, PARKS})
_LONGEST_REASON = 100
_LANE = re.compile(rb"([A-Za-z0-9._-]{1,249})/([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Lane:
    """The source partition whose lane is the only writer of a key."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A consumer could not process a copy, or skipped it behind one that it could not."""

    copy: Origin
    """Where the copy lies: what identifies the rejection."""
    origin: Origin
    """Where its original lies: the lane of that partition is the key's only writer."""
    reason: str
    error: str
    error_class: str
    place: str
    parks: bool
    """The consumer treats the key as parked, so it waits for a release mark."""
    record: PlainRecord
    """The copy as it was, in the place where it lay; its time is that of the rejection, where no client kept it."""

    @property
    def behind(self) -> bool:
        """It was not looked at: its key is parked."""
        return self.reason == BEHIND


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A consumer has met a release mark: all that stood before it of the key has been rejected before this."""

    key: bytes
    epoch: int
    lane: Lane


@dataclass(frozen=True, slots=True)
class ReleaseMark:
    """What a consumer meets in its topic where a key is about to flow again."""

    key: bytes
    epoch: int
    lane: Lane
    first: Origin | None
    """The copy since whose rejection the key is parked; None where the router knows of none."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A record among the rejections that says nothing the router could act on."""

    problem: str


def rejection_headers(
    record: Record,
    reason: str = FAILED,
    *,
    error: str = "",
    error_class: str = "",
    place: str = "",
    parks: bool = False,
) -> list[tuple[str, bytes | None]]:
    """The headers of a rejection of this copy: its own, and what tells why."""
    told = ((ERROR, error), (ERROR_CLASS, error_class), (PLACE, place))
    return [
        *((name, value) for name, value in record.headers if name not in _OF_REJECTIONS),
        (REJECTS, encode_origin(Origin(record.topic, record.partition, record.offset))),
        (REASON, reason.encode(errors="replace")),
        *((name, text.encode(errors="replace")) for name, text in told if text),
        *([(PARKS, b"1")] if parks else []),
    ]


def acknowledgement_headers(mark: ReleaseMark) -> list[tuple[str, bytes | None]]:
    """The headers of an acknowledgement of this mark; its key is the mark's, and it has no value."""
    return [(ACKNOWLEDGES, b"%d" % mark.epoch), (LANE, _lane_text(mark.lane))]


def release_headers(mark: ReleaseMark) -> list[tuple[str, bytes | None]]:
    """The headers of a release mark, which has neither key nor value."""
    first = [] if mark.first is None else [(REJECTS, encode_origin(mark.first))]
    return [(RELEASE, b"%d" % mark.epoch), (KEY, mark.key), (LANE, _lane_text(mark.lane)), *first]


def release_mark(headers: Headers) -> ReleaseMark | None:
    """The release mark that headers of a record in a narrow topic make of it; None for every other record."""
    last = _last(headers)
    epoch, key, lane = _number(last.get(RELEASE)), last.get(KEY), _lane(last.get(LANE))
    if epoch is None or key is None or lane is None:
        return None
    return ReleaseMark(key, epoch, lane, decode_origin(last.get(REJECTS)))


def read_rejected(record: Record) -> Rejection | Acknowledgement | Malformed:
    """What a record among a topic's rejections says."""
    last = _last(record.headers)
    if ACKNOWLEDGES in last:
        return _acknowledgement(last, record)
    placed = _placed(last, record)
    if isinstance(placed, Malformed):
        return placed
    copy, origin = placed
    reason = _text(last, REASON)[:_LONGEST_REASON] or FAILED
    return Rejection(
        copy=copy,
        origin=origin,
        reason=reason,
        error=_text(last, ERROR),
        error_class=_text(last, ERROR_CLASS),
        place=_text(last, PLACE),
        # Without a key there is nothing to park.
        parks=record.key is not None and (reason == BEHIND or last.get(PARKS) == b"1"),
        record=PlainRecord(
            topic=copy.topic,
            partition=copy.partition,
            offset=copy.offset,
            timestamp=record.timestamp,
            key=record.key,
            value=record.value,
            headers=_without(record.headers),
        ),
    )


def _acknowledgement(last: dict[str, bytes], record: Record) -> Acknowledgement | Malformed:
    epoch, lane = _number(last[ACKNOWLEDGES]), _lane(last.get(LANE))
    if epoch is None or record.key is None:
        return Malformed("an acknowledgement has a key, and a whole number as its epoch")
    if lane is None or lane.partition != record.partition:
        return Malformed(
            f"the header {LANE} of an acknowledgement does not name a lane of partition {record.partition}"
        )
    return Acknowledgement(record.key, epoch, lane)


def _lane_text(lane: Lane) -> bytes:
    return b"%b/%d" % (lane.topic.encode("ascii"), lane.partition)


def _lane(value: bytes | None) -> Lane | None:
    found = _LANE.fullmatch(value or b"")
    return None if found is None else Lane(found[1].decode(), int(found[2]))


def _placed(last: dict[str, bytes], record: Record) -> tuple[Origin, Origin] | Malformed:
    """Where the copy and its original lie."""
    copy, origin = decode_origin(last.get(REJECTS)), decode_origin(last.get(ORIGIN))
    if copy is None:
        return Malformed(f"the header {REJECTS} does not say topic/partition/offset of the copy")
    if rejected_of(copy.topic) != record.topic:
        return Malformed(f"it rejects a record of '{copy.topic}', and stands in '{record.topic}'")
    if origin is None:
        return Malformed(f"the header {ORIGIN}, which every copy carries, is missing or cannot be read")
    if origin.partition != record.partition:
        return Malformed(
            f"its original lies in partition {origin.partition}: it belongs there, not into {record.partition}"
        )
    return copy, origin


def _without(headers: Headers) -> Sequence[tuple[str, bytes | None]]:
    return tuple((name, value) for name, value in headers if name not in _OF_REJECTIONS)


def _last(headers: Headers) -> dict[str, bytes]:
    return {name: value for name, value in headers if value is not None}


def _text(last: dict[str, bytes], name: str) -> str:
    return last.get(name, b"").decode(errors="backslashreplace")


def _number(value: bytes | None) -> int | None:
    return int(value) if value is not None and value.isdigit() and len(value) <= 18 else None
