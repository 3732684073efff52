"""Values that are cheap to make."""

from __future__ import annotations

from dataclasses import field

import pytest

from router.exchange.hot_values import hot_value


@hot_value
class Pair:
    """An example."""

    one: int
    other: tuple[int, ...] = ()
    more: dict[str, int] = field(default_factory=dict, hash=False)


def test_they_are_values() -> None:
    """Equal by their attributes, hashed by them, and shown with them."""
    assert Pair(1) == Pair(1, ())
    assert Pair(1) != Pair(2)
    assert len({Pair(1), Pair(1), Pair(2)}) == 2
    assert repr(Pair(1, (2,))) == "Pair(one=1, other=(2,), more={})"


def test_they_have_no_room_for_more() -> None:
    """Slotted: what is not declared cannot be set."""
    with pytest.raises(AttributeError):
        Pair(1).third = 3  # type: ignore[attr-defined]
