"""Patterns with at most one `#`, all at once."""

from __future__ import annotations

from exchange.patterns import Words, keys, naive, patterns, words
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.anchored import AnchoredPatterns
from router.exchange.bit_sets import members
from router.exchange.pattern import normal_form

anchored = patterns.map(normal_form).filter(lambda pattern: pattern.count("#") < 2)


def of(given_patterns: list[Words]) -> AnchoredPatterns:
    """Each under its place in the list."""
    made = AnchoredPatterns()
    for number, pattern in enumerate(given_patterns):
        made.add(pattern, number)
    return made


@given(st.lists(anchored, max_size=10), st.lists(keys, min_size=1, max_size=6))
def test_they_match_as_defined(given_patterns: list[Words], given_keys: list[Words]) -> None:
    """All of them, for keys of any length."""
    made = of(given_patterns)
    for key in given_keys:
        assert members(made.match(key)) == [number for number, each in enumerate(given_patterns) if naive(each, key)]


@given(st.lists(anchored, min_size=1, max_size=6), anchored, keys)
def test_removing_is_as_if_it_had_never_been_added(rest: list[Words], gone: Words, key: Words) -> None:
    """Whatever was asked meanwhile; no word of it is left either."""
    made = of([*rest, gone])
    made.match(key)
    made.remove(gone, len(rest))
    assert made.match(key) == of(rest).match(key)
    assert [table for table, _ in made._starts] == [table for table, _ in of_tables(rest)._starts]


def of_tables(given_patterns: list[Words]) -> AnchoredPatterns:
    """The same with its tables made."""
    made = of(given_patterns)
    made.match(())
    return made


def test_word_is_not_counted_from_both_ends() -> None:
    """`a.#.a` needs two words, and a key of one has its only word at both ends."""
    made = of([words("a.#.a")])
    assert made.match(("a",)) == 0
    assert made.match(("a", "a")) == 1


def test_long_keys_meet_the_open_patterns_only() -> None:
    """A key with more words than any pattern has is matched by those with `#`."""
    made = of([words("a.b"), words("a.#"), words("#.z")])
    assert members(made.match(("a", *"bcdefghijkl", "z"))) == [1, 2]
