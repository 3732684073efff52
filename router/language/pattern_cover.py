"""Whether one binding key of a topic exchange matches whatever another does.

A key is an automaton over words: a literal takes one word, `*` any one, `#` any number. The narrower key's runs are
followed one by one, beside the set of states that the wider key can be in; the wider covers the narrower if it accepts
wherever that does. Of all words but the literals one stands for all the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

__all__ = ["covering", "covers"]

_MOST = 5_000
"""Pairs of states that are looked at; a pair of keys that needs more is not said to cover."""

_States = frozenset[int]


def covers(wider: Sequence[str], narrower: Sequence[str]) -> bool:
    """Every key that `narrower`'s words match is matched by `wider`'s."""
    other = object()  # a word that is in neither
    start = (0, _closed(frozenset({0}), wider))
    seen = {start}
    waiting = [start]
    while waiting:
        at, states = waiting.pop()
        if at == len(narrower):
            if len(wider) not in states:
                return False
            continue
        word = narrower[at]
        taken: set[object] = {*wider, other} - {"#", "*"} if word in {"#", "*"} else {word}
        steps = [(at if word == "#" else at + 1, _after(states, each, wider)) for each in taken]
        if word == "#":
            steps.append((at + 1, states))
        for step in steps:
            if step not in seen:
                seen.add(step)
                waiting.append(step)
        if len(seen) > _MOST:
            return False
    return True


def _after(states: _States, word: object, pattern: Sequence[str]) -> _States:
    moved = set()
    for state in states:
        if state < len(pattern):
            if pattern[state] == "#":
                moved.add(state)
            elif pattern[state] in {"*", word}:
                moved.add(state + 1)
    return _closed(frozenset(moved), pattern)


def _closed(states: _States, pattern: Sequence[str]) -> _States:
    """With the states behind each `#`, which may take no word at all."""
    closed = set(states)
    for state in states:
        while state < len(pattern) and pattern[state] == "#":
            state += 1  # noqa: PLW2901 - the way on from this state
            closed.add(state)
    return frozenset(closed)


def covering(keys: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """For each key that another covers, its index and the other's, by index of the narrower; of equals the first covers.

    A wider key's literals are all in the narrower one, so that of thousands of keys few pairs need a look.
    """
    without: list[int] = []
    by_literal: defaultdict[str, list[int]] = defaultdict(list)
    literals = [{word for word in key if word not in {"*", "#"}} for key in keys]
    counts: defaultdict[str, int] = defaultdict(int)
    for words in literals:
        for word in words:
            counts[word] += 1
    for index, key in enumerate(keys):
        if "*" in key or "#" in key:
            rarest = min(literals[index], key=lambda word: counts[word], default=None)
            (without if rarest is None else by_literal[rarest]).append(index)
    for index, key in enumerate(keys):
        candidates = [*without, *(each for word in sorted(literals[index]) for each in by_literal[word])]
        for wider in sorted(candidates):
            same = tuple(keys[wider]) == tuple(key)
            if wider != index and not same and literals[wider] <= literals[index] and covers(keys[wider], key):
                # `#.*` and `*.#` are the same: the later of two that cover each other is the one too many.
                if wider > index and covers(key, keys[wider]):
                    continue
                yield index, wider
                break
