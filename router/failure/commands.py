"""What people tell a lane of records that were set aside, and of keys that are parked, as records among a topic's rejections. Pure.

The lane reads a topic's rejections once each, in the transaction in which it writes what follows from them. So what is told
there is done once, by the only writer of the key. Whoever tells it says so in headers:

    router-command     the id of the command, on each of its records
    router-redrives    topic/partition/offset of a dead letter: the copy is to be sent, or joins what came back where its key
                       is parked. Key and value are the copy's, and so are the headers, with those of its last rejection
                       (`rejections`) behind them: `router-rejects` tells its place among what came back
    router-releases    `1`: the key is to flow; with its key, and `router-lane`
    router-gives-up    `dead-letter` or `skip`: what keeps the key parked is not sent again; with its key, and `router-lane`
    router-ends        how many of the command's records the lane got, with `router-lane`: it answers on `router.audit`

A copy that is sent so carries `router-redriven`: the command's id.

Where a dead letter never was a copy, nothing tells its place among what came back: it is the first, by the offset of its
original.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from router.failure.notes import ERROR, PLACE, REASON
from router.failure.rejections import ERROR_CLASS, FAILED, LANE, REJECTS, Lane, Malformed, Rejection
from router.failure.topics import rejected_of
from router.records.headers import ORIGIN, Origin, decode_origin, encode_origin
from router.records.record import PlainRecord, Record

__all__ = [
    "COMMAND",
    "ENDS",
    "GIVES_UP",
    "NOWHERE",
    "OF_COMMANDS",
    "REDRIVEN",
    "REDRIVES",
    "RELEASES",
    "Command",
    "End",
    "GiveUpKey",
    "Redrive",
    "ReleaseKey",
    "command_id",
    "end_headers",
    "give_up_headers",
    "read_command",
    "redrive_headers",
    "release_key_headers",
]

COMMAND = "router-command"
REDRIVES = "router-redrives"
RELEASES = "router-releases"
GIVES_UP = "router-gives-up"
ENDS = "router-ends"
REDRIVEN = "router-redriven"

NOWHERE = -1
"""In the place of the partition, of what never was a copy: less than any, so that it comes first."""

OF_COMMANDS = frozenset({COMMAND, REDRIVES, REJECTS, REASON, ERROR, ERROR_CLASS, PLACE})
"""Headers that a copy which is to be sent does not have."""
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LANE = re.compile(rb"([A-Za-z0-9._-]{1,249})/([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Redrive:
    """Send what was set aside."""

    command: str
    letter: Origin
    rejection: Rejection
    """As if its consumer had rejected it just now; its record is the copy to be sent."""


@dataclass(frozen=True, slots=True)
class ReleaseKey:
    """Let a parked key flow."""

    command: str
    lane: Lane
    key: bytes


@dataclass(frozen=True, slots=True)
class GiveUpKey:
    """Send none of what keeps a key parked."""

    command: str
    lane: Lane
    key: bytes
    silently: bool
    """Only count it; else it becomes dead letters."""


@dataclass(frozen=True, slots=True)
class End:
    """There is no more of this command for the lane."""

    command: str
    lane: Lane
    count: int
    """How many records of it the lane got."""


Command = Redrive | ReleaseKey | GiveUpKey | End


def redrive_headers(
    record: Record,
    command: str,
    letter: Origin,
    *,
    copy: Origin | None,
    reason: str,
    error: str = "",
    error_class: str = "",
    place: str = "",
) -> list[tuple[str, bytes | None]]:
    """The headers that tell a lane to send this copy; `copy` is where it lay when it was rejected, if it ever did."""
    told = ((ERROR, error), (ERROR_CLASS, error_class), (PLACE, place))
    return [
        *record.headers,
        *([] if copy is None else [(REJECTS, encode_origin(copy))]),
        (REASON, reason.encode(errors="replace")),
        *((name, text.encode(errors="replace")) for name, text in told if text),
        (COMMAND, command.encode("ascii")),
        (REDRIVES, encode_origin(letter)),
    ]


def release_key_headers(command: str, lane: Lane) -> list[tuple[str, bytes | None]]:
    """The headers of a record that has a key, and lets it flow."""
    return [(COMMAND, command.encode("ascii")), (RELEASES, b"1"), (LANE, _lane_text(lane))]


def give_up_headers(command: str, lane: Lane, *, silently: bool) -> list[tuple[str, bytes | None]]:
    """The headers of a record that has a key, and gives up what keeps it."""
    how = b"skip" if silently else b"dead-letter"
    return [(COMMAND, command.encode("ascii")), (GIVES_UP, how), (LANE, _lane_text(lane))]


def end_headers(command: str, lane: Lane, count: int) -> list[tuple[str, bytes | None]]:
    """The headers of a record without value that asks a lane what it has done."""
    return [(COMMAND, command.encode("ascii")), (ENDS, b"%d" % count), (LANE, _lane_text(lane))]


def read_command(record: Record) -> Command | Malformed | None:
    """What a record among a topic's rejections tells its lane; None where it is none of a command."""
    for name, _ in reversed(record.headers):
        if name == COMMAND:
            break
    else:
        return None
    last = {name: value for name, value in record.headers if value is not None}
    command = command_id(last.get(COMMAND, b""))
    if command is None:
        return Malformed(f"the header {COMMAND} is no id: 1 to 64 letters, digits and . _ -")
    if REDRIVES in last:
        return _redrive(last, record, command)
    return _for_lane(last, record, command)


