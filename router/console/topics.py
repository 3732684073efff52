"""Topics: the list, and one with its partitions, who feeds and who reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from router.console.browsing import Wanted
from router.console.measuring import At
from router.console.overview import lag_json, state_of
from router.console.sight import Absent, Answer, Parameters, Sight
from router.errors import RouterError
from router.exchange.explain import binding_text
from router.exchange.model import Destination, DestinationKind

__all__ = ["topic", "topics"]

_MOST_TOPICS = 2_000
_SETTINGS = (
    "retention.ms",
    "retention.bytes",
    "cleanup.policy",
    "max.message.bytes",
    "min.insync.replicas",
    "compression.type",
)


async def topics(sight: Sight, parameters: Parameters) -> Answer:
    """All topics that are meant, those of routes first."""
    watching, plans = sight.watching, sight.today.plans
    counts = watching.snapshot.counts or {}
    said, role, team = parameters.get("q", "").casefold(), parameters.get("role", ""), parameters.get("team", "")
    others = sorted(name for name in counts if name not in plans and not name.startswith("__"))
    rows: list[dict[str, Any]] = []
    for name in (*plans, *others):
        plan = plans.get(name)
        row = {
            "topic": name,
            "role": "other" if plan is None else plan.role.value,
            "team": None if plan is None else plan.team,
            "partitions": counts.get(name),
            "offsets": watching.count(name),
            "rate": watching.snapshot.rates.get(name),
            "readers": [lag_json(each) for each in watching.past.lags(name)],
        }
        if said in name.casefold() and role in {"", row["role"]} and team in {"", row["team"] or ""}:
            rows.append(row)
    roles = sorted({plan.role.value for plan in plans.values()} | {"other"})
    teams = sorted({plan.team for plan in plans.values() if plan.team})
    asked = {name: parameters.get(name, "") for name in ("q", "role", "team")}
    more = max(0, len(rows) - _MOST_TOPICS)
    return {
        **state_of(sight),
        "topics": rows[:_MOST_TOPICS],
        "more": more,
        "roles": roles,
        "teams": teams,
        "asked": asked,
    }


async def topic(sight: Sight, parameters: Parameters) -> Answer:
    """One topic. Raises Absent."""
    name = parameters["topic"]
    today, watching = sight.today, sight.watching
    plan = today.plans.get(name)
    counts = await sight.kafka.partition_counts()
    if name not in counts:
        known = "routes need it, and it is not there" if plan is not None else "there is no such topic"
        raise Absent(f"topic '{name}': {known}, or the console may not see it")
    partitions = [(name, each) for each in range(counts[name])]
    begins, ends = await sight.kafka.begins(partitions), await sight.kafka.ends(partitions)
    configs = (await sight.kafka.configs([name])).get(name, {})
    latest = watching.past.latest
    committed = {} if latest is None else latest.committed
    # How far a group is behind is told by what was read at one time: offsets of now are further than its commits of then.
    seen = {at: end for at, end in (latest.ends if latest is not None else {}).items() if at[0] == name}
    version = today.shower.version_of(name)
    readers = []
    for lag in watching.past.lags(name):
        behind = {at: offset for at, offset in committed[lag.group].items() if at in seen and offset < seen[at]}
        readers.append({
            **lag_json(lag),
            "oldest_unread": await _oldest_unread(sight, behind, begins),
            "partitions": [
                {"partition": at[1], "offset": offset, "lag": max(0, seen[at] - offset)}
                for at, offset in sorted(committed[lag.group].items()) if at in seen
            ],
        })  # fmt: skip
    return {
        **state_of(sight),
        "topic": name,
        "role": "other" if plan is None else plan.role.value,
        "team": None if plan is None else plan.team,
        "schema": None if version is None else str(version),
        "settings": {each: configs[each] for each in _SETTINGS if each in configs},
        "rate": watching.snapshot.rates.get(name),
        "partitions": [{"partition": at[1], "begin": begins[at], "end": ends[at]} for at in partitions],
        "feeds": list(_fed_by(sight, name)),
        "readers": readers,
        "beside": [
            each for each in (f"{name}.dead-letters", f"{name}.unroutable", f"{name}.rejected") if each in counts
        ],
        "table": name in today.route_set.sources and today.route_set.sources[name].order is not None,
    }


async def _oldest_unread(sight: Sight, behind: Mapping[At, int], begins: Mapping[At, int]) -> int | None:
    """The timestamp of the oldest record that a group has not read; None where there is none, or nobody can tell."""
    oldest: int | None = None
    wanted = Wanted(sight.today.shower, "", key=None, where="")
    try:
        for at, offset in behind.items():
            start = max(offset, begins[at])
            async for records, _ in sight.kafka.read({at: start}, {at: start + 1}):
                for record in filter(wanted.takes, records):
                    oldest = record.timestamp if oldest is None else min(oldest, record.timestamp)
    except RouterError:
        return None
    return oldest


def _fed_by(sight: Sight, name: str) -> Iterator[dict[str, Any]]:
    """The bindings that lead to a topic, the alternates, and the exchanges that it feeds itself."""
    route_set = sight.today.route_set
    here = Destination(DestinationKind.TOPIC, name)
    source = route_set.sources.get(name)
    for entry in () if source is None else source.entries:
        by = "the record's key" if entry.routing_key is None else entry.routing_key.text
        yield {
            "way": "feeds",
            "exchange": entry.exchange,
            "by": by,
            "file": "",
            "line": 0,
            "team": route_set.exchanges[entry.exchange].team,
        }
    for exchange in route_set.exchanges.values():
        for binding in exchange.bindings:
            if binding.destination == here:
                place = binding.place
                yield {
                    "way": "fed by", "exchange": exchange.name, "by": binding_text(binding),
                    "file": place.file, "line": place.line, "team": binding.team,
                }  # fmt: skip
        if exchange.alternate == here:
            place = exchange.place
            yield {
                "way": "alternate of", "exchange": exchange.name, "by": "what matches nothing", "file": place.file, "line": place.line,
                "team": exchange.team,
            }  # fmt: skip
