"""How far apart fetches are without a backlog."""

from __future__ import annotations

import pytest

from router.lanes.spacing import FetchSpacing

WITHIN = 1e-9


def worked(spacing: FetchSpacing, fetch: float, *, besides: float = 0.0, fetches: int = 500) -> float:
    """Fetch, each as soon as it is due and at so many seconds of work, with so much work a second besides; the last interval."""
    now = cpu = 0.0
    for _ in range(fetches):
        spacing.begin(now, cpu)
        left = spacing.left(now)
        # Work takes its time, too: where there is more of it than time, a fetch begins late.
        took = max(left, fetch)
        cpu += fetch + besides * took
        now += took
    return took


def test_the_first_fetch_is_due_at_once() -> None:
    """Whatever the clock says: it may count from anything."""
    assert FetchSpacing(0.5).left(0.0) == 0.0


def test_cheap_fetches_are_as_close_as_does_any_good() -> None:
    """Brokers would have more to do, and nobody a copy sooner."""
    assert worked(FetchSpacing(0.5), 0.0001) == pytest.approx(0.0025, abs=WITHIN)


@pytest.mark.parametrize("utilization", [0.5, 0.6, 0.75])
def test_a_process_is_at_work_for_its_share_of_the_time(utilization: float) -> None:
    """What fetches cost, and what is done besides, count alike."""
    spacing = worked(FetchSpacing(utilization), 0.003, besides=0.2)
    assert (0.003 + 0.2 * spacing) / spacing == pytest.approx(utilization, rel=0.01)


def test_what_else_the_process_is_at_does_not_keep_it_from_fetching() -> None:
    """Reading a table back may take all of its time."""
    assert worked(FetchSpacing(0.5), 0.001, besides=3.0) == pytest.approx(0.02, abs=WITHIN)


def test_a_fetch_that_was_waited_for_is_due_when_it_ends() -> None:
    """Brokers hold one back for longer than fetches are apart."""
    spacing = FetchSpacing(0.5)
    spacing.begin(10.0, 1.0)
    assert spacing.left(10.001) == pytest.approx(0.0015, abs=WITHIN)
    assert spacing.left(10.2) == 0.0


def test_one_costly_fetch_moves_little() -> None:
    """A page that somebody looks at is no reason to be slow."""
    spacing = FetchSpacing(0.5)
    for number in range(201):
        spacing.begin(number * 0.004, number * 0.002)
    usual = spacing.left(0.8)
    assert usual == pytest.approx(0.004, rel=0.01)
    spacing.begin(0.804, 0.402 + 0.02)
    assert usual < spacing.left(0.804) < 1.6 * usual
