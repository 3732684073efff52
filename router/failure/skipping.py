"""Marks that skip one offset of a narrow topic, for consumers that read marks. Pure.

Somebody decides that a copy is not to be processed: it kills its consumer, say. That is told where consumers already look
after an assignment, and go on looking: in `T.parked`, in the partition of the copy, as a record with

    key              router-skip/<offset>, so that compaction keeps each
    value            partition/offset of the copy. Without a value nothing is to be skipped any more
    router-skips     topic/partition/offset of the copy: what makes it such a mark
    router-reason, router-author   why, and who says so; for people

A consumer that does not know of such marks takes it for one of a key that no record has, and loses nothing by it. The mark
stays when the copy has been skipped: a group whose offsets are set back skips it again. Marks speak of offsets, so whoever
deletes a topic deletes the topic of its marks as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.failure.consuming import Parking, decode_mark, encode_mark
from router.failure.notes import REASON
from router.records.headers import Origin, decode_origin, encode_origin
from router.records.record import Headers

__all__ = ["AUTHOR", "SKIPS", "SkipMark", "Skipping", "read_mark", "skip_mark"]

SKIPS = "router-skips"
AUTHOR = "router-author"
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class Skipping:
    """A mark says to skip this offset; or not to skip it any more."""

    offset: int
    skip: bool
    reason: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class SkipMark:
    """A record to be written to the topic of the marks, in the partition of the copy."""

    partition: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def skip_mark(copy: Origin, *, reason: str = "", author: str = "", skip: bool = True) -> SkipMark:
    """The mark that says to skip a copy; or, with `skip` false, that takes such a mark back."""
    told = ((REASON, reason), (AUTHOR, author))
    return SkipMark(
        partition=copy.partition,
        key=b"router-skip/%d" % copy.offset,
        value=encode_mark((copy.partition, copy.offset)) if skip else None,
        headers=(
            (SKIPS, encode_origin(copy)),
            *((name, text[:_LONGEST].encode(errors="replace")) for name, text in told if text),
        ),
    )


def read_mark(
    key: bytes | None, value: bytes | None, headers: Headers, *, topic: str, partition: int
) -> Parking | Skipping | None:
    """What a record among the marks of a topic's partition says; None where that is nothing.

    A skip mark that names another topic or partition than that it stands beside skips nothing: who wrote it meant something else.
    """
    last = dict(headers)
    if SKIPS in last:
        copy = decode_origin(last[SKIPS])
        if copy is None or (copy.topic, copy.partition) != (topic, partition):
            return None
        return Skipping(copy.offset, value is not None, _text(last.get(REASON)), _text(last.get(AUTHOR)))
    return None if key is None else Parking(key, decode_mark(value))


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="backslashreplace")
