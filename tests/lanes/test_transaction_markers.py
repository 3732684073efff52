"""Markers of the last transaction are waited for about as long as they take."""

from __future__ import annotations

import pytest

from router.lanes.transaction_markers import TransactionMarkers


def tries(markers: TransactionMarkers, *, ended: float, take: float) -> int:
    """How often a producer is told to come again that begins as soon as it has ended, while they take so long."""
    markers.begin(ended)
    now, refused = ended + markers.left(ended), 0
    while now < ended + take:
        refused += 1
        now += markers.too_early(now)
    markers.written(now)
    return refused


def test_first_transaction_waits_for_nothing() -> None:
    """Whatever the former owner left behind, which says nothing of this one's own."""
    markers = TransactionMarkers()
    assert markers.left(5.0) == 0
    assert markers.too_early(5.0) == pytest.approx(0.002)
    assert markers.refused
    markers.written(900.0)
    assert not markers.refused
    markers.begin(901.0)
    assert markers.left(901.0) == 0


@pytest.mark.parametrize("take", [0.004, 0.01, 0.05])
def test_waiting_learns_how_long_they_take(take: float) -> None:
    """So that a busy lane is told to come again less than once a transaction, and waits hardly longer than it must."""
    markers = TransactionMarkers()
    for number in range(20):
        tries(markers, ended=float(number), take=take)
    refused = sum(tries(markers, ended=float(number), take=take) for number in range(20, 120))
    assert refused < 100
    markers.begin(200.0)
    assert markers.left(200.0) < take * 1.3


@pytest.mark.parametrize("owned", [True, False], ids=["its own", "the former owner's"])
def test_tries_become_rarer_the_longer_they_take(owned: bool) -> None:
    """At most some dozens in ten seconds, and none later than a quarter of the time, or a tenth of a second."""
    markers = TransactionMarkers()
    if owned:
        markers.begin(1.0)
    now, tries_made = 1.0, 0
    while now < 11.0:
        pause = markers.too_early(now)
        assert 0.002 <= pause <= max(0.002, min(0.1, (now - 1.0) / 4))
        now += pause
        tries_made += 1
    assert tries_made < 130
    markers.written(now)
    assert not markers.refused


def test_waiting_forgets_that_they_took_long() -> None:
    """A broker that was busy for a while slows nothing down for ever."""
    markers = TransactionMarkers()
    tries(markers, ended=1.0, take=30.0)
    markers.begin(2.0)
    assert 0 < markers.left(2.0) <= 0.101
    for number in range(2, 60):
        tries(markers, ended=float(number), take=0.001)
    markers.begin(100.0)
    assert markers.left(100.0) < 0.002


def test_time_that_has_passed_is_not_waited_for_again() -> None:
    """A lane that was idle meanwhile begins at once."""
    markers = TransactionMarkers()
    tries(markers, ended=1.0, take=0.05)
    markers.begin(2.0)
    assert markers.left(2.0) > 0
    assert markers.left(3.0) == 0
