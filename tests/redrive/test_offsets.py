"""Whether a group's offset can be moved over a record, and what that passes over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.redrive.offsets import Member, Refused, Skipped, Standing, judge, judge_mark

AT_REST = Standing(
    group="refunds",
    topic="orders.v1",
    partition=3,
    state="Empty",
    members=(),
    committed=10,
    first=5,
    end=20,
    marks=False,
)
ACTIVE = replace(AT_REST, state="Stable", members=(Member("app-1", "10.0.0.5"),))


@pytest.mark.parametrize(
    ("standing", "offset", "expected"),
    [
        pytest.param(AT_REST, 10, Skipped(11, 1), id="the next one"),
        pytest.param(AT_REST, 12, Skipped(13, 3), id="one that it has not come to"),
        pytest.param(replace(AT_REST, committed=None, state="Dead"), 6, Skipped(7, 2), id="has committed nothing"),
        pytest.param(replace(AT_REST, committed=2), 5, Skipped(6, 1), id="stands before the log"),
    ],
)
def test_group_at_rest_can_be_moved(standing: Standing, offset: int, expected: Skipped) -> None:
    """Over the record, and over all that it has not read before it."""
    assert judge(standing, offset) == expected


@pytest.mark.parametrize(
    ("standing", "offset", "said"),
    [
        pytest.param(AT_REST, 4, "holds offsets 5 to 19, not 4", id="gone"),
        pytest.param(AT_REST, 20, "holds offsets 5 to 19, not 20", id="to come"),
        pytest.param(replace(AT_REST, end=5), 5, "holds nothing", id="an empty log"),
        pytest.param(ACTIVE, 10, "its members are: app-1 on 10.0.0.5", id="active"),
        pytest.param(replace(ACTIVE, members=()), 10, "none that it names", id="active, and says nobody"),
        pytest.param(ACTIVE, 10, "then start them again", id="without marks"),
        pytest.param(replace(ACTIVE, marks=True), 10, "--mark tells them at once to leave out 10", id="with marks"),
    ],
)
def test_what_cannot_be_moved_says_why_and_what_to_do(standing: Standing, offset: int, said: str) -> None:
    """Only a group's own members move the offsets of one that is active."""
    verdict = judge(standing, offset)
    assert isinstance(verdict, Refused)
    assert said in verdict.message
    assert not verdict.done


def test_group_that_is_behind_it_has_nothing_to_do() -> None:
    """Also where it is active."""
    for standing in (AT_REST, ACTIVE):
        verdict = judge(standing, 9)
        assert isinstance(verdict, Refused)
        assert verdict.done


def test_mark_is_for_those_who_read_marks() -> None:
    """Whether the group has members or none; what it has read already it does not leave out."""
    marked = replace(ACTIVE, marks=True)
    assert judge_mark(marked, 12) == Skipped(13, 1)
    assert judge_mark(replace(marked, committed=None), 12) == Skipped(13, 1)
    nobody = judge_mark(ACTIVE, 12)
    assert isinstance(nobody, Refused)
    assert "orders.v1.parked" in nobody.message
    assert judge_mark(marked, 9) == Refused("group 'refunds' stands behind 9 already: nothing to do", done=True)


def test_standing_is_told_to_programs() -> None:
    """With its members, so that somebody can be asked."""
    told = ACTIVE.to_json()
    assert (told["group"], told["state"], told["active"], told["committed"]) == ("refunds", "Stable", True, 10)
    assert told["members"] == [{"client": "app-1", "host": "10.0.0.5"}]
