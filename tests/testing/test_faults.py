"""Faults as values: a budget, and a count."""

from __future__ import annotations

import pytest

from router.testing import (
    AcknowledgementsHeld,
    BrokerAway,
    CommitRefused,
    CopyRefused,
    DeliveryLost,
    Fault,
    TopicForbidden,
)


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        pytest.param(DeliveryLost("a"), 1, id="lost"),
        pytest.param(CommitRefused("a"), 1, id="commit"),
        pytest.param(CopyRefused("a", b"k"), None, id="refused"),
        pytest.param(TopicForbidden("a"), None, id="forbidden"),
        pytest.param(AcknowledgementsHeld("a"), None, id="held"),
        pytest.param(BrokerAway(1.0), None, id="away"),
        pytest.param(DeliveryLost("a", times=7), 7, id="as-said"),
    ],
)
def test_budget_is_once_or_until_healed(fault: Fault, times: int | None) -> None:
    """What passes happens once; what is a state lasts."""
    assert (fault.times, fault.fired, fault.spent) == (times, 0, False)
    fault.fired = times or 1_000
    assert fault.spent is (times is not None)


def test_two_faults_alike_are_two_faults() -> None:
    """Each is healed by itself."""
    assert CommitRefused("a") != CommitRefused("a")
