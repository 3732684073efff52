"""Parts of a worker that its settings alone decide."""

from __future__ import annotations

import pytest

from router.lanes.protocol import Pace
from router.settings import Settings
from router.worker_parts import cannot_keep, cannot_order, pace


def settings(**more: str) -> Settings:
    """Return settings of the environment's defaults, but for these."""
    return Settings.from_environment({f"ROUTER_{name.upper()}": value for name, value in more.items()})


@pytest.mark.parametrize(
    ("guarantee", "expected"),
    [
        ("exactly_once", Pace(commit_interval=0.25, commit_when_caught_up=True, destination_retry=0.3)),
        ("at_least_once", Pace(commit_interval=0.25, commit_when_caught_up=False, destination_retry=0.3, wary=10)),
    ],
)
def test_pace_is_in_seconds(guarantee: str, expected: Pace) -> None:
    """Committing at once makes copies visible only where a commit does so."""
    assert pace(settings(guarantee=guarantee, commit_interval="250ms", destination_retry="300ms")) == expected


def test_faults_name_what_does_not_fit_and_the_way_out() -> None:
    """Both need transactions: for what is held, and for what is rejected."""
    given = settings(guarantee="at_least_once")
    order, keep = cannot_order(given, ["a.v1", "b.v1"]), cannot_keep(given, ["vip.v1"])
    assert {order.variable, keep.variable} == {"ROUTER_GUARANTEE"}
    assert "remove 'order' from the exchanges that read a.v1, b.v1" in order.problem
    assert "remove 'failure' from vip.v1" in keep.problem
