"""What a team declares, and its defaults."""

from __future__ import annotations

from typing import Any

import pytest
from order.driving import policy

from router.durations import parse_duration
from router.order.policy import FOREVER_MS, FORGET_AFTER_MS, WAIT_MS, OnDuplicate, OnGap, OnLate, OrderPolicy, Sequence


def test_defaults_keep_records_coming_and_set_aside_what_is_late() -> None:
    """What waited in vain is sent, what is late is set aside, and duplicates are dropped."""
    made = OrderPolicy(by="id", kind=Sequence("n"))
    assert (made.on_gap, made.on_late, made.on_duplicate) == (OnGap.RELEASE, OnLate.DEAD_LETTER, OnDuplicate.DROP)
    assert (made.wait_ms, made.forget_after_ms) == (parse_duration("5m"), parse_duration("30d"))
    assert (made.wait_ms, made.forget_after_ms) == (WAIT_MS, FORGET_AFTER_MS)
    assert (made.hold_at_most, made.kind, made.repartition) == (1_000, Sequence("n", start=1), False)


@pytest.mark.parametrize(
    ("declared", "patience", "gives_up"),
    [
        pytest.param({"on_gap": OnGap.RELEASE}, 100, OnGap.RELEASE, id="released"),
        pytest.param({"on_gap": OnGap.DEAD_LETTER, "on_expiry": OnGap.RELEASE}, 100, OnGap.DEAD_LETTER, id="set aside"),
        pytest.param({"on_gap": OnGap.PARK, "park_for_ms": 50}, 150, OnGap.DEAD_LETTER, id="parked"),
        pytest.param(
            {"on_gap": OnGap.PARK, "park_for_ms": None, "on_expiry": OnGap.RELEASE},
            100 + FOREVER_MS,
            OnGap.RELEASE,
            id="parked for ever",
        ),
    ],
)
def test_what_is_parked_is_held_for_longer_and_has_a_fate_of_its_own(
    declared: dict[str, Any], patience: int, gives_up: OnGap
) -> None:
    """Its wait, and then for as long as it is parked."""
    made = policy(**declared)
    assert (made.patience_ms, made.gives_up) == (patience, gives_up)


@pytest.mark.parametrize(
    ("after", "log", "forgotten"),
    [
        pytest.param(100, 1_099, False, id="not yet"),
        pytest.param(100, 1_100, True, id="when the log has gone on for so long"),
        pytest.param(None, 2**62, False, id="never, where nothing is to be forgotten"),
    ],
)
def test_keys_are_forgotten_by_how_far_the_log_has_gone_on(after: int | None, log: int, *, forgotten: bool) -> None:
    """From the key's last record."""
    assert policy(forget_after_ms=after).forgets(1_000, log) is forgotten
