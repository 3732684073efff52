"""Topic patterns: RabbitMQ's rules 8 to 10, and agreement with a matcher that has nothing clever in it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.trie import Trie, first_mismatch

Words = tuple[str, ...]


def words(key: str) -> Words:
    """A key's words; the empty key has none."""
    return tuple(key.split(".")) if key else ()


def naive(pattern: Sequence[str], key: Sequence[str]) -> bool:
    """The definition, word by word: `#` takes none or takes one and stays."""
    if not pattern:
        return not key
    if pattern[0] == "#":
        return naive(pattern[1:], key) or (bool(key) and naive(pattern, key[1:]))
    return bool(key) and pattern[0] in ("*", key[0]) and naive(pattern[1:], key[1:])


def trie_of(patterns: Sequence[Words], *, max_transitions: int = 1_000) -> Trie[int]:
    """A trie in which each pattern's value is its number."""
    trie: Trie[int] = Trie(max_transitions=max_transitions)
    for number, pattern in enumerate(patterns):
        trie.add(pattern, number)
    return trie


def assert_matches(pattern: str, key: str, expected: bool) -> None:
    """The trie, the explanation and the definition all say so."""
    trie = trie_of([words(pattern)])
    assert trie.match(words(key)) == ((0,) if expected else ())
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
        trie = trie_of([("#", "#"), ("#",), ("#", "*"), ("*", "#")])
        assert trie.match(key) == ((0, 1, 2, 3) if key else (0, 1))


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


# Few words, so that patterns meet keys; with look-alikes, wildcards in keys, empty words and one that no pattern has.
LITERALS = ["a", "b", "", "a*", "#a", "**", "*#"]
patterns = st.lists(st.sampled_from([*LITERALS, "*", "#", "#"]), max_size=6).map(tuple)
keys = st.lists(st.sampled_from([*LITERALS, "*", "#", "unheard"]), max_size=7).map(tuple)


@given(st.lists(patterns, max_size=8), st.lists(keys, min_size=1, max_size=8), st.sampled_from([0, 1, 2, 5, 1_000]))
def test_trie_agrees_with_the_definition(given_patterns: list[Words], given_keys: list[Words], kept: int) -> None:
    """Each pattern that matches once and in the order of adding, whatever was forgotten meanwhile."""
    trie = trie_of(given_patterns, max_transitions=kept)
    for key in [*given_keys, *given_keys]:
        expected = tuple(number for number, pattern in enumerate(given_patterns) if naive(pattern, key))
        assert trie.match(key) == expected


@given(patterns, keys)
def test_nothing_mismatches_exactly_where_it_matches(pattern: Words, key: Words) -> None:
    """What explains a decision agrees with what decides."""
    assert (first_mismatch(pattern, key) is None) is naive(pattern, key)


@given(patterns, keys)
def test_mismatch_is_where_no_reading_gets_further(pattern: Words, key: Words) -> None:
    """The words before it begin some key that matches, those with it do not; what is wanted there gets one further."""
    found = first_mismatch(pattern, key)
    if found is None:
        return
    index, wanted = found
    beginnings = [pattern[:length] for length in range(len(pattern) + 1)]
    assert any(naive(beginning, key[:index]) for beginning in beginnings)
    assert index == len(key) or not any(naive(beginning, key[: index + 1]) for beginning in beginnings)
    if wanted is None:
        assert naive(pattern, key[:index])
    else:
        assert any(naive(beginning, (*key[:index], wanted)) for beginning in beginnings)


def test_patterns_may_be_added_after_matching() -> None:
    """What was found before does not hide them."""
    trie = trie_of([("a", "*")])
    assert trie.match(("a", "b")) == (0,)
    trie.add(("a", "b"), 1)
    trie.add(("#",), 2)
    assert trie.match(("a", "b")) == (0, 1, 2)


def test_same_pattern_twice_gives_both_values() -> None:
    """Two bindings with one key are two bindings."""
    assert trie_of([("a",), ("b",), ("a",)]).match(("a",)) == (0, 2)


def test_no_patterns_match_nothing() -> None:
    """Not even the empty key."""
    assert trie_of([]).match(()) == ()
    assert trie_of([]).match(("a",)) == ()


def test_unheard_words_share_their_transitions() -> None:
    """An order's number in a routing key costs no memory: what is kept does not grow with the keys."""
    trie = trie_of([("a", "*", "#"), ("#", "b")])
    for number in range(500):
        assert trie.match(("a", f"order-{number}", "b")) == (0, 1)
    assert trie._transitions == 3


def test_transitions_are_bounded() -> None:
    """Past the bound all are forgotten, and answers stay what they were."""
    trie = trie_of([("#", str(number)) for number in range(10)], max_transitions=7)
    for number in range(10):
        for other in range(10):
            assert trie.match((str(number), str(other))) == (other,)
            assert trie._transitions <= 7


def test_states_are_bounded_in_size_as_well() -> None:
    """Patterns with many `#` keep many nodes alive in each state, so the states' nodes count too."""
    names = [str(number) for number in range(200)]
    trie = trie_of([("#", name, "#", "end") for name in names], max_transitions=150)
    largest = 0
    for last in range(0, 200, 20):
        assert trie.match((*names[: last + 1], "end")) == tuple(range(last + 1))
        largest = max(largest, trie._nodes)
    assert 0 < largest < 150 * 32 + 2 * 200
    assert trie._transitions < 150


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        pytest.param("a.b.c", "a.x.c", (1, "b"), id="word"),
        pytest.param("a.b", "a", (1, "b"), id="key-too-short"),
        pytest.param("a", "a.b", (1, None), id="key-too-long"),
        pytest.param("", "a", (0, None), id="empty-pattern"),
        pytest.param("a", "", (0, "a"), id="empty-key"),
        pytest.param("*.b", "a.x", (1, "b"), id="past-a-star"),
        pytest.param("*", "", (0, "*"), id="star-wants-a-word"),
        pytest.param("a.", "a.x", (1, ""), id="empty-word-is-wanted"),
        pytest.param("a.#.b", "x", (0, "a"), id="before-a-hash"),
        pytest.param("a.#.b", "a.x.y", (3, "b"), id="hash-takes-what-it-can"),
        pytest.param("#.a.#.b", "x.a", (2, "b"), id="the-reading-that-got-furthest"),
        pytest.param("a.#", "b", (0, "a"), id="hash-at-the-end"),
    ],
)
def test_mismatch_names_word_and_wish(pattern: str, key: str, expected: tuple[int, str | None]) -> None:
    """The first word that fails in the reading that gets furthest, and what the pattern wants there."""
    assert first_mismatch(words(pattern), words(key)) == expected
