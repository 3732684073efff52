"""What can go wrong at a broker, as values: each has a budget, and counts how often it came true."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "AcknowledgementsHeld",
    "BrokerAway",
    "CommitRefused",
    "CopyRefused",
    "DeliveryLost",
    "Fault",
    "TopicForbidden",
]


@dataclass(slots=True, eq=False)
class Fault:
    """Something that goes wrong, so many times."""

    times: int | None = field(default=1, kw_only=True)
    """Its budget; None: until it is healed."""
    fired: int = field(default=0, init=False)
    """How often it came true."""

    @property
    def spent(self) -> bool:
        """Its budget is used up."""
        return self.times is not None and self.fired >= self.times


@dataclass(slots=True, eq=False)
class DeliveryLost(Fault):
    """A batch for a topic is not acknowledged."""

    topic: str
    written: bool = False
    """The broker wrote it all the same: only the acknowledgement was lost."""


@dataclass(slots=True, eq=False)
class CopyRefused(Fault):
    """A batch for a topic is refused while it holds a copy with this key, as for a timestamp out of range."""

    topic: str
    key: bytes | None
    times: int | None = field(default=None, kw_only=True)


@dataclass(slots=True, eq=False)
class CommitRefused(Fault):
    """The group does not take an offset of a broad topic."""

    topic: str


@dataclass(slots=True, eq=False)
class TopicForbidden(Fault):
    """Nothing may be written to a topic, though it is seen."""

    topic: str
    times: int | None = field(default=None, kw_only=True)


@dataclass(slots=True, eq=False)
class AcknowledgementsHeld(Fault):
    """A broker is slow: batches for a topic are neither written nor acknowledged until this is healed."""

    topic: str
    times: int | None = field(default=None, kw_only=True)


@dataclass(slots=True, eq=False)
class BrokerAway(Fault):
    """Nobody answers for so many seconds. `fired` counts what got no answer."""

    seconds: float
    until: float = field(default=0.0, init=False)
    """Set when the fault begins."""
    times: int | None = field(default=None, kw_only=True)
