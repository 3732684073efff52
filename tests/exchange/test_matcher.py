"""The contract of exchange types, and how a key falls into words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.matcher import Message, Miss, message, words_of


class TestRule8EmptyKey:
    """The empty key has no words; a dot makes two, empty or not."""

    @pytest.mark.parametrize(
        ("key", "words"),
        [
            pytest.param("", (), id="empty"),
            pytest.param(".", ("", ""), id="a-dot"),
            pytest.param("..", ("", "", ""), id="two-dots"),
            pytest.param("a", ("a",), id="one-word"),
            pytest.param("a.", ("a", ""), id="empty-last"),
            pytest.param(".a", ("", "a"), id="empty-first"),
            pytest.param("a..b", ("a", "", "b"), id="empty-in-the-middle"),
            pytest.param("#.*", ("#", "*"), id="wildcards-are-words-too"),
        ],
    )
    def test_words_stand_between_dots(self, key: str, words: tuple[str, ...]) -> None:
        """As RabbitMQ splits, which is Python's split but for the empty key."""
        assert words_of(key) == words

    @given(st.text("a.*#", max_size=8))
    def test_words_joined_are_the_key(self, key: str) -> None:
        """Splitting loses nothing."""
        assert ".".join(words_of(key)) == key


def test_message_is_its_key_and_the_words_of_it() -> None:
    """Exchanges that compare whole keys and those that compare words read the same message."""
    assert message("RU.paid") == Message("RU.paid", ("RU", "paid"))


def test_miss_tells_an_empty_word_from_the_end_of_a_binding_key() -> None:
    """A binding key can want an empty word, which is not the same as wanting no more words."""
    assert Miss(1, "paid", "") != Miss(1, "paid", None)
