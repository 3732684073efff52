"""The headers exchange: a binding names headers and what it asks of them; routing keys play no part.

With nothing left to match, `all` takes every message and `any` none. A message's own `x-match` is ignored, as is a
binding's. Bindings that ask for equality or presence are found by what the message has, so that the cost grows with the
message's headers and not with the number of bindings; only those that ask nothing but other things are tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, cast

from router.errors import InvariantError
from router.exchange.bit_sets import BLOCK, bit_set, members, select
from router.exchange.header_index import HeaderIndex
from router.exchange.header_values import MISSING, Search, holds, text_token, typed_token
from router.exchange.matcher import HeaderMiss, Message
from router.exchange.model import Binding, Exchange, HeaderCondition, HeadersMatch

__all__ = ["HeadersMatcher", "header_names"]

_EVERYTHING = HeadersMatch()
_Block = tuple[HeaderIndex, tuple[Binding, ...]]
"""Bindings that are compared at once."""


class HeadersMatcher:
    """Bindings by the headers that they need (all), or that suffice (any)."""

    def __init__(self, exchange: Exchange, search: Search | None = None) -> None:
        self._search = search or _no_search
        self._bindings = exchange.bindings
        self._by_text = self._blocks(text_token)
        self._by_type: list[_Block] | None = None

    def _blocks(self, token_of: Callable[[Any], Hashable]) -> list[_Block]:
        starts = range(0, len(self._bindings), BLOCK)
        blocks = [self._bindings[start : start + BLOCK] for start in starts]
        return [(HeaderIndex([each.headers or _EVERYTHING for each in of], token_of=token_of), of) for of in blocks]

    def match(self, message: Message) -> tuple[Binding, ...]:
        """The bindings whose conditions the headers meet, in declared order."""
        if message.typed:
            # Only what people state in JSON has types: a worker never needs this index.
            blocks = self._by_type = self._by_type or self._blocks(typed_token)
            tokens: Mapping[str, Hashable] = {name: typed_token(each) for name, each in message.headers.items()}
        else:
            blocks, tokens = self._by_text, cast("Mapping[str, str | None]", message.headers)
        matched: list[Binding] = []
        for index, bindings in blocks:
            found, candidates = index.look_up(tokens)
            if candidates:
                found |= bit_set(each for each in members(candidates) if self._holds(bindings[each], message))
            if found:
                matched += select(bindings, found)
        return tuple(matched)

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
