"""The topic exchange: binding keys are patterns of words, matched by a trie."""

from __future__ import annotations

from router.exchange.matcher import Message, Miss, words_of
from router.exchange.model import Binding, Exchange
from router.exchange.trie import MANY, Trie, first_mismatch

__all__ = ["TopicMatcher"]


class TopicMatcher:
    """A binding without a key takes every message, as `#` does."""

    def __init__(self, exchange: Exchange) -> None:
        self._trie: Trie[Binding] = Trie()
        for binding in exchange.bindings:
            self._trie.add(_pattern(binding), binding)

    def match(self, message: Message) -> tuple[Binding, ...]:
        """The bindings whose pattern the routing key's words satisfy, in declared order."""
        return self._trie.match(message.words)

    def miss(self, binding: Binding, message: Message) -> Miss | None:
        """The first word that the pattern does not take."""
        found = first_mismatch(_pattern(binding), message.words)
        if found is None:
            return None
        index, wanted = found
        return Miss(index, message.words[index] if index < len(message.words) else "", wanted)


def _pattern(binding: Binding) -> tuple[str, ...]:
    return (MANY,) if binding.key is None else words_of(binding.key)
