"""Which binding keys match whatever others do."""

from __future__ import annotations

from itertools import product

import pytest

from router.exchange.matcher import message, words_of
from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, Place
from router.exchange.topic import TopicMatcher
from router.language.pattern_cover import covering, covers

PLACE = Place("f", 1, 1)
PATTERNS = [words for count in range(4) for words in product(("a", "b", "*", "#"), repeat=count)]
KEYS = [".".join(words) for count in range(5) for words in product("abc", repeat=count)]


def matched(pattern: tuple[str, ...]) -> frozenset[str]:
    """Return the keys that a topic exchange matches."""
    binding = Binding("x", ".".join(pattern), Destination(DestinationKind.TOPIC, "t"), PLACE, "team")
    matcher = TopicMatcher(Exchange("x", ExchangeType.TOPIC, (binding,), None, PLACE, "team"))
    return frozenset(key for key in KEYS if matcher.match(message(key)))


def test_covering_agrees_with_matching_every_key() -> None:
    """All pairs of patterns of up to three words, over all keys of up to four."""
    languages = {pattern: matched(pattern) for pattern in PATTERNS}
    wrong = [
        (wide, narrow)
        for wide, narrow in product(PATTERNS, repeat=2)
        if covers(wide, narrow) != (languages[narrow] <= languages[wide])
    ]
    assert wrong == []


def test_what_takes_too_long_is_not_said_to_cover() -> None:
    """Telling the sixteenth word from the end takes sets of states beyond number: such a key is left alone."""
    endless = ("#", "a", *["*"] * 15)
    assert not covers(endless, endless)


@pytest.mark.parametrize(
    ("keys", "pairs"),
    [
        pytest.param(["a.b", "a.*"], [(0, 1)], id="a literal under a wildcard"),
        pytest.param(["#", "a"], [(1, 0)], id="all"),
        pytest.param(["#.*", "*.#"], [(1, 0)], id="the later of two that are the same"),
        pytest.param(["a.b", "a.b"], [], id="duplicates are another's matter"),
        pytest.param(["a.#", "a.*.#", "a.*.b"], [(1, 0), (2, 0)], id="each by the first that covers it"),
        pytest.param(["a.*", "*.b"], [], id="an overlap covers nothing"),
        pytest.param(["x.#", "a.b"], [], id="other literals"),
    ],
)
def test_each_covered_key_is_found_once(keys: list[str], pairs: list[tuple[int, int]]) -> None:
    """With the first that covers it."""
    assert list(covering([words_of(key) for key in keys])) == pairs
