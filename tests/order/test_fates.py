"""What becomes of a record that is not simply next."""

from __future__ import annotations

import pytest
from order.driving import policy, words

from router.order.effects import Cause, DeadLetter, Held
from router.order.fates import duplicate, in_vain, late, timer
from router.order.policy import OnDuplicate, OnGap, OnLate
from router.records.order_errors import OrderGap


@pytest.mark.parametrize(
    ("on_late", "usual"),
    [(OnLate.DEAD_LETTER, "dead 7 late"), (OnLate.RELEASE, "emit 7 late"), (OnLate.DROP, "drop 7 late")],
)
def test_late_is_as_declared_but_set_aside_where_nobody_knows(on_late: OnLate, usual: str) -> None:
    """What may have been sent before is neither sent nor dropped."""
    declared = policy(on_late=on_late)
    assert words([late(declared, 7, place=1, reached=5)]) == [usual]
    assert words([late(declared, 7, place=1, reached=5, forgotten=True)]) == ["dead 7 late"]


def test_a_duplicate_is_dropped_or_sent() -> None:
    """Counted either way."""
    assert words([duplicate(policy(), 7)]) == ["drop 7 duplicate"]
    assert words([duplicate(policy(on_duplicate=OnDuplicate.RELEASE), 7)]) == ["emit 7 duplicate"]


@pytest.mark.parametrize(("cause", "full"), [(Cause.GAP, False), (Cause.FULL, True)])
def test_what_waited_in_vain_is_sent_or_set_aside(cause: Cause, *, full: bool) -> None:
    """With its facts; a clock that went back makes no negative wait."""
    held = Held(9, 7, 1_000)
    assert words([in_vain(policy(), held, missing="8", now=1_500, cause=cause)]) == [f"emit 7 {cause}"]
    strict = policy(on_gap=OnGap.DEAD_LETTER)
    effect = in_vain(strict, held, missing="8", now=1_500, cause=cause)
    assert isinstance(effect, DeadLetter)
    assert isinstance(effect.error, OrderGap)
    assert (effect.error.place, effect.error.missing, effect.error.held_ms, effect.error.full) == (9, "8", 500, full)
    earlier = in_vain(strict, held, missing="8", now=900, cause=cause)
    assert isinstance(earlier, DeadLetter)
    assert isinstance(earlier.error, OrderGap)
    assert earlier.error.held_ms == 0
    assert words([in_vain(strict, Held(9, 7, 0, tombstone=True), missing="8", now=1, cause=cause)]) == [
        "emit 7 tombstone"
    ]


def test_a_timer_is_armed_anew_only_where_its_time_changes() -> None:
    """And canceled where nothing is held any more."""
    old, new = Held(1, 1, 100), Held(2, 2, 200)
    assert words(timer(policy(), (old,), (old, new))) == []
    assert words(timer(policy(), (), (new,))) == ["arm 300"]
    assert words(timer(policy(), (old, new), (new,))) == ["arm 300"]
    assert words(timer(policy(), (old,), ())) == ["cancel"]
    assert words(timer(policy(), (), ())) == []
