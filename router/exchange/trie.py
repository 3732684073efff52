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

_NODES_A_TRANSITION = 32
"""Bounds the memory of states too, for patterns with so many `#` that many nodes are alive at once."""

T = TypeVar("T")


class _Node(Generic[T]):
    """A place in the trie; `values` are of the patterns that end here.

    Wildcards are no words of `by_word`: a key's own `*` or `#` finds nothing there.
    """

    __slots__ = ("by_word", "loops", "many", "one", "values")

    def __init__(self, *, loops: bool = False) -> None:
        self.by_word: dict[str | None, _Node[T]] = {}
        self.one: _Node[T] | None = None
        self.many: _Node[T] | None = None
        self.loops = loops
        self.values: list[tuple[int, T]] = []

    def child(self, word: str) -> _Node[T]:
        """Where a pattern's word leads to, made where it is new."""
        if word == ONE:
            self.one = self.one or _Node()
            return self.one
        if word == MANY:
            self.many = self.many or _Node(loops=True)
            return self.many
        return self.by_word.setdefault(word, _Node())


class _State(Generic[T]):
    """A set of nodes that are alive at once, with the transitions found so far and, once asked for, the values."""

    __slots__ = ("next", "nodes", "values")

    def __init__(self, nodes: frozenset[_Node[T]]) -> None:
        self.nodes = nodes
        self.next: dict[str | None, _State[T]] = {}
        self.values: tuple[T, ...] | None = None


class Trie(Generic[T]):
    """Patterns with a value each; `match` finds the values of all patterns that a key's words satisfy."""

    def __init__(self, *, max_transitions: int = 65_536) -> None:
        """At most `max_transitions` are kept, and states of about `_NODES_A_TRANSITION` nodes for each."""
        # Before the first word the root is alive as if it had just been entered.
        self._before: _Node[T] = _Node()
        self._root = self._before.one = _Node()
        self._vocabulary: set[str] = set()
        self._count = 0
        self._max_transitions = max_transitions
        self._forget()

    def add(self, words: Sequence[str], value: T) -> None:
        """Add a pattern; values come out of `match` in the order in which they were added."""
        node = self._root
        for word in words:
            node = node.child(word)
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
        if state.values is None:
            ends = sorted((end for node in state.nodes for end in node.values), key=lambda end: end[0])
            state.values = tuple(value for _, value in ends)
        return state.values

    def _step(self, state: _State[T], word: str) -> _State[T]:
        known = word if word in self._vocabulary else None
        if known is None and None in state.next:
            return state.next[None]
        if self._transitions >= self._max_transitions or self._nodes >= self._max_transitions * _NODES_A_TRANSITION:
            self._forget()
        nodes = _after(state.nodes, known)
        following = self._states.get(nodes)
        if following is None:
            following = self._states[nodes] = _State(nodes)
            self._nodes += len(nodes)
        state.next[known] = following
        self._transitions += 1
        return following

    def _forget(self) -> None:
        self._start: _State[T] = _State(_after([self._before], None))
        self._states = {self._start.nodes: self._start}
        self._transitions = 0
        self._nodes = 0


def _after(nodes: Iterable[_Node[T]], word: str | None) -> frozenset[_Node[T]]:
    """The nodes that are alive one word later; None is any word that no pattern names."""
    alive = []
    for node in nodes:
        if node.loops:
            alive.append(node)
        for entered in (node.by_word.get(word), node.one):
            reached = entered
            while reached is not None:
                alive.append(reached)
                reached = reached.many  # `#` leads on without a word
    return frozenset(alive)


def first_mismatch(pattern: Sequence[str], words: Sequence[str]) -> tuple[int, str | None] | None:
    """Where the pattern fails first: the index of the word and what the pattern wants there; None where it matches.

    With `#` several readings are possible: the one that gets furthest into the words counts. Nothing is wanted (None)
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
    return None if len(pattern) in alive else (len(words), _wanted(pattern, alive))


def _positions(positions: Iterable[int], pattern: Sequence[str]) -> set[int]:
    reached = set()
    for start in positions:
        position = start
        reached.add(position)
        while position < len(pattern) and pattern[position] == MANY:
            position += 1
            reached.add(position)
    return reached


def _wanted(pattern: Sequence[str], alive: Iterable[int]) -> str | None:
    """The next word of the reading that has most of the pattern before it; `#` wants nothing of its own."""
    wanted = [pattern[position] for position in sorted(alive) if position < len(pattern) and pattern[position] != MANY]
    return wanted[-1] if wanted else None
