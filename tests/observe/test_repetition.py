"""What is said once a second, and what becomes of the rest."""

from __future__ import annotations

import pytest

from router.observe.repetition import Repetition, Untold


def test_first_of_a_kind_passes_at_once() -> None:
    """Nothing was left out before the first line."""
    assert Repetition[str]().admit("a", "line", 100.0) == 0


def test_repetitions_within_the_interval_are_counted_in_the_next_that_passes() -> None:
    """The line that passes tells how many did not."""
    repetition: Repetition[str] = Repetition()
    assert [repetition.admit("a", "line", 100.0 + tenths / 10) for tenths in range(11)] == [0, *[None] * 9, 9]
    assert repetition.admit("a", "line", 101.5) is None
    assert repetition.admit("a", "line", 102.0) == 1


def test_kinds_do_not_hide_each_other() -> None:
    """A storm of one kind leaves another kind alone."""
    repetition: Repetition[str] = Repetition()
    repetition.admit("a", "line", 100.0)
    assert repetition.admit("b", "line", 100.0) == 0


def test_clock_set_back_lets_lines_pass() -> None:
    """A clock that was set back does not silence a kind until it has caught up."""
    repetition: Repetition[str] = Repetition()
    repetition.admit("a", "line", 100.0)
    assert repetition.admit("a", "line", 50.0) == 0


def test_untold_lines_are_handed_out_once_after_the_interval() -> None:
    """When a storm ends, its last line and its count still come out, once."""
    repetition: Repetition[str] = Repetition()
    repetition.overdue(99.5)
    for number in range(3):
        repetition.admit("a", f"line {number}", 100.0)
    repetition.admit("b", "told", 100.0)
    assert repetition.overdue(100.4) == []
    assert repetition.overdue(101.0) == [Untold("line 2", 2)]
    assert repetition.overdue(105.0) == []


@pytest.mark.parametrize("later", [0.2, 5.0], ids=["too-early", "due"])
def test_looking_again_too_early_costs_nothing(later: float) -> None:
    """Overdue kinds are looked for once an interval, not at every line."""
    repetition: Repetition[str] = Repetition()
    repetition.admit("a", "line", 100.0)
    repetition.admit("a", "line", 100.0)
    repetition.overdue(100.9)
    assert bool(repetition.overdue(100.9 + later)) == (later > 1)


def test_drain_hands_out_all_that_is_untold() -> None:
    """At the end nothing stays unsaid."""
    repetition: Repetition[str] = Repetition()
    for kind in ("a", "b"):
        repetition.admit(kind, "first", 100.0)
        repetition.admit(kind, "last", 100.0)
    assert repetition.drain() == [Untold("last", 1), Untold("last", 1)]
    assert repetition.drain() == []
