"""Finds a headers exchange's bindings by what a message has, rather than by trying them all.

Bindings that want every condition met are filed by their shape: the names whose value must equal something, and the names
that must be there. A message's names say which shapes fit; within a shape its values, taken together, find the bindings in
one look-up. There are far fewer shapes than bindings, each is filed under one of its names, and messages come with few sets
of names, so that the shapes that fit are remembered. Bindings that want any condition met are filed under each of theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from router.exchange.header_values import Operator
from router.exchange.model import HeaderCondition, HeadersMatch

__all__ = ["HeaderIndex"]

_REMEMBERED = 1_024
"""Sets of names whose shapes are kept."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What bindings of one kind ask for, and those bindings by the values that they want."""

    needed: frozenset[str]
    """The names that must be there."""
    values_of: Callable[[Mapping[str, Hashable]], Hashable]
    """A message's values of the names that must equal something, as the bindings are filed."""
    whole: bool
    """There is nothing else that these bindings ask for."""
    by_values: dict[Hashable, list[int]] = field(default_factory=lambda: defaultdict(list))


class HeaderIndex:
    """Bindings by their index. Reads only, but for its memory of which shapes fit."""

    def __init__(self, matches: Iterable[HeadersMatch], *, token_of: Callable[[Any], Hashable]) -> None:
        """`token_of` makes of a wanted value what a message's value must equal to be equal."""
        self._token_of = token_of
        self._tried: list[int] = []
        self._shapes: dict[tuple[tuple[str, ...], frozenset[str], bool], _Shape] = {}
        self._shapes_under: defaultdict[str, list[_Shape]] = defaultdict(list)
        self._needless: list[_Shape] = []
        """Shapes that fit whatever a message has."""
        self._any_value: defaultdict[str, defaultdict[Hashable, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._any_presence: defaultdict[str, list[int]] = defaultdict(list)
        self._fitting: dict[frozenset[str], list[_Shape]] = {}
        for index, match in enumerate(matches):
            if match.x_match.every:
                self._file_under_shape(index, match.counting)
            else:
                self._file_under_each(index, match.counting)

    def _file_under_shape(self, index: int, conditions: tuple[HeaderCondition, ...]) -> None:
        equal: dict[str, Hashable] = {}
        needed: set[str] = set()
        whole = True
        for condition in conditions:
            if condition.test.operator is Operator.EQUALS and condition.name not in equal:
                equal[condition.name] = self._token_of(condition.test.operand)
            elif condition.test.operator is not Operator.PRESENT:
                whole = False
                continue
            needed.add(condition.name)
        names = tuple(sorted(equal))
        shape = self._shapes.get((names, frozenset(needed), whole)) or self._new_shape(names, frozenset(needed), whole)
        shape.by_values[shape.values_of(equal)].append(index)

    def _new_shape(self, names: tuple[str, ...], needed: frozenset[str], whole: bool) -> _Shape:
        shape = _Shape(needed, itemgetter(*names) if names else _nothing, whole)
        self._shapes[names, needed, whole] = shape
        # Any of its names would do: the one with the fewest shapes so far spreads them.
        under = min((self._shapes_under[name] for name in sorted(needed)), key=len, default=self._needless)
        under.append(shape)
        return shape

    def _file_under_each(self, index: int, conditions: tuple[HeaderCondition, ...]) -> None:
        if any(each.test.operator not in (Operator.EQUALS, Operator.PRESENT) for each in conditions):
            self._tried.append(index)
            return
        for condition in conditions:
            if condition.test.operator is Operator.PRESENT:
                self._any_presence[condition.name].append(index)
            else:
                self._any_value[condition.name][self._token_of(condition.test.operand)].append(index)

    def look_up(self, tokens: Mapping[str, Hashable]) -> tuple[set[int], list[int]]:
        """The bindings that take a message with these headers, and those that may: to be checked in full."""
        names = frozenset(tokens)
        fitting = self._fitting.get(names)
        if fitting is None:
            fitting = self._fit(names)
        found: set[int] = set()
        candidates = self._tried
        for shape in fitting:
            hit = shape.by_values.get(shape.values_of(tokens))
            if hit is None:
                continue
            if shape.whole:
                found.update(hit)
            else:
                candidates = candidates + hit
        for name, token in tokens.items():
            if name in self._any_value:
                found.update(self._any_value[name].get(token, ()))
            if name in self._any_presence:
                found.update(self._any_presence[name])
        return found, candidates

    def _fit(self, names: frozenset[str]) -> list[_Shape]:
        if len(self._fitting) >= _REMEMBERED:
            self._fitting.clear()
        under = (self._shapes_under[name] for name in sorted(names) if name in self._shapes_under)
        fitting = [shape for shapes in (self._needless, *under) for shape in shapes if shape.needed <= names]
        self._fitting[names] = fitting
        return fitting


def _nothing(tokens: Mapping[str, Hashable]) -> Hashable:  # noqa: ARG001 - stands where shapes with values have a getter
    return ()
