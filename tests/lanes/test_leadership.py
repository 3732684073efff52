"""Who leads: what brokers must agree upon."""

from __future__ import annotations

import pytest

from router.lanes.leadership import View, agreed_leader, replicas_of

ALL = (1, 2, 3)
FORMER = View(epoch=7, leader=1, replicas=ALL, in_sync=ALL)
"""As it was before broker 1 was taken for dead."""
LATER = View(epoch=8, leader=2, replicas=ALL, in_sync=(2, 3))
"""As it is since then."""


def test_leader_is_whom_all_who_are_in_sync_take_for_it() -> None:
    """Nobody could have been made leader without their knowing."""
    assert agreed_leader({1: FORMER, 2: FORMER, 3: FORMER}) is FORMER


def test_whoever_is_not_in_sync_need_not_be_heard() -> None:
    """A broker may be down for days."""
    assert agreed_leader({2: LATER, 3: LATER}) is LATER


def test_a_leader_of_before_is_outvoted_by_whoever_knows_a_later_one() -> None:
    """It is not in sync any more, so that nobody waits for it to hear of that."""
    assert agreed_leader({1: FORMER, 2: LATER, 3: LATER}) is LATER


def test_a_broker_in_sync_that_was_not_heard_may_lead_by_now() -> None:
    """It alone may know."""
    assert agreed_leader({1: FORMER, 3: FORMER}) is None


def test_one_who_knows_of_a_later_leader_is_enough_to_doubt() -> None:
    """Others hear of it a moment later, and are asked again."""
    assert agreed_leader({1: FORMER, 2: LATER, 3: FORMER}) is None


def test_what_a_replica_knows_that_seems_out_of_sync_counts_too() -> None:
    """That it is, is as old a view as the rest."""
    alone = View(epoch=7, leader=1, replicas=ALL, in_sync=(1,))
    assert agreed_leader({1: alone}) is alone
    assert agreed_leader({1: alone, 2: LATER}) is None


def test_a_leader_that_does_not_hold_the_view_itself_is_not_agreed_upon() -> None:
    """It would refuse the epoch; nor is it known that it has begun to lead."""
    unaware = View(epoch=8, leader=1, replicas=ALL, in_sync=(2, 3))
    assert agreed_leader({1: FORMER, 2: unaware, 3: unaware}) is None


@pytest.mark.parametrize("views", [{}, {2: LATER._replace(leader=-1), 3: LATER._replace(leader=-1)}])
def test_nobody_leads_where_nobody_says_so(views: dict[int, View]) -> None:
    """Nothing was heard, or an election is under way."""
    assert agreed_leader(views) is None


def test_a_topic_that_was_made_anew_is_doubted_while_somebody_knows_the_former() -> None:
    """Its epochs begin at 0: the former's are later, and those who have heard of the new one do not hold them."""
    anew = View(epoch=0, leader=2, replicas=ALL, in_sync=ALL)
    assert agreed_leader({1: FORMER, 2: anew, 3: anew}) is None
    assert agreed_leader({1: anew, 2: anew, 3: anew}) is anew


def test_replicas_are_those_of_any_view() -> None:
    """One may have been added meanwhile."""
    assert replicas_of({1: FORMER, 2: LATER._replace(replicas=(2, 3, 4))}) == {1, 2, 3, 4}
    assert replicas_of({}) == set()
