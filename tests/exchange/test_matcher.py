"""The contract of exchange types, and how a key falls into words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.matcher import Message, Miss, in_order, message, words_of
from router.exchange.model import Binding, Destination, DestinationKind, Place


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


def binding(line: int, where: str | None = None) -> Binding:
    """A binding told by its line."""
    return Binding("x", None, Destination(DestinationKind.TOPIC, "t"), Place("f", line, 1), "team", where=where)


@pytest.mark.parametrize(
    ("where", "allowed"),
    [
        pytest.param(None, True, id="no-condition"),
        pytest.param("holds", True, id="true"),
        pytest.param("fails", False, id="false"),
        pytest.param("breaks", False, id="cannot-be-evaluated"),
        pytest.param("unknown", False, id="never-evaluated"),
    ],
)
def test_binding_is_allowed_where_its_condition_is_true(where: str | None, allowed: bool) -> None:
    """Only true is true."""
    published = Message("k", ("k",), truths={"holds": True, "fails": False, "breaks": None})
    assert published.allows(binding(1, where)) is allowed


def test_what_several_keys_found_comes_once_and_in_order() -> None:
    """Bindings that are equal in all they say are still two."""
    first, second, third, twin = bindings = (binding(1), binding(2), binding(3), binding(1))
    assert in_order(bindings, [third], [[first, third], [], [first]]) == (first, third)
    found = in_order(bindings, [twin], [[second]])
    assert [id(each) for each in found] == [id(second), id(twin)]
