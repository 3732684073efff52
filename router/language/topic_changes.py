"""The difference between the topics that routes need and those that there are. Pure: making them is somebody else's work.

Nothing is ever deleted or shrunk. More partitions move keys to other partitions, so that records of one key may be read out
of order by whoever reads both; that is told, and asked for apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from router.durations import format_duration
from router.language.topics import TopicPlan, TopicRole

__all__ = ["Change", "ChangeKind", "ClusterState", "Comparison", "TopicState", "compare"]

_WEEK_MS = 7 * 24 * 3_600_000


class ChangeKind(StrEnum):
    """What `--apply` does about a difference."""

    CREATE = "create"
    """The topic is missing, and is created."""
    CONFIGURE = "configure"
    """A setting is changed."""
    GROW = "grow"
    """Partitions are added, if that is asked for as well."""
    LEAVE = "leave"
    """It would delete or shrink something, or cannot be changed: people must decide."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is."""

    partitions: int
    replication: int
    config: Mapping[str, str] = field(default_factory=dict)
    """All of its settings, defaults included."""


@dataclass(frozen=True, slots=True)
class ClusterState:
    """What the cluster tells of itself."""

    topics: Mapping[str, TopicState]
    offsets_retention_ms: int | None = None
    """How long a group's offsets are kept when it is away; None where the broker does not tell."""
    members: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By topic, the members of each consumer group that reads it."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference."""

    kind: ChangeKind
    topic: str
    what: str
    """`partitions`, `replication`, or a setting's name; empty where the whole topic is missing."""
    found: str
    planned: str
    why: str = ""
    """Why it is left alone, or what it leads to."""
    plan: TopicPlan | None = None
    """Of a topic that is missing."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, and what is dangerous although it does not differ."""

    changes: tuple[Change, ...]
    warnings: tuple[str, ...]


def compare(plans: Sequence[TopicPlan], state: ClusterState, *, outage_ms: int) -> Comparison:
    """What must be created or differs. `outage_ms`: how long a consumer may be away and still find every record."""
    changes = [change for plan in plans for change in _changes(plan, state.topics.get(plan.name))]
    return Comparison(tuple(changes), tuple(_warnings(plans, state, outage_ms)))


def _changes(plan: TopicPlan, found: TopicState | None) -> Iterator[Change]:
    if found is None:
        planned = f"{plan.partitions} partitions"
        settings = "".join(f", {name}={value}" for name, value in sorted(plan.config.items()))
        yield Change(ChangeKind.CREATE, plan.name, "", "missing", planned + settings, plan=plan)
        return
    yield from _partitions(plan, found)
    if 0 < plan.replication != found.replication:
        why = "replicas are moved by Kafka's own tools (kafka-reassign-partitions)"
        yield Change(ChangeKind.LEAVE, plan.name, "replication", str(found.replication), str(plan.replication), why)
    for name, value in sorted(plan.config.items()):
        actual = found.config.get(name, "")
        if actual != value:
            shrinks = _shrinks(name, actual, value)
            kind = ChangeKind.LEAVE if shrinks else ChangeKind.CONFIGURE
            yield Change(
                kind, plan.name, name, actual, value, "it would delete records that are kept now" if shrinks else ""
            )


def _partitions(plan: TopicPlan, found: TopicState) -> Iterator[Change]:
    if found.partitions == plan.partitions:
        return
    counts = (plan.name, "partitions", str(found.partitions), str(plan.partitions))
    if found.partitions > plan.partitions:
        yield Change(ChangeKind.LEAVE, *counts, "Kafka cannot take partitions away")
    elif plan.role is TopicRole.CHANGELOG:
        yield Change(ChangeKind.LEAVE, *counts, "its entries do not move with the keys of its source")
    elif plan.role is TopicRole.REPARTITION:
        yield Change(ChangeKind.LEAVE, *counts, "its keys would move, away from what its table knows of them")
    elif plan.role is TopicRole.SOURCE:
        yield Change(ChangeKind.LEAVE, *counts, "its producers' keys would move: that is its owner's decision")
    else:
        yield Change(ChangeKind.GROW, *counts, "keys move to other partitions: let its consumer read to the end first")


def _shrinks(name: str, actual: str, value: str) -> bool:
    if name not in ("retention.ms", "max.message.bytes"):
        return False
    now, then = _number(actual), _number(value)
    if name == "retention.ms" and -1 in (now, then):
        return now == -1
    return now is not None and then is not None and then < now


def _number(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None


def _warnings(plans: Sequence[TopicPlan], state: ClusterState, outage_ms: int) -> Iterator[str]:
    if state.offsets_retention_ms is not None and state.offsets_retention_ms < _WEEK_MS:
        kept = format_duration(state.offsets_retention_ms)
        yield f"offsets.retention.minutes keeps a group's place for {kept} only: after a longer stop a worker starts anew"
    for plan in plans:
        found = state.topics.get(plan.name)
        retention = _number(plan.config.get("retention.ms", found.config.get("retention.ms", "") if found else ""))
        if plan.role is TopicRole.NARROW and retention is not None and 0 <= retention < outage_ms:
            kept, outage = format_duration(retention), format_duration(outage_ms)
            yield f"{plan.name} keeps records for {kept}: a consumer that is away for {outage} would lose some"
        partitions = found.partitions if found else plan.partitions
        for group, members in sorted(state.members.get(plan.name, {}).items()):
            if members > partitions:
                yield f"{plan.name} has {partitions} partitions for the {members} members of group {group}: some are idle"
