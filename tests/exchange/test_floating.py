"""Patterns with several `#`, all at once."""

from __future__ import annotations

from exchange.patterns import Words, keys, naive, patterns
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.floating import FloatingPatterns
from router.exchange.pattern import normal_form

normal = patterns.map(normal_form)


def of(given_patterns: list[Words]) -> FloatingPatterns:
    """Each under its place in the list."""
    made = FloatingPatterns()
    for number, pattern in enumerate(given_patterns):
        made.add(pattern, number)
    return made


@given(st.lists(normal, max_size=10), st.lists(keys, min_size=1, max_size=6))
def test_they_match_as_defined(given_patterns: list[Words], given_keys: list[Words]) -> None:
    """However many `#` they have: those with one or none are only found faster elsewhere."""
    made = of(given_patterns)
    for key in [*given_keys, *given_keys]:
        assert made.match(key) == [number for number, each in enumerate(given_patterns) if naive(each, key)]


@given(st.lists(normal, min_size=1, max_size=6), st.data(), keys)
def test_what_is_removed_matches_no_more(given_patterns: list[Words], data: st.DataObject, key: Words) -> None:
    """The others still do, and what is added later as well."""
    made = of(given_patterns)
    gone = data.draw(st.integers(0, len(given_patterns) - 1))
    made.match(key)
    made.remove(gone)
    made.add(given_patterns[gone], 100)
    matching = [number for number, each in enumerate(given_patterns) if naive(each, key)]
    expected = [number for number in matching if number != gone] + [100] * (gone in matching)
    assert made.match(key) == expected


def test_there_is_something_or_nothing_to_match() -> None:
    """A block without such patterns asks no further."""
    made = FloatingPatterns()
    assert not made
    made.add(("#", "a", "#"), 0)
    assert made
    made.remove(0)
    assert not made


def test_unheard_words_are_not_remembered() -> None:
    """An order's number in a routing key costs no memory."""
    made = of([("#", "a", "#", "b")])
    for number in range(500):
        assert made.match((f"order-{number}", "a", "b")) == [0]
    assert set(made._taking) == {"a", "b"}
