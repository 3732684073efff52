"""How one exchange orders the records of a key: what a team declares as `order:`, with its defaults. Pure.

Three kinds, of which an exchange has one:

    Sequence   records carry numbers without gaps: 1, 2, 3, …
    ByTime     records carry the time of what happened
    States     records carry the state that their key has got to, and routes say which state leads to which
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "FIRST_SEEN",
    "FOREVER_MS",
    "FORGET_AFTER_MS",
    "HOLD_AT_MOST",
    "PARK_FOR_MS",
    "WAIT_MS",
    "ByTime",
    "Kind",
    "OnDuplicate",
    "OnGap",
    "OnLate",
    "OrderPolicy",
    "Sequence",
    "States",
]

FIRST_SEEN = "first-seen"
"""A key begins with whatever record of it comes first."""

WAIT_MS = 300_000
"""`wait` where nothing is declared: 5 minutes."""

HOLD_AT_MOST = 1_000
"""`hold-at-most` where nothing is declared."""

FORGET_AFTER_MS = 2_592_000_000
"""`forget-after` where nothing is declared: 30 days."""


PARK_FOR_MS = 604_800_000
"""`park-for` where nothing is declared: 7 days."""

FOREVER_MS = 3_153_600_000_000
"""A hundred years: longer than anything is parked."""


class OnGap(StrEnum):
    """What becomes of records that waited in vain. Their key goes on behind them, whenever that is."""

    RELEASE = "release"
    """They are sent in order, without what is missing."""
    DEAD_LETTER = "dead-letter"
    """They are set aside."""
    PARK = "park"
    """They wait on, for what is missing or for somebody to decide; when that takes too long, `on-expiry` says which of
    the others it is."""


class OnLate(StrEnum):
    """What becomes of a record whose place was given up before it came."""

    DEAD_LETTER = "dead-letter"
    """It is set aside."""
    RELEASE = "release"
    """It is sent at once, out of order."""
    DROP = "drop"
    """It is counted, and goes nowhere."""


class OnDuplicate(StrEnum):
    """What becomes of a record whose like has come before."""

    DROP = "drop"
    """It is counted, and goes nowhere."""
    RELEASE = "release"
    """It is sent: at once, or right behind its like where that one is held."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """By a number that counts each key's records without gaps."""

    field: str
    start: int | None = 1
    """The number that a key begins with; None: the first that is seen."""


@dataclass(frozen=True, slots=True)
class ByTime:
    """By the time that records carry, each waiting for those that may be on their way."""

    field: str


@dataclass(frozen=True, slots=True)
class States:
    """By the states that a key goes through."""

    field: str
    transitions: Mapping[str, tuple[str, ...]]
    """By state, the states that it leads to. A state that leads nowhere may be left out."""
    starts: tuple[str, ...] | None
    """The states that a key can begin with; None: any."""


Kind = Sequence | ByTime | States


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPolicy:
    """One exchange's `order:`."""

    by: str
    """The field whose value tells keys apart: what the records' key carries, or what they are keyed by anew."""
    kind: Kind
    wait_ms: int = WAIT_MS
    """How long a record is held at most, from when it was received, once the lane has read what came meanwhile."""
    on_gap: OnGap = OnGap.RELEASE
    on_late: OnLate = OnLate.DEAD_LETTER
    on_duplicate: OnDuplicate = OnDuplicate.DROP
    hold_at_most: int = HOLD_AT_MOST
    """Records that one key holds at most; one more, and the first gap is given up."""
    forget_after_ms: int | None = FORGET_AFTER_MS
    """How long a key that holds nothing is remembered after its last record; None: for ever."""
    repartition: bool = False
    """Records go through an internal topic that is keyed by `by`."""
    park_for_ms: int | None = PARK_FOR_MS
    """How long records are parked at most behind a gap, beyond their wait; None: until somebody decides."""
    on_expiry: OnGap = OnGap.DEAD_LETTER
    """What becomes of them then."""

    @property
    def patience_ms(self) -> int:
        """How long a record is held at most: its wait, and where its exchange parks what waited in vain, `park-for` beyond."""
        if self.on_gap is not OnGap.PARK:
            return self.wait_ms
        return self.wait_ms + (FOREVER_MS if self.park_for_ms is None else self.park_for_ms)

    @property
    def gives_up(self) -> OnGap:
        """What becomes of records that were held for that long."""
        return self.on_expiry if self.on_gap is OnGap.PARK else self.on_gap

    def forgets(self, active: int, log: int) -> bool:
        """Whether a key that holds nothing, and whose last record came at `active`, is forgotten when the log is at `log`.

        Both are milliseconds of the log's own progress, so that an outage makes nothing forgotten.
        """
        return self.forget_after_ms is not None and log - active >= self.forget_after_ms
