"""Steps on bytes: the short cut does what the long way does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from order.driving import SHOP, WAIT, policy, words

from router.errors import UnreadableState
from router.order.effects import Cause, Emit, Event
from router.order.key_steps import KeySteps
from router.order.policy import ByTime, Sequence, States
from router.order.stored import decode_state

CIRCLE = {"a": ("b",), "b": ("a", "c")}
KINDS = [
    pytest.param(Sequence("n"), st.integers(1, 9), id="sequence"),
    pytest.param(Sequence("n", start=None), st.integers(0, 9), id="first seen"),
    pytest.param(ByTime("at"), st.integers(-5, 5), id="by time"),
    pytest.param(States("s", SHOP, ("created",)), st.sampled_from([*SHOP, "delivered", "lost"]), id="states"),
    pytest.param(States("s", CIRCLE, None), st.sampled_from("abcd"), id="a circle"),
]


@pytest.mark.parametrize(("kind", "places"), KINDS)
@given(data=st.data(), forget_after=st.sampled_from([None, 1, 50]))
def test_the_short_cut_does_what_the_long_way_does(
    kind: Any, places: st.SearchStrategy[Any], data: st.DataObject, forget_after: int | None
) -> None:
    """Wherever it says anything: the same bytes, and one record to send."""
    steps = KeySteps(policy(kind, forget_after_ms=forget_after))
    stored: bytes | None = None
    log = 0
    for offset, (place, ahead) in enumerate(
        data.draw(st.lists(st.tuples(st.none() | places, st.integers(-20, 60)), max_size=25))
    ):
        log += ahead
        short = None if place is None else steps.in_order(stored, place, log)
        stored, effects = steps.arrive(stored, Event(place, offset, log, log))
        if short is not None:
            assert (stored, effects) == (short, (Emit(offset, Cause.IN_ORDER),))
        if stored is not None:
            stored, _ = steps.expire(stored, log)


def test_records_in_order_take_the_short_cut() -> None:
    """All of them, from the first; also where a number was skipped once."""
    steps = KeySteps(policy())
    stored = steps.in_order(None, 1, 5)
    assert stored is not None
    stored = steps.in_order(stored, 2, 6)
    assert stored is not None
    assert decode_state(stored) == decode_state(
        steps.arrive(steps.arrive(None, Event(1, 1, 0, 5))[0], Event(2, 2, 0, 6))[0] or b""
    )
    stored, _ = steps.arrive(stored, Event(9, 3, 0, 6))
    assert stored is not None
    assert steps.in_order(stored, 3, 6) is None
    stored, effects = steps.expire(stored, WAIT)
    assert words(effects) == ["emit 3 gap"]
    assert stored is not None
    assert len(stored) > 18
    short = steps.in_order(stored, 10, 4)
    assert short == steps.arrive(stored, Event(10, 4, 0, 4))[0]
    assert short is not None
    assert (decode_state(short).active, steps.in_order(stored, 11, 6)) == (6, None)


def test_states_in_order_take_the_short_cut() -> None:
    """What a path leads to is worked out once, and forgotten when there are too many paths."""
    steps = KeySteps(policy(States("s", SHOP, ("created",))))
    for _ in range(2):
        stored: bytes | None = None
        for log, state in enumerate(["created", "paid", "shipped"]):
            stored = steps.in_order(stored, state, log)
        assert stored is not None
        assert decode_state(stored) == decode_state(
            steps.arrive(steps.in_order(steps.in_order(None, "created", 0), "paid", 0), Event("shipped", 1, 1, 2))[0]
            or b""
        )
    assert steps.in_order(None, "paid", 0) is None
    assert steps.in_order(None, "lost", 0) is None


def test_the_memory_of_paths_is_bounded() -> None:
    """An unending circle fills it, and it begins again."""
    steps = KeySteps(policy(States("s", {"a": ("b",)}, ("a",))), memory=1)
    for _ in range(2):
        first = steps.in_order(None, "a", 0)
        assert first is not None
        assert steps.in_order(first, "b", 0) == steps.arrive(first, Event("b", 1, 0, 0))[0]


@pytest.mark.parametrize(("kind", "place"), [(Sequence("n"), 1), (States("s", SHOP, ("created",)), "created")])
def test_what_cannot_be_read_takes_the_long_way_and_is_refused(kind: Any, place: Any) -> None:
    """The short cut says nothing of it."""
    steps = KeySteps(policy(kind))
    for stored in (b"", b"\x02\x01" + bytes(16), b"\x01"):
        assert steps.in_order(stored, place, 0) is None
        with pytest.raises(UnreadableState):
            steps.arrive(stored, Event(place, 1, 0, 0))
        with pytest.raises(UnreadableState):
            steps.expire(stored, 0)


def test_a_key_of_another_kind_of_order_is_brought_to_an_end() -> None:
    """What it held goes first; then the key begins anew."""
    stored, _ = KeySteps(policy()).arrive(None, Event(2, 1, 0, 0))
    assert stored is not None
    other = KeySteps(policy(ByTime("at")))
    after, effects = other.arrive(stored, Event(77, 2, 5, 0))
    assert words(effects) == ["emit 1 abandoned", "cancel", "hold 2", f"arm {WAIT + 5}"]
    assert after is not None
    expired, effects = other.expire(stored, 0)
    assert (expired, words(effects)) == (None, ["emit 1 abandoned", "cancel"])
    states = KeySteps(policy(States("s", SHOP, ("created",))))
    assert states.in_order(stored, "created", 0) is None


def test_a_key_that_ends_leaves_nothing_to_store() -> None:
    """By a tombstone, when it comes or when time passes."""
    steps = KeySteps(policy())
    assert steps.arrive(None, Event(None, 1, 0, 0))[0] is None
    stored, _ = steps.arrive(None, Event(2, 1, 0, 0))
    stored, _ = steps.arrive(stored, Event(None, 2, 0, 0))
    assert stored is not None
    assert steps.expire(stored, WAIT)[0] is None
