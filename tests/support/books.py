"""The books of a run: what should have arrived against what did. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.topics import Found

Place = tuple[int, int]
"""Partition and offset of a source record."""


@dataclass(slots=True)
class Books:
    """What one destination's content comes to."""

    expected: int
    missing: list[Place] = field(default_factory=list)
    """Should be there and are not."""
    strangers: list[Place] = field(default_factory=list)
    """Are there and should not be."""
    duplicates: int = 0
    """Copies beyond each record's first."""
    disorder: list[tuple[Place, Place]] = field(default_factory=list)
    """First copies of one source partition, in one destination partition, that overtook each other."""

    def assert_whole(self, what: str) -> None:
        """Nothing missing, nothing strange, first copies in order; duplicates may be."""
        assert not self.missing, f"{what}: {len(self.missing)} of {self.expected} missing, first {self.missing[:5]}"
        assert not self.strangers, f"{what}: {len(self.strangers)} too many, first {self.strangers[:5]}"
        assert not self.disorder, f"{what}: {len(self.disorder)} out of order, first {self.disorder[:5]}"

    def assert_exact(self, what: str) -> None:
        """The same, without duplicates."""
        self.assert_whole(what)
        assert self.duplicates == 0, f"{what}: {self.duplicates} duplicates"


def balance(expected: Iterable[Place], found: Sequence[Sequence[Found]]) -> Books:
    """Compare the places that should have been copied with the copies by destination partition."""
    wanted = set(expected)
    books = Books(expected=len(wanted))
    seen: Counter[Place] = Counter()
    for partition in found:
        latest: dict[int, int] = {}
        for copy in partition:
            place = copy.origin
            seen[place] += 1
            if seen[place] > 1:
                continue
            before = latest.get(place[0], -1)
            if place[1] < before:
                books.disorder.append(((place[0], before), place))
            latest[place[0]] = max(before, place[1])
    books.missing = sorted(wanted - seen.keys())
    books.strangers = sorted(seen.keys() - wanted)
    books.duplicates = seen.total() - len(seen)
    return books


def assert_unchanged(originals: Mapping[Place, Found], found: Iterable[Sequence[Found]]) -> None:
    """Key, value, timestamp and headers of every copy are its original's, and the router's own two are added."""
    for partition in found:
        for copy in partition:
            original = originals[copy.origin]
            assert (copy.key, copy.value, copy.timestamp) == (original.key, original.value, original.timestamp), copy
            count = len(original.headers)
            assert copy.headers[:count] == original.headers, copy
            added = [name for name, _ in copy.headers[count:]]
            assert added[:2] == ["router-origin", "router-hop"], copy
