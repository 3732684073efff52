"""`router replay`: one consumer gets a stretch of a broad topic once more, through today's routes, and no group is set back."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from router.commands.dead_letters_redrive import who_and_why
from router.commands.route_sets import route_set_of
from router.commands.routes import console
from router.errors import ConfigError, RouterError
from router.language.deciders import deciders
from router.language.files import read_routes
from router.language.routes import RouteSet
from router.records.catalogue import Catalogue
from router.redrive.command import started_by
from router.replay.asking import asked_of
from router.replay.beginning import Stretch, Wish, begin, source_of, stretch_of
from router.replay.plan import Replay
from router.replay.surveying import Counts, ReplaySurvey
from router.settings import Settings
from router.versions.catalogue import read_catalogue

__all__ = ["replay"]

_LOOK_EVERY = 0.5
_INTERRUPTED = 130


@click.command()
@click.option("--to", "topic", required=True, metavar="TOPIC", help="The consumer's topic; nobody else gets anything.")
@click.option(
    "--from",
    "start",
    required=True,
    metavar="TIME|OFFSET",
    help="A time in ISO 8601 (UTC without a zone), an age such as 2h, or an offset of the broad topic.",
)
@click.option("--until", metavar="TIME|OFFSET", help="Only what is older, or stands before.  [default: all until now]")
@click.option("--partition", type=click.IntRange(0), help="One partition of the broad topic only.")
@click.option("--key", metavar="TEXT", help="Only records with this key.")
@click.option(
    "--where", metavar="CEL", help="Only records of which this holds, over the broad topic's fields, headers and key."
)
@click.option("--source", metavar="TOPIC", help="The broad topic, where several lead to the consumer's.")
@who_and_why
def replay(**options: Any) -> None:
    """Send one consumer a stretch of its broad topic once more, by today's routes, marked with the header `router-replay`.

    The lanes do it, each once, whatever is killed meanwhile. What comes for this consumer while a lane replays comes behind it;
    everybody else gets theirs as ever. No offset of any group is moved. Timestamps need not rise: each record is judged by its
    own. Says first what would be sent, and what retention has taken; Ctrl-C ends the watching, and not the replay.

    \b
        router replay --to vip.order.status.v1 --from 2h --reason "the table was restored from 08:00"
        router replay --to vip.order.status.v1 --from 2026-03-01T08:00 --until 2026-03-01T09:00 --where 'amount > 1000' --dry-run
        router replay --to vip.order.status.v1 --from 120000 --partition 3 --key ord-4711 --reason "did not arrive"
    """
    try:
        by, reason = ("", "") if options["dry_run"] else started_by(options["author"], options["reason"])
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    try:
        settings = Settings.from_environment(os.environ)
        catalogue = read_catalogue(settings.schemas)
        routes = route_set_of(read_routes(settings.routes), catalogue, group=settings.group)
        asyncio.run(_replay(settings, catalogue, routes, (by, reason), options))
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("no longer watched; what was begun goes on", err=True)
        raise SystemExit(_INTERRUPTED) from None


async def _replay(
    settings: Settings, catalogue: Catalogue, routes: RouteSet, who: tuple[str, str], options: dict[str, Any]
) -> None:
    topic = options["topic"]
    wish = Wish(
        topic=topic,
        start=options["start"],
        until=options["until"],
        partition=options["partition"],
        key=options["key"],
        where=options["where"] or "",
        source=options["source"],
    )
    source, survey = source_of(wish, routes, guarantee=settings.guarantee), ReplaySurvey(settings)
    stretch = await stretch_of(wish, source, survey, catalogue, group=settings.group, who=who, now=time.time())
    asked, total = stretch.asked, stretch.total
    holds = asked_of(catalogue, asked)
    decide = deciders(routes, in_lanes=True)[source].decide
    with _bar("reading", total) as show:
        counts = await survey.count(asked, stretch.ends, decide=decide, holds=holds, progress=show)
    _tell(stretch, counts, as_json=options["as_json"])
    if options["dry_run"] or not counts.meant:
        return
    if not options["yes"] and not click.confirm(f"replay {counts.meant:,} records to {topic}?"):
        click.echo("nothing was done")
        return
    await begin(settings, survey, asked)
    await _watch(survey, asked, total, as_json=options["as_json"])


async def _watch(survey: ReplaySurvey, asked: Replay, total: int, *, as_json: bool) -> None:
    shown = 0
    with _bar("replaying", total) as show:
        while True:
            found = await survey.progress(asked)
            so_far = sum(at - asked.starts[number] for number, at in found.at.items())
            show(max(0, so_far - shown))
            shown = max(shown, so_far)
            if found.done == len(asked.starts):
                break
            await asyncio.sleep(_LOOK_EVERY)
    click.echo(json.dumps({"replay": asked.id, "done": True}) if as_json else f"{asked.id}: done")


def _tell(stretch: Stretch, counts: Counts, *, as_json: bool) -> None:
    asked = stretch.asked
    if as_json:
        told = {
            "replay": asked.id, "source": asked.source, "topic": asked.topic, "read": counts.read, "meant": counts.meant,
            "elsewhere": counts.elsewhere, "undecided": counts.undecided, "gone": stretch.gone,
        }  # fmt: skip
        click.echo(json.dumps(told))
        return
    click.echo(f"{asked.source} to {asked.topic}: {counts.read:,} records read")
    click.echo(f"  send       {counts.meant:,}")
    click.echo(f"  elsewhere  {counts.elsewhere:,}  today's routes do not send them there")
    if counts.undecided:
        click.echo(f"  undecided  {counts.undecided:,}  they are dead letters of {asked.source}")
    for number, at in sorted(stretch.gone.items()):
        click.echo(f"  gone       partition {number} begins at {at:,}: retention has taken what stood before")


class _bar:  # noqa: N801 - used as a function
    """A bar on stderr, where that is a terminal."""

    def __init__(self, title: str, total: int) -> None:
        screen = console()
        screen.stderr = True
        self._progress = Progress(
            TextColumn(title),
            BarColumn(),
            TimeElapsedColumn(),
            console=screen,
            transient=True,
            disable=not screen.is_terminal,
        )
        self._total = total

    def __enter__(self) -> Any:
        self._progress.start()
        task = self._progress.add_task("", total=self._total)
        return lambda count: self._progress.advance(task, count)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
