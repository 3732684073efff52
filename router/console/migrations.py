"""Migrations, as a page: where each is, what it has copied, who holds it up, and by what each step was proved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.console.sight import Absent, Answer, Parameters, Sight
from router.errors import TransientError
from router.migrations.phases import (
    GroupState,
    Migration,
    MirrorState,
    Observation,
    Phase,
    next_step,
    obstacles,
    troubles,
)

__all__ = ["migration", "migrations", "view"]

_WAY = (Phase.MIRROR, Phase.FLIP, Phase.DRAIN, Phase.RETIRED)


async def migrations(sight: Sight, parameters: Parameters) -> Answer:  # noqa: ARG001 - it is asked with nothing
    """All of them: those under way first, the latest step first."""
    found, problem = await _latest(sight)
    ordered = sorted(found.values(), key=lambda each: (each.phase.ended, -each.steps[-1].at))
    return {"migrations": [view(each, None) for each in ordered], "problem": problem}


async def migration(sight: Sight, parameters: Parameters) -> Answer:
    """One, with what is so now. Raises Absent."""
    found, problem = await _latest(sight)
    key = f"{parameters['name']}/{parameters['versions']}"
    chosen = found.get(key)
    if chosen is None and problem is None:
        known = ", ".join(sorted(found)) or "none at all"
        raise Absent(f"there is no migration '{key}': there is {known}")
    seen: Observation | None = None
    if chosen is not None and not chosen.phase.ended:
        try:
            seen = await sight.migrations.observe(chosen, sight.today.catalogue, sight.today.route_set)
        except TransientError as error:
            problem = _problem(error)
    return {"migration": None if chosen is None else view(chosen, seen), "problem": problem}


async def _latest(sight: Sight) -> tuple[Mapping[str, Migration], dict[str, str] | None]:
    try:
        return await sight.migrations.latest(), None
    except TransientError as error:
        return {}, _problem(error)


def _problem(error: TransientError) -> dict[str, str]:
    return {"reason": error.reason, "message": str(error), "what_to_do": ""}


def view(migration: Migration, seen: Observation | None) -> dict[str, Any]:
    """As pages and programs see it. Pure."""
    phase = migration.phase
    told: dict[str, Any] = {
        "key": migration.key,
        "name": migration.name,
        "versions": migration.key.rpartition("/")[2],
        "from": migration.source_topic,
        "to": migration.target_topic,
        "phase": str(phase),
        "ended": phase.ended,
        "sunset": migration.sunset,
        "quiet_seconds": migration.quiet_ms / 1000,
        "copies": [{"from": start, "to": to} for start, to in migration.ways],
        "steps": [
            {
                "phase": str(each.phase), "at": each.at, "by": each.by, "reason": each.reason,
                "evidence": dict(each.evidence),
            }
            for each in migration.steps
        ],
        "way": [
            {"phase": str(each), "is": "now" if each is phase else "done" if _passed(each, phase) else "ahead"}
            for each in _WAY
        ],
        "partitions": [],
        "groups": [],
        "copied": None,
        "next": None,
        "troubles": [],
    }  # fmt: skip
    if seen is not None:
        told["partitions"] = [_partition(each) for each in seen.mirrors]
        told["groups"] = [_group(each) for each in sorted(seen.groups, key=lambda each: (each.topic, each.group))]
        told["copied"] = _share(seen, migration.source_topic)
        told["troubles"] = troubles(migration, seen)
        if (onward := next_step(migration)) is not None:
            step, wanted = onward
            told["next"] = {"step": step, "obstacles": obstacles(migration, wanted, seen)}
    return told


def _passed(each: Phase, now: Phase) -> bool:
    return now in _WAY and _WAY.index(each) < _WAY.index(now)


def _share(seen: Observation, topic: str) -> float:
    """The part of the former topic that is copied, from 0 to 1; by offsets."""
    whole = sum(each.end for each in seen.of(topic))
    return 1.0 if whole == 0 else 1.0 - seen.behind(topic) / whole


def _partition(each: MirrorState) -> dict[str, Any]:
    return {
        "topic": each.topic, "partition": each.partition, "position": each.position, "end": each.end, "behind": each.behind,
        "natives": each.natives.count, "last_native": each.natives.last if each.natives.count else None,
        "last_native_at": each.natives.at if each.natives.count else None,
    }  # fmt: skip


def _group(each: GroupState) -> dict[str, Any]:
    return {
        "group": each.group,
        "topic": each.topic,
        "members": each.members,
        "behind": each.behind,
        "follows": each.follows,
    }
