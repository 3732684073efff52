"""Finds a headers exchange's bindings by what a message has, rather than by trying them all.

Bindings that want every condition met: for each header there is a set of those that ask for its value or do not ask about
it; these sets for all of a message's headers, and the set of the bindings whose names are all there, intersected are what
takes it. Messages come with few sets of names, so what their names mean is remembered. Bindings that want any condition
met are the union of those that ask for each value. So the cost grows with a message's headers and not with the bindings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from router.exchange.header_values import Operator
from router.exchange.model import HeaderCondition, HeadersMatch

__all__ = ["HeaderIndex"]

_REMEMBERED = 1_024
"""Lists of names whose meaning is kept."""


@dataclass(slots=True)
class _Header:
    """What bindings ask of one header; sets are of those that want every condition met, or of those that want any."""

    taking: dict[Hashable, int] = field(default_factory=lambda: defaultdict(int))
    """By value: of those that want every, the ones that ask for it, and those that ask for none."""
    others: int = 0
    """Of those that want every, the ones that ask for no value."""
    needing: int = 0
    """Of those that want every, the ones that ask for the header to be there."""
    any_value: dict[Hashable, int] = field(default_factory=lambda: defaultdict(int))
    """By value: of those that want any, the ones that ask for it."""
    any_presence: int = 0
    """Of those that want any, the ones that ask for the header to be there."""


@dataclass(frozen=True, slots=True)
class _Names:
    """What a message's names mean, in the order in which it has them."""

    fitting: int
    """The bindings that want every condition met and need no other name."""
    wanted: tuple[tuple[dict[Hashable, int], int], ...]
    """For each name, by value, the bindings of this kind that it leaves; and what any other value leaves."""
    offered: tuple[tuple[dict[Hashable, int], int], ...]
    """For each name, by value, the bindings that want any condition met and have it met by that; and by any value."""


class HeaderIndex:
    """Bindings by their number. Reads only, but for its memory of what names mean."""

    def __init__(self, matches: Iterable[HeadersMatch], *, token_of: Callable[[Any], Hashable]) -> None:
        """`token_of` makes of a wanted value what a message's value must equal to be equal.

        There are `BLOCK` bindings at most, since sets of them are kept for each value that is asked for.
        """
        self._token_of = token_of
        self._headers: defaultdict[str, _Header] = defaultdict(_Header)
        self._every = 0
        self._in_part = 0
        """Of those that want every condition met, the ones that ask for something else as well."""
        self._tried = 0
        """Of those that want any, the ones that ask for something else as well."""
        self._names: dict[tuple[str, ...], _Names] = {}
        for number, match in enumerate(matches):
            if match.x_match.every:
                self._file_every(1 << number, match.counting)
            else:
                self._file_any(1 << number, match.counting)
        self._has_any = any(each.any_value or each.any_presence for each in self._headers.values())
        for header in self._headers.values():
            header.others = self._every & ~_union(header.taking.values())
            header.taking = {token: these | header.others for token, these in header.taking.items()}

    def _file_every(self, bit: int, conditions: tuple[HeaderCondition, ...]) -> None:
        self._every |= bit
        valued: set[str] = set()
        for condition in conditions:
            if condition.test.operator is Operator.EQUALS and condition.name not in valued:
                valued.add(condition.name)
                self._headers[condition.name].taking[self._token_of(condition.test.operand)] |= bit
            elif condition.test.operator is not Operator.PRESENT:
                self._in_part |= bit
                continue
            self._headers[condition.name].needing |= bit

    def _file_any(self, bit: int, conditions: tuple[HeaderCondition, ...]) -> None:
        if any(each.test.operator not in (Operator.EQUALS, Operator.PRESENT) for each in conditions):
            self._tried |= bit
            return
        for condition in conditions:
            if condition.test.operator is Operator.PRESENT:
                self._headers[condition.name].any_presence |= bit
            else:
                self._headers[condition.name].any_value[self._token_of(condition.test.operand)] |= bit

    def look_up(self, tokens: Mapping[str, Hashable]) -> tuple[int, int]:
        """The set of the bindings that take a message with these headers, and of those that may: to be checked in full."""
        names = self._names.get(tuple(tokens))
        if names is None:
            names = self._meaning(tuple(tokens))
        found = names.fitting
        for token, (taking, others) in zip(tokens.values(), names.wanted, strict=True):
            found &= taking.get(token, others)
        candidates = found & self._in_part
        if self._has_any:
            for token, (by_value, always) in zip(tokens.values(), names.offered, strict=True):
                found |= by_value.get(token, 0) | always
        return found ^ candidates, candidates | self._tried

    def _meaning(self, names: tuple[str, ...]) -> _Names:
        if len(self._names) >= _REMEMBERED:
            self._names.clear()
        missing = [header.needing for name, header in self._headers.items() if name not in names]
        asked = [self._headers.get(name) for name in names]
        self._names[names] = meaning = _Names(
            fitting=self._every & ~_union(missing),
            wanted=tuple(({}, self._every) if each is None else (each.taking, each.others) for each in asked),
            offered=tuple(({}, 0) if each is None else (each.any_value, each.any_presence) for each in asked),
        )
        return meaning


def _union(sets: Iterable[int]) -> int:
    union = 0
    for each in sets:
        union |= each
    return union
