"""What will be done to workers, brokers, networks and clocks, and when: values, the same for the same seed. Pure.

A plan is a list of strikes by time. A strike may last: until it is over, nothing else strikes its target, though it may well
strike others. A worker that left is away until it joins again; one that is killed is started again at the end of its strike.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle

__all__ = ["Kind", "Plan", "Strike", "lasting", "plan", "read_plan"]


class Kind(StrEnum):
    """What is done."""

    KILL = "kill"
    """`kill -9` of a worker; it starts again when the strike is over."""
    PAUSE = "pause"
    """SIGSTOP of a worker, and SIGCONT when it is over."""
    LEAVE = "leave"
    """SIGTERM of a worker, which stays away."""
    JOIN = "join"
    """A worker that left starts again."""
    BROKER = "broker"
    """`kill -9` of a broker; it starts again when it is over."""
    CONTROLLER = "controller"
    """The same of whichever broker is the active controller then; its target counts for nothing."""
    FREEZE = "freeze"
    """SIGSTOP of a broker, and SIGCONT when it is over."""
    CUT = "cut"
    """The network to a broker resets all connections and takes none."""
    SILENT = "silent"
    """The network to a broker carries nothing, and connections stay."""
    DEAF = "deaf"
    """The network to a broker carries no answers, and loses them."""
    SLOW = "slow"
    """The network to a broker is late."""
    BREAKING = "breaking"
    """Answers of a broker end in the middle."""
    DISK = "disk"
    """A broker's disk is filled up; when it is over there is room again, and it starts again."""
    CLOCK = "clock"
    """A worker's clock jumps by `amount` seconds, and back when it is over."""
    BROKER_CLOCK = "broker-clock"
    """All brokers' clocks jump, and back when it is over."""
    SHRINK = "shrink"
    """A destination takes small batches only, until it is over."""

    @property
    def of_workers(self) -> bool:
        """Its target is a worker."""
        return self in (Kind.KILL, Kind.PAUSE, Kind.LEAVE, Kind.JOIN, Kind.CLOCK)


@dataclass(frozen=True, slots=True)
class Strike:
    """One bad thing."""

    at: float
    """Seconds after the beginning."""
    kind: Kind
    target: int = 0
    """Which worker or broker, from 0."""
    lasts: float = 0.0
    """Seconds until it is over."""
    amount: float = 0.0
    """Seconds: by how much a clock jumps, how late a network is."""

    def __str__(self) -> str:
        return f"{self.at:.2f} {self.kind} {self.target} {self.lasts:.2f} {self.amount:g}"

    @classmethod
    def read(cls, text: str) -> Strike:
        """The strike that a line of `str` says."""
        at, kind, target, lasts, amount = text.split()
        return cls(float(at), Kind(kind), int(target), float(lasts), float(amount))


Plan = tuple[Strike, ...]


def read_plan(text: str) -> Plan:
    """The plan that was kept as a line a strike."""
    return tuple(Strike.read(line) for line in text.splitlines() if line.strip() and not line.startswith("#"))


def lasting(strikes: Plan) -> float:
    """Seconds until all is over."""
    return max((strike.at + strike.lasts for strike in strikes), default=0.0)


def plan(
    seed: int,
    counts: Mapping[Kind, int],
    *,
    workers: int,
    brokers: int = 1,
    every: tuple[float, float] = (0.5, 3.0),
    rest: float = 0.5,
    lasts: Mapping[Kind, tuple[float, float]] | None = None,
    amounts: Mapping[Kind, Iterable[float]] | None = None,
) -> Plan:
    """So many strikes of each kind, in an order and at times that the seed decides.

    `every` bounds the seconds between two strikes, `lasts` those that a kind lasts, `rest` follows for its target. Brokers are struck one after the other,
    and one at a time. At least one worker neither is away nor leaves.
    """
    chance = random.Random(seed)
    bounds = _LASTS | dict(lasts or {})
    steps = {kind: tuple(values) for kind, values in (_AMOUNTS | dict(amounts or {})).items()}
    # Each amount has its turn.
    turns = {kind: cycle(chance.sample(values, len(values))) for kind, values in steps.items()}
    left = {kind: count for kind, count in counts.items() if count}
    away: list[int] = []
    free_at: dict[tuple[str, int], float] = {}
    made: list[Strike] = []
    now = 0.0
    next_broker = chance.randrange(brokers)
    while left:
        now += chance.uniform(*every)
        possible = [kind for kind in left if _possible(kind, away, workers, left)]
        kind = chance.choices(possible, weights=[left[each] for each in possible])[0]
        if kind is Kind.JOIN:
            target = away.pop(0)
        elif kind.of_workers:
            target = chance.choice([each for each in range(workers) if each not in away])
        else:
            target, next_broker = next_broker, (next_broker + 1) % brokers
        # Trouble with a broker waits for the end of the last such trouble, whichever it was.
        key = ("worker", target) if kind.of_workers else ("broker", 0)
        now = max(now, free_at.get(key, 0.0))
        strike = Strike(
            round(now, 2), kind, target, round(chance.uniform(*bounds.get(kind, (0.0, 0.0))), 2),
            next(turns[kind]) if kind in turns else 0.0,
        )  # fmt: skip
        free_at[key] = strike.at + strike.lasts + rest
        if kind is Kind.LEAVE:
            away.append(target)
        made.append(strike)
        left[kind] -= 1
        if not left[kind]:
            del left[kind]
    return tuple(made)


def _possible(kind: Kind, away: list[int], workers: int, left: Mapping[Kind, int]) -> bool:
    if kind is Kind.JOIN:
        return bool(away)
    if kind is Kind.LEAVE:
        return len(away) < workers - 1
    return True


_LASTS: dict[Kind, tuple[float, float]] = {
    Kind.KILL: (0.0, 1.5),
    Kind.PAUSE: (2.5, 5.0),
    Kind.BROKER: (0.5, 3.0),
    Kind.CONTROLLER: (0.5, 3.0),
    Kind.FREEZE: (0.5, 3.0),
    Kind.CUT: (0.5, 4.0),
    Kind.SILENT: (1.0, 6.0),
    Kind.DEAF: (1.0, 5.0),
    Kind.SLOW: (2.0, 5.0),
    Kind.BREAKING: (2.0, 5.0),
    Kind.DISK: (5.0, 8.0),
    Kind.CLOCK: (2.0, 5.0),
    Kind.BROKER_CLOCK: (2.0, 5.0),
    Kind.SHRINK: (2.0, 4.0),
}
_AMOUNTS: dict[Kind, Iterable[float]] = {
    Kind.SLOW: (0.02, 0.2, 0.5),
    Kind.CLOCK: (-86_400.0, -3_600.0, -5.0, 5.0, 3_600.0, 86_400.0),
    Kind.BROKER_CLOCK: (-3_600.0, -60.0, -5.0, 5.0, 60.0, 3_600.0),
}
