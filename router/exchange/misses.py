"""What kept a binding from matching, in words for people."""

from __future__ import annotations

from router.exchange.header_values import Missing
from router.exchange.matcher import ConditionMiss, HeaderMiss, Miss, RingMiss, Why

__all__ = ["in_words"]


def in_words(why: Why, *, words: int, part: str) -> str:
    """One sentence. `words`: how many the routing key has; `part`: the placeholder of the word that failed, if it is one."""
    match why:
        case Miss():
            return _key_in_words(why, words, part)
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


def _key_in_words(miss: Miss, words: int, part: str) -> str:
    if miss.word is None:
        return f"the routing key {_is(miss.actual)}; this binding wants {_wanted(miss, empty='it empty')}"
    if miss.word >= words:
        ended = f"ends after word {words}" if words else "is empty"
        return f"the routing key {ended}; this binding wants {_wanted(miss, empty='an empty word')} next"
    what = f"`{part}`" if part else f"word {miss.word + 1} of the routing key"
    if miss.wanted is None:
        return f"{what} {_is(miss.actual)}; this binding's key ends before it"
    return f"{what} {_is(miss.actual)}; this binding wants {_wanted(miss, empty='it empty')}"


def _header_in_words(miss: HeaderMiss) -> str:
    if not miss.name:
        return "it has no condition that counts, and `any` of none is never met"
    if isinstance(miss.actual, Missing):
        return f"the header '{miss.name}' is missing; this binding wants it {miss.wanted}"
    actual = "null" if miss.actual is None else f"'{miss.actual}'"
    return f"the header '{miss.name}' is {actual}; this binding wants it {miss.wanted}"


def _is(text: str) -> str:
    return f"is '{text}'" if text else "is empty"


def _wanted(miss: Miss, *, empty: str) -> str:
    return f"'{miss.wanted}'" if miss.wanted else empty
