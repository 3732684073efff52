"""Health: what `/healthz` and `/readyz` answer. Pure values; the time is an argument, and the worker fills in the facts.

**Live** means that the event loop answers and makes progress; an orchestrator restarts what is not. A missing destination or
an absent broker is no reason to restart, so neither counts here.

**Ready** means that this worker does all of its work: a broker answers, the group has told which partitions are its own, and
each of its lanes carries. Whoever is paged reads the body: it lists each lane that does not, why, since when, and what to do.
A worker that was given no partitions is ready: it is a spare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["CARRYING", "Health", "LaneStatus", "Liveness", "Problem", "Readiness"]

CARRYING = "carrying"
"""The one state in which a lane does its work; every other is listed."""

_WHAT_TO_DO: Mapping[str, str] = {
    "starting": "wait: the worker has only begun",
    "broker-unavailable": "see whether the brokers of ROUTER_BROKER run and can be reached from here; the worker goes on by itself",
    "assignment-unknown": "wait: the group is dealing out its partitions; if it lasts, look for a worker that hangs in the group",
    "source-unavailable": (
        "create the broad topic, or let this user read it, or take it out of the routes; the worker finds it by itself"
    ),
    "fetch-failed": (
        "see what the message says: a compression whose library is not installed, a segment that is damaged on the broker's "
        "disk; the worker tries again by itself"
    ),
    "destination-unavailable": (
        "create the topic, or let this user write to it, or take the binding out; the lane goes on by itself"
    ),
    "not-enough-replicas": (
        "bring the brokers back that have the topic's other replicas, or lower its min.insync.replicas; the lane goes on by itself"
    ),
    "transaction-ending": (
        "bring the brokers back that have copies of it, with as many replicas as min.insync.replicas asks for; the lane goes "
        "on by itself"
    ),
    "broker-slow": "see what the brokers are busy with: their disks, their network; the lane goes on by itself",
    "delivery-failed": "look at the brokers' logs and at the topic's min.insync.replicas; the lane tries again by itself",
    "delivery-refused": (
        "see what the message says of the topic: one for dead letters must take all that is set aside, and one whose consumer "
        "rejects records must not be compacted; the lane tries again by itself"
    ),
    "rejections-unread": (
        "see what the message says: let this user read the topics of rejections; what is rejected waits there, and the worker "
        "tries again by itself"
    ),
    "offset-out-of-range": (
        "decide where to go on; then stop the group's workers, set its offset (kafka-consumer-groups --reset-offsets), and "
        "start them; or start them with ROUTER_OFFSET_LOST=earliest, which goes on at the log's start"
    ),
    "changelog-unfit": (
        "make the changelog with `router topics --apply`, or have it deleted where a broker made it by itself; the lane "
        "goes on by itself"
    ),
    "disk-failed": (
        "see what the message says: a full disk, or another worker with the same ROUTER_DATA_DIR; a damaged disk is moved "
        "aside and made anew without anybody's doing"
    ),
    "opening": "wait: the lane reads where it left off",
    "fenced": "nothing: another worker has the partition now",
    "invariant": "report it with the log around it: the router contradicts itself and stopped before it could do harm",
    "no-progress": "look at the log; an orchestrator restarts the worker, or kill it: nothing is lost",
}
_OTHERWISE = "look at the log of this worker for this reason"


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """One lane as it is now."""

    topic: str
    partition: int
    state: str
    """`carrying`, or any other word of the lane's protocol."""
    reason: str = ""
    """The slug of the error that keeps it from carrying; empty where it is only on its way."""
    message: str = ""
    """The error in words: names route, topic and record where it is about a destination."""
    since: float = 0.0
    """When it came into this state, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a worker from being live or ready."""

    reason: str
    message: str
    since: float | None
    """Seconds since the epoch, where it is known."""
    lane: LaneStatus | None = None

    @property
    def what_to_do(self) -> str:
        """The next step for whoever is paged."""
        return _WHAT_TO_DO.get(self.reason, _OTHERWISE)

    def to_json(self, now: float) -> dict[str, Any]:
        """The problem as an entry of the answer's body."""
        lane = {} if self.lane is None else {
            "topic": self.lane.topic, "partition": self.lane.partition, "state": self.lane.state,
        }  # fmt: skip
        when = {} if self.since is None else {
            "since": datetime.fromtimestamp(self.since, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "for_seconds": max(0, round(now - self.since)),
        }  # fmt: skip
        return {**lane, "reason": self.reason, "message": self.message, **when, "what_to_do": self.what_to_do}


@dataclass(frozen=True, slots=True)
class Liveness:
    """The answer of `/healthz`."""

    problem: Problem | None
    now: float

    @property
    def live(self) -> bool:
        """Whether the worker need not be restarted."""
        return self.problem is None

    @property
    def status(self) -> int:
        """The HTTP status: 200 or 503."""
        return 200 if self.live else 503

    def to_json(self) -> dict[str, Any]:
        """The body."""
        problems = [] if self.problem is None else [self.problem.to_json(self.now)]
        return {"live": self.live, "problems": problems}


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer of `/readyz`."""

    problems: tuple[Problem, ...]
    """The worker's own first, then its lanes' in order of topic and partition."""
    lanes: int
    """How many lanes this worker has."""
    carrying: int
    """How many of them carry."""
    facts: Mapping[str, str]
    now: float
    kept_back: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By topic whose consumer rejected records, the keys and the copies that wait for that. No problem of the worker's."""

    @property
    def ready(self) -> bool:
        """Whether this worker does all of its work."""
        return not self.problems

    @property
    def status(self) -> int:
        """The HTTP status: 200 or 503."""
        return 200 if self.ready else 503

    def to_json(self) -> dict[str, Any]:
        """The body."""
        kept = {
            topic: {"keys": keys, "copies": copies} for topic, (keys, copies) in sorted(self.kept_back.items()) if keys
        }
        return {
            "ready": self.ready,
            **self.facts,
            "lanes": self.lanes,
            "carrying": self.carrying,
            "problems": [problem.to_json(self.now) for problem in self.problems],
            **({"kept_back": kept} if kept else {}),
        }


class Health:
    """Collects what the parts of a worker say about themselves; `liveness` and `readiness` are views of it.

    Before anything was said, the worker is live and not ready.
    """

    def __init__(self, facts: Mapping[str, str], *, since: float) -> None:
        """`facts` stand in each answer of readiness (instance, route set …); `since` is when the worker began."""
        self._facts = dict(facts)
        self._broker: Problem | None = Problem("starting", "no broker has answered yet", since)
        self._assignment: Problem | None = Problem("assignment-unknown", "no partitions were assigned yet", since)
        self._sources: Problem | None = None
        self._fetching: Problem | None = None
        self._rejections: Problem | None = None
        self._stalled: Problem | None = None

    def broker_connected(self) -> None:
        """A broker answers."""
        self._broker = None

    def broker_lost(self, message: str, *, since: float) -> None:
        """No broker answers; `since` is kept while it lasts."""
        if self._broker is not None and self._broker.reason == "broker-unavailable" and self._broker.since is not None:
            since = min(since, self._broker.since)
        self._broker = Problem("broker-unavailable", message, since)

    def assigned(self) -> None:
        """The group has told this worker which partitions are its own."""
        self._assignment = None

    def unassigned(self, *, since: float) -> None:
        """The group is dealing out its partitions anew."""
        self._assignment = Problem("assignment-unknown", "the group is dealing out its partitions", since)

    def sources_missing(self, topics: Iterable[str], *, since: float) -> bool:
        """These broad topics are not there, or none are missing; `since` is kept while they are the same.

        Returns whether that is news.
        """
        before = self._sources
        named = ", ".join(f"'{topic}'" for topic in sorted(topics))
        message = f"these broad topics do not exist, or this worker may not see them: {named}"
        if not named:
            self._sources = None
        elif self._sources is None or self._sources.message != message:
            self._sources = Problem("source-unavailable", message, since)
        return self._sources is not before

    def fetching(self, failure: str = "", *, since: float | None = None) -> None:
        """What fetches fail for, or nothing."""
        self._fetching = Problem("fetch-failed", failure, since) if failure else None

    def rejections(self, failure: str = "", *, since: float | None = None) -> None:
        """Why nobody can read what consumers reject, or nothing."""
        self._rejections = Problem("rejections-unread", failure, since) if failure else None

    def progress(self, stalled: str = "", *, since: float | None = None) -> None:
        """The watchdog's verdict: what makes no progress, or nothing. It alone decides about being live."""
        self._stalled = Problem("no-progress", stalled, since) if stalled else None

    @property
    def waits(self) -> bool:
        """No broker answers: nobody can move."""
        return self._broker is not None

    def liveness(self, *, now: float) -> Liveness:
        """Whether the worker is to be left alone."""
        return Liveness(self._stalled, now)

    def readiness(
        self, lanes: Iterable[LaneStatus], *, now: float, kept_back: Mapping[str, tuple[int, int]] | None = None
    ) -> Readiness:
        """Whether the worker does all of its work, given its lanes as they are now; and what waits for consumers in them."""
        lanes = sorted(lanes, key=lambda lane: (lane.topic, lane.partition))
        idle = [
            Problem(lane.reason or lane.state, lane.message or f"the lane is {lane.state}", lane.since, lane)
            for lane in lanes
            if lane.state != CARRYING
        ]
        said = (self._stalled, self._broker, self._sources, self._assignment, self._fetching, self._rejections)
        own = [problem for problem in said if problem is not None]
        return Readiness(
            problems=(*own, *idle),
            lanes=len(lanes),
            carrying=len(lanes) - len(idle),
            facts=self._facts,
            now=now,
            kept_back=kept_back or {},
        )
