"""What kept a binding from matching, in words for people."""

from __future__ import annotations

from collections.abc import Sequence

from router.exchange.header_values import Missing
from router.exchange.matcher import ConditionMiss, HeaderMiss, Miss, RingMiss, Why

__all__ = ["in_words"]

_NAMED = 10
"""So many wishes are named; of more, the rest is counted."""


def in_words(why: Why, *, words: int, part: str, also: Sequence[str] = ()) -> str:
    """One sentence.

    `words`: how many the routing key has; `part`: the placeholder of the word that failed, if it is one; `also`: what the
    binding's other keys, which failed at the same word, want there.
    """
    match why:
        case Miss():
            return _key_in_words(why, words, part, also)
        case HeaderMiss():
            return _header_in_words(why)
        case RingMiss(owner=owner):
            return f"its share of the ring has other messages: this one belongs to {owner.destination if owner else 'nobody'}"
        case ConditionMiss(where=where, failed=True):
            return f"`{where}` cannot be evaluated on this record"
        case ConditionMiss(where=where):
            return f"`{where}` is false"
        case _:
            return f"the exchange takes the first match only, which is {why.by.place.file}:{why.by.place.line}"


def _key_in_words(miss: Miss, words: int, part: str, also: Sequence[str]) -> str:
    wanted = [each for each in (miss.wanted, *also) if each is not None]
    if miss.word is None:
        return f"the routing key {_is(miss.actual)}; this binding wants {_any_of(wanted, empty='it empty')}"
    if miss.word >= words:
        ended = f"ends after word {words}" if words else "is empty"
        return f"the routing key {ended}; this binding wants {_any_of(wanted, empty='an empty word')} next"
    what = f"`{part}`" if part else f"word {miss.word + 1} of the routing key"
    if miss.wanted is None:
        return f"{what} {_is(miss.actual)}; this binding's key ends before it"
    return f"{what} {_is(miss.actual)}; this binding wants {_any_of(wanted, empty='it empty')}"


def _header_in_words(miss: HeaderMiss) -> str:
    if not miss.name:
        return "it has no condition that counts, and `any` of none is never met"
    if isinstance(miss.actual, Missing):
        return f"the header `{miss.name}` is missing; this binding wants it {miss.wanted}"
    actual = "null" if miss.actual is None else f"`{miss.actual}`"
    return f"the header `{miss.name}` is {actual}; this binding wants it {miss.wanted}"


def _is(text: str) -> str:
    return f"is `{text}`" if text else "is empty"


def _any_of(wanted: Sequence[str], *, empty: str) -> str:
    named = [f"`{each}`" if each else empty for each in dict.fromkeys(wanted)]
    if len(named) > _NAMED:
        named[_NAMED:] = [f"{len(named) - _NAMED} others"]
    *most, last = named
    return f"{', '.join(most)} or {last}" if most else last
