"""Patterns: their normal form, and what explains that one does not match."""

from __future__ import annotations

from itertools import pairwise

import pytest
from exchange.patterns import Words, keys, naive, patterns, words
from hypothesis import given

from router.exchange.pattern import first_mismatch, normal_form


@pytest.mark.parametrize(
    ("pattern", "normal"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("a.*.b", "a.*.b", id="nothing-to-do"),
        pytest.param("#.#.#", "#", id="hashes-are-one"),
        pytest.param("#.*", "*.#", id="stars-before-hashes"),
        pytest.param("#.*.#.*", "*.*.#", id="two-words-or-more"),
        pytest.param("a.#.*.b.*.#.#", "a.*.#.b.*.#", id="each-run-by-itself"),
        pytest.param("#a.*#.#", "#a.*#.#", id="look-alikes-are-words"),
    ],
)
def test_wildcards_in_a_run_count_only(pattern: str, normal: str) -> None:
    """However they stand."""
    assert normal_form(words(pattern)) == words(normal)


@given(patterns, keys)
def test_normal_form_means_the_same(pattern: Words, key: Words) -> None:
    """And no two `#` meet in it, which is what matching relies on."""
    normal = normal_form(pattern)
    assert naive(normal, key) is naive(pattern, key)
    assert ("#", "#") not in set(pairwise(normal))
    assert normal_form(normal) == normal


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
