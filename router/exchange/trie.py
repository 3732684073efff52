"""Topic patterns as a trie of words, walked through a lazily built automaton.

A binding key is a path of words from the root, in which `*` stands for one word and `#` for any number of words, none
included (AMQP 0-9-1, section 3.1.3.3). Matching a routing key against such a trie is the run of a nondeterministic
automaton whose states are the trie's nodes: a node that `#` leads to also keeps itself alive over any word, and is
entered without reading one. We run the equivalent deterministic automaton (Rabin and Scott's subset construction) and
build its states as keys need them, so that a key costs one dictionary look-up a word however many patterns there are.

Words that no pattern names all behave alike, so a state has at most one transition more than there are words in the
patterns, whatever the keys bring. The number of transitions that are kept is bounded; past it they are built anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

__all__ = ["MANY", "ONE", "Trie", "first_mismatch"]

ONE = "*"
MANY = "#"

T = TypeVar("T")


class _Node(Generic[T]):
    """A place in the trie; `values` are of the patterns that end here."""

    __slots__ = ("loops", "next", "values")

    def __init__(self, *, loops: bool = False) -> None:
        self.next: dict[str, _Node[T]] = {}
        self.values: list[tuple[int, T]] = []
        self.loops = loops


class _State(Generic[T]):
    """A set of nodes that are alive at once, with the transitions found so far."""

    __slots__ = ("next", "nodes", "values")

    def __init__(self, nodes: frozenset[_Node[T]]) -> None:
        self.nodes = nodes
        self.next: dict[str | None, _State[T]] = {}
        self.values: tuple[T, ...] = tuple(value for _, value in sorted(_ends(nodes), key=lambda end: end[0]))


def _ends(nodes: Iterable[_Node[T]]) -> Iterable[tuple[int, T]]:
    for node in nodes:
        yield from node.values


def _closed(nodes: Iterable[_Node[T]]) -> frozenset[_Node[T]]:
    """The nodes and all that `#` leads to from them without a word."""
    closed: set[_Node[T]] = set()
    for node in nodes:
        current: _Node[T] | None = node
        while current is not None and current not in closed:
            closed.add(current)
            current = current.next.get(MANY)
    return frozenset(closed)


class Trie(Generic[T]):
    """Patterns with a value each; `match` finds the values of all patterns that a key's words satisfy."""

    def __init__(self, *, max_transitions: int = 65_536) -> None:
        self._root: _Node[T] = _Node()
        self._vocabulary: set[str] = set()
        self._count = 0
        self._max_transitions = max_transitions
        self._forget()

    def add(self, words: Sequence[str], value: T) -> None:
        """Add a pattern; values come out of `match` in the order in which they were added."""
        node = self._root
        for word in words:
            if word not in node.next:
                node.next[word] = _Node(loops=word == MANY)
            node = node.next[word]
        self._vocabulary.update(words)
        node.values.append((self._count, value))
        self._count += 1
        self._forget()

    def match(self, words: Sequence[str]) -> tuple[T, ...]:
        """The values of the patterns that match, each pattern once."""
        state = self._start
        for word in words:
            following = state.next.get(word)
            state = self._step(state, word) if following is None else following
        return state.values

    def _step(self, state: _State[T], word: str) -> _State[T]:
        # A key's `*` and `#` are plain words, and no pattern's word is ever one of these two.
        known = word in self._vocabulary and word not in (ONE, MANY)
        if not known and None in state.next:
            return state.next[None]
        nodes = _closed(self._after(state.nodes, word if known else None))
        following = self._states.get(nodes)
        if following is None:
            following = self._states[nodes] = _State(nodes)
        if self._transitions >= self._max_transitions:
            self._forget()
        else:
            state.next[word if known else None] = following
            self._transitions += 1
        return following

    @staticmethod
    def _after(nodes: Iterable[_Node[T]], word: str | None) -> Iterable[_Node[T]]:
        for node in nodes:
            if node.loops:
                yield node
            if word is not None and word in node.next:
                yield node.next[word]
            if ONE in node.next:
                yield node.next[ONE]

    def _forget(self) -> None:
        self._states: dict[frozenset[_Node[T]], _State[T]] = {}
        self._transitions = 0
        self._start = _State(_closed([self._root]))


def first_mismatch(pattern: Sequence[str], words: Sequence[str]) -> tuple[int, str] | None:
    """Where the pattern fails first: the index of the word and what the pattern wants there; None where it matches.

    With `#` several readings are possible: the one that gets furthest into the words counts. What is wanted is empty
    where the pattern has ended and words are left; the index is `len(words)` where the words ended too soon.
    """
    alive = _positions({0}, pattern)
    for index, word in enumerate(words):
        following = {
            position if pattern[position] == MANY else position + 1
            for position in alive
            if position < len(pattern) and pattern[position] in (MANY, ONE, word)
        }
        if not following:
            return index, _wanted(pattern, alive)
        alive = _positions(following, pattern)
    return None if len(pattern) in alive else (len(words), _wanted(pattern, alive - {len(pattern)}))


def _positions(positions: Iterable[int], pattern: Sequence[str]) -> set[int]:
    reached = set()
    for start in positions:
        position = start
        reached.add(position)
        while position < len(pattern) and pattern[position] == MANY:
            position += 1
            reached.add(position)
    return reached


def _wanted(pattern: Sequence[str], alive: Iterable[int]) -> str:
    wanted = [pattern[position] for position in sorted(alive) if position < len(pattern) and pattern[position] != MANY]
    return wanted[0] if wanted else ""
