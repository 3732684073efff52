"""What the demo shows."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from router.develop.feed import Mischief
from router.develop.picture import NarrowRow, Picture, Rates, SourceRow, draw, line, mischief_line, reckoning
from router.develop.reconcile import Tally, reconcile

PICTURE = Picture(
    seconds=83.9,
    sources=(SourceRow("a.v1", 1200, 40.4, 7, 3, 2), SourceRow("b.v1", 10, 0.0, 0, 0, 0)),
    narrow=(
        NarrowRow("bob", "kz.a.v1", 500, 10.0),
        NarrowRow("bob", "ru.a.v1", 1000, 20.0),
        NarrowRow("sms", "sms.a.v1", 1, 0.0),
    ),
    note="Ctrl-C ends it",
)


def shown(renderable: RenderableType) -> list[list[str]]:
    """Return the words of each line as a terminal would show them."""
    console = Console(file=io.StringIO(), width=120, color_system=None)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return [row.split() for row in console.file.getvalue().splitlines()]


def test_a_picture_has_every_topic() -> None:
    """Sources with what is set aside from them, then each narrow topic under its team, then what one can do."""
    assert shown(draw(PICTURE, height=40)) == [
        ["broad", "topic", "fed", "/s", "lag", "unroutable", "dead", "letters"],
        ["a.v1", "1,200", "40", "7", "3", "2"],
        ["b.v1", "10", "0", "0", "0", "0"],
        ["team", "narrow", "topic", "copies", "/s"],
        ["bob", "kz.a.v1", "500", "10"],
        ["ru.a.v1", "1,000", "20"],
        ["sms", "sms.a.v1", "1", "0"],
        ["01:23", "Ctrl-C", "ends", "it"],
    ]


def test_a_small_terminal_shows_teams() -> None:
    """Where not every topic has a line, each team has one, and nothing is cut off."""
    assert shown(draw(PICTURE, height=12))[3:6] == [
        ["team", "narrow", "topics", "copies", "/s"],
        ["bob", "2", "1,500", "30"],
        ["sms", "1", "1", "0"],
    ]


def test_a_log_gets_the_sums() -> None:
    """One line says how much went in, came out and is left."""
    assert (
        line(PICTURE)
        == "01:23  fed 1,210 (40/s)  copies 1,501 (30/s)  unroutable 3  dead letters 2  lag 7  (Ctrl-C ends it)"
    )


def test_the_reckoning_marks_what_is_wrong() -> None:
    """A row that balances says nothing; the others say by how much they do not."""
    found = reconcile(
        {"a": Tally(2, 7), "b": Tally(5, 0), "c": Tally(1, 1)},
        {"a": Tally(2, 7), "b": Tally(3, 0), "c": Tally(1, 2), "d": Tally(1, 0)},
    )
    assert shown(reckoning(found, team_of={"a": "bob"})) == [
        ["team", "topic", "expected", "counted"],
        ["bob", "a", "2", "2"],
        ["b", "5", "3", "2", "missing"],
        ["c", "1", "1", "altered"],
        ["d", "0", "1", "1", "too", "many"],
        ["all", "8", "7"],
    ]


def test_mischief_is_told_in_numbers() -> None:
    """What was not wrong is left out."""
    assert mischief_line({Mischief.NONE: 9, Mischief.LATE: 1200}) == "mischief in the feed: 1,200 late"


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        pytest.param([], 0.0, id="nothing known"),
        pytest.param([(5.0, 100)], 0.0, id="one moment"),
        pytest.param([(0.0, 0), (2.0, 100)], 50.0, id="two moments"),
        pytest.param([(0.0, 0), (1.0, 1000), (5.0, 1000), (6.0, 1000)], 0.0, id="what is long ago does not count"),
        pytest.param([(0.0, 0), (60.0, 600)], 10.0, id="two moments, however far apart"),
    ],
)
def test_a_rate_is_that_of_the_last_seconds(samples: list[tuple[float, int]], rate: float) -> None:
    """Records a second between the oldest remembered moment and the newest."""
    rates = Rates(window=4.0)
    for at, count in samples:
        rates.sample(at, {"t": count})
    assert rates.of("t") == rate
    assert rates.of("other") == 0.0
