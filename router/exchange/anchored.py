"""Patterns with at most one `#`, matched all at once.

Every word of such a pattern stands at a fixed distance from the start of the key, or, behind its `#`, from the key's end. So
there is a table for each distance: by word, the set of the patterns that have this word or none of their own there. The
sets of a key's words, and the set of the patterns that take as many words as it has, intersected are the patterns that
match: a key costs an `&` or two for each of its words, however many patterns there are, and whether it was seen or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from router.exchange.pattern import MANY, ONE

__all__ = ["AnchoredPatterns"]

_Table = tuple[dict[str, int], int]
"""For each word that a pattern has at one distance, the patterns that take it there; and those that take any other."""


class AnchoredPatterns:
    """Patterns in normal form by their number; numbers are small, since sets of them are kept for each word."""

    def __init__(self) -> None:
        self._from_start = _Distances()
        self._from_end = _Distances()
        self._exactly: dict[int, int] = {}
        """Patterns without `#`, by the number of words that they take."""
        self._at_least: dict[int, int] = {}
        """Patterns with it, by the number of words that they need."""
        self._by_length: list[int] = []
        """The patterns that take a key of as many words; what the last says holds for all longer ones."""
        self._starts: list[_Table] = []
        self._ends: list[_Table] = []
        self._stale = True

    def add(self, pattern: Sequence[str], number: int) -> None:
        """Add a pattern under a number that no other has."""
        self._change(pattern, number)

    def remove(self, pattern: Sequence[str], number: int) -> None:
        """Undo `add`."""
        self._change(pattern, number)

    def match(self, words: Sequence[str]) -> int:
        """The set of the patterns that these words satisfy."""
        if self._stale:
            self._tabulate()
        lengths = self._by_length
        found = lengths[len(words)] if len(words) < len(lengths) else lengths[-1]
        for word, (taking, others) in zip(words, self._starts):  # noqa: B905 - whichever ends first
            found &= taking.get(word, others)
        if found and self._ends:
            for word, (taking, others) in zip(reversed(words), self._ends):  # noqa: B905 - as above
                found &= taking.get(word, others)
        return found

    def _change(self, pattern: Sequence[str], number: int) -> None:
        """Flip the pattern's bit in the sets that it belongs to: those of its own words and of its length."""
        bit = 1 << number
        if MANY in pattern:
            start = pattern[: pattern.index(MANY)]
            end = pattern[len(start) + 1 :]
            self._from_start.flip(start, bit)
            self._from_end.flip(end[::-1], bit)
            lengths, length = self._at_least, len(start) + len(end)
        else:
            self._from_start.flip(pattern, bit)
            lengths, length = self._exactly, len(pattern)
        lengths[length] = lengths.get(length, 0) ^ bit
        self._stale = True

    def _tabulate(self) -> None:
        """From the patterns of each word, length and distance to what a look-up wants."""
        longest = max((*self._exactly, *self._at_least), default=-1)
        self._by_length = []
        enough = 0
        for length in range(longest + 2):
            enough |= self._at_least.get(length, 0)
            self._by_length.append(enough | self._exactly.get(length, 0))
        every = enough
        for these in self._exactly.values():
            every |= these
        self._starts = list(self._from_start.tables(every))
        self._ends = list(self._from_end.tables(every))
        self._stale = False


class _Distances:
    """Which patterns have which word how far from one end of the key."""

    def __init__(self) -> None:
        self._by_distance: list[dict[str, int]] = []

    def flip(self, words: Sequence[str], bit: int) -> None:
        """A pattern's words come, or go; `*` is no word of its own."""
        for distance, word in enumerate(words):
            if distance == len(self._by_distance):
                self._by_distance.append({})
            if word == ONE:
                continue
            having = self._by_distance[distance]
            having[word] = having.get(word, 0) ^ bit
            if not having[word]:
                del having[word]

    def tables(self, every: int) -> Iterable[_Table]:
        """A table for each distance, up to the last at which any pattern has a word."""
        distances = list(self._by_distance)
        while distances and not distances[-1]:
            distances.pop()
        for having in distances:
            others = every
            for these in having.values():
                others &= ~these
            yield {word: these | others for word, these in having.items()}, others
