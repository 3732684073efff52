"""Patterns with several `#`, matched all at once.

What stands between two `#` may be anywhere in a key, so that no table by distance helps. Such a pattern is a small
automaton in a line: one place before each of its words and one behind the last. The places of all patterns are the bits of
one integer, and those that are alive after some words of a key move on together: over a word that a place waits for to the
next place, over any word to the same place where that waits with `#`, and past a `#` without a word (Baeza-Yates and
Gonnet, "A new approach to text searching", 1992; Wu and Manber have the wildcards).
"""

from __future__ import annotations

from collections.abc import Sequence

from router.exchange.bit_sets import select
from router.exchange.pattern import MANY, ONE

__all__ = ["FloatingPatterns"]


class FloatingPatterns:
    """Patterns in normal form by their number."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        """For each place the number of its pattern."""
        self._first: dict[int, int] = {}
        """By number, the place before the first word."""
        self._starts = 0
        self._ends = 0
        self._waiting: dict[str, int] = {}
        """By word, the places that wait for just this one."""
        self._stars = 0
        self._hashes = 0
        self._taking: dict[str, int] = {}
        """By word, the places that it moves on; made when it is first asked for."""

    def __bool__(self) -> bool:
        return bool(self._starts)

    def add(self, pattern: Sequence[str], number: int) -> None:
        """Add a pattern under a number that no other has."""
        self._first[number] = place = len(self._numbers)
        self._numbers += [number] * (len(pattern) + 1)
        self._starts |= 1 << place
        for word in pattern:
            if word == ONE:
                self._stars |= 1 << place
            elif word == MANY:
                self._hashes |= 1 << place
            else:
                self._waiting[word] = self._waiting.get(word, 0) | 1 << place
            place += 1
        self._ends |= 1 << place
        self._taking = {}

    def remove(self, number: int) -> None:
        """Undo `add`. Its places stay, and nothing gets there any more."""
        self._starts ^= 1 << self._first.pop(number)

    def match(self, words: Sequence[str]) -> list[int]:
        """The numbers of the patterns that these words satisfy, in the order of adding."""
        hashes, taking = self._hashes, self._taking
        # In normal form no two `#` meet, so that one step without a word is all that can follow.
        alive = self._starts | (self._starts & hashes) << 1
        for word in words:
            moved = taking.get(word)
            if moved is None:
                moved = self._moved_by(word)
            alive = (alive & moved) << 1 | alive & hashes
            alive |= (alive & hashes) << 1
        return select(self._numbers, alive & self._ends)

    def _moved_by(self, word: str) -> int:
        waiting = self._waiting.get(word)
        if waiting is None:  # as for most words of most keys: not worth remembering, and there is no end of them
            return self._stars
        self._taking[word] = moved = waiting | self._stars
        return moved
