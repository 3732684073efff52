"""What a record that was set aside says of itself: headers of dead letters and of unroutable records. Pure.

The record keeps its key, value, timestamp and headers. Beside the router's origin and hop it gets

    router-reason       why, as a slug that programs match on: the reason of an error of router.errors, or `unroutable`
    router-error        the same in words, at most 1,024 bytes of UTF-8
    router-place        where in the record: `value`, `value:<field>` or `value:<field>@<byte>`, or `key`; where there is one
    router-destination  the topic whose copy it was, where only one destination is concerned
    router-exchanges    the exchanges that led nowhere, joined by `,`; on unroutable records

One dead letter is no record: it stands for offsets that were lost, with the reason `offsets-lost`, without key and value, and
with

    router-lost         the first and the last of them, as `120-149`; missing where the log is another one
"""

from __future__ import annotations

from collections.abc import Sequence

from router.errors import ConditionFailed, KeyMismatch, OffsetOutOfRange, RecordError, Refused, TooLarge, Unreadable
from router.records.conversion import NotConverted
from router.records.order_errors import IllegalTransition, Late, OrderGap, OrderUnknown

__all__ = [
    "DESTINATION",
    "ERROR",
    "EXCHANGES",
    "LOST",
    "PLACE",
    "REASON",
    "dead_letter_headers",
    "loss_headers",
    "unroutable_headers",
]

REASON = "router-reason"
ERROR = "router-error"
PLACE = "router-place"
DESTINATION = "router-destination"
EXCHANGES = "router-exchanges"
LOST = "router-lost"

_LONGEST_ERROR = 1024

Headers = list[tuple[str, bytes | None]]


def dead_letter_headers(error: RecordError) -> Headers:
    """Why a record, or one copy of it, was set aside."""
    headers: Headers = [(REASON, error.reason.encode()), (ERROR, _clipped(str(error)))]
    place = _place(error)
    if place:
        headers.append((PLACE, place.encode(errors="replace")))
    if isinstance(error, TooLarge | Refused | ConditionFailed | NotConverted) and error.topic is not None:
        headers.append((DESTINATION, error.topic.encode()))
    return headers


def unroutable_headers(exchanges: Sequence[str]) -> Headers:
    """Which exchanges led the record nowhere."""
    names = ",".join(exchanges)
    return [(REASON, b"unroutable"), (ERROR, _clipped(f"no destination from {names}")), (EXCHANGES, names.encode())]


def loss_headers(loss: OffsetOutOfRange) -> Headers:
    """What was lost where a lane goes on in spite of it."""
    headers: Headers = [(REASON, b"offsets-lost"), (ERROR, _clipped(loss.loss))]
    if loss.lost:
        headers.append((LOST, b"%d-%d" % (loss.lost[0], loss.lost[-1])))
    return headers


def _place(error: RecordError) -> str:
    if isinstance(error, KeyMismatch):
        return "key"
    if isinstance(error, OrderUnknown | OrderGap | Late | IllegalTransition):
        return f"value:{error.field}"
    if not isinstance(error, Unreadable):
        return ""
    place = f"value:{error.field}" if error.field else "value"
    return f"{place}@{error.position}" if error.position >= 0 else place


def _clipped(text: str) -> bytes:
    # Cut in bytes, then drop a character that the cut went through.
    encoded = text.encode(errors="replace")[:_LONGEST_ERROR]
    return encoded.decode(errors="ignore").encode()
