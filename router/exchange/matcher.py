"""The contract that every exchange type fulfils, and what it says of a binding that did not match.

A type is a page: it is compiled once from its exchange's bindings and then only reads. A message's routing key comes as
text and, split once for all exchanges on the way, as words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from router.exchange.header_values import HeaderValue, Missing
from router.exchange.hot_values import hot_value
from router.exchange.model import Binding

__all__ = [
    "ConditionMiss",
    "HeaderMiss",
    "Matcher",
    "Message",
    "Miss",
    "RingMiss",
    "Shadowed",
    "Why",
    "in_order",
    "message",
    "words_of",
]


@hot_value
class Message:
    """What exchanges look at."""

    routing_key: str
    words: tuple[str, ...]
    further: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """The routing keys of the headers CC and BCC, each with its words."""
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    """Without BCC where the exchange that was published to takes it off. Of a repeated header the last."""
    typed: bool = False
    """Headers have types of their own; else they are texts, or null."""
    truths: Mapping[str, bool | None] = field(default_factory=dict)
    """Conditions by their text, as they came out on the record; None where one could not be evaluated."""

    def allows(self, binding: Binding) -> bool:
        """The binding's own condition holds, or it has none."""
        return binding.where is None or self.truths.get(binding.where) is True


@dataclass(frozen=True, slots=True)
class Miss:
    """The first thing of the routing key that kept a binding from matching."""

    word: int | None
    """Index of the routing key's word that failed, or None where the key failed as a whole."""
    actual: str
    """What the message has there; empty past the key's end."""
    wanted: str | None
    """What the binding wants there; None where the binding key ended before the routing key."""


@dataclass(frozen=True, slots=True)
class HeaderMiss:
    """The first condition on a header that failed."""

    name: str
    """Empty where the binding has no condition that counts, and so takes nothing."""
    actual: HeaderValue | Missing
    wanted: str
    met: int
    """How many of the binding's conditions did hold."""


@dataclass(frozen=True, slots=True)
class RingMiss:
    """The message's hash belongs to another binding."""

    owner: Binding | None


@dataclass(frozen=True, slots=True)
class ConditionMiss:
    """Everything else matched, but not the binding's `where`."""

    where: str
    failed: bool
    """It could not be evaluated on the record, rather than being false."""


@dataclass(frozen=True, slots=True)
class Shadowed:
    """It would match, but the exchange takes the first match only."""

    by: Binding


Why = Miss | HeaderMiss | RingMiss | ConditionMiss | Shadowed
"""What keeps a binding from taking a message."""


class Matcher(Protocol):
    """One exchange, compiled."""

    def match(self, message: Message) -> tuple[Binding, ...]:
        """The bindings that take the message, each once, in the order in which they were declared."""

    def miss(self, binding: Binding, message: Message) -> Miss | HeaderMiss | RingMiss | None:
        """What failed first for this binding of the exchange; None where it matches."""


def words_of(key: str) -> tuple[str, ...]:
    """A key's words. The empty key has none, while '.' has two that are empty (RabbitMQ splits likewise)."""
    return tuple(key.split(".")) if key else ()


def in_order(
    bindings: Sequence[Binding], found: Sequence[Binding], further: Iterable[Sequence[Binding]]
) -> tuple[Binding, ...]:
    """What several keys of one message found, each binding once, in declared order."""
    matched = {id(binding) for each in (found, *further) for binding in each}
    return tuple(binding for binding in bindings if id(binding) in matched)


def message(routing_key: str) -> Message:
    """A message with this routing key and nothing else."""
    return Message(routing_key, words_of(routing_key))
