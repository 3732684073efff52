"""Which routing keys a template can make, as far as the schema says: a set of texts for each word, or any text.

An enum's field makes one of its symbols, a boolean `true` or `false`, either of them nothing where it can be null; a text's
field, a header or the key makes any word. Filters and escapes are done to symbols as they are to values. What is said to
match never may in fact match never; what is not may still not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

from router.exchange.routing_key import FILTERS, Placeholder, PlaceholderKind, RoutingKey, escape_word
from router.records.field_type import FieldType, Kind

__all__ = ["KeyLanguage", "WordSet", "key_language"]

_MOST = 1_000
"""Texts of one word that are told apart."""


@dataclass(frozen=True, slots=True)
class WordSet:
    """What one word of a routing key can be."""

    texts: frozenset[str] | None
    """None: any text, but for what the filter leaves."""
    part: str = ""
    """The placeholder that it is made of, without braces, where it is just one."""
    last_filter: str = ""
    """Of that placeholder."""

    def has(self, word: str) -> bool:
        """The word can be that."""
        if self.texts is not None:
            return word in self.texts
        if not self.part:
            return True
        text = _unescaped(word)
        # A filter changes nothing in what it made itself.
        return text is not None and (not self.last_filter or FILTERS[self.last_filter](text) == text)


@dataclass(frozen=True, slots=True)
class KeyLanguage:
    """The routing keys of one exchange's records of one source."""

    words: tuple[WordSet, ...] | None
    """None: any key at all."""

    def may_match(self, wanted: Sequence[str], *, wildcards: bool) -> bool:
        """Whether a binding key of these words can match one of the keys; `*` and `#` are wildcards or plain text."""
        if self.words is None:
            return True
        one_empty = len(self.words) == 1 and self.words[0].has("")
        if one_empty and all(word == "#" and wildcards for word in wanted):
            return True  # the empty key has no words
        reached = {0}
        for word in wanted:
            if wildcards and word == "#":
                reached = set(range(min(reached), len(self.words) + 1))
            else:
                takes_any = wildcards and word == "*"
                # A key of one word that is empty has no words, so that nothing but `#` takes it.
                reached = {
                    at + 1
                    for at in reached
                    if at < len(self.words)
                    and (_has_a_word(self.words[at], one_empty) if takes_any else self.words[at].has(word))
                    and not (one_empty and word == "")
                }
            if not reached:
                return False
        return len(self.words) in reached


def _has_a_word(word: WordSet, one_empty: bool) -> bool:
    return not one_empty or word.texts is None or word.texts != frozenset({""})


def key_language(
    template: RoutingKey | None, *, topic: str, field_of: Callable[[str], FieldType | None]
) -> KeyLanguage:
    """The language of a template; without one the record's key is the routing key, and can be anything."""
    if template is None:
        return KeyLanguage(None)
    words: list[list[str | Placeholder]] = [[]]
    for part in template.parts:
        if isinstance(part, Placeholder):
            words[-1].append(part)
            continue
        first, *rest = part.split(".")
        words[-1].append(first)
        words += [[text] for text in rest]
    return KeyLanguage(tuple(_word(word, topic, field_of) for word in words))


def _word(parts: Sequence[str | Placeholder], topic: str, field_of: Callable[[str], FieldType | None]) -> WordSet:
    parts = [part for part in parts if part != ""]
    sets = [frozenset({part}) if isinstance(part, str) else _texts(part, topic, field_of) for part in parts]
    only = parts[0] if len(parts) == 1 else None
    name, last = "", ""
    if isinstance(only, Placeholder):
        name = only.name if only.kind is PlaceholderKind.FIELD else only.kind.value
        name = f"header:{only.name}" if only.kind is PlaceholderKind.HEADER else name
        last = only.filters[-1] if only.filters else ""
    known = [each for each in sets if each is not None]
    if len(known) < len(sets) or prod(map(len, known)) > _MOST:
        return WordSet(None, name, last)
    return WordSet(frozenset(map("".join, product(*known))), name, last)


def _texts(placeholder: Placeholder, topic: str, field_of: Callable[[str], FieldType | None]) -> frozenset[str] | None:
    """What a placeholder can be, filtered and escaped; None for anything."""
    texts: set[str] | None = None
    if placeholder.kind is PlaceholderKind.TOPIC:
        texts = {topic}
    elif placeholder.kind is PlaceholderKind.FIELD and (field := field_of(placeholder.name)) is not None:
        if field.kind is Kind.ENUM:
            texts = set(field.symbols)
        elif field.kind is Kind.BOOLEAN:
            texts = {"true", "false"}
        if texts is not None and field.nullable:
            texts.add("")
    return None if texts is None else frozenset(escape_word(placeholder.filtered(text)) for text in texts)


def _unescaped(word: str) -> str | None:
    """The text that is escaped to a word; None where none is."""
    text = word.replace("%2E", ".").replace("%25", "%")
    return text if escape_word(text) == word else None
