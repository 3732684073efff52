"""The overview: what is wrong, the topology, and what flows; the workers."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from router.console.measuring import Lag
from router.console.picture import Drawing, Wish, draw, names_in, wished
from router.console.sight import Absent, Answer, Parameters, Sight
from router.console.today import Today
from router.console.watching import Snapshot
from router.language.graph.selection import UnknownName
from router.tables.view import instant

__all__ = ["flows", "lag_json", "overview", "state_of", "troubles", "workers"]


async def overview(sight: Sight, parameters: Parameters) -> Answer:
    """Everything that the first page shows."""
    today = sight.today
    wish = Wish(**{name: parameters.get(name, "") for name in ("team", "subject", "exchange", "near", "q", "group")})
    drawing = await asyncio.to_thread(_drawing, _Once(today), wish)
    return {
        **state_of(sight),
        "troubles": [each.to_json() for each in sight.watching.snapshot.troubles],
        "flows": _flows(sight),
        "routes": {
            "fingerprint": today.route_set.fingerprint, "teams": len(today.route_set.teams),
            "exchanges": len(today.route_set.exchanges), "topics": len(today.route_set.topics),
        },
        "picture": asdict(drawing),
        "names": {**names_in(today.graph), "subject": sorted(set(today.subjects.values()))},
        "wish": asdict(wish),
    }  # fmt: skip


async def troubles(sight: Sight, _: Parameters) -> Answer:
    """What is wrong, worst first."""
    return {**state_of(sight), "troubles": [each.to_json() for each in sight.watching.snapshot.troubles]}


async def flows(sight: Sight, _: Parameters) -> Answer:
    """By topic, what flows."""
    return {**state_of(sight), "flows": _flows(sight)}


async def workers(sight: Sight, _: Parameters) -> Answer:
    """The workers as they answered last."""
    snapshot = sight.watching.snapshot
    return {
        **state_of(sight),
        "workers": [
            {"url": each.url, "instance": each.instance, "problem": each.problem, "readiness": each.ready}
            for each in snapshot.workers
        ],
    }


def state_of(sight: Sight) -> Answer:
    """When that was, and whether Kafka answers."""
    snapshot: Snapshot = sight.watching.snapshot
    return {"look": snapshot.number, "at": instant(int(snapshot.at * 1000)), "kafka": snapshot.kafka}


def _flows(sight: Sight) -> dict[str, Any]:
    watching = sight.watching
    snapshot, plans = watching.snapshot, sight.today.plans
    told = {}
    for topic in plans:
        held, oldest = snapshot.held.get(topic, (0.0, 0.0))
        lags = watching.past.lags(topic)
        told[topic] = {
            "present": None if snapshot.counts is None else topic in snapshot.counts,
            "rate": _rounded(snapshot.rates.get(topic)),
            "counted": topic in snapshot.exact,
            "held": held,
            "oldest": round(oldest, 1),
            "lag": sum(each.records for each in lags),
            "readers": [lag_json(each) for each in lags],
            "offsets": watching.count(topic),
        }
    return told


def lag_json(lag: Lag) -> dict[str, Any]:
    """How far a group is behind, as plain data."""
    return {
        "group": lag.group, "records": lag.records,
        "seconds": None if lag.seconds is None else round(lag.seconds, 1), "at_least": round(lag.at_least, 1),
    }  # fmt: skip


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 2)


class _Once:
    """A set of routes by its identity: what was drawn of it is drawn once."""

    def __init__(self, today: Today) -> None:
        self.today = today

    def __hash__(self) -> int:
        return id(self.today)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Once) and other.today is self.today


@lru_cache(maxsize=64)
def _drawing(once: _Once, wish: Wish) -> Drawing:
    today = once.today
    try:
        part = wished(today.graph, wish, subjects=today.subjects)
    except UnknownName as error:
        raise Absent(str(error)) from error
    return draw(part, group=wish.group, subjects=today.subjects)
