"""One table for all kinds of order."""

from __future__ import annotations

from typing import Any

import pytest
from order.driving import SHOP, WAIT, Key, policy, words

from router.order.event_time import TimeResequencer, TimeState
from router.order.policy import ByTime, Sequence, States
from router.order.resequencer import abandon, fits, new_resequencer
from router.order.sequence import SequenceResequencer, SequenceState
from router.order.states import StatesResequencer, StatesState

KINDS = [
    pytest.param(Sequence("n"), SequenceResequencer, SequenceState(1, 0), id="sequence"),
    pytest.param(ByTime("at"), TimeResequencer, TimeState(None, 0), id="by time"),
    pytest.param(States("s", SHOP, ("created",)), StatesResequencer, StatesState((), 0), id="states"),
]


@pytest.mark.parametrize(("kind", "made", "state"), KINDS)
def test_each_kind_has_its_steps_and_its_state(kind: Any, made: type, state: Any) -> None:
    """And only its own state fits."""
    assert isinstance(new_resequencer(policy(kind)), made)
    assert [fits(state, policy(other.values[0])) for other in KINDS] == [other.values[0] is kind for other in KINDS]


def test_what_an_abandoned_key_holds_goes_in_its_order() -> None:
    """Nothing that was held for an order that routes dropped is lost."""
    key = Key(policy())
    key.comes(5, 3, None, 4)
    step = abandon(key.state)
    assert step.state is None
    assert words(step.effects) == [
        *("emit 2 abandoned", "emit 4 abandoned", "emit 1 abandoned", "emit 3 abandoned", "cancel"),
    ]
    assert abandon(SequenceState(7, 0)).effects == ()


EARLY = [
    pytest.param(Sequence("n"), 2, id="sequence"),
    pytest.param(ByTime("at"), 50, id="by time"),
    pytest.param(States("s", SHOP, ("created",)), "paid", id="states"),
]


@pytest.mark.parametrize(("kind", "early"), EARLY)
def test_what_is_early_is_held_for_its_wait_and_no_longer(kind: Any, early: int | str) -> None:
    """The one row that all kinds share to the letter; a timer that goes off too soon is armed again."""
    key = Key(policy(kind))
    assert key.comes(early) == ["hold 1", f"arm {WAIT}"]
    assert key.passes(WAIT - 1) == [f"arm {WAIT}"]
    assert key.passes(1)[0].startswith("emit 1 ")
    assert key.state.held == ()
    assert key.passes(WAIT) == []
