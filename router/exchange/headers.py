"""The headers exchange: a binding names headers and what it asks of them; routing keys play no part.

With nothing left to match, `all` takes every message and `any` none. A message's own `x-match` is ignored, as is a
binding's. Bindings that ask for equality are found by what the message has, so that the cost grows with the message's
headers and not with the number of bindings; only those that ask nothing but operators are tried one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from router.errors import InvariantError
from router.exchange.header_values import (
    MISSING,
    Operator,
    Search,
    as_header_text,
    holds,
)
from router.exchange.matcher import HeaderMiss, Message
from router.exchange.model import Binding, Exchange, HeaderCondition, HeadersMatch

__all__ = ["HeadersMatcher", "header_names"]

_EVERYTHING = HeadersMatch()


class HeadersMatcher:
    """Bindings under one header that they need (all), or under each that suffices (any)."""

    def __init__(self, exchange: Exchange, search: Search | None = None) -> None:
        self._search = search or _no_search
        self._always: list[int] = []
        self._by_header: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        """By a header's name and text: candidates, which are checked in full."""
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._typed_by_name: defaultdict[str, list[int]] = defaultdict(list)
        self._tried: list[int] = []
        self._bindings = exchange.bindings
        for index, binding in enumerate(exchange.bindings):
            self._file(index, binding.headers or _EVERYTHING)

    def _file(self, index: int, match: HeadersMatch) -> None:
        counting = match.counting
        if not counting:
            if match.x_match.every:
                self._always.append(index)
            return
        indexable = [each for each in counting if each.test.operator in (Operator.EQUALS, Operator.PRESENT)]
        if match.x_match.every and indexable:
            # One of the conditions finds the binding; equality finds fewer messages than presence.
            self._file_under(index, min(indexable, key=lambda each: each.test.operator is Operator.PRESENT))
        elif len(indexable) == len(counting):
            for condition in counting:
                self._file_under(index, condition)
        else:
            self._tried.append(index)

    def _file_under(self, index: int, condition: HeaderCondition) -> None:
        test = condition.test
        if test.operator is Operator.PRESENT:
            self._by_name[condition.name].append(index)
            return
        self._by_header[condition.name, as_header_text(test.operand)].append(index)
        if not isinstance(test.operand, str):
            # Where headers are typed, 5.0 equals 5: the name alone must find it there.
            self._typed_by_name[condition.name].append(index)

    def match(self, message: Message) -> tuple[Binding, ...]:
        """The bindings whose conditions the headers meet, in declared order."""
        candidates = {*self._always, *self._tried}
        for name, value in message.headers.items():
            if isinstance(value, str):
                candidates.update(self._by_header.get((name, value), ()))
            candidates.update(self._by_name.get(name, ()))
            if message.typed:
                candidates.update(self._typed_by_name.get(name, ()))
        bindings = self._bindings
        return tuple(bindings[index] for index in sorted(candidates) if self._holds(bindings[index], message))

    def _holds(self, binding: Binding, message: Message) -> bool:
        match = binding.headers or _EVERYTHING
        if match.x_match.every:
            return all(self._meets(each, message) for each in match.counting)
        return any(self._meets(each, message) for each in match.counting)

    def _meets(self, condition: HeaderCondition, message: Message) -> bool:
        value = message.headers.get(condition.name, MISSING)
        return holds(condition.test, value, typed=message.typed, search=self._search)

    def miss(self, binding: Binding, message: Message) -> HeaderMiss | None:
        """The first condition that fails; for `any`, the first of all that do."""
        if self._holds(binding, message):
            return None
        match = binding.headers or _EVERYTHING
        counting = match.counting
        if not counting:
            return HeaderMiss(name="", actual=MISSING, wanted="", met=0)
        met = sum(self._meets(each, message) for each in counting)
        failed = next(each for each in counting if not self._meets(each, message))
        actual = message.headers.get(failed.name, MISSING)
        return HeaderMiss(name=failed.name, actual=actual, wanted=str(failed.test), met=met)


def _no_search(pattern: str, text: str) -> bool:  # noqa: ARG001 - stands in for an engine
    raise InvariantError("a binding says `matches`, and no regex engine was given")


def header_names(exchange: Exchange) -> Iterator[str]:
    """The headers that the exchange's bindings look at."""
    for binding in exchange.bindings:
        for condition in (binding.headers or _EVERYTHING).counting:
            yield condition.name
