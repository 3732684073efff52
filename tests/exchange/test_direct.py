"""The direct exchange."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.direct import DirectMatcher
from router.exchange.matcher import Message, Miss, message, words_of
from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, Place


def bound(keys: Sequence[str | None]) -> tuple[Binding, ...]:
    """A binding a key, each on a line of its own."""
    return tuple(
        Binding("x", key, Destination(DestinationKind.TOPIC, "t"), Place("f", line, 1), "team")
        for line, key in enumerate(keys, 1)
    )


def matcher(bindings: tuple[Binding, ...], *, cc: bool = False) -> DirectMatcher:
    """The exchange with these bindings."""
    return DirectMatcher(Exchange("x", ExchangeType.DIRECT, bindings, None, Place("f", 1, 1), "team", cc=cc))


def with_further(routing_key: str, *further: str) -> Message:
    """A message whose headers CC and BCC bring further keys."""
    return Message(routing_key, words_of(routing_key), further=tuple((key, words_of(key)) for key in further))


@pytest.mark.parametrize(
    ("key", "routing_key", "matches"),
    [
        pytest.param("paid", "paid", True, id="equal"),
        pytest.param("paid", "Paid", False, id="case"),
        pytest.param("paid", "paid.", False, id="longer"),
        pytest.param("", "", True, id="both-empty"),
        pytest.param("", "a", False, id="empty-binding-key"),
        pytest.param("*", "a", False, id="star-is-plain"),
        pytest.param("#", "a.b", False, id="hash-is-plain"),
        pytest.param("a.*", "a.*", True, id="star-equals-star"),
        pytest.param("#", "#", True, id="hash-equals-hash"),
        pytest.param(None, "anything", True, id="no-key"),
        pytest.param(None, "", True, id="no-key-takes-the-empty-one"),
    ],
)
def test_direct_is_exact(key: str | None, routing_key: str, matches: bool) -> None:
    """Rule "Direct": case and all, wildcards are characters; a binding without a key takes everything."""
    bindings = bound([key])
    assert matcher(bindings).match(message(routing_key)) == (bindings if matches else ())


def test_bindings_come_in_declared_order_with_keyless_ones_in_their_place() -> None:
    """A decision reads like the route files, whether a key is one of the bindings' or not."""
    bindings = bound(["a", None, "b", "a", None])
    direct = matcher(bindings)
    assert [each.place.line for each in direct.match(message("a"))] == [1, 2, 4, 5]
    assert [each.place.line for each in direct.match(message("b"))] == [2, 3, 5]
    assert [each.place.line for each in direct.match(message("c"))] == [2, 5]


def test_same_key_twice_is_two_bindings() -> None:
    """Both are named in the decision; that they are one copy is the walk's affair."""
    bindings = bound(["a", "a"])
    assert matcher(bindings).match(message("a")) == bindings


class TestRule6FurtherKeys:
    """CC and BCC carry further routing keys, where the exchange opts in."""

    def test_any_of_the_keys_suffices(self) -> None:
        """Each binding once, in declared order."""
        bindings = bound(["b", "a", None, "c", "b"])
        found = matcher(bindings, cc=True).match(with_further("a", "c", "b", "d"))
        assert [each.place.line for each in found] == [1, 2, 3, 4, 5]
        assert [each.place.line for each in matcher(bindings, cc=True).match(with_further("d", "c"))] == [3, 4]
        assert [each.place.line for each in matcher(bindings, cc=True).match(with_further("a"))] == [2, 3]

    def test_keys_count_only_where_the_exchange_says_so(self) -> None:
        """They are opt-in."""
        assert matcher(bound(["a", "b"])).match(with_further("a", "b")) == bound(["a", "b"])[:1]

    def test_miss_is_of_the_routing_key(self) -> None:
        """And none where a further key meets the binding."""
        bindings = bound(["a", "b", "c"])
        direct = matcher(bindings, cc=True)
        missed = [direct.miss(each, with_further("a", "b")) for each in bindings]
        assert missed == [None, None, Miss(None, "a", "c")]
        assert matcher(bindings).miss(bindings[1], with_further("a", "b")) == Miss(None, "a", "b")


keys = st.text("aA.*#", max_size=3)


@given(st.lists(keys | st.none(), max_size=8), keys)
def test_matches_are_the_equal_keys(binding_keys: list[str | None], routing_key: str) -> None:
    """Whatever is bound: those whose key is equal, and those without one; a miss says what the others want."""
    bindings = bound(binding_keys)
    direct, published = matcher(bindings), message(routing_key)
    assert direct.match(published) == tuple(each for each in bindings if each.key in (None, routing_key))
    for each in bindings:
        missed = None if each.key in (None, routing_key) else Miss(None, routing_key, each.key)
        assert direct.miss(each, published) == missed
