"""The fanout exchange: every binding takes every message; keys play no part."""

from __future__ import annotations

from router.exchange.matcher import Message, Miss
from router.exchange.model import Binding, Exchange

__all__ = ["FanoutMatcher"]


class FanoutMatcher:
    """All bindings, always."""

    def __init__(self, exchange: Exchange) -> None:
        self._bindings = exchange.bindings

    def match(self, message: Message) -> tuple[Binding, ...]:  # noqa: ARG002 - the contract's signature
        """Every binding, in declared order."""
        return self._bindings

    def miss(self, binding: Binding, message: Message) -> Miss | None:  # noqa: ARG002 - the contract's signature
        """Nothing ever fails."""
        return None
