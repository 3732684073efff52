"""What goes wrong in a run: declared values, drawn from a seed, so that a failing run can be tried again without one of them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "BatchLost",
    "BrokerAway",
    "BrokerStalls",
    "ConnectionsCut",
    "Fault",
    "FetchFails",
    "IdsExpire",
    "LeadersMove",
    "SourceExpires",
    "TopicAway",
    "TopicForbidden",
    "WorkerKilled",
    "WorkerLeaves",
    "WorkerPaused",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something goes wrong at a time."""

    at: float
    """Seconds since the run began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerKilled(Fault):
    """kill -9, at whatever await it stands; another takes its place after so many seconds."""

    worker: int
    back_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPaused(Fault):
    """SIGSTOP, and SIGCONT after so many seconds."""

    worker: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLeaves(Fault):
    """SIGTERM; another joins after so many seconds."""

    worker: int
    back_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAway(Fault):
    """It breaks its connections, and takes none for so many seconds."""

    node: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerStalls(Fault):
    """What it is sent, and what it answers, arrives after so many seconds."""

    node: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionsCut(Fault):
    """All connections of a worker break once; what was under way arrives in part, and no answer does."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadersMove(Fault):
    """Other brokers lead the partitions and coordinate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLost(Fault):
    """A batch is lost between the consumer and its lane, as where an agent raises."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFails(Fault):
    """A fetch moves the consumer's positions, and then raises."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceExpires(Fault):
    """Retention removes the older half of a source partition; after so many seconds somebody sets the group's offset."""

    partition: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicAway(Fault):
    """A destination is deleted, with what it held, and created again after so many seconds."""

    topic: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicForbidden(Fault):
    """The workers may not write to a destination for so many seconds."""

    topic: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class IdsExpire(Fault):
    """The coordinator forgets the transactional ids that have nothing open."""
