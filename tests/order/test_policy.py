"""What a team declares, and its defaults."""

from __future__ import annotations

import pytest
from order.driving import policy

from router.durations import parse_duration
from router.order.policy import FORGET_AFTER_MS, WAIT_MS, OnDuplicate, OnGap, OnLate, OrderPolicy, Sequence


def test_defaults_keep_records_coming_and_set_aside_what_is_late() -> None:
    """What waited in vain is sent, what is late is set aside, and duplicates are dropped."""
    made = OrderPolicy(by="id", kind=Sequence("n"))
    assert (made.on_gap, made.on_late, made.on_duplicate) == (OnGap.RELEASE, OnLate.DEAD_LETTER, OnDuplicate.DROP)
    assert (made.wait_ms, made.forget_after_ms) == (parse_duration("5m"), parse_duration("30d"))
    assert (made.wait_ms, made.forget_after_ms) == (WAIT_MS, FORGET_AFTER_MS)
    assert (made.hold_at_most, made.kind, made.repartition) == (1_000, Sequence("n", start=1), False)


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
