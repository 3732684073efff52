"""A key that is parked for one consumer, from the lane's side."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.failure.parking import (
    MOST_BACK,
    MOST_HANDLED,
    Arm,
    Back,
    Cancel,
    Copy,
    Effect,
    Hold,
    Keep,
    KeyState,
    Mark,
    Phase,
    Release,
    Repeat,
    Return,
    SetAside,
    Skip,
    Step,
    acknowledge,
    arrive,
    edit,
    expire,
    forgets,
    give_up,
    reject,
    rejoin,
    release,
)
from router.failure.policy import FailurePolicy, OnExpiry, Then
from router.failure.stored import encode_state

RETRY = FailurePolicy(retry_ms=(10, 60), then=Then.DEAD_LETTER)
PARK = FailurePolicy(retry_ms=(), then=Then.PARK, park_for_ms=1000)
FOR_EVER = replace(PARK, park_for_ms=None)


def rejected(
    state: KeyState | None,
    offset: int,
    *,
    behind: bool = False,
    parks: bool = True,
    deaths: int = 1,
    now: int = 0,
    policy: FailurePolicy = RETRY,
) -> Step:
    """Return the step by a rejection of the copy at this offset, whose original has the same."""
    return reject(state, Back((0, offset), offset), behind=behind, parks=parks, deaths=deaths, now=now, policy=policy)


def parked(*, policy: FailurePolicy = RETRY) -> KeyState:
    """Return a key of which the copy at 5 failed, that at 6 was behind it, and the record 7 is held."""
    state = rejected(None, 5, policy=policy).state
    state = rejected(state, 6, behind=True, policy=policy).state
    state = arrive(state, 7).state
    assert state is not None
    return state


def releasing() -> KeyState:
    """Return the same with its first release mark on the way."""
    state = release(parked(), now=0).state
    assert state is not None
    return state


def test_a_key_that_nothing_happened_to_flows() -> None:
    """Its records are copied, and nothing is remembered."""
    assert arrive(None, 3) == Step(None, (Copy(3),))
    flowing = KeyState(epoch=2)
    assert arrive(flowing, 3) == Step(flowing, (Copy(3),))


def test_a_story_from_rejection_to_flowing() -> None:
    """What came back goes first, by its places, then what was held; nothing before the acknowledgement."""
    step = rejected(None, 5, now=100)
    assert step.effects == (Keep((0, 5)), Arm(110))
    step = arrive(step.state, 8)
    assert step.effects == (Hold(8),)
    step = rejected(step.state, 7, behind=True, now=101)
    assert step.effects == (Keep((0, 7)),)
    step = rejected(step.state, 6, behind=True, now=101)
    assert step.state is not None
    assert step.state.due == 110
    assert expire(step.state, now=109, policy=RETRY) == Step(step.state, ())
    step = expire(step.state, now=110, policy=RETRY)
    assert step.effects == (Mark(1, (0, 5)),)
    step = arrive(step.state, 9)
    assert step.effects == (Hold(9),)
    step = acknowledge(step.state, 1, now=111)
    assert step.effects == (Return((0, 5)), Return((0, 6)), Return((0, 7)), Release(8), Release(9))
    assert step.state == KeyState(epoch=1, handled=((0, 5), (0, 7), (0, 6)), active=111)


def test_what_comes_back_behind_a_mark_goes_with_the_rest() -> None:
    """It was in flight when the mark was written."""
    step = rejected(releasing(), 9, behind=True, now=1)
    assert step.state is not None
    assert (step.state.phase, step.effects) == (Phase.RELEASING, (Keep((0, 9)),))
    sent = acknowledge(step.state, 1, now=2).effects
    assert sent == (Return((0, 5)), Return((0, 6)), Return((0, 9)), Release(7))


def test_only_the_latest_epoch_counts() -> None:
    """Another mark is on its way, and what it answers is not known yet."""
    again = release(releasing(), now=0)
    assert again.effects == (Mark(2, (0, 5)),)
    assert acknowledge(again.state, 1, now=0) == Step(again.state, ())
    assert acknowledge(again.state, 2, now=0).effects[0] == Return((0, 5))
    assert acknowledge(None, 1, now=0) == Step(None, ())
    assert acknowledge(parked(), 0, now=0).effects == ()


def test_a_failure_during_a_release_parks_the_key_again() -> None:
    """The consumer has parked it since another copy, and heeds only a mark of that."""
    step = rejected(releasing(), 11, deaths=2, now=50)
    assert step.state is not None
    assert (step.state.phase, step.state.first) == (Phase.PARKED, (0, 11))
    assert step.effects == (Keep((0, 11)), Arm(110))
    assert acknowledge(step.state, 1, now=51) == Step(step.state, ())
    assert expire(step.state, now=110, policy=RETRY).effects == (Mark(2, (0, 11)),)


def test_a_copy_whose_retries_are_used_up_lets_its_key_go() -> None:
    """It becomes a dead letter, and the consumer gets its mark at once."""
    step = rejected(None, 5, deaths=3)
    assert step.effects == (Keep((0, 5)), SetAside((0, 5)), Mark(1, (0, 5)))
    assert acknowledge(step.state, 1, now=0).effects == ()
    skipped = rejected(None, 5, policy=replace(RETRY, retry_ms=(), then=Then.SKIP))
    assert skipped.effects == (Keep((0, 5)), Skip((0, 5)), Mark(1, (0, 5)))


def test_a_key_waits_for_the_last_of_its_failures() -> None:
    """One that is given up does not let go what is kept for another."""
    state = parked()
    step = rejected(state, 9, deaths=2, now=5)
    assert step.effects == (Keep((0, 9)), Arm(65))
    aside = rejected(step.state, 12, deaths=3, now=6)
    assert aside.effects == (Keep((0, 12)), SetAside((0, 12)))
    assert aside.state is not None
    assert expire(aside.state, now=64, policy=RETRY).effects == ()
    assert expire(aside.state, now=65, policy=RETRY).effects == (Mark(1, (0, 12)),)


def test_a_repeat_changes_nothing() -> None:
    """Neither what is kept nor when it is due; also of what was sent since."""
    state = parked()
    assert rejected(state, 6, behind=True) == Step(state, (Repeat((0, 6)),))
    assert rejected(state, 5, parks=False) == Step(state, (Repeat((0, 5)),))
    sent = acknowledge(releasing(), 1, now=0).state
    assert rejected(sent, 6, behind=True) == Step(sent, (Repeat((0, 6)),))


def test_a_parking_that_repeats_is_answered() -> None:
    """The consumer waits for a mark, though there is nothing to wait for."""
    sent = acknowledge(releasing(), 1, now=0).state
    step = rejected(sent, 5)
    assert step.effects == (Repeat((0, 5)), Mark(2, (0, 5)))
    again = rejected(step.state, 6)
    assert again.effects == (Repeat((0, 6)), Mark(3, (0, 6)))
    waiting = rejected(parked(), 6)
    assert waiting.effects == (Repeat((0, 6)),)
    assert waiting.state is not None
    assert waiting.state.first == (0, 6)


def test_a_record_behind_nobody_knows_what_is_answered() -> None:
    """By a mark that names no copy, which every consumer heeds."""
    step = rejected(None, 6, behind=True)
    assert step.effects == (Keep((0, 6)), Mark(1, None))
    assert acknowledge(step.state, 1, now=0).effects == (Return((0, 6)),)


def test_a_consumer_that_does_not_park_needs_no_mark() -> None:
    """Its key is held all the same, and flows when the time has come."""
    step = rejected(None, 5, parks=False)
    assert step.effects == (Keep((0, 5)), Arm(10))
    step = arrive(step.state, 8)
    assert step.state is not None
    assert expire(step.state, now=10, policy=RETRY).effects == (Return((0, 5)), Release(8))
    assert rejected(None, 5, parks=False, deaths=3).effects == (Keep((0, 5)), SetAside((0, 5)))


@pytest.mark.parametrize(
    ("on_expiry", "effects"),
    [
        pytest.param(OnExpiry.DEAD_LETTER, (SetAside((0, 5)), Mark(1, (0, 5))), id="dead-letter"),
        pytest.param(OnExpiry.RELEASE, (Mark(1, (0, 5)),), id="release"),
    ],
)
def test_a_parked_copy_waits_for_so_long(on_expiry: OnExpiry, effects: tuple[Effect, ...]) -> None:
    """Then the policy decides; what is behind it flows on."""
    policy = replace(PARK, on_expiry=on_expiry)
    state = parked(policy=policy)
    assert state.due == 1000
    step = expire(state, now=1000, policy=policy)
    assert step.effects == effects
    rest = acknowledge(step.state, 1, now=1000).effects
    assert rest[-2:] == (Return((0, 6)), Release(7))


def test_a_copy_that_is_parked_for_ever_waits_for_somebody() -> None:
    """Time does nothing, whatever else is due; a release sends all."""
    state = parked(policy=FOR_EVER)
    assert state.due is None
    assert expire(state, now=10**15, policy=FOR_EVER) == Step(state, ())
    retried = rejected(state, 9)
    assert retried.effects == (Keep((0, 9)),)
    assert release(state, now=0).effects == (Mark(1, (0, 5)),)


def test_a_release_by_hand_disarms_the_timer() -> None:
    """Of what flows there is nothing to release."""
    assert release(parked(), now=1).effects == (Cancel(), Mark(1, (0, 5)))
    assert release(None, now=1) == Step(None, ())
    assert release(KeyState(), now=1) == Step(KeyState(), ())


@pytest.mark.parametrize("silently", [True, False])
def test_what_is_given_up_by_hand_lets_its_key_go(*, silently: bool) -> None:
    """Once: the same again finds nothing."""
    gone = Skip((0, 5)) if silently else SetAside((0, 5))
    step = give_up(parked(), (0, 5), silently=silently, now=1)
    assert step.effects == (gone, Cancel(), Mark(1, (0, 5)))
    assert give_up(step.state, (0, 5), silently=silently, now=2) == Step(step.state, ())
    assert give_up(None, (0, 5), silently=silently, now=2) == Step(None, ())
    assert acknowledge(step.state, 1, now=3).effects == (Return((0, 6)), Release(7))


def test_what_is_given_up_while_others_wait_moves_the_timer() -> None:
    """Or leaves it, where it was not the last one."""
    both = rejected(parked(), 9, deaths=2).state
    assert give_up(both, (0, 9), silently=True, now=1).effects == (Skip((0, 9)), Arm(10))
    assert give_up(both, (0, 5), silently=True, now=1).effects == (Skip((0, 5)),)
    behind = give_up(both, (0, 6), silently=True, now=1)
    assert behind.effects == (Skip((0, 6)),)


def test_what_is_given_up_during_a_release_is_not_sent() -> None:
    """The mark is on its way already."""
    step = give_up(releasing(), (0, 5), silently=False, now=1)
    assert step.effects == (SetAside((0, 5)),)
    assert acknowledge(step.state, 1, now=2).effects == (Return((0, 6)), Release(7))


def test_a_copy_that_was_edited_is_sent() -> None:
    """When nothing else keeps its key; one that is not there cannot be edited."""
    step = edit(parked(policy=FOR_EVER), (0, 5), now=1)
    assert step.effects == (Mark(1, (0, 5)),)
    assert edit(step.state, (0, 5), now=1).effects == ()
    assert edit(None, (0, 5), now=1) == Step(None, ())
    assert edit(parked(), (0, 99), now=1) == Step(parked(), ())
    two = rejected(parked(), 9, deaths=2).state
    assert edit(two, (0, 9), now=1).effects == (Arm(10),)


def test_memory_of_a_key_is_bounded() -> None:
    """The oldest of very many rejections are forgotten; none that is kept is ever taken twice."""
    state = None
    for offset in range(MOST_HANDLED + 5):
        state = rejected(state, offset, behind=offset > 0, policy=FOR_EVER).state
    assert state is not None
    assert len(state.handled) == MOST_HANDLED
    assert rejected(state, 0, behind=True) == Step(state, (Repeat((0, 0)),))


@pytest.mark.parametrize(
    ("state", "retention_ms", "forgotten"),
    [
        pytest.param(KeyState(active=100), 50, True, id="old"),
        pytest.param(KeyState(active=150), 50, False, id="young"),
        pytest.param(KeyState(active=0), None, False, id="kept for ever"),
        pytest.param(KeyState(phase=Phase.PARKED), 50, False, id="parked"),
        pytest.param(KeyState(phase=Phase.RELEASING), 50, False, id="releasing"),
    ],
)
def test_a_state_is_forgotten_with_the_last_of_its_copies(
    state: KeyState, retention_ms: int | None, *, forgotten: bool
) -> None:
    """Never while something is kept."""
    assert forgets(state, now=151, retention_ms=retention_ms) is forgotten


@pytest.mark.parametrize(
    "state", [None, KeyState(), KeyState(handled=((0, 3),))], ids=["forgotten", "flowing", "rejected"]
)
def test_what_was_set_aside_is_written_where_its_key_flows(state: KeyState | None) -> None:
    """Also where its rejection was read: that is why it was set aside."""
    assert rejoin(state, Back((0, 3), 3), now=9) == Step(state, (Copy(3),))


@pytest.mark.parametrize("phase", [Phase.PARKED, Phase.RELEASING])
def test_what_was_set_aside_joins_a_key_that_waits(phase: Phase) -> None:
    """In its place among what came back, once, and without moving the timer."""
    before = replace(parked(policy=PARK), phase=phase)
    step = rejoin(before, Back((0, 3), 3), now=9)
    assert step.effects == (Keep((0, 3)),)
    assert step.state is not None
    assert [each.place for each in step.state.back] == [(0, 3), (0, 5), (0, 6)]
    assert (step.state.due, step.state.active) == (before.due, 9)
    assert rejoin(step.state, Back((0, 3), 3), now=9) == Step(step.state, (Repeat((0, 3)),))


FULL = KeyState(
    phase=Phase.PARKED,
    awaited=True,
    first=(0, 0),
    back=tuple(Back((0, offset), offset, parked=offset == 0) for offset in range(MOST_BACK)),
    handled=tuple((0, offset) for offset in range(MOST_BACK - MOST_HANDLED, MOST_BACK)),
)


def test_state_of_a_full_key_is_a_record_that_a_changelog_takes() -> None:
    """Topics take records of a megabyte where nobody says otherwise."""
    assert len(encode_state(FULL)) < 500_000


@pytest.mark.parametrize("phase", [Phase.PARKED, Phase.RELEASING])
def test_what_comes_back_of_a_full_key_is_set_aside(phase: Phase) -> None:
    """At once, whatever it was rejected for; the key goes on waiting for what keeps it, and a repeat changes nothing."""
    full = replace(FULL, phase=phase)
    step = rejected(full, MOST_BACK, behind=True, policy=FOR_EVER)
    assert step.effects == (Keep((0, MOST_BACK)), SetAside((0, MOST_BACK)))
    assert step.state is not None
    assert (step.state.back, step.state.phase) == (full.back, phase)
    assert rejected(step.state, MOST_BACK, behind=True, policy=FOR_EVER).effects == (Repeat((0, MOST_BACK)),)


def test_failure_of_a_full_key_is_set_aside_too() -> None:
    """It has no retry; where it is its consumer's new parking, the next mark is for that."""
    step = rejected(FULL, MOST_BACK, policy=RETRY)
    assert step.effects == (Keep((0, MOST_BACK)), SetAside((0, MOST_BACK)))
    assert step.state is not None
    assert step.state.first == (0, MOST_BACK)
    again = rejected(replace(FULL, phase=Phase.RELEASING, epoch=1, back=_freed()), MOST_BACK, policy=RETRY)
    assert again.effects == (Keep((0, MOST_BACK)), SetAside((0, MOST_BACK)), Mark(2, (0, MOST_BACK)))
    silent = rejected(FULL, MOST_BACK, policy=FailurePolicy(retry_ms=(), then=Then.SKIP))
    assert silent.effects == (Keep((0, MOST_BACK)), Skip((0, MOST_BACK)))


def _freed() -> tuple[Back, ...]:
    return tuple(replace(each, parked=False) for each in FULL.back)


def test_what_was_set_aside_of_a_full_key_is_so_once_more() -> None:
    """Until there is room: a dead letter is not lost for having been sent too early."""
    step = rejoin(FULL, Back((0, MOST_BACK), 3), now=9)
    assert step == Step(replace(FULL, active=9), (Keep((0, MOST_BACK)), SetAside((0, MOST_BACK))))
    assert rejoin(FULL, Back((0, 7), 7), now=9).effects == (Repeat((0, 7)),)
