"""`router migrate`: a topic on its way from one version of its schema to the next, phase by phase, each with its proof."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from router.commands.dead_letters_redrive import who_and_why
from router.commands.migrate_run import run
from router.commands.migrate_showing import plan_json, show_plan, show_status, status_json
from router.durations import parse_duration
from router.errors import ConfigError, RouterError
from router.language.files import read_routes
from router.language.load import load_routes
from router.language.routes import RouteSet
from router.migrations.conducting import Plan
from router.migrations.phases import Migration, Observation, Phase
from router.migrations.split_conducting import SplitConductor
from router.migrations.splitting import SplitMigration
from router.records.catalogue import Catalogue
from router.records.generations import PARTITIONERS
from router.redrive.command import started_by
from router.settings import Settings
from router.versions.catalogue import read_catalogue

__all__ = ["migrate"]

_T = TypeVar("_T")
_VERSION = "v"
_GENERATION = "g"


class VersionType(click.ParamType):
    """A version as `v2` or `2`."""

    name = "version"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Parse a version; a usage error says what is wrong with it."""
        text = str(value).removeprefix(_VERSION).removeprefix(_GENERATION)
        if not text.isdecimal() or int(text) < 1:
            self.fail(f"'{value}' is no version: write v2", param, ctx)
        return int(text)


_from = click.option(
    "--from", "source", type=VersionType(), help="The former version.  [default: the one that there is]"
)


_split = click.option(
    "--split",
    "splits",
    is_flag=True,
    help="Into the subjects that schemas/NAME/split.yaml says are behind its types, all at once.",
)


@click.group()
def migrate() -> None:
    """Move a topic from one version of its schema to the next: producers first, consumers when they have read the old one.

    NAME is the topic without its version: `order.status` for `order.status.v1`. Works with the Kafka of ROUTER_BROKER and
    the schemas of ROUTER_SCHEMAS. `router migrate run`, one process or several, copies; all others look, or take a step.

    \b
        router migrate plan order.status
        router migrate start order.status --reason "amounts in cents"
        router migrate status order.status
        router migrate flip order.status --reason "v2 is complete" --sunset 2027-03-01
        router migrate drain order.status --reason "all producers write v2"
        router migrate move order.status refunds --reason "reads v2 now"
        router migrate retire order.status --delete --reason "nobody reads v1"
        router migrate start refund.update --split --reason "a subject for each of its types"
        router migrate repartition refunds.order.status.v1 --partitions 8 --reason "one consumer cannot keep up"
    """


migrate.add_command(run)


@migrate.command()
@click.argument("name")
@_from
@click.option("--to", "target", type=VersionType(), help="The new version.  [default: the next one in the catalogue]")
@_split
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def plan(*, name: str, source: int | None, target: int | None, splits: bool, as_json: bool) -> None:
    """Say what a migration of NAME would do, and what stands in its way. Changes nothing."""
    found = _planned(name, source, target, splits=splits)
    if as_json:
        click.echo(json.dumps(plan_json(found)))
    else:
        show_plan(found)
    if found.obstacles:
        raise SystemExit(1)


@migrate.command()
@click.argument("name")
@_from
@click.option("--to", "target", type=VersionType(), help="The new version.  [default: the next one in the catalogue]")
@_split
@who_and_why
def start(*, name: str, source: int | None, target: int | None, splits: bool, **options: Any) -> None:
    """Make the new topic, and begin to copy all that the former one retains and gets."""
    by, reason = _who(options)
    found = _planned(name, source, target, splits=splits)
    show_plan(found)
    if found.obstacles:
        raise SystemExit(1)
    if not _agreed(options, "begin?"):
        return
    begun = _asked(lambda each: each.start(found, by=by, reason=reason))
    _told(
        begun,
        options,
        f"{begun.target_topic} fills up while `router migrate run` runs; `router migrate status {name}` shows it",
    )


@migrate.command()
@click.argument("topic")
@click.option("--partitions", type=click.IntRange(2), required=True, metavar="N", help="A multiple of what it has.")
@click.option(
    "--partitioner",
    type=click.Choice(sorted(PARTITIONERS)),
    help="By what its producers lay keys into partitions.  [default: as its latest records lie]",
)
@who_and_why
def repartition(*, topic: str, partitions: int, partitioner: str | None, **options: Any) -> None:
    """Begin TOPIC's next generation, TOPIC.g2, with N partitions: all that it holds and gets is copied there, by key.

    A group goes on there when it is moved, with all that it has not read in N shares; `flip`, `drain`, `retire` and `abort` do what
    they do for versions. --dry-run says what it would be.
    """
    by, reason = _who(options)
    found = _asked(lambda each: each.plan_generation(topic, partitions=partitions, by=partitioner))
    show_plan(found)
    if found.obstacles:
        raise SystemExit(1)
    if not _agreed(options, "begin?"):
        return
    begun = _asked(lambda each: each.start(found, by=by, reason=reason))
    more = f"{begun.target_topic} fills up while `router migrate run` runs; `router migrate move {begun.name} GROUP` moves a group"
    _told(begun, options, more)


