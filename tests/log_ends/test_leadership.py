"""Who leads: what brokers must agree upon."""

from __future__ import annotations

import pytest

from router.log_ends.leadership import View, agreed_leader, doubts, replicas_of

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
    alone = FORMER._replace(in_sync=(1,))
    assert agreed_leader({1: alone}) is alone
    assert agreed_leader({1: alone, 2: LATER}) is None


def test_a_minority_is_doubted_while_others_may_answer_yet() -> None:
    """One that was in sync may have been made leader without it (KIP-966)."""
    alone = FORMER._replace(in_sync=(1,))
    assert agreed_leader({1: alone}, silent={2, 3}) is None
    assert agreed_leader({1: alone, 2: alone}, silent={3}) is alone
    assert agreed_leader({1: alone}, silent={9}) is alone


def test_whoever_anybody_takes_to_be_in_sync_is_needed() -> None:
    """Within an epoch brokers come in sync and fall behind; the order of views makes no difference."""
    fewer, more = FORMER._replace(in_sync=(1,)), FORMER._replace(in_sync=(1, 3))
    assert agreed_leader({1: fewer, 2: more}) is None
    assert agreed_leader({1: more, 2: fewer}) is None
    assert agreed_leader({1: fewer, 2: more, 3: fewer}) is fewer


def test_two_leaders_of_one_epoch_are_none() -> None:
    """Topics of the same name, one of them deleted, have had as many elections."""
    assert agreed_leader({1: FORMER, 2: FORMER._replace(leader=2), 3: FORMER}) is None


@pytest.mark.parametrize(
    ("views", "silent", "said"),
    [
        ({}, (), ["no broker answers"]),
        ({2: LATER._replace(leader=-1)}, (), ["it has no leader"]),
        ({1: FORMER, 3: FORMER}, (), ["broker 2, which is in sync, does not answer"]),
        (
            {1: LATER, 2: LATER, 3: FORMER},
            (),
            ["broker 3, which is in sync, has not heard of its leader"],
        ),
        ({1: FORMER, 2: FORMER._replace(leader=2), 3: FORMER}, (), ["brokers 1, 2 are named as its leader"]),
        (
            {1: FORMER._replace(in_sync=(1,))},
            (2, 3),
            ["broker 2 has not answered yet", "broker 3 has not answered yet"],
        ),
        ({2: LATER, 3: LATER}, (1,), []),
    ],
)
def test_doubts_name_whom_to_look_at(views: dict[int, View], silent: tuple[int, ...], said: list[str]) -> None:
    """An operator reads them; where there are none, it is certain who leads."""
    assert [*doubts(views, silent=silent)] == said
    assert (agreed_leader(views, silent=silent) is None) == bool(said)


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
