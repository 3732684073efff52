"""What is wrong, worst first, from all that was measured: the list that somebody who is woken at night reads. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from router.console.measuring import Lag

__all__ = ["Facts", "Severity", "Trouble", "WorkerFacts", "troubles"]

_BEHIND_RECORDS = 100
_BEHIND_SECONDS = 60.0
"""A reader that is further behind than both is listed."""


class Severity(StrEnum):
    """How bad it is."""

    STOPPED = "stopped"
    """Something is not routed, or nobody can tell."""
    LATE = "late"
    """It is routed, but not in time."""
    SET_ASIDE = "set-aside"
    """Records went elsewhere than they were meant to."""
    NOTE = "note"


_RANKS: Mapping[Severity, int] = {each: number for number, each in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong."""

    severity: Severity
    what: str
    where: str
    """A topic, a worker, a group."""
    message: str
    what_to_do: str = ""
    topic: str = ""
    """The topic that it is about; empty where it is about none."""
    page: str = ""
    """Where the console tells more."""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "severity": self.severity.value,
            "what": self.what,
            "where": self.where,
            "message": self.message,
            "what_to_do": self.what_to_do,
            "topic": self.topic,
            "page": self.page,
        }


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """A worker as it answered last."""

    url: str
    instance: str = ""
    ready: Mapping[str, Any] | None = None
    """The body of `/readyz`; None where it did not answer."""
    problem: str = ""
    """Why it did not answer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found out."""

    workers: tuple[WorkerFacts, ...] = ()
    kafka: str = ""
    """Why Kafka does not answer; empty where it does."""
    routes: str = ""
    """The fingerprint of the routes that the console shows."""
    faults: tuple[str, ...] = ()
    """What is wrong with the routes on the disk."""
    declared: Collection[str] = ()
    """Topics that routes need."""
    present: Collection[str] | None = None
    """Topics that there are; None where nobody knows."""
    lags: Mapping[str, tuple[Lag, ...]] = field(default_factory=dict)
    """By topic, who reads it."""
    held: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By source, how many records are held, and for how many seconds the oldest."""
    set_aside: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    """By topic of dead letters or unroutable records, how many it has, and how many come a second."""


def troubles(facts: Facts) -> tuple[Trouble, ...]:
    """Everything that is wrong, worst first."""
    found = [*_of_kafka(facts), *_of_routes(facts), *_of_workers(facts), *_of_topics(facts), *_of_readers(facts)]
    found += [*_set_aside(facts)]
    return tuple(sorted(found, key=lambda each: (_RANKS[each.severity], each.what, each.where)))


def _of_kafka(facts: Facts) -> Iterator[Trouble]:
    if facts.kafka:
        todo = "see whether the brokers of ROUTER_BROKER run and can be reached from the console"
        yield Trouble(Severity.STOPPED, "Kafka does not answer", "Kafka", facts.kafka, todo)


def _of_routes(facts: Facts) -> Iterator[Trouble]:
    for fault in facts.faults:
        todo = "workers go on with the routes that they have; `router check` says the same"
        yield Trouble(Severity.NOTE, "the routes on the disk have errors", "routes", fault, todo)
    told = {str(each.ready["routes"]) for each in facts.workers if each.ready is not None and "routes" in each.ready}
    for other in sorted(told - {facts.routes}):
        message = f"workers run the routes {other}, and the console shows {facts.routes}"
        todo = "give the console the folder of routes that the workers have, or start the workers that are behind anew"
        yield Trouble(Severity.NOTE, "other routes than these", "routes", message, todo)


def _of_workers(facts: Facts) -> Iterator[Trouble]:
    for worker in facts.workers:
        where = worker.instance or worker.url
        if worker.ready is None:
            todo = "see whether it runs; name the group's workers in ROUTER_CONSOLE_WORKERS"
            yield Trouble(Severity.STOPPED, "a worker does not answer", where, worker.problem, todo, page="/workers")
            continue
        for problem in worker.ready.get("problems", ()):
            lane = f"{problem['topic']}/{problem['partition']}" if "topic" in problem else ""
            yield Trouble(
                Severity.LATE if problem.get("reason") in {"opening", "starting"} else Severity.STOPPED,
                str(problem.get("reason", "not ready")),
                lane or where,
                str(problem.get("message", "")),
                str(problem.get("what_to_do", "")),
                topic=str(problem.get("topic", "")),
                page="/workers",
            )


def _of_topics(facts: Facts) -> Iterator[Trouble]:
    if facts.present is None:
        return
    for topic in sorted(set(facts.declared) - set(facts.present)):
        message = "routes need it, and it is not there, or the console may not see it"
        todo = "`router topics --apply` makes it; lanes whose records go there wait"
        yield Trouble(Severity.STOPPED, "a topic is missing", topic, message, todo, topic=topic)


def _of_readers(facts: Facts) -> Iterator[Trouble]:
    for topic, lags in facts.lags.items():
        for lag in lags:
            behind = lag.at_least if lag.seconds is None else lag.seconds
            if lag.records < _BEHIND_RECORDS or behind < _BEHIND_SECONDS:
                continue
            age = f"{'at least ' if lag.seconds is None else ''}{behind:,.0f} s"
            message = f"group {lag.group} is {lag.records:,} records and {age} behind"
            todo = "see whether its consumers run, and how many partitions each has"
            page = f"/topics/{topic}"
            yield Trouble(Severity.LATE, "a reader is behind", f"{lag.group}: {topic}", message, todo, topic, page)
    for source, (count, oldest) in facts.held.items():
        if count:
            message = f"{count:,.0f} records wait for what comes before them, the oldest for {oldest:,.0f} s"
            page = f"/tables/{source}?state=waiting"
            todo = "its table says which keys, and what each waits for"
            yield Trouble(Severity.NOTE, "records wait to be put in order", source, message, todo, source, page)


def _set_aside(facts: Facts) -> Iterator[Trouble]:
    for topic, (count, rate) in facts.set_aside.items():
        if not count:
            continue
        coming = f", {rate:,.1f} a second now" if rate >= 0.05 else ", none now"
        dead = topic.endswith(".dead-letters")
        what = "dead letters" if dead else "unroutable records"
        page = f"/dead-letters?topic={topic}" if dead else f"/topics/{topic}/records"
        todo = "look at their causes" if dead else "take one, and ask why"
        severity = Severity.SET_ASIDE if rate >= 0.05 else Severity.NOTE
        yield Trouble(severity, what, topic, f"up to {count:,}{coming}", todo, topic, page)
