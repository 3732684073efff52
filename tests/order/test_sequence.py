"""Order by number, by hand and against a model that remembers everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from order.driving import WAIT, Key, policy
from order.naive import NaiveSequence

from router.order.effects import DeadLetter
from router.order.policy import FORGET_AFTER_MS, OnDuplicate, OnGap, OnLate, Sequence
from router.order.sequence import MOST_SKIPPED
from router.records.order_errors import Late, OrderGap, OrderUnknown

Arrivals = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 60)), max_size=40)
"""Numbers, and how long it takes until the next comes."""


def error_of(key: Key, offset: int) -> object:
    """Return the error with which a record was set aside."""
    return next(each.error for each in key.effects if isinstance(each, DeadLetter) and each.offset == offset)


def test_what_is_due_is_sent_at_once() -> None:
    """Nothing is held, and no timer armed."""
    key = Key(policy())
    assert key.comes(1, 2, 3) == ["emit 1 in-order", "emit 2 in-order", "emit 3 in-order"]
    assert key.passes(WAIT * 10) == []


def test_what_is_early_waits_for_what_is_missing() -> None:
    """It is held with a timer, and goes with what it waited for."""
    key = Key(policy())
    assert key.comes(1, 3, 4) == ["emit 1 in-order", "hold 2", f"arm {WAIT}", "hold 3"]
    assert key.comes(2) == ["emit 4 in-order", "emit 2 filled", "emit 3 filled", "cancel"]


def test_the_timer_is_of_what_has_waited_longest() -> None:
    """When that one goes, the timer is armed for the next."""
    key = Key(policy())
    key.comes(2)
    key.now = 10
    assert key.comes(4) == ["hold 2"]
    assert key.comes(1) == ["emit 3 in-order", "emit 1 filled", f"arm {WAIT + 10}"]


def test_a_gap_is_given_up_when_the_wait_has_run_out() -> None:
    """Nobody waits longer: the gaps before it are given up, and what follows directly goes along."""
    key = Key(policy())
    key.comes(7)
    key.now = 10
    assert key.comes(4, 8, 10) == ["hold 2", "hold 3", "hold 4"]
    assert key.passes(WAIT - 11) == [f"arm {WAIT}"]
    assert key.passes(1) == ["emit 2 gap", "emit 1 gap", "emit 3 gap", f"arm {WAIT + 10}"]
    assert key.passes(10) == ["emit 4 gap"]
    assert key.comes(11) == ["emit 5 in-order"]


def test_what_waited_in_vain_can_be_set_aside() -> None:
    """With what is missing and how long it waited; the key goes on behind it."""
    key = Key(policy(on_gap=OnGap.DEAD_LETTER))
    key.comes(2, 5)
    assert key.passes(WAIT) == ["dead 1 order-gap", "dead 2 order-gap"]
    first, second = error_of(key, 1), error_of(key, 2)
    assert isinstance(first, OrderGap)
    assert isinstance(second, OrderGap)
    assert (first.field, first.place, first.missing, first.held_ms, first.full) == ("n", 2, "1", WAIT, False)
    assert str(second) == "'n' is 5, and 3 to 4, which comes before it, did not come in 0.1 s"
    assert key.comes(6) == ["emit 3 in-order"]


@pytest.mark.parametrize(
    ("on_late", "word"),
    [(OnLate.DEAD_LETTER, "dead 2 late"), (OnLate.RELEASE, "emit 2 late"), (OnLate.DROP, "drop 2 late")],
)
def test_what_was_given_up_and_comes_is_late_once(on_late: OnLate, word: str) -> None:
    """A second one is a duplicate, as are those that came."""
    key = Key(policy(on_late=on_late))
    key.comes(5)
    key.passes(WAIT)
    assert key.comes(2) == [word]
    assert key.comes(2, 5) == ["drop 3 duplicate", "drop 4 duplicate"]
    assert key.state.skipped == ((1, 1), (3, 4))
    assert key.comes(1, 3, 4)[0].endswith("late")
    assert key.state.skipped == ()


def test_what_is_late_says_how_far_its_key_had_got() -> None:
    """For whoever reads the dead letter."""
    key = Key(policy())
    key.comes(5)
    key.passes(WAIT)
    key.comes(2)
    assert str(error_of(key, 2)) == "'n' is 2, and its key has gone on to 6"


def test_duplicates_can_be_sent() -> None:
    """That of one that is held waits behind it."""
    key = Key(policy(on_duplicate=OnDuplicate.RELEASE))
    assert key.comes(1, 1) == ["emit 1 in-order", "emit 2 duplicate"]
    assert key.comes(3, 3, 2) == [
        *("hold 3", f"arm {WAIT}", "hold 4"),
        *("emit 5 in-order", "emit 3 filled", "emit 4 duplicate", "cancel"),
    ]


def test_duplicates_of_what_is_held_are_dropped() -> None:
    """As those of what was sent."""
    key = Key(policy())
    key.comes(3, None)
    assert key.comes(3, 4, 4) == ["drop 3 duplicate", "hold 4", "drop 5 duplicate"]


def test_a_full_key_gives_up_its_first_gap_only() -> None:
    """So much goes as has to; what is first may be what has just come."""
    key = Key(policy(hold_at_most=2))
    key.comes(5, 3)
    assert key.comes(7) == ["hold 3", "emit 2 full"]
    assert key.comes(4) == ["emit 4 in-order", "emit 1 filled"]
    assert [each.place for each in key.state.held] == [7]
    key.comes(20)
    assert key.comes(9) == ["hold 6", "emit 3 full"]
    assert key.comes(8) == ["emit 7 in-order", "emit 6 filled"]
    key.comes(30)
    assert key.comes(10, 15) == ["emit 9 in-order", "emit 10 full"]
    assert key.passes(WAIT)[-1] == "emit 8 gap"


def test_what_a_full_key_sets_aside_says_so() -> None:
    """It did not wait in vain, but there was no more room."""
    key = Key(policy(hold_at_most=1, on_gap=OnGap.DEAD_LETTER))
    key.comes(5, 7)
    error = error_of(key, 1)
    assert isinstance(error, OrderGap)
    assert error.full
    assert (
        str(error)
        == "'n' is 5, and 1 to 4, which comes before it, did not come when its key held as many records as it may"
    )


def test_a_number_below_the_start_has_no_place() -> None:
    """It is no record of this sequence, and leaves its key as it was."""
    key = Key(policy())
    assert key.comes(0) == ["dead 1 order-unknown"]
    assert key.state is None
    error = error_of(key, 1)
    assert isinstance(error, OrderUnknown)
    assert str(error).startswith("field 'n' is 0, which is below 1, where its sequence starts")
    assert Key(policy(Sequence("n", start=0))).comes(0) == ["emit 1 in-order"]


def test_a_key_can_begin_with_whatever_is_seen_first() -> None:
    """What is below is late, not a duplicate."""
    key = Key(policy(Sequence("n", start=None)))
    assert key.comes(7, 8, 6, 6) == ["emit 1 in-order", "emit 2 in-order", "dead 3 late", "drop 4 duplicate"]
    assert Key(policy(Sequence("n", start=None))).comes(0, 1) == ["emit 1 in-order", "emit 2 in-order"]


def test_a_tombstone_goes_when_all_has_gone_that_came_before_it() -> None:
    """And ends its key where nothing is left."""
    key = Key(policy())
    key.comes(1, 3)
    assert key.comes(None) == ["hold 3"]
    assert key.comes(5, 2) == ["hold 4", "emit 5 in-order", "emit 2 filled", "emit 3 tombstone"]
    assert key.state.next == 4
    assert key.comes(None, 4) == ["hold 6", "emit 7 in-order", "emit 4 filled", "emit 6 tombstone", "cancel"]
    assert key.state is None
    assert key.comes(1, None) == ["emit 8 in-order", "emit 9 tombstone"]
    assert key.state is None
    assert key.comes(None) == ["emit 10 tombstone"]


def test_a_tombstone_is_never_set_aside() -> None:
    """Nothing that it could lack."""
    key = Key(policy(on_gap=OnGap.DEAD_LETTER))
    key.comes(2, None)
    assert key.passes(WAIT) == ["dead 1 order-gap", "emit 2 tombstone"]
    assert key.state is None


def test_a_key_is_forgotten_by_the_log_and_not_by_the_clock() -> None:
    """And never while it holds something."""
    key = Key(policy())
    key.comes(1)
    key.now = FORGET_AFTER_MS
    assert key.comes(1) == ["drop 2 duplicate"]
    key.log = FORGET_AFTER_MS
    assert key.comes(1, 3) == ["emit 3 in-order", "hold 4", f"arm {key.now + WAIT}"]
    key.log *= 3
    assert key.comes(2) == ["emit 5 in-order", "emit 4 filled", "cancel"]
    key.log -= 10
    key.comes(4)
    assert key.state.active == 3 * FORGET_AFTER_MS


def test_a_key_can_be_remembered_for_ever() -> None:
    """Where nothing is to be forgotten."""
    key = Key(policy(forget_after_ms=None))
    key.comes(1)
    key.log = 2**60
    assert key.comes(1) == ["drop 2 duplicate"]


def test_of_gaps_long_past_nobody_knows() -> None:
    """What comes from there is set aside whatever is asked for: it may have been sent, and it may not."""
    key = Key(policy(on_late=OnLate.RELEASE))
    for number in range(2, 2 * MOST_SKIPPED + 4, 2):
        key.comes(number)
        key.passes(WAIT)
    assert len(key.state.skipped) == MOST_SKIPPED
    assert key.comes(1, 2, 3)[-1] == f"emit {key.offset} late"
    error = error_of(key, key.offset - 2)
    assert isinstance(error, Late)
    assert error.forgotten
    assert str(error).endswith(", so long ago that it may be a duplicate")
    assert key.comes(2) == [f"drop {key.offset} duplicate"]


@given(Arrivals, st.integers(1, 6))
def test_it_does_what_a_model_does_that_remembers_everything(arrivals: list[tuple[int, int]], most: int) -> None:
    """Whatever comes when, with a restart after every step."""
    key, naive = Key(policy(hold_at_most=most)), NaiveSequence(most)
    for number, pause in arrivals:
        key.comes(number)
        naive.comes(number, key.offset, key.now)
        assert key.fates == naive.fates
        key.passes(pause)
        naive.passes(key.now)
        assert key.fates == naive.fates


@given(Arrivals, st.sampled_from(OnGap), st.sampled_from(OnLate), st.sampled_from(OnDuplicate), st.integers(1, 6))
def test_every_record_has_one_fate_and_nothing_is_held_after_the_wait(
    arrivals: list[tuple[int, int]], on_gap: OnGap, on_late: OnLate, on_duplicate: OnDuplicate, most: int
) -> None:
    """Whatever the policy; never more is held than may be, and never longer."""
    key = Key(policy(on_gap=on_gap, on_late=on_late, on_duplicate=on_duplicate, hold_at_most=most, park_for_ms=30))
    for number, pause in arrivals:
        key.comes(number)
        key.passes(pause)
        held = key.state.held if key.state else ()
        assert len(held) <= most
        assert all(each.since + key.policy.patience_ms > key.now for each in held)
    key.passes(key.policy.patience_ms)
    assert key.state is None or not key.state.held
    assert sorted(offset for offset, _ in key.fates) == list(range(1, len(arrivals) + 1))


@given(st.data(), st.integers(1, 12))
def test_any_permutation_with_duplicates_and_losses_is_sent_in_order(data: st.DataObject, count: int) -> None:
    """Each number once at most; all of them where none is lost and none is too slow."""
    lost = data.draw(st.sets(st.integers(1, count)))
    numbers = [number for number in range(1, count + 1) if number not in lost]
    twice = data.draw(st.lists(st.sampled_from(numbers), max_size=5)) if numbers else []
    arrivals = data.draw(st.permutations([*numbers, *twice]))
    key = Key(policy())
    key.comes(*arrivals)
    key.passes(WAIT)
    assert [arrivals[offset - 1] for offset in key.sent] == numbers
    assert key.state is None or not key.state.held
