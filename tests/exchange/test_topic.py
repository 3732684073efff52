"""The topic exchange; the rules of its patterns are in test_pattern_index.py."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.matcher import Message, Miss, message, words_of
from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, Place
from router.exchange.topic import TopicMatcher


def bound(keys: Sequence[str | None]) -> tuple[Binding, ...]:
    """A binding a key, each on a line of its own."""
    return tuple(
        Binding("x", key, Destination(DestinationKind.TOPIC, "t"), Place("f", line, 1), "team")
        for line, key in enumerate(keys, 1)
    )


def matcher(bindings: tuple[Binding, ...], *, cc: bool = False) -> TopicMatcher:
    """The exchange with these bindings."""
    return TopicMatcher(Exchange("x", ExchangeType.TOPIC, bindings, None, Place("f", 1, 1), "team", cc=cc))


def with_further(routing_key: str, *further: str) -> Message:
    """A message whose headers CC and BCC bring further keys."""
    return Message(routing_key, words_of(routing_key), further=tuple((key, words_of(key)) for key in further))


def test_bindings_that_match_come_in_declared_order() -> None:
    """A decision reads like the route files; a repeated pattern is two bindings."""
    bindings = bound(["RU.*", "#.paid", "KZ.*", "RU.*"])
    assert [each.place.line for each in matcher(bindings).match(message("RU.paid"))] == [1, 2, 4]


@pytest.mark.parametrize("routing_key", ["", ".", "a", "a.b.c"])
def test_binding_without_key_takes_every_message(routing_key: str) -> None:
    """As `#` does, the empty key included."""
    bindings = bound([None])
    assert matcher(bindings).match(message(routing_key)) == bindings


class TestRule8EmptyKey:
    """The empty key has no words."""

    @pytest.mark.parametrize(
        ("key", "matches"),
        [
            pytest.param("", True, id="empty"),
            pytest.param("#", True, id="hash"),
            pytest.param("#.#.#", True, id="hashes"),
            pytest.param("*", False, id="star"),
            pytest.param(".", False, id="two-empty-words"),
        ],
    )
    def test_empty_key_matches_what_wants_no_word(self, key: str, matches: bool) -> None:
        """An exchange splits the binding key as it splits the routing key."""
        bindings = bound([key])
        assert bool(matcher(bindings).match(message(""))) is matches


@pytest.mark.parametrize(
    ("key", "routing_key", "miss"),
    [
        pytest.param("RU.paid", "RU.new", Miss(1, "new", "paid"), id="word"),
        pytest.param("RU.paid", "RU", Miss(1, "", "paid"), id="routing-key-ends"),
        pytest.param("RU", "RU.paid", Miss(1, "paid", None), id="binding-key-ends"),
        pytest.param("RU.", "RU.paid", Miss(1, "paid", ""), id="wants-an-empty-word"),
        pytest.param("RU.*", "", Miss(0, "", "RU"), id="empty-routing-key"),
        pytest.param("", "RU", Miss(0, "RU", None), id="empty-binding-key"),
        pytest.param("RU.*", "RU.paid", None, id="matches"),
        pytest.param(None, "RU.paid", None, id="no-key"),
    ],
)
def test_miss_is_the_first_word_that_fails(key: str | None, routing_key: str, miss: Miss | None) -> None:
    """What the message has there, and what the binding wants."""
    (binding,) = bindings = bound([key])
    assert matcher(bindings).miss(binding, message(routing_key)) == miss


class TestRule6FurtherKeys:
    """CC and BCC carry further routing keys, where the exchange opts in."""

    def test_any_of_the_keys_suffices(self) -> None:
        """Each binding once, in declared order."""
        bindings = bound(["b.#", "*.b", "#", "c", "a.*"])
        found = matcher(bindings, cc=True).match(with_further("a.b", "b.b", "c"))
        assert [each.place.line for each in found] == [1, 2, 3, 4, 5]
        assert [each.place.line for each in matcher(bindings, cc=True).match(with_further("a.b"))] == [2, 3, 5]

    def test_keys_count_only_where_the_exchange_says_so(self) -> None:
        """They are opt-in."""
        assert matcher(bound(["a", "b"])).match(with_further("a", "b")) == bound(["a", "b"])[:1]

    def test_miss_is_of_the_routing_key(self) -> None:
        """And none where a further key meets the binding."""
        bindings = bound(["a", "b", "c"])
        topic = matcher(bindings, cc=True)
        missed = [topic.miss(each, with_further("a", "b")) for each in bindings]
        assert missed == [None, None, Miss(0, "a", "c")]
        assert matcher(bindings).miss(bindings[1], with_further("a", "b")) == Miss(0, "a", "b")


@given(st.lists(st.text("ab.*#", max_size=5), max_size=6), st.text("ab.*#", max_size=5))
def test_binding_matches_or_misses(binding_keys: list[str], routing_key: str) -> None:
    """Deciding and explaining never disagree."""
    bindings = bound(binding_keys)
    topic, published = matcher(bindings), message(routing_key)
    assert topic.match(published) == tuple(each for each in bindings if topic.miss(each, published) is None)
