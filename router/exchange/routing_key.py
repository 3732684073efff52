"""Routing keys that are made from a record: a template of words, some of which are placeholders.

    {country}.{status}          fields of the value, dotted where nested: {customer.tier}
    {header:NAME}  {key}  {topic}   a header's value, the record's key, the source's topic
    {country|lower}             filters, applied from left to right: lower, upper, trim
    {{ and }}                   a brace of its own

One placeholder is (part of) one word. A dot inside a value would make two words of it, so it is written `%2E`, and so
that different values stay different a percent sign is written `%25`. Null, and a header that is not there, are empty.
The key is text in the end: a template of one placeholder that is null gives the empty key, which has no words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "FILTERS",
    "MalformedRoutingKey",
    "Placeholder",
    "PlaceholderKind",
    "RoutingKey",
    "escape_word",
    "parse_routing_key",
]


class PlaceholderKind(StrEnum):
    """Where a placeholder's value comes from."""

    FIELD = "field"
    HEADER = "header"
    KEY = "key"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One `{…}` of a template."""

    kind: PlaceholderKind
    name: str
    """The field's dotted path or the header's name; empty for the key and the topic."""
    position: int
    """Where the brace opens, in characters from the template's start."""
    filters: tuple[str, ...] = ()
    """What is done to the value's text, from left to right."""

    def filtered(self, text: str) -> str:
        """The value's text after all filters."""
        for name in self.filters:
            text = FILTERS[name](text)
        return text


FILTERS: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "trim": str.strip}
"""By name, what a placeholder may do to its value: Unicode's case mappings, and taking off white space at both ends."""


class MalformedRoutingKey(ValueError):
    """A template cannot be parsed; `position` counts characters from its start."""

    def __init__(self, *, position: int, problem: str) -> None:
        super().__init__(position, problem)
        self.position = position
        self.problem = problem

    def __str__(self) -> str:
        return self.problem


@dataclass(frozen=True, slots=True)
class RoutingKey:
    """A parsed template: literal texts and placeholders in turn."""

    text: str
    parts: tuple[str | Placeholder, ...]

    @property
    def placeholders(self) -> tuple[Placeholder, ...]:
        """The placeholders in order, repeats included."""
        return tuple(part for part in self.parts if isinstance(part, Placeholder))

    def render(self, value_of: Callable[[Placeholder], str]) -> str:
        """The routing key of a record; `value_of` gives a placeholder's value as text, which is escaped here."""
        return "".join(
            part if isinstance(part, str) else escape_word(part.filtered(value_of(part))) for part in self.parts
        )


def escape_word(text: str) -> str:
    """The text as one word: no dot is left in it, and no two texts give the same word."""
    return text.replace("%", "%25").replace(".", "%2E")


_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_TOKEN = re.compile(r"\{\{|\}\}|\{|\}")


def parse_routing_key(text: str) -> RoutingKey:
    """Parse a template; raises MalformedRoutingKey with the position of the first fault."""
    return RoutingKey(text, tuple(_merged(_parts(text))))


def _parts(text: str) -> Iterator[str | Placeholder]:
    position = 0
    while found := _TOKEN.search(text, position):
        start = found.start()
        yield text[position:start]
        match found.group():
            case "{{":
                yield "{"
                position = start + 2
            case "}}":
                yield "}"
                position = start + 2
            case "}":
                raise MalformedRoutingKey(
                    position=start, problem="'}' closes nothing: write '}}' for a brace of its own"
                )
            case _:
                end = text.find("}", start)
                if end < 0:
                    raise MalformedRoutingKey(position=start, problem="'{' is never closed")
                yield _placeholder(text[start + 1 : end], start)
                position = end + 1
    yield text[position:]


def _placeholder(text: str, position: int) -> Placeholder:
    name, *filters = text.split("|")
    for each in filters:
        if each not in FILTERS:
            raise MalformedRoutingKey(
                position=position, problem=f"'{each}' is no filter: there are {', '.join(FILTERS)}"
            )
    kind, name = _named(name, position)
    return Placeholder(kind, name, position, tuple(filters))


def _named(name: str, position: int) -> tuple[PlaceholderKind, str]:
    if name == "key":
        return PlaceholderKind.KEY, ""
    if name == "topic":
        return PlaceholderKind.TOPIC, ""
    kind, colon, rest = name.partition(":")
    if colon:
        if kind != "header":
            raise MalformedRoutingKey(position=position, problem=f"'{kind}:' is not known: only '{{header:NAME}}' is")
        if not rest:
            raise MalformedRoutingKey(position=position, problem="'{header:}' names no header")
        return PlaceholderKind.HEADER, rest
    name = name.removeprefix("record.") if name in ("record.key", "record.topic") else name
    if not _FIELD.fullmatch(name):
        problem = f"'{{{name}}}' is not a field's path: letters, digits and '_', nested with dots"
        raise MalformedRoutingKey(position=position, problem=problem)
    return PlaceholderKind.FIELD, name


def _merged(parts: Iterator[str | Placeholder]) -> Iterator[str | Placeholder]:
    literal = ""
    for part in parts:
        if isinstance(part, str):
            literal += part
            continue
        if literal:
            yield literal
            literal = ""
        yield part
    if literal:
        yield literal
