"""The direct exchange: a binding takes the messages whose routing key equals its own, character for character."""

from __future__ import annotations

from collections import defaultdict

from router.exchange.matcher import Message, Miss, in_order
from router.exchange.model import Binding, Exchange

__all__ = ["DirectMatcher"]


class DirectMatcher:
    """Bindings by their key; one without a key takes every message. `*` and `#` are plain characters here."""

    def __init__(self, exchange: Exchange) -> None:
        keys = {binding.key for binding in exchange.bindings if binding.key is not None}
        by_key: defaultdict[str, list[Binding]] = defaultdict(list)
        for binding in exchange.bindings:
            for key in keys if binding.key is None else (binding.key,):
                by_key[key].append(binding)
        self._by_key = {key: tuple(bindings) for key, bindings in by_key.items()}
        self._bindings = exchange.bindings
        self._cc = exchange.cc
        self._without_key = tuple(binding for binding in exchange.bindings if binding.key is None)

    def match(self, message: Message) -> tuple[Binding, ...]:
        """The bindings that take the message by any of its keys, in declared order."""
        found = self._by_key.get(message.routing_key, self._without_key)
        if self._cc and message.further:
            keys = [key for key, _ in message.further]
            return in_order(self._bindings, found, (self._by_key.get(key, ()) for key in keys))
        return found

    def miss(self, binding: Binding, message: Message) -> Miss | None:
        """The whole key failed, or nothing did."""
        keys = [message.routing_key, *(key for key, _ in message.further if self._cc)]
        if binding.key is None or binding.key in keys:
            return None
        return Miss(None, message.routing_key, binding.key)
