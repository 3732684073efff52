"""The vocabulary of exchanges."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from router.exchange.model import (
    Binding,
    Destination,
    DestinationKind,
    Entry,
    Exchange,
    ExchangeType,
    Place,
    Tombstones,
)

HERE = Place("routes/bob.yaml", 3, 7)
ORDERS = Destination(DestinationKind.TOPIC, "bob.orders.v1")


def test_place_reads_as_editors_write_it() -> None:
    """A terminal makes a link of `file:line:column`."""
    assert str(HERE) == "routes/bob.yaml:3:7"


def test_places_sort_by_file_and_then_line() -> None:
    """Findings are listed in the order in which a reader meets them; line 10 comes after line 9."""
    places = [Place("b", 1, 1), Place("a", 10, 1), Place("a", 9, 2), Place("a", 9, 1)]
    assert [str(each) for each in sorted(places)] == ["a:9:1", "a:9:2", "a:10:1", "b:1:1"]


@pytest.mark.parametrize(
    ("destination", "text"),
    [
        pytest.param(ORDERS, "topic 'bob.orders.v1'", id="topic"),
        pytest.param(Destination(DestinationKind.EXCHANGE, "orders"), "exchange 'orders'", id="exchange"),
    ],
)
def test_destination_says_what_it_is(destination: Destination, text: str) -> None:
    """A topic and an exchange may have the same name, so a text names the kind."""
    assert str(destination) == text


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        pytest.param(ExchangeType, {"direct", "topic", "fanout", "headers", "consistent-hash"}, id="exchange-type"),
        pytest.param(DestinationKind, {"topic", "exchange"}, id="destination"),
        pytest.param(Tombstones, {"all", "drop", "unroutable"}, id="tombstones"),
    ],
)
def test_words_of_the_language_are_these(shape: type, words: set[str]) -> None:
    """Route files write these words: a change of one is a change of the language."""
    assert {str(each) for each in shape} == words


def test_bindings_are_told_apart_by_their_place() -> None:
    """The same line written twice is two bindings, of which a decision names both."""
    binding = Binding("orders", "a.*", ORDERS, HERE, "bob")
    assert binding == Binding("orders", "a.*", ORDERS, HERE, "bob")
    assert binding != dataclasses.replace(binding, place=Place("routes/bob.yaml", 4, 7))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(HERE, id="place"),
        pytest.param(ORDERS, id="destination"),
        pytest.param(Binding("orders", None, ORDERS, HERE, "bob"), id="binding"),
        pytest.param(Exchange("orders", ExchangeType.TOPIC, (), None, HERE, "bob"), id="exchange"),
        pytest.param(Entry("orders", None, None, Tombstones.ALL), id="entry"),
    ],
)
def test_values_are_frozen_and_hashable(value: Any) -> None:
    """A compiled route set is shared by all lanes: nobody changes it, and all may keep it in sets."""
    hash(value)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, next(iter(value.__slots__)), "other")
