"""What becomes of a record that a topic's consumer rejects: what a team declares as `failure:`, with its defaults. Pure.

A rejected record is retried after each of the `retry` delays. When it has died once more than there are delays, `then` says
what follows. Deaths are counted by the ledger, which no copy resets, so a record that was sent again by hand and dies again
has no retries left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from router.failure.deaths import Dialect

__all__ = [
    "PARK_FOR_MS",
    "RETRY_MS",
    "FailurePolicy",
    "GiveUp",
    "Keep",
    "Kept",
    "OnExpiry",
    "Park",
    "Retry",
    "Then",
    "Verdict",
]

RETRY_MS = (10_000, 60_000, 600_000)
"""`retry` where nothing is declared: after 10 seconds, a minute, and ten minutes."""

PARK_FOR_MS = 604_800_000
"""`park-for` where nothing is declared: 7 days."""


class Then(StrEnum):
    """What becomes of a record whose retries are used up."""

    DEAD_LETTER = "dead-letter"
    """It is set aside, and its key flows on."""
    PARK = "park"
    """It waits for somebody to decide, and its key with it."""
    SKIP = "skip"
    """It is counted, and its key flows on."""


class OnExpiry(StrEnum):
    """What becomes of a parked record that nobody has decided about."""

    DEAD_LETTER = "dead-letter"
    RELEASE = "release"
    """It is sent once more."""


class Keep(StrEnum):
    """What waits while a record is retried or parked."""

    KEY = "key"
    """All later records of its key, for that consumer."""
    NOTHING = "nothing"
    """The record alone: the key's order is given up for it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Send it again."""

    after_ms: int


@dataclass(frozen=True, slots=True)
class Park:
    """Keep it until somebody decides."""

    for_ms: int | None
    """Or until this has passed; None: for ever."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It will not be sent again."""

    silently: bool
    """Only counted; else it becomes a dead letter."""


Verdict = Retry | Park | GiveUp


@dataclass(frozen=True, slots=True, kw_only=True)
class FailurePolicy:
    """One topic's `failure:`."""

    retry_ms: tuple[int, ...] = RETRY_MS
    then: Then = Then.DEAD_LETTER
    park_for_ms: int | None = PARK_FOR_MS
    """How long a record is parked at most; None: until somebody decides."""
    on_expiry: OnExpiry = OnExpiry.DEAD_LETTER
    keep: Keep = Keep.KEY
    dialect: Dialect = Dialect.ROUTER
    """The dialect that dead letters are written in beside the router's own."""

    def verdict(self, deaths: int) -> Verdict:
        """What becomes of a record that has died so often here, the latest death counted."""
        if deaths <= len(self.retry_ms):
            return Retry(self.retry_ms[deaths - 1])
        if self.then is Then.PARK:
            return Park(self.park_for_ms)
        return GiveUp(silently=self.then is Then.SKIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the lanes of one source keep, and for whom."""

    policies: Mapping[str, FailurePolicy]
    """By topic."""
    retention_ms: Mapping[str, int | None]
    """For how long each topic keeps its records; None where that is not known, or for ever."""
    renew_ms: Mapping[str, int] = field(default_factory=dict)
    """By topic, from which age on what waited gets the time of its sending: retention would take it before it is read. Of a
    topic that is not there, never."""

    def renews(self, topic: str, timestamp: int, *, now: int) -> bool:
        """Whether a copy of that time gets a new one."""
        age = self.renew_ms.get(topic)
        return age is not None and timestamp >= 0 and now - timestamp > age