def command_id(value: bytes) -> str | None:
    """The id that a header's value is; None for what is none."""
    return value.decode() if _ID.fullmatch(value) else None


def _redrive(last: dict[str, bytes], record: Record, command: str) -> Redrive | Malformed:
    letter, origin = decode_origin(last[REDRIVES]), decode_origin(last.get(ORIGIN))
    if letter is None:
        return Malformed(f"the header {REDRIVES} does not say topic/partition/offset of a dead letter")
    if origin is None or origin.partition != record.partition:
        return Malformed(f"the header {ORIGIN} does not name an original in partition {record.partition}")
    topic = record.topic.removesuffix(rejected_of(""))
    copy = decode_origin(last.get(REJECTS))
    if copy is None or copy.topic != topic:
        copy = Origin(topic, NOWHERE, origin.offset)
    rejection = Rejection(
        copy=copy,
        origin=origin,
        reason=_text(last, REASON) or FAILED,
        error=_text(last, ERROR),
        error_class=_text(last, ERROR_CLASS),
        place=_text(last, PLACE),
        parks=False,
        record=PlainRecord(
            topic=topic,
            partition=copy.partition,
            offset=copy.offset,
            timestamp=record.timestamp,
            key=record.key,
            value=record.value,
            headers=_copied(record),
        ),
    )
    return Redrive(command, letter, rejection)


def _for_lane(last: dict[str, bytes], record: Record, command: str) -> ReleaseKey | GiveUpKey | End | Malformed:
    found = _LANE.fullmatch(last.get(LANE, b""))
    if found is None or int(found[2]) != record.partition:
        return Malformed(f"the header {LANE} of a command does not name a lane of partition {record.partition}")
    lane = Lane(found[1].decode(), int(found[2]))
    count = last.get(ENDS, b"")
    if count.isdigit() and len(count) <= 18:
        return End(command, lane, int(count))
    if record.key is None:
        return Malformed("a command about a parked key has the key")
    if RELEASES in last:
        return ReleaseKey(command, lane, record.key)
    how = last.get(GIVES_UP)
    if how in {b"skip", b"dead-letter"}:
        return GiveUpKey(command, lane, record.key, silently=how == b"skip")
    return Malformed(f"a command has one of the headers {REDRIVES}, {RELEASES}, {GIVES_UP} and {ENDS}")


def _copied(record: Record) -> Sequence[tuple[str, bytes | None]]:
    return tuple((name, value) for name, value in record.headers if name not in OF_COMMANDS)


def _text(last: dict[str, bytes], name: str) -> str:
    return last.get(name, b"").decode(errors="backslashreplace")


def _lane_text(lane: Lane) -> bytes:
    return b"%b/%d" % (lane.topic.encode("ascii"), lane.partition)
