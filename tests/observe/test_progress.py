"""What counts as standing still, and for how long."""

from __future__ import annotations

import pytest

from router.observe.progress import LONGEST_LOOK, Progress, Stall, Subject


def lane(mark: object = 1, name: str = "lane", *, owes: bool = True, allowance: float = 0.0) -> Subject:
    return Subject(name, mark, owes, allowance)


def watch(progress: Progress, *looks: list[Subject], begin: float = 0.0) -> list[Stall | None]:
    """One look a second."""
    return [progress.look(subjects, begin + second) for second, subjects in enumerate(looks)]


def test_what_does_not_move_is_told_at_half_its_time_and_over_at_the_whole() -> None:
    """Between the two there is a warning, and /healthz fails."""
    stalls = watch(Progress(10.0), *[[lane()]] * 12)
    assert stalls[:5] == [None] * 5
    assert stalls[5] == Stall(("lane",), 5.0, 10.0)
    assert [stall.over for stall in stalls[5:] if stall] == [False] * 5 + [True] * 2


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param([lane(2)], id="moves"),
        pytest.param([lane(owes=False)], id="waits-for-something-known"),
        pytest.param([], id="belongs-to-another-worker"),
    ],
)
def test_whoever_moves_or_need_not_begins_anew(meanwhile: list[Subject]) -> None:
    """Time that was spent before does not count against it."""
    progress = Progress(10.0)
    mark = meanwhile[0].mark if meanwhile else 1
    stalls = watch(progress, *[[lane()]] * 9, meanwhile, *[[lane(mark)]] * 5)
    assert stalls[8] is not None
    assert stalls[9:14] == [None] * 5


def test_one_that_moves_does_not_excuse_another() -> None:
    """A lane that hangs among others that work is hung all the same."""
    looks = [[lane(second, "well"), lane(1, "hung"), lane(1, "also hung")] for second in range(11)]
    stall = watch(Progress(10.0), *looks)[-1]
    assert stall == Stall(("also hung", "hung"), 10.0, 10.0)
    assert str(stall) == "also hung, hung did not move in 10 s, in spite of work to do"


def test_some_may_take_longer() -> None:
    """The verdict is about the one that is nearest to its own limit."""
    looks = [[lane(1, "slow", allowance=30.0), lane(second // 8, "quick")] for second in range(21)]
    stall = watch(Progress(10.0), *looks)[-1]
    assert stall == Stall(("slow",), 20.0, 40.0)
    assert not stall.over


@pytest.mark.parametrize("gap", [3600.0, -3600.0], ids=["stopped-for-an-hour", "clock-set-back"])
def test_time_in_which_nobody_looked_hardly_counts(gap: float) -> None:
    """A process that was stopped in its tracks goes on as if nothing had been."""
    progress = Progress(10.0)
    watch(progress, *[[lane()]] * 4)
    stall = progress.look([lane()], 3.0 + gap)
    assert stall is None or stall.seconds <= 3.0 + LONGEST_LOOK
    assert stall is None or not stall.over