@migrate.command()
@click.argument("name", required=False)
@_from
@click.option("--json", "as_json", is_flag=True, help="The same as JSON, a line each.")
def status(*, name: str | None, source: int | None, as_json: bool) -> None:
    """Say where NAME's migration is, and who or what holds it up; without NAME, where all of them are."""

    async def look(conductor: SplitConductor) -> list[tuple[Migration, Observation | None]]:
        if name is not None:
            chosen = [await conductor.find(name, source=source)]
        else:
            chosen = list((await conductor.log.latest()).values())
        return [(each, None if each.phase.ended else await conductor.observe(each)) for each in chosen]

    found = _asked(look)
    for migration, seen in found:
        if as_json:
            click.echo(json.dumps(status_json(migration, seen)))
        else:
            show_status(migration, seen)
    if not found and not as_json:
        click.echo("there are no migrations; `router migrate plan NAME` says what one would be")


@migrate.command()
@click.argument("name")
@_from
@click.option(
    "--sunset", metavar="DATE", help="When the former topic is to go: its copies say so. May move later, never earlier."
)
@who_and_why
def flip(*, name: str, source: int | None, sunset: str | None, **options: Any) -> None:
    """Let producers move: what they write to the new topic is copied back for those who stay. Also the way back from drain."""
    date = None if sunset is None else _date(sunset)
    _step(name, source, Phase.FLIP, options, sunset=date)


_quiet = click.option(
    "--quiet-for",
    "quiet",
    metavar="TIME",
    help="For how long nobody may have written to the topic.  [default: 1h, or as it was said before]",
)

_lacking = click.option(
    "--lacking",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="So many records that did not convert, and are dead letters, may be missing in the topic that stays.",
)


@migrate.command()
@click.argument("name")
@_from
@_quiet
@who_and_why
def drain(*, name: str, source: int | None, quiet: str | None, **options: Any) -> None:
    """End copying back: consumers read the former topic to its end, and go on in the new one."""

    async def settle(conductor: SplitConductor, migration: Migration) -> str:
        ends = await conductor.settle_drain(migration)
        if isinstance(migration, SplitMigration):
            return (
                f"who has read {migration.source_topic} to its end goes on in {migration.target_topic}\n"
                f"`router migrate move {name} GROUP` moves a group there, with --only TOPIC to those that it wants"
            )
        places = (
            ", ".join(f"{number} at {at}" for number, at in sorted(ends.items())) or "the beginning of each partition"
        )
        return (
            f"who has read {migration.source_topic} to its end goes on in {migration.target_topic} with: {places}\n"
            f"`router migrate move {name} GROUP` moves a group there"
        )

    _step(name, source, Phase.DRAIN, options, quiet_ms=_milliseconds(quiet), then=settle)


@migrate.command()
@click.argument("name")
@click.argument("group")
@_from
@click.option(
    "--only", metavar="TOPIC", multiple=True, help="Of a split, only into these of its topics.  [default: all]"
)
@who_and_why
def move(*, name: str, group: str, source: int | None, only: tuple[str, ...], **options: Any) -> None:
    """Let GROUP, which has read the former topic to its end and is stopped, go on in the new one: nothing twice, nothing lost."""
    by, reason = _who(options)
    migration = _asked(lambda each: each.find(name, source=source))
    click.echo(f"group '{group}' goes from {migration.source_topic} to {migration.target_topic}")
    if not _agreed(options, "move it?"):
        return
    if isinstance(migration, SplitMigration):
        split = migration
        for topic, places in _asked(
            lambda each: each.move_split(split, group, only=only, by=by, reason=reason)
        ).items():
            click.echo(
                f"it goes on in {topic} with: {', '.join(f'{number} at {at}' for number, at in sorted(places.items()))}"
            )
        return
    offsets = _asked(lambda each: each.move(migration, group, by=by, reason=reason))
    click.echo(f"it goes on with: {', '.join(f'{number} at {at}' for number, at in sorted(offsets.items()))}")


