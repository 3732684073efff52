"""The ledger of deaths: how often a record died of what, where, first and last. Pure.

An event has one ledger, with an entry for each destination and reason. The router keeps it in a table, under the event's
first origin, and repeats it in the headers of what it sends and sets aside, an entry a header:

    router-death    1;destination;reason;count;first;last       times in milliseconds since the epoch

In destination and reason `;`, `%`, and what is not printable ASCII are percent-encoded as UTF-8. Further fields may follow
in later versions: readers ignore them.

The table is the truth. Headers only raise it: where a record comes back whose headers say more than the table, as when the
table has forgotten or another installation set it aside, the two are merged, entry by entry, by the larger count, the earlier
first and the later last time. While there is room, merging takes no order, and merging twice changes nothing, so that a client's copy, an old one, or one whose
headers were stripped cannot reset what is known; all that a copy can do is to claim more deaths of its own event.

Reasons come from clients, so there may be many: a ledger has up to 32 entries, and then counts under the reason `other`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from router.records.record import Headers

__all__ = ["DEATH", "MOST_ENTRIES", "OTHER", "Entry", "Ledger", "decode_death", "encode_death", "is_death", "ledger_of"]

DEATH = "router-death"
MOST_ENTRIES = 32
OTHER = "other"
"""The reason under which a full ledger counts what it has no entry for."""

_ENTRY = re.compile(r"1;([^;]*);([^;]*);([0-9]{1,9});([0-9]{1,15});([0-9]{1,15})(?:;.*)?", re.DOTALL)
_WRITTEN = re.compile(rb"1;[^;\n]*;[^;\n]*;([0-9]{1,9});([0-9]{1,15});([0-9]{1,15})(?:;[^\n]*)?")
_ESCAPED = re.compile(r"[^\x20-\x7e]|[;%]")
_MOST = 999_999_999


@dataclass(frozen=True, slots=True)
class Entry:
    """Deaths of one reason at one destination."""

    destination: str
    reason: str
    count: int
    first: int
    """Milliseconds since the epoch."""
    last: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """An event's deaths, an entry for each destination and reason, in the order of their first times."""

    entries: tuple[Entry, ...] = ()

    def died(self, destination: str, reason: str, at: int) -> Ledger:
        """The ledger after one more death, at this time in milliseconds since the epoch."""
        return self._with([Entry(destination, reason, 1, at, at)], add=True)

    def merged(self, other: Ledger) -> Ledger:
        """What both know together."""
        return self._with(other.entries, add=False)

    def count(self, destination: str) -> int:
        """How often the event died there, of whatever."""
        return sum(each.count for each in self.entries if each.destination == destination)

    def entry(self, destination: str, reason: str) -> Entry | None:
        """The deaths of one reason there."""
        return next((each for each in self.entries if (each.destination, each.reason) == (destination, reason)), None)

    def headers(self) -> list[tuple[str, bytes | None]]:
        """The ledger as headers, for what the router writes."""
        return [(DEATH, encode_death(each)) for each in self.entries]

    def _with(self, more: Iterable[Entry], *, add: bool) -> Ledger:
        known = {(each.destination, each.reason): each for each in self.entries}
        for new in more:
            place = (new.destination, new.reason)
            if place not in known and len(known) >= MOST_ENTRIES:
                place = (new.destination, OTHER)
            old = known.get(place)
            if old is None:
                known[place] = Entry(*place, new.count, new.first, new.last)
                continue
            count = min(old.count + new.count, _MOST) if add else max(old.count, new.count)
            known[place] = Entry(*place, count, min(old.first, new.first), max(old.last, new.last))
        return Ledger(tuple(sorted(known.values(), key=lambda one: (one.first, one.destination, one.reason))))


def ledger_of(headers: Headers) -> Ledger:
    """What headers say of an event's deaths; what cannot be read is left out, since anybody may write headers."""
    told = (decode_death(value) for name, value in headers if name == DEATH)
    return Ledger().merged(Ledger(tuple(each for each in told if each is not None)))


def encode_death(entry: Entry) -> bytes:
    """The value of a `router-death` header."""
    texts = (_escape(entry.destination), _escape(entry.reason))
    return f"1;{texts[0]};{texts[1]};{entry.count};{entry.first};{entry.last}".encode("ascii")


def decode_death(value: bytes | None) -> Entry | None:
    """The entry that a header's value tells; None for what is none."""
    found = _ENTRY.fullmatch((value or b"").decode("ascii", "replace"))
    if found is None:
        return None
    count, first, last = (int(each) for each in found.groups()[2:])
    if count == 0 or last < first:
        return None
    return Entry(unquote(found[1]), unquote(found[2]), count, first, last)


def is_death(value: bytes) -> bool:
    """Whether a header's value tells one death as the router writes it: what `decode_death` reads, in one line."""
    found = _WRITTEN.fullmatch(value)
    return found is not None and int(found[1]) > 0 and int(found[2]) <= int(found[3])


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), text)
