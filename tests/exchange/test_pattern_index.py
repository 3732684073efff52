"""Topic patterns: RabbitMQ's rules 8 to 10, and agreement with a matcher that has nothing clever in it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from exchange.patterns import Words, keys, naive, patterns, words
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.pattern import first_mismatch
from router.exchange.pattern_index import PatternIndex


def index_of(given_patterns: Sequence[Words], *, block: int = 2_048) -> PatternIndex[int]:
    """An index in which each pattern's value is its number."""
    index: PatternIndex[int] = PatternIndex(block=block)
    for number, pattern in enumerate(given_patterns):
        assert index.add(pattern, number) == number
    return index


def assert_matches(pattern: str, key: str, expected: bool) -> None:
    """The index, the explanation and the definition all say so."""
    index = index_of([words(pattern)])
    assert index.match(words(key)) == ((0,) if expected else ())
    assert (first_mismatch(words(pattern), words(key)) is None) is expected
    assert naive(words(pattern), words(key)) is expected


class TestRule8EmptyKey:
    """The empty key has no words, but words can be empty."""

    @pytest.mark.parametrize("pattern", ["", "#", "#.#", "#.#.#"])
    def test_empty_key_matches_what_wants_no_word(self, pattern: str) -> None:
        """The empty pattern and any number of `#`."""
        assert_matches(pattern, "", expected=True)

    @pytest.mark.parametrize("pattern", ["*", "#.*", "*.#", "a", ".", "#.a.#"])
    def test_empty_key_does_not_match_what_wants_a_word(self, pattern: str) -> None:
        """`*` wants one, be it empty; `.` wants two that are."""
        assert_matches(pattern, "", expected=False)

    @pytest.mark.parametrize("key", ["a", ".", "a.b"])
    def test_empty_pattern_matches_only_the_empty_key(self, key: str) -> None:
        """It has no words either."""
        assert_matches("", key, expected=False)

    @pytest.mark.parametrize(
        ("pattern", "key"),
        [
            pytest.param("a.*.b", "a..b", id="in-the-middle"),
            pytest.param("a.*", "a.", id="last"),
            pytest.param("*.", "a.", id="an-empty-word-in-the-pattern"),
            pytest.param("*.*", ".", id="two-of-them"),
            pytest.param("a..b", "a..b", id="literally"),
        ],
    )
    def test_star_matches_an_empty_word(self, pattern: str, key: str) -> None:
        """An empty word is a word."""
        assert_matches(pattern, key, expected=True)

    @pytest.mark.parametrize(
        ("pattern", "key"),
        [
            pytest.param("a", "a.", id="empty-last-word"),
            pytest.param("a.b", "a..b", id="empty-middle-word"),
            pytest.param("*", ".", id="two-empty-words"),
        ],
    )
    def test_empty_word_is_not_nothing(self, pattern: str, key: str) -> None:
        """It has to be matched by something."""
        assert_matches(pattern, key, expected=False)


class TestRule9Hash:
    """`#` is zero or more words at any place."""

    @pytest.mark.parametrize(
        ("pattern", "key"),
        [
            pytest.param("a.#", "a", id="none-at-the-end"),
            pytest.param("#.a", "a", id="none-at-the-start"),
            pytest.param("a.#.b", "a.b", id="none-in-the-middle"),
            pytest.param("#.a.#", "a", id="none-on-both-sides"),
            pytest.param("#.a.#", "x.y.a.z", id="some-on-both-sides"),
            pytest.param("a.#.b", "a.b.b", id="as-many-as-needed"),
            pytest.param("a.#.b.#.c", "a.b.x.b.c.c", id="twice"),
            pytest.param("#.*", "a", id="at-least-one-word"),
            pytest.param("*.#", "a.b", id="at-least-one-word-the-other-way"),
            pytest.param("#", "a.b.c.d.e.f", id="everything"),
            pytest.param("a.#", "a.", id="an-empty-word"),
        ],
    )
    def test_hash_takes_any_number_of_words(self, pattern: str, key: str) -> None:
        """None, one or many."""
        assert_matches(pattern, key, expected=True)

    @pytest.mark.parametrize(
        ("pattern", "key"),
        [
            pytest.param("a.#", "b.a", id="wrong-start"),
            pytest.param("#.a", "a.b", id="wrong-end"),
            pytest.param("a.#.b", "a", id="shared-word"),
            pytest.param("a.#.a", "a", id="one-word-is-not-both-ends"),
            pytest.param("*.#.*", "a", id="at-least-two-words"),
        ],
    )
    def test_words_beside_hash_are_still_wanted(self, pattern: str, key: str) -> None:
        """`#` replaces no other word."""
        assert_matches(pattern, key, expected=False)

    @given(st.lists(st.sampled_from(["a", "b", ""]), max_size=5))
    def test_equal_patterns_match_equal_keys(self, key: list[str]) -> None:
        """`#.#` is `#`, and `#.*` is `*.#`."""
        index = index_of([("#", "#"), ("#",), ("#", "*"), ("*", "#")])
        assert index.match(key) == ((0, 1, 2, 3) if key else (0, 1))


