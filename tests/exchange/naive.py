"""What exchanges do, from the rules alone: no index, no compiling, no walk in turns; slow, plain, and shared by tests.

Written from the rules' text and from nothing of the router. It knows an exchange by what a person would write down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Asked", "Bound", "Declared", "Published", "reached"]


@dataclass(frozen=True)
class Asked:
    """The arguments of a headers binding: null asks for presence."""

    x_match: str = "all"
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bound:
    """A binding: where it leads (an exchange if its name is in capitals), and what it asks."""

    to: str
    key: str | None = None
    headers: Asked | None = None
    weight: int = 1
    where: str | None = None


@dataclass(frozen=True)
class Declared:
    """An exchange. Type: direct, topic, fanout, headers, or consistent-hash."""

    type: str
    bindings: Sequence[Bound] = ()
    alternate: str | None = None
    cc: bool = False
    first_only: bool = False


@dataclass(frozen=True)
class Published:
    """A message. Headers have types if `typed`, else they are texts or null."""

    key: str = ""
    headers: Mapping[str, Any] = field(default_factory=dict)
    typed: bool = False
    truths: Mapping[str, bool | None] = field(default_factory=dict)


Exchanges = Mapping[str, Declared]


def reached(
    exchanges: Exchanges,
    start: str,
    message: Published,
    *,
    topics: Sequence[str] = (),
    chosen: Mapping[str, str] | None = None,
) -> set[str]:
    """The topics that get a copy, and the exchanges that see the message. `topics` are what the default exchange knows.

    A set is one copy a topic (rule 1), and a set that grows visits no exchange twice (rule 2). Which of its destinations a
    consistent-hash exchange chooses is its own affair, and told by `chosen`.
    """
    if start == "":  # rule 5: the default exchange leads to what is named, and has no alternate
        return {key for key in keys_of(message, cc=True) if key in topics}
    names = {start}
    while True:
        found = [ways_on(exchanges, name, start, message, chosen or {}) for name in names if is_exchange(name)]
        longer = names.union(*found)
        if longer == names:
            return names
        names = longer


def is_exchange(name: str) -> bool:
    """Exchanges have names in capitals."""
    return name.isupper()


def ways_on(exchanges: Exchanges, name: str, start: str, message: Published, chosen: Mapping[str, str]) -> set[str]:
    """Where one exchange hands a message: what its bindings that match lead to, else its alternate (rule 3)."""
    exchange = exchanges[name]
    took_bcc = exchanges[start].cc
    matched = [each for each in exchange.bindings if matches(exchange, each, message, took_bcc)]
    matched = [each for each in matched if each.where is None or message.truths.get(each.where) is True]
    if not matched:
        alternate = exchange.alternate
        exists = alternate is not None and (not is_exchange(alternate) or alternate in exchanges)
        return {alternate} if alternate is not None and exists else set()
    if exchange.type == "consistent-hash":
        (choice,) = {each.to for each in matched if each.to == chosen[name]}
        return {choice}
    return {each.to for each in (matched[:1] if exchange.first_only else matched)}


def matches(exchange: Declared, binding: Bound, message: Published, took_bcc: bool) -> bool:
    """Whether the binding takes the message, its condition aside."""
    match exchange.type:
        case "direct":
            return binding.key is None or binding.key in keys_of(message, cc=exchange.cc and took_bcc)
        case "topic":
            pattern = words("#" if binding.key is None else binding.key)
            return any(fits(pattern, words(key)) for key in keys_of(message, cc=exchange.cc and took_bcc))
        case "headers":
            return headers_match(binding.headers or Asked(), message, took_bcc)
        case _:
            return True


def keys_of(message: Published, *, cc: bool) -> list[str]:
    """Rule 6: the routing key, and those of CC and BCC; what is no text in a list is ignored."""
    keys = [message.key]
    for name in ("CC", "BCC") if cc else ():
        listed = message.headers.get(name)
        keys += [key for key in listed if isinstance(key, str)] if isinstance(listed, list) else []
    return keys


def words(key: str) -> list[str]:
    """Rule 8: the empty key has no words, while dots always stand between two."""
    return key.split(".") if key else []


def fits(pattern: list[str], given: list[str]) -> bool:
    """Rules 8 to 10."""
    if not pattern:
        return not given
    first, *rest = pattern
    if first == "#":
        return any(fits(rest, given[skipped:]) for skipped in range(len(given) + 1))
    return bool(given) and first in ("*", given[0]) and fits(rest, given[1:])


def headers_match(asked: Asked, message: Published, took_bcc: bool) -> bool:
    """Rules 11 to 14."""
    met = []
    for name, wanted in asked.values.items():
        if name == "x-match" or (name.startswith("x-") and not asked.x_match.endswith("-with-x")):
            continue  # rule 12
        there = name in message.headers and not (name == "BCC" and took_bcc)
        if wanted is None:
            met.append(there)  # rule 14
        else:
            met.append(there and equal(wanted, message.headers[name], typed=message.typed))
    return all(met) if asked.x_match.startswith("all") else any(met)  # with nothing left, rule 13


def equal(wanted: Any, given: Any, *, typed: bool) -> bool:
    """Rule 15 where headers have types; else the given bytes are the wanted value's text."""
    if given is None:
        return False
    if not typed:
        return bool(text(wanted) == given)
    numbers = [each for each in (wanted, given) if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) == 2:
        return bool(wanted == given)
    if wanted in ([], {}) and given in ([], {}):
        return True  # the one pair of types that RabbitMQ does not tell apart, as it was seen to do
    return alike(wanted, given)


def alike(one: Any, other: Any) -> bool:
    """Inside a list types count, and a table is a list of pairs."""
    if isinstance(one, dict) and isinstance(other, dict):
        return alike([list(pair) for pair in one.items()], [list(pair) for pair in other.items()])
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(*pair) for pair in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)


def text(value: Any) -> str:
    """A binding's value as YAML and JSON write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ",".join(f'"{each}"' if isinstance(each, str) else text(each) for each in value) + "]"
    return str(value)
