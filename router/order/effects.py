"""What a resequencer is told, and what it wants done: the values between deciding on order and carrying it out. Pure.

Records themselves never pass through here. A record is its offset, which tells a lane's records apart: the one that has
just come is at hand, and one that is held lies in the table under its key and offset (`stored`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from router.errors import RecordError

__all__ = [
    "Arm",
    "Cancel",
    "Cause",
    "DeadLetter",
    "Drop",
    "Effect",
    "Emit",
    "Event",
    "Held",
    "Hold",
    "Step",
    "deadline",
]


@dataclass(frozen=True, slots=True)
class Event:
    """A record of a key has come."""

    place: int | str | None
    """Where in the key's order it belongs: its number, its instant or its state. None: it has no value to say so."""
    offset: int
    received: int
    """When it was fetched: milliseconds since the epoch. Its wait runs from here."""
    log: int
    """How far the log has got: milliseconds since the epoch (`timers.log_time`). What is forgotten goes by it."""


P = TypeVar("P", int, str)


@dataclass(frozen=True, slots=True)
class Held(Generic[P]):
    """A record that waits."""

    place: P
    """A tombstone takes the place of what it waits behind."""
    offset: int
    since: int
    """When it was received, milliseconds since the epoch."""
    tombstone: bool = False


class Cause(StrEnum):
    """Why a record is sent now, or is not sent at all: metrics count by it."""

    IN_ORDER = "in-order"
    """It came when it was due."""
    FILLED = "filled"
    """It was held, and what it waited for has come."""
    WAITED = "waited"
    """It was held for the whole wait, as order by time wants it."""
    GAP = "gap"
    """It was held until its wait ran out, and goes without what is missing."""
    FULL = "full"
    """It was held until its key held too many."""
    LATE = "late"
    DUPLICATE = "duplicate"
    TOMBSTONE = "tombstone"
    """It has no value, and so no place of its own: it goes when what came before it has gone."""
    ABANDONED = "abandoned"
    """It was held, and its exchange does not order by that any more."""


@dataclass(frozen=True, slots=True)
class Emit:
    """Send the record: decide it by the routes of this moment, and copy it."""

    offset: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the record that has just come."""

    offset: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Set the record aside; the error has the facts."""

    offset: int
    error: RecordError


@dataclass(frozen=True, slots=True)
class Drop:
    """Count the record, and send it nowhere."""

    offset: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class Arm:
    """Come back to this key when this time has passed; it replaces the key's timer."""

    at: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Cancel:
    """The key has nothing to wait for any more."""


Effect = Emit | Hold | DeadLetter | Drop | Arm | Cancel

S_co = TypeVar("S_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Step(Generic[S_co]):
    """What became of a key."""

    state: S_co | None
    """None: nothing is to be remembered of it."""
    effects: tuple[Effect, ...]
    """To be carried out in this order. A record that was held and is now sent, set aside or dropped is held no more."""


def deadline(held: Sequence[Held[P]], wait_ms: int) -> int | None:
    """When the first of these waits runs out; None where none does."""
    return min(each.since for each in held) + wait_ms if held else None