class TestRule10WholeWords:
    """Wildcards are whole words of a pattern, and nothing in a key is one."""

    @pytest.mark.parametrize("pattern", ["a*", "#a", "**", "*#", "##"])
    def test_look_alikes_are_literals(self, pattern: str) -> None:
        """They match themselves only."""
        assert_matches(pattern, pattern, expected=True)
        assert_matches(pattern, "ab", expected=False)
        assert_matches(pattern, "a", expected=False)
        assert_matches(pattern, "a.b", expected=False)

    @pytest.mark.parametrize(
        ("pattern", "key", "expected"),
        [
            pytest.param("a.b", "a.*", False, id="star-in-a-key"),
            pytest.param("a.b", "a.#", False, id="hash-in-a-key"),
            pytest.param("a", "#.a", False, id="hash-in-a-key-is-a-word"),
            pytest.param("*", "#", True, id="star-takes-a-hash"),
            pytest.param("a.*", "a.*", True, id="star-takes-a-star"),
            pytest.param("#.*.x", "*.x", True, id="both"),
        ],
    )
    def test_wildcards_in_a_key_are_plain_text(self, pattern: str, key: str, expected: bool) -> None:
        """A message cannot ask for more than it was sent for."""
        assert_matches(pattern, key, expected)

    def test_case_matters(self) -> None:
        """Keys are compared character for character."""
        assert_matches("ru.paid", "RU.paid", expected=False)


@given(st.lists(patterns, max_size=8), st.lists(keys, min_size=1, max_size=8), st.sampled_from([1, 2, 3, 2_048]))
def test_index_agrees_with_the_definition(given_patterns: list[Words], given_keys: list[Words], block: int) -> None:
    """Each pattern that matches once and in the order of adding, in however many blocks they stand."""
    index = index_of(given_patterns, block=block)
    for key in given_keys:
        expected = tuple(number for number, pattern in enumerate(given_patterns) if naive(pattern, key))
        assert index.match(key) == expected


@given(st.lists(patterns, min_size=1, max_size=8), st.lists(keys, min_size=1, max_size=4), st.data())
def test_patterns_come_and_go(given_patterns: list[Words], given_keys: list[Words], data: st.DataObject) -> None:
    """What was taken out matches no more, and what is added then does."""
    index = index_of(given_patterns, block=3)
    there = dict(enumerate(given_patterns))
    for gone in data.draw(st.lists(st.sampled_from(sorted(there)), unique=True)):
        index.match(given_keys[0])
        index.remove(gone)
        del there[gone]
    for pattern in data.draw(st.lists(patterns, max_size=3)):
        number = index.add(pattern, 100 + len(there))
        there[number] = pattern
    for key in given_keys:
        assert len(index.match(key)) == sum(naive(pattern, key) for pattern in there.values())
        assert {each for each in index.match(key) if each < 100} == {
            number for number, pattern in there.items() if number < len(given_patterns) and naive(pattern, key)
        }


def test_patterns_may_be_added_after_matching() -> None:
    """What was found before does not hide them."""
    index = index_of([("a", "*")])
    assert index.match(("a", "b")) == (0,)
    index.add(("a", "b"), 1)
    index.add(("#",), 2)
    assert index.match(("a", "b")) == (0, 1, 2)


def test_same_pattern_twice_gives_both_values() -> None:
    """Two bindings with one key are two bindings."""
    assert index_of([("a",), ("b",), ("a",)]).match(("a",)) == (0, 2)


def test_no_patterns_match_nothing() -> None:
    """Not even the empty key."""
    assert index_of([]).match(()) == ()
    assert index_of([]).match(("a",)) == ()


def test_thousands_of_patterns_with_words_of_their_own_stay_small() -> None:
    """Sets are kept a block for each word, so that memory does not grow with the square of the patterns."""
    index = index_of([(f"a{number}", "*", f"b{number}") for number in range(6_000)])
    assert index.match(("a4711", "x", "b4711")) == (4_711,)
    assert index.match(("a4711", "x", "b4712")) == ()
    assert len(index._blocks) == 3