@migrate.command()
@click.argument("name")
@_from
@_quiet
@_lacking
@click.option("--delete", "fate", flag_value="delete", help="Delete the former topic.")
@click.option("--close", "fate", flag_value="close", help="Close it to all writers, by the brokers' access control.")
@click.option("--keep", "fate", flag_value="keep", default=True, help="Leave it as it is.  [default]")
@who_and_why
def retire(*, name: str, source: int | None, quiet: str | None, lacking: int, fate: str, **options: Any) -> None:
    """End it, once nobody writes to the former topic and every group has read it; what proves that is kept."""

    async def settle(conductor: SplitConductor, migration: Migration) -> str:
        await conductor.settle_end(migration)
        if fate == "keep":
            return f"{migration.source_topic} is left as it is"
        if fate == "close":
            await conductor.close_to_writers(migration)
            return f"{migration.source_topic} is closed to writers"
        await conductor.delete(migration, migration.source_topic)
        return f"{migration.source_topic} is deleted"

    if fate == "close":
        # Before anything is written: brokers without an authorizer close nothing.
        migration = _asked(lambda each: each.find(name, source=source))
        _asked(lambda each: each.access.closed(migration.source_topic))
    _step(name, source, Phase.RETIRED, options, quiet_ms=_milliseconds(quiet), lacking=lacking, then=settle)


@migrate.command()
@click.argument("name")
@_from
@_quiet
@_lacking
@who_and_why
def abort(*, name: str, source: int | None, quiet: str | None, lacking: int, **options: Any) -> None:
    """Give it up: once the former topic has everything and nobody reads the new one, that is deleted. `start` begins anew."""

    async def settle(conductor: SplitConductor, migration: Migration) -> str:
        await conductor.settle_end(migration)
        for topic in migration.topics[1:]:
            await conductor.delete(migration, topic)
        return f"{migration.target_topic} is deleted"

    _step(name, source, Phase.ABORTED, options, quiet_ms=_milliseconds(quiet), lacking=lacking, then=settle)


def _step(
    name: str,
    source: int | None,
    phase: Phase,
    options: dict[str, Any],
    *,
    quiet_ms: int | None = None,
    sunset: str | None = None,
    lacking: int = 0,
    then: Callable[[SplitConductor, Migration], Awaitable[str]] | None = None,
) -> None:
    by, reason = _who(options)
    migration = _asked(lambda each: each.find(name, source=source))
    if migration.phase is not phase or then is None:
        if not options["as_json"]:
            show_status(migration, None if migration.phase.ended else _asked(lambda each: each.observe(migration)))
        if not _agreed(options, f"go to '{phase}'?"):
            return
        before = migration
        migration = _asked(
            lambda each: each.step(
                before, phase, by=by, reason=reason, quiet_ms=quiet_ms, sunset=sunset, lacking=lacking
            )
        )
    # Else the step was written, and what belongs to it was not done: the command was interrupted.
    after = migration
    more = "" if then is None else _asked(lambda each: then(each, after))
    _told(migration, options, more)


def _planned(name: str, source: int | None, target: int | None, *, splits: bool) -> Plan:
    if splits and target is not None:
        raise click.UsageError("--split leads to the versions that split.yaml names: leave out --to")
    if splits:
        return _asked(lambda each: each.plan_split(name, source=source))
    return _asked(lambda each: each.plan(name, source=source, target=target))


def _who(options: dict[str, Any]) -> tuple[str, str]:
    if options["dry_run"]:
        return "", ""
    try:
        return started_by(options["author"], options["reason"])
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def _agreed(options: dict[str, Any], question: str) -> bool:
    if options["dry_run"]:
        return False
    if options["yes"] or click.confirm(question):
        return True
    click.echo("nothing was done")
    return False


def _told(migration: Migration, options: dict[str, Any], more: str) -> None:
    if options["as_json"]:
        click.echo(json.dumps(status_json(migration, None)))
        return
    click.echo(f"{migration} is in phase '{migration.phase}'")
    if more:
        click.echo(more)


def _milliseconds(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.UsageError(f"--quiet-for {text} {error}") from error


def _date(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"--sunset {text} is no date: write 2027-03-01, or 2027-03-01T12:00:00Z") from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _asked(do: Callable[[SplitConductor], Awaitable[_T]]) -> _T:
    async def doing() -> _T:
        settings = Settings.from_environment(os.environ)
        catalogue = read_catalogue(settings.schemas)
        conductor = SplitConductor(settings, catalogue, _routes(settings.routes, catalogue))
        try:
            return await do(conductor)
        finally:
            await conductor.close()

    try:
        return asyncio.run(doing())
    except RouterError as error:
        raise click.ClickException(str(error)) from error


def _routes(folder: Path, catalogue: Catalogue) -> RouteSet | None:
    """None where there are none to be read: then nothing is known of what follows by itself."""
    try:
        return load_routes(read_routes(folder), catalogue)[0]
    except ConfigError:
        return None
