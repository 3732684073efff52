"""The topic exchange: binding keys are patterns of words, found by an index of patterns."""

from __future__ import annotations

from router.exchange.matcher import Message, Miss, in_order, words_of
from router.exchange.model import Binding, Exchange
from router.exchange.pattern import MANY, first_mismatch
from router.exchange.pattern_index import PatternIndex

__all__ = ["TopicMatcher"]


class TopicMatcher:
    """A binding without a key takes every message, as `#` does."""

    def __init__(self, exchange: Exchange) -> None:
        self._bindings = exchange.bindings
        self._cc = exchange.cc
        self._patterns: PatternIndex[Binding] = PatternIndex()
        for binding in exchange.bindings:
            self._patterns.add(_pattern(binding), binding)

    def match(self, message: Message) -> tuple[Binding, ...]:
        """The bindings whose pattern the words of any of the message's keys satisfy, in declared order."""
        found = self._patterns.match(message.words)
        if self._cc and message.further:
            return in_order(self._bindings, found, (self._patterns.match(words) for _, words in message.further))
        return found

    def miss(self, binding: Binding, message: Message) -> Miss | None:
        """The first word that the pattern does not take."""
        pattern = _pattern(binding)
        found = first_mismatch(pattern, message.words)
        further = message.further if self._cc else ()
        if found is None or any(first_mismatch(pattern, words) is None for _, words in further):
            return None
        index, wanted = found
        return Miss(index, message.words[index] if index < len(message.words) else "", wanted)


def _pattern(binding: Binding) -> tuple[str, ...]:
    return (MANY,) if binding.key is None else words_of(binding.key)
