"""`router topics`: what must be created or differs, and, asked for, the creating."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import click
from rich.progress import track
from rich.table import Table

from router.commands.cluster import Cluster, connect
from router.commands.route_sets import route_set_of
from router.commands.routes import console, read_texts, routes_options
from router.durations import parse_duration
from router.errors import RouterError
from router.language.routes import RouteSet
from router.language.topic_changes import Change, ChangeKind, Comparison, compare
from router.language.topics import TopicPlan, as_they_are, needed, plan_topics
from router.settings import Settings

__all__ = ["topics"]

_WIDE = 400
"""Columns: room for Kafka's longest names and our longest reasons."""

_COLOURS = {
    ChangeKind.CREATE: "green",
    ChangeKind.CONFIGURE: "green",
    ChangeKind.GROW: "yellow",
    ChangeKind.LEAVE: "red",
}


@click.command()
@routes_options
@click.option("--apply", "applies", is_flag=True, help="Create what is missing, and change settings that differ.")
@click.option("--grow", is_flag=True, help="With --apply: add partitions to narrow topics too. Keys move.")
@click.option(
    "--partitions", type=click.IntRange(1), default=4, show_default=True, help="Of a source that declares none."
)
@click.option(
    "--replication", type=int, default=-1, show_default=True, help="Replicas of new topics; -1: the cluster's own."
)
@click.option("--outage", default="1d", show_default=True, metavar="TIME", help="How long a consumer may be away.")
@click.option("--json", "as_json", is_flag=True, help="The plan as one JSON object.")
def topics(
    *,
    directory: Path,
    schemas: Path,
    applies: bool,
    grow: bool,
    partitions: int,
    replication: int,
    outage: str,
    as_json: bool,
) -> None:
    """Compare the topics that the routes in DIR need with those of the Kafka of ROUTER_BROKER.

    Without --apply nothing is changed. With it what is missing is created and settings are changed, but nothing is ever
    deleted or shrunk: what would be is shown as `leave`, with the reason. A source that is put in order needs the changelog
    of its table, one for each group of workers: that of ROUTER_GROUP is among them. Of a source that is named by its subject
    one version is enough, the latest where there is none: `router migrate` makes the next, and what it retired stays away.

    \b
        router topics                what is missing, what differs
        router topics --apply        make it so
    """
    try:
        outage_ms = parse_duration(outage)
    except ValueError as error:
        raise click.UsageError(f"--outage {outage} {error}") from error
    try:
        settings = Settings.from_environment(os.environ)
        route_set = route_set_of(*read_texts(directory, schemas), group=settings.group)
        plans = plan_topics(route_set, default_partitions=partitions, replication=replication, group=settings.group)
        comparison, count = asyncio.run(
            _run(settings, route_set, plans, outage_ms=outage_ms, applies=applies, grow=grow)
        )
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(_json(comparison, applies=applies, grow=grow)))
    else:
        _show(comparison, count=count, applies=applies, grow=grow)


async def _run(
    settings: Settings,
    route_set: RouteSet,
    plans: tuple[TopicPlan, ...],
    *,
    outage_ms: int,
    applies: bool,
    grow: bool,
) -> tuple[Comparison, int]:
    """The differences, and how many topics were compared."""
    async with connect(settings) as cluster:
        state = await cluster.state([plan.name for plan in plans])
        plans = needed(plans, route_set, state.topics, group=settings.group)
        plans = as_they_are(plans, route_set, {name: each.partitions for name, each in state.topics.items()})
        comparison = compare(plans, state, outage_ms=outage_ms)
        if applies:
            await _apply(cluster, [change for change in comparison.changes if _is_applied(change, grow=grow)])
        return comparison, len(plans)


async def _apply(cluster: Cluster, changes: list[Change]) -> None:
    screen = console()
    for change in track(changes, "making topics", console=screen, transient=True, disable=not screen.is_terminal):
        await cluster.apply(change)
    await cluster.wait_for([change.topic for change in changes])


def _is_applied(change: Change, *, grow: bool) -> bool:
    return change.kind in (ChangeKind.CREATE, ChangeKind.CONFIGURE) or (grow and change.kind is ChangeKind.GROW)


def _show(comparison: Comparison, *, count: int, applies: bool, grow: bool) -> None:
    screen = console()
    if not screen.is_terminal:
        screen.width = _WIDE  # nobody's window sets one, and a name that is cut is no name
    if comparison.changes:
        table = Table("", "topic", "what", "is", "should be", "", box=None, pad_edge=False)
        for change in comparison.changes:
            table.add_row(
                change.kind.value, change.topic, change.what, change.found, change.planned, change.why,
                style=_COLOURS[change.kind],
            )  # fmt: skip
        screen.print(table)
    for warning in comparison.warnings:
        screen.print(f"warning: {warning}", style="yellow")
    done = sum(_is_applied(change, grow=grow) for change in comparison.changes) if applies else 0
    left = len(comparison.changes) - done
    said = (
        f"{count} topics: {left} {'difference' if left == 1 else 'differences'} left"
        if left
        else f"{count} topics are as planned"
    )
    screen.print(
        said + (f", {done} made" if done else "") + ("" if applies or not left else " (--apply makes what can be made)")
    )


def _json(comparison: Comparison, *, applies: bool, grow: bool) -> dict[str, Any]:
    return {
        "changes": [
            {
                "kind": change.kind.value,
                "topic": change.topic,
                "what": change.what,
                "found": change.found,
                "planned": change.planned,
                "why": change.why,
                "applied": applies and _is_applied(change, grow=grow),
            }
            for change in comparison.changes
        ],
        "warnings": list(comparison.warnings),
    }
