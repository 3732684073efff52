"""Whether the books balance: every (source record, destination) exactly once, unchanged, in source order. Pure.

A million records and their copies do not fit as objects, and need not: of each source record a digest and whether a
destination wants it is kept, of each destination how often each record came. Records are entered one by one, in the order
in which they lie in their partitions.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Audit", "Offence", "Page", "runs"]

Headers = tuple[tuple[str, bytes | None], ...]
_MOST_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Offence:
    """A record that is not as promised."""

    what: str
    """missing, doubled, stranger, out of order or changed."""
    destination: str
    partition: int
    """Of the source."""
    offset: int
    """Of the source."""
    lies_at: tuple[int, int] | None = None
    """Partition and offset of the copy; None for what is missing."""
    after: int = -1
    """Of what is out of order: the source offset of the copy before it."""

    def __str__(self) -> str:
        place = f" at {self.lies_at[0]}/{self.lies_at[1]}" if self.lies_at is not None else ""
        behind = f" behind {self.partition}/{self.after}" if self.after >= 0 else ""
        return f"{self.what}: source {self.partition}/{self.offset} in {self.destination}{place}{behind}"


def runs(offences: Iterable[Offence]) -> list[str]:
    """A line for each run of successive source records of which the same is to be said."""
    found: list[tuple[Offence, Offence]] = []
    for offence in offences:
        first, last = found[-1] if found else (offence, None)
        if last is not None and (offence.what, offence.destination, offence.partition, offence.offset) == (
            last.what, last.destination, last.partition, last.offset + 1,
        ):  # fmt: skip
            found[-1] = (first, offence)
        else:
            found.append((offence, offence))
    return [str(first) if first is last else f"{first}, and so on to {last}" for first, last in found]


@dataclass(slots=True)
class Page:
    """The books of one destination."""

    wanted: int = 0
    found: int = 0
    missing: int = 0
    doubled: int = 0
    strangers: int = 0
    disorder: int = 0
    changed: int = 0
    offences: list[Offence] = field(default_factory=list)
    """The first of each."""

    @property
    def exact(self) -> bool:
        """Every record once, in order, unchanged."""
        return self.whole and not self.doubled

    @property
    def whole(self) -> bool:
        """The same but for records that came more than once: what at-least-once promises."""
        return not (self.missing or self.strangers or self.disorder or self.changed)

    def _blame(self, count: int, offence: Offence) -> None:
        if count < _MOST_KEPT:
            self.offences.append(offence)


class Audit:
    """Enter the source first, then each destination, then ask for the pages."""

    def __init__(self, partitions: int, wants: Mapping[str, Callable[[bytes | None], bool]]) -> None:
        """`wants` says of each destination which values it should get."""
        self._wants = wants
        self._digests = [array("q") for _ in range(partitions)]
        self._wanted = {name: [bytearray() for _ in range(partitions)] for name in wants}
        self._counts = {name: [bytearray() for _ in range(partitions)] for name in wants}
        self._latest: dict[tuple[str, int, int], int] = {}
        self.pages = {name: Page() for name in wants}
        self.records = 0

    def original(self, partition: int, offset: int, content: tuple[bytes | None, bytes | None, int, Headers]) -> None:
        """Enter a record of the source: key, value, timestamp and headers."""
        digests = self._digests[partition]
        # Offsets may have holes, where transactions ended or were aborted.
        for _ in range(offset - len(digests)):
            self._enter(partition, 0, None)
        assert offset == len(digests), f"source {partition}/{offset} comes after {partition}/{len(digests)}"
        self._enter(partition, hash(content), content)
        self.records += 1

    def _enter(
        self, partition: int, digest: int, content: tuple[bytes | None, bytes | None, int, Headers] | None
    ) -> None:
        self._digests[partition].append(digest)
        for name, wants in self._wants.items():
            wanted = content is not None and wants(content[1])
            self._wanted[name][partition].append(wanted)
            self._counts[name][partition].append(0)
            self.pages[name].wanted += wanted

    def copy(
        self,
        destination: str,
        lies_at: tuple[int, int],
        origin: tuple[int, int],
        content: tuple[bytes | None, bytes | None, int, Headers],
    ) -> None:
        """Enter what lies in a destination: where, of which source record, and all of it but the router's own headers."""
        page = self.pages[destination]
        partition, offset = origin
        page.found += 1
        if offset >= len(self._digests[partition]) or not self._wanted[destination][partition][offset]:
            page._blame(page.strangers, Offence("stranger", destination, partition, offset, lies_at))
            page.strangers += 1
            return
        counts = self._counts[destination][partition]
        if counts[offset]:
            page._blame(page.doubled, Offence("doubled", destination, partition, offset, lies_at))
            page.doubled += 1
        else:
            # Only first copies have an order to keep: what is repeated is an offence of its own.
            latest = self._latest.get((destination, lies_at[0], partition), -1)
            if offset < latest:
                page._blame(page.disorder, Offence("out of order", destination, partition, offset, lies_at, latest))
                page.disorder += 1
            self._latest[destination, lies_at[0], partition] = max(offset, latest)
        counts[offset] = min(255, counts[offset] + 1)
        if hash(content) != self._digests[partition][offset]:
            page._blame(page.changed, Offence("changed", destination, partition, offset, lies_at))
            page.changed += 1

    def close(self) -> dict[str, Page]:
        """All is entered: count what is missing, and return the pages."""
        for name, page in self.pages.items():
            for partition, (wanted, counts) in enumerate(zip(self._wanted[name], self._counts[name], strict=True)):
                for offset, (wants, count) in enumerate(zip(wanted, counts, strict=True)):
                    if wants and not count:
                        page._blame(page.missing, Offence("missing", name, partition, offset))
                        page.missing += 1
        return self.pages
