"""All of a run that is decided beforehand: who works, what is published and when, what goes wrong. A value of its seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from simulation.deciding import value_of
from simulation.faults import (
    BatchLost,
    BrokerAway,
    BrokerStalls,
    ConnectionsCut,
    Fault,
    FetchFails,
    IdsExpire,
    LeadersMove,
    SourceExpires,
    TopicAway,
    TopicForbidden,
    WorkerKilled,
    WorkerLeaves,
    WorkerPaused,
)
from simulation.network import Weather

__all__ = ["DESTINATIONS", "REFUSING", "SMALL", "Published", "Scenario", "scenario_of", "storm"]

REFUSING = "picky.v1"
"""Refuses records that hold poison."""
SMALL = "small.v1"
"""Takes only small batches."""
DESTINATIONS = ("same.v1", "other.v1", REFUSING, SMALL)

_FAULTS_END = 25.0
"""Seconds after which nothing more goes wrong."""
_CUTS_OF_A_STORM = 25
_SHARE_OF_STORMS = 0.05


@dataclass(frozen=True, slots=True)
class Published:
    """Something is appended to a source partition."""

    at: float
    partition: int
    key: bytes | None
    value: bytes | None
    kind: str = "record"
    """`record`; `hole` is one that compaction has removed; `aborted` belongs to a transaction that came to nothing."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """See above."""

    seed: int
    exactly_once: bool
    workers: int
    partitions: int
    nodes: int
    fetch_records: int
    shuffled: int
    """How often, of a hundred times, what runs next is drawn by lot."""
    verifies: bool
    """The brokers refuse batches of transactions that their coordinator does not know of (since Kafka 3.6)."""
    weather: Weather
    published: tuple[Published, ...]
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        guarantee = "exactly once" if self.exactly_once else "at least once"
        return (
            f"seed {self.seed}: {guarantee}, {self.workers} workers, {self.partitions} partitions, {self.nodes} brokers, "
            f"{len(self.published)} records, {len(self.faults)} faults"
        )


def scenario_of(seed: int, *, exactly_once: bool | None = None) -> Scenario:
    """The scenario of a seed. Which kinds of fault may happen at all is drawn first: so some runs have only one kind."""
    random = Random(seed)
    guarantee = random.random() < 0.7
    workers = random.choice((1, 2, 2, 3))
    partitions = random.choice((1, 2, 2, 3))
    nodes = random.choice((1, 2))
    fetch_records = random.choice((1, 3, 10, 500))
    shuffled = random.choice((0, 50, 100, 100))
    verifies = random.random() < 0.5
    weather = Weather(
        random.choice((0.0005, 0.002, 0.005)), random.choice((0.0, 0.01, 0.05)), random.choice((0.1, 0.5, 3.0))
    )
    published = _published(random, partitions)
    until = max(each.at for each in published) + 2.0
    faults = _faults(random, workers=workers, partitions=partitions, nodes=nodes, until=until)
    stormy = random.random() < _SHARE_OF_STORMS
    scenario = Scenario(
        seed,
        guarantee if exactly_once is None else exactly_once,
        workers,
        partitions,
        nodes,
        fetch_records,
        shuffled,
        verifies,
        weather,
        published,
        faults,
    )
    return storm(scenario) if stormy else scenario


def storm(scenario: Scenario) -> Scenario:
    """The same, but nothing goes wrong except that connections break, again and again, while some requests take long."""
    random = Random(scenario.seed)
    cuts = [
        ConnectionsCut(at=random.random() * 6.0, worker=random.randrange(scenario.workers))
        for _ in range(_CUTS_OF_A_STORM)
    ]
    return replace(
        scenario,
        fetch_records=random.choice((1, 3)),
        weather=Weather(0.0005, 0.06, 1.0),
        faults=tuple(sorted(cuts, key=lambda fault: fault.at)),
    )


def _published(random: Random, partitions: int) -> tuple[Published, ...]:
    count = random.choice((5, 20, 40))
    within = random.choice((0.0, 2.0, 8.0))
    odd = random.choice((0.0, 0.02, 0.1))
    found = []
    for number in range(count):
        topics: tuple[str, ...] | None = tuple(topic for topic in DESTINATIONS if random.random() < 0.5)
        poison, padding, kind = False, 0, "record"
        if random.random() < odd:
            what = random.choice(("unreadable", "poison", "padding", "hole", "aborted", "unroutable"))
            if what == "unreadable":
                topics = None
            elif what == "unroutable":
                topics = ()
            elif what in ("hole", "aborted"):
                kind = what
            else:
                poison, padding = what == "poison", 1500 * (what == "padding")
        key = f"k{random.randrange(6)}".encode() if random.random() < 0.9 else None
        value = value_of(topics, number, poison=poison, padding=padding)
        found.append(Published(random.random() * within, random.randrange(partitions), key, value, kind))
    return tuple(sorted(found, key=lambda each: each.at))


def _faults(random: Random, *, workers: int, partitions: int, nodes: int, until: float) -> tuple[Fault, ...]:
    def some_worker() -> int:
        return random.randrange(workers)

    kinds: dict[str, Callable[[float], Fault]] = {
        "killed": lambda at: WorkerKilled(at=at, worker=some_worker(), back_after=random.choice((0.1, 2.0, 8.0))),
        "paused": lambda at: WorkerPaused(at=at, worker=some_worker(), seconds=random.choice((0.5, 4.0, 9.0, 14.0))),
        "leaves": lambda at: WorkerLeaves(at=at, worker=some_worker(), back_after=random.choice((0.1, 2.0))),
        "away": lambda at: BrokerAway(at=at, node=random.randrange(nodes), seconds=random.choice((0.2, 2.0, 6.0))),
        "stalls": lambda at: BrokerStalls(at=at, node=random.randrange(nodes), seconds=random.choice((0.5, 3.0, 8.0))),
        "cut": lambda at: ConnectionsCut(at=at, worker=some_worker()),
        "move": lambda at: LeadersMove(at=at),
        "lost": lambda at: BatchLost(at=at, worker=some_worker()),
        "fetch": lambda at: FetchFails(at=at, worker=some_worker()),
        "topic": lambda at: TopicAway(at=at, topic=random.choice(DESTINATIONS), seconds=random.choice((0.3, 3.0))),
        "forbidden": lambda at: TopicForbidden(
            at=at, topic=random.choice(DESTINATIONS), seconds=random.choice((0.3, 3.0))
        ),
        "retention": lambda at: SourceExpires(at=at, partition=random.randrange(partitions), seconds=3.0),
        "expire": lambda at: IdsExpire(at=at),
    }
    share = random.choice((0.2, 0.5, 1.0))
    possible = [kind for kind in kinds if random.random() < share] or ["killed"]
    count = random.choice((0, 1, 2, 4, 8))
    drawn = [kinds[random.choice(possible)](min(random.random() * until, _FAULTS_END)) for _ in range(count)]
    return tuple(sorted(drawn, key=lambda fault: fault.at))
