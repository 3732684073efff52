"""What the demo shows: frozen values, and how they look on a terminal or as plain lines. Measures and prints nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.develop.feed import Mischief
from router.develop.reconcile import Reconciliation, Row

__all__ = ["NarrowRow", "Picture", "Rates", "SourceRow", "draw", "line", "mischief_line", "reckoning"]

_ROWS_AROUND = 8
"""Lines of the picture that are no topic's: headings, margins, the last line."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A broad topic and what is set aside from it."""

    topic: str
    fed: int
    rate: float
    lag: int
    """Records that the router has still to route."""
    unroutable: int
    dead_letters: int


@dataclass(frozen=True, slots=True)
class NarrowRow:
    """A topic that a team reads."""

    team: str
    topic: str
    copies: int
    rate: float


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment of a run."""

    seconds: float
    """Since the feed began."""
    sources: tuple[SourceRow, ...]
    narrow: tuple[NarrowRow, ...]
    note: str
    """What the reader can do now."""

    @property
    def lag(self) -> int:
        return sum(row.lag for row in self.sources)


class Rates:
    """Records a second by topic, over the last few seconds."""

    def __init__(self, *, window: float = 4.0) -> None:
        self._window = window
        self._samples: deque[tuple[float, Mapping[str, int]]] = deque()

    def sample(self, at: float, counts: Mapping[str, int]) -> None:
        """Remember the counts of this moment, in seconds of any steady clock."""
        self._samples.append((at, dict(counts)))
        while len(self._samples) > 2 and self._samples[1][0] <= at - self._window:
            self._samples.popleft()

    def of(self, topic: str) -> float:
        """Records a second of this topic; 0 until two moments are known."""
        if len(self._samples) < 2:
            return 0.0
        (begun, before), (ended, after) = self._samples[0], self._samples[-1]
        return (after.get(topic, 0) - before.get(topic, 0)) / max(ended - begun, 1e-9)


def draw(picture: Picture, *, height: int) -> RenderableType:
    """The picture as tables; teams instead of their topics where the terminal has too few lines."""
    fits = len(picture.sources) + len(picture.narrow) + _ROWS_AROUND <= height
    narrow = _narrow_table(picture.narrow) if fits else _team_table(picture.narrow)
    last = Text(f"{_clock(picture.seconds)}   {picture.note}", style="dim")
    return Group(_source_table(picture.sources), narrow, last)


def line(picture: Picture) -> str:
    """The picture in one line, for a log."""
    fed = sum(row.fed for row in picture.sources)
    copies = sum(row.copies for row in picture.narrow)
    unroutable = sum(row.unroutable for row in picture.sources)
    dead = sum(row.dead_letters for row in picture.sources)
    return (
        f"{_clock(picture.seconds)}  fed {fed:,} ({sum(row.rate for row in picture.sources):,.0f}/s)"
        f"  copies {copies:,} ({sum(row.rate for row in picture.narrow):,.0f}/s)"
        f"  unroutable {unroutable:,}  dead letters {dead:,}  lag {picture.lag:,}"
        f"  ({picture.note})"
    )


def reckoning(found: Reconciliation, *, team_of: Mapping[str, str]) -> Table:
    """The closing table: every topic, what it must hold and what it holds; the teams' own first."""
    table = _table("team", "topic", right=("expected", "counted", ""))
    for row in sorted(found.rows, key=lambda row: (row.topic not in team_of, team_of.get(row.topic), row.topic)):
        table.add_row(
            team_of.get(row.topic, ""),
            row.topic,
            f"{row.expected:,}",
            f"{row.counted:,}",
            _verdict(row),
            style=_style(row),
        )
    table.add_section()
    table.add_row(
        "", "all", f"{sum(row.expected for row in found.rows):,}", f"{sum(row.counted for row in found.rows):,}", ""
    )
    return table


def mischief_line(numbers: Mapping[Mischief, int]) -> str:
    """What was wrong with the feed, in numbers."""
    parts = ", ".join(f"{count:,} {kind}" for kind, count in numbers.items() if kind is not Mischief.NONE)
    return f"mischief in the feed: {parts}"


def _verdict(row: Row) -> str:
    if row.missing:
        return f"{row.missing:,} missing"
    if row.too_many:
        return f"{row.too_many:,} too many"
    return "altered" if row.altered else ""


def _style(row: Row) -> str:
    return "bold red" if _verdict(row) else ""


def _source_table(rows: Iterable[SourceRow]) -> Table:
    table = _table("broad topic", right=("fed", "/s", "lag", "unroutable", "dead letters"))
    for row in rows:
        numbers = (f"{row.fed:,}", f"{row.rate:,.0f}", f"{row.lag:,}", f"{row.unroutable:,}", f"{row.dead_letters:,}")
        table.add_row(row.topic, *numbers)
    return table


def _narrow_table(rows: Iterable[NarrowRow]) -> Table:
    table = _table("team", "narrow topic", right=("copies", "/s"))
    team = ""
    for row in rows:
        table.add_row("" if row.team == team else row.team, row.topic, f"{row.copies:,}", f"{row.rate:,.0f}")
        team = row.team
    return table


def _team_table(rows: Sequence[NarrowRow]) -> Table:
    table = _table("team", right=("narrow topics", "copies", "/s"))
    for team in dict.fromkeys(row.team for row in rows):
        own = [row for row in rows if row.team == team]
        copies, rate = sum(row.copies for row in own), sum(row.rate for row in own)
        table.add_row(team, str(len(own)), f"{copies:,}", f"{rate:,.0f}")
    return table


def _table(*left: str, right: Sequence[str]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in left:
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True, min_width=6)
    return table


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"
