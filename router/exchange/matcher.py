"""The contract that every exchange type fulfils, and what it says of a binding that did not match.

A type is a page: it is compiled once from its exchange's bindings and then only reads. A message's routing key comes as
text and, split once for all exchanges on the way, as words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from router.exchange.model import Binding

__all__ = ["Matcher", "Message", "Miss", "message", "words_of"]


@dataclass(frozen=True, slots=True)
class Message:
    """What exchanges look at: AMQP's routing key, as text and as words."""

    routing_key: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Miss:
    """The first thing that kept a binding from matching."""

    word: int | None
    """Index of the routing key's word that failed, or None where the key failed as a whole."""
    actual: str
    """What the message has there; empty past the key's end."""
    wanted: str | None
    """What the binding wants there; None where the binding key ended before the routing key."""


class Matcher(Protocol):
    """One exchange, compiled."""

    def match(self, message: Message) -> tuple[Binding, ...]:
        """The bindings that take the message, each once, in the order in which they were declared."""

    def miss(self, binding: Binding, message: Message) -> Miss | None:
        """What failed first for this binding of the exchange; None where it matches."""


def words_of(key: str) -> tuple[str, ...]:
    """A key's words. The empty key has none, while '.' has two that are empty (RabbitMQ splits likewise)."""
    return tuple(key.split(".")) if key else ()


def message(routing_key: str) -> Message:
    """A message with this routing key."""
    return Message(routing_key, words_of(routing_key))
