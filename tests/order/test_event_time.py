"""Order by time, by hand and against a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from order.driving import WAIT, Key, policy
from order.naive import NaiveTime

from router.order.policy import FORGET_AFTER_MS, ByTime, OnLate

Arrivals = st.lists(st.tuples(st.integers(-6, 6), st.integers(0, 60)), max_size=40)
"""Instants, and how long it takes until the next comes."""


def by_time(**more: object) -> Key:
    """Return a key that is ordered by time."""
    return Key(policy(ByTime("at"), **more))


def test_everything_waits_and_then_goes_by_time() -> None:
    """What is earlier goes first, though its own wait is not over."""
    key = by_time()
    assert key.comes(50, 70) == ["hold 1", f"arm {WAIT}", "hold 2"]
    key.now = 10
    assert key.comes(40, 60) == ["hold 3", "hold 4"]
    assert key.passes(WAIT - 11) == [f"arm {WAIT}"]
    assert key.passes(1) == ["emit 3 waited", "emit 1 waited", "emit 4 waited", "emit 2 waited"]


def test_what_comes_later_in_time_and_later_at_all_goes_on_waiting() -> None:
    """The timer is armed for it."""
    key = by_time()
    key.comes(50)
    key.now = 10
    key.comes(60)
    assert key.passes(WAIT - 10) == ["emit 1 waited", f"arm {WAIT + 10}"]


def test_records_of_the_same_time_go_in_the_order_of_the_log() -> None:
    """One of the time that was sent last goes at once."""
    key = by_time()
    key.comes(50, 50)
    assert key.passes(WAIT) == ["emit 1 waited", "emit 2 waited"]
    assert key.comes(50) == ["emit 3 in-order"]


@pytest.mark.parametrize(
    ("on_late", "word"),
    [(OnLate.DEAD_LETTER, "dead 2 late"), (OnLate.RELEASE, "emit 2 late"), (OnLate.DROP, "drop 2 late")],
)
def test_what_is_earlier_than_what_was_sent_is_late(on_late: OnLate, word: str) -> None:
    """As often as it comes."""
    key = by_time(on_late=on_late)
    key.comes(50)
    key.passes(WAIT)
    assert key.comes(49, 49) == [word, word.replace("2", "3")]


def test_a_full_key_sends_what_is_earliest() -> None:
    """Which may be what has just come."""
    key = by_time(hold_at_most=1)
    key.comes(50)
    assert key.comes(60) == ["hold 2", "emit 1 full"]
    assert key.comes(55) == ["emit 3 full"]


def test_a_tombstone_goes_behind_what_was_held_when_it_came() -> None:
    """And ends its key where nothing is left."""
    key = by_time()
    assert key.comes(None) == ["emit 1 tombstone"]
    key.comes(50, None, 60)
    assert key.passes(WAIT) == ["emit 2 waited", "emit 3 tombstone", "emit 4 waited"]
    key.comes(70, None)
    assert key.passes(WAIT) == ["emit 5 waited", "emit 6 tombstone"]
    assert key.state is None


def test_a_key_is_forgotten_by_the_log() -> None:
    """But not while it holds something."""
    key = by_time()
    key.comes(50)
    key.log = FORGET_AFTER_MS
    assert key.comes(40) == ["hold 2"]
    key.passes(WAIT)
    assert key.comes(30) == ["dead 3 late"]
    key.log *= 2
    assert key.comes(30) == ["hold 4", f"arm {key.now + WAIT}"]


@given(Arrivals, st.integers(1, 6))
def test_it_does_what_a_plain_model_does(arrivals: list[tuple[int, int]], most: int) -> None:
    """Whatever comes when, with a restart after every step."""
    key, naive = by_time(hold_at_most=most), NaiveTime(most)
    for instant, pause in arrivals:
        key.comes(instant)
        naive.comes(instant, key.offset, key.now)
        assert key.fates == naive.fates
        key.passes(pause)
        naive.passes(key.now)
        assert key.fates == naive.fates
        assert len(naive.held) <= most


@given(Arrivals)
def test_what_is_sent_is_in_order_and_nothing_is_held_after_the_wait(arrivals: list[tuple[int, int]]) -> None:
    """Every record has one fate; what came within the wait of another is sent in the order of time."""
    key = by_time()
    for instant, pause in arrivals:
        key.comes(instant)
        key.passes(pause)
    key.passes(WAIT)
    assert key.state is None or not key.state.held
    assert sorted(offset for offset, _ in key.fates) == list(range(1, len(arrivals) + 1))
    sent = [arrivals[offset - 1][0] for offset in key.sent]
    assert sent == sorted(sent)
    late = len(arrivals) - len(sent)
    assert late == 0 or sum(pause for _, pause in arrivals) >= WAIT
