"""What the disk of a table says of itself: how far it is, in which form. Pure.

It lies beside the entries, and is written in one piece with them, so that it is true of them whatever happens:

    0    1   version of the format: 1
    1    8   the changelog's offset that comes next: all before it is in the entries
    9    8   the source's offset that the entries stand for, at least
    17   8   when it was written, milliseconds since the epoch

All numbers are big-endian. Only a disk that was written within `keeps_for` of a changelog's tombstones may be brought
forward by it: of a key that was deleted longer ago the changelog says nothing any more, and the disk would keep it for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from router.errors import UnreadableState

__all__ = ["KEEP_TOMBSTONES_MS", "MARKER_KEY", "Marker", "why_not_from"]

MARKER_KEY = b"__faust\0offset__"
"""Where Faust's own store keeps its offset, and hides it from who lists the entries."""

KEEP_TOMBSTONES_MS = 7 * 24 * 3_600_000
"""For how long a changelog keeps what says that a key is gone (`delete.retention.ms`)."""

_TRUST_MS = KEEP_TOMBSTONES_MS - 24 * 3_600_000
"""A day less: clocks differ, and to read a changelog takes its time."""

_VERSION = 1
_MARKER = Struct(">BQQQ")


@dataclass(frozen=True, slots=True)
class Marker:
    """How far a disk is."""

    changelog: int = 0
    source: int = 0
    written_ms: int = 0

    def encode(self) -> bytes:
        """As it lies on the disk."""
        return _MARKER.pack(_VERSION, self.changelog, self.source, self.written_ms)

    @classmethod
    def decode(cls, stored: bytes | None) -> Marker | None:
        """The marker that was encoded; None where there was none. Raises UnreadableState."""
        if stored is None:
            return None
        if stored[:1] != bytes([_VERSION]):
            said = (
                f"its format is of version {stored[0]}, and this router knows {_VERSION}" if stored else "it is empty"
            )
            raise UnreadableState(what="the marker of a disk", position=0, problem=said)
        if len(stored) != _MARKER.size:
            raise UnreadableState(what="the marker of a disk", position=len(stored), problem="its length is wrong")
        return cls(*_MARKER.unpack(stored)[1:])


def why_not_from(marker: Marker, *, start: int, end: int, now_ms: int) -> str:
    """Why a changelog that reaches from `start` to `end` cannot bring a disk forward from there; empty where it can."""
    if marker.changelog > end:
        return f"it stands at {marker.changelog}, and the changelog ends at {end}: that is another changelog, or a shorter one"
    if marker.changelog < start:
        return f"it stands at {marker.changelog}, and the changelog begins at {start}: what was between is gone"
    if now_ms - marker.written_ms > _TRUST_MS:
        days = (now_ms - marker.written_ms) / 86_400_000
        return f"it was written {days:.1f} days ago: the changelog may have forgotten which keys were deleted since"
    return ""
