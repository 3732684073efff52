"""Finds the patterns that a routing key satisfies, among thousands, without trying them one by one.

Patterns stand in blocks, and in each block the whole of them is compared at once: those with at most one `#` by where their
words are (`anchored`), those with several by an automaton (`floating`). Nothing is learned from keys: the first one is
answered as fast as the last, and what is kept depends on the patterns alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Generic, TypeVar

from router.exchange.anchored import AnchoredPatterns
from router.exchange.bit_sets import BLOCK, bit_set, select
from router.exchange.floating import FloatingPatterns
from router.exchange.pattern import MANY, normal_form

__all__ = ["PatternIndex"]

T = TypeVar("T")


class PatternIndex(Generic[T]):
    """Patterns with a value each; `match` finds the values of all patterns that a key's words satisfy."""

    def __init__(self, *, block: int = BLOCK) -> None:
        """`block`: how many patterns are compared at once."""
        self._size = block
        self._blocks: list[_Block[T]] = []
        self._count = 0

    def add(self, words: Sequence[str], value: T) -> int:
        """Add a pattern; values come out of `match` in the order in which they were added. Gives what `remove` takes."""
        number = self._count
        self._count += 1
        if number == len(self._blocks) * self._size:
            self._blocks.append(_Block())
        self._blocks[-1].add(normal_form(words), value)
        return number

    def remove(self, number: int) -> None:
        """Take a pattern out again, by what `add` gave for it. It touches what it says itself, in its block."""
        self._blocks[number // self._size].remove(number % self._size)

    def match(self, words: Sequence[str]) -> tuple[T, ...]:
        """The values of the patterns that match, each pattern once."""
        if len(self._blocks) == 1:
            return tuple(self._blocks[0].match(words))
        return tuple(chain.from_iterable([block.match(words) for block in self._blocks]))


class _Block(Generic[T]):
    """Patterns that are numbered from 0."""

    def __init__(self) -> None:
        self._patterns: list[tuple[str, ...]] = []
        self._values: list[T] = []
        self._anchored = AnchoredPatterns()
        self._floating = FloatingPatterns()

    def add(self, pattern: tuple[str, ...], value: T) -> None:
        number = len(self._patterns)
        self._patterns.append(pattern)
        self._values.append(value)
        if pattern.count(MANY) > 1:
            self._floating.add(pattern, number)
        else:
            self._anchored.add(pattern, number)

    def remove(self, number: int) -> None:
        pattern = self._patterns[number]
        if pattern.count(MANY) > 1:
            self._floating.remove(number)
        else:
            self._anchored.remove(pattern, number)

    def match(self, words: Sequence[str]) -> list[T]:
        found = self._anchored.match(words)
        if self._floating:
            found |= bit_set(self._floating.match(words))
        return select(self._values, found) if found else []
