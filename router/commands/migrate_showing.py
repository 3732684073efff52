"""How a migration is shown on a terminal, and as JSON: what it would be, and where it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.table import Table

from router.commands.routes import console
from router.migrations.conducting import Plan
from router.migrations.phases import Migration, Observation, next_step, obstacles, troubles

__all__ = ["plan_json", "show_plan", "show_status", "status_json"]


def show_plan(found: Plan) -> None:
    migration = found.migration
    screen = console()
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = [
        ("from", f"{migration.source_topic}: {found.partitions} partitions, {found.held:,} offsets retained"),
        ("to", migration.target_topic),
        ("converted", found.forth or "not"),
        ("copied back", found.back or "no: producers cannot move while anybody stays"),
        ("makes", ", ".join(found.makes) or "nothing"),
        ("readers", ", ".join(found.readers) or "none that have committed"),
        ("routes", _of_routes(found)),
    ]
    for row in rows:
        table.add_row(*row)
    screen.print(table)
    for each in found.obstacles:
        screen.print(f"in the way: {each}")


def _of_routes(found: Plan) -> str:
    name = found.migration.name
    if found.migration.counts is not None:
        if found.named:
            return f"{', '.join(found.named)} read it: write '{found.migration.target_topic}' in their `sources:` when it has moved"
        return f"name it or not: who writes it writes '{found.migration.target_topic}' in its place when it has moved"
    if found.follows:
        return f"name '{name}', and follow by themselves"
    if found.named:
        return f"{', '.join(found.named)} read {found.migration.source_topic} by its name: write '{name}' in their `sources:`"
    return "read it nowhere"


def show_status(migration: Migration, seen: Observation | None) -> None:
    screen = console()
    last = migration.steps[-1]
    screen.print(
        f"{migration}  {migration.phase} since {_moment(last.at)}, by {last.by}: {last.reason}",
        highlight=False,
    )
    if migration.sunset:
        screen.print(f"announced end of {migration.source_topic}: {migration.sunset}")
    if seen is None:
        return
    table = Table("topic", "partition", "copied to", "end", "behind", "native", "last native", box=None, pad_edge=False)
    for each in seen.mirrors:
        natives = each.natives
        table.add_row(
            each.topic, str(each.partition), f"{each.position:,}", f"{each.end:,}", f"{each.behind:,}",
            f"{natives.count:,}", _moment(natives.at) if natives.count else "",
        )  # fmt: skip
    screen.print(table)
    if seen.groups:
        table = Table("group", "topic", "members", "behind", "", box=None, pad_edge=False)
        for group in sorted(seen.groups, key=lambda each: (each.topic, each.group)):
            follows = "follows by itself" if group.follows else ""
            table.add_row(group.group, group.topic, str(group.members), f"{group.behind:,}", follows)
        screen.print(table)
    for trouble in troubles(migration, seen):
        screen.print(f"wrong: {trouble}")
    if (onward := next_step(migration)) is not None:
        step, phase = onward
        held = obstacles(migration, phase, seen)
        told = "may be taken" if not held else "\n  ".join(["held up:", *held])
        screen.print(f"{step}: {told}")


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def plan_json(found: Plan) -> dict[str, Any]:
    migration = found.migration
    return {
        "from": migration.source_topic, "to": migration.target_topic, "partitions": found.partitions, "held": found.held,
        "converted": found.forth, "back": found.back, "makes": list(found.makes), "readers": list(found.readers),
        "follows": found.follows, "named_by": list(found.named), "obstacles": list(found.obstacles),
    }  # fmt: skip


def status_json(migration: Migration, seen: Observation | None) -> dict[str, Any]:
    told: dict[str, Any] = migration.to_json()
    if seen is not None:
        told["mirrors"] = [
            {
                "topic": each.topic, "partition": each.partition, "position": each.position, "end": each.end,
                "behind": each.behind, "natives": each.natives.count, "last_native_at": each.natives.at,
                "lacking": each.natives.lacking,
            }
            for each in seen.mirrors
        ]  # fmt: skip
        told["groups"] = [
            {
                "group": each.group, "topic": each.topic, "members": each.members, "behind": each.behind,
                "follows": each.follows,
            }
            for each in seen.groups
        ]  # fmt: skip
        told["troubles"] = troubles(migration, seen)
        onward = next_step(migration)
        told["next"] = {} if onward is None else {onward[0]: obstacles(migration, onward[1], seen)}
    return told
