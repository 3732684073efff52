"""`router dead-letters redrive`, `skip` and `edit`: first what would be done, then a question, then the deed and its audit."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from router.commands.dead_letters_options import chosen_of, selecting
from router.commands.folders import routes_option, schemas_option
from router.commands.live import PLACE, read_record
from router.commands.route_sets import route_set_of
from router.commands.routes import console, read_texts
from router.errors import RouterError
from router.records.catalogue import Catalogue
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.redrive.command import Command, Kind, started_by
from router.redrive.editing import edited, goes_to, shown
from router.redrive.kafka import RedriveKafka
from router.redrive.plan import Plan
from router.redrive.redriver import Outcome, Redriver
from router.redrive.selection import (
    DeadLetter,
    Selection,
    WrongSelection,
    cause_id,
    choose_topics,
    read_letter,
)
from router.redrive.ways import Ways, retentions
from router.runtime import spare_garbage_collection
from router.settings import Settings

__all__ = ["edit", "redrive", "skip", "who_and_why"]

_F = TypeVar("_F", bound=Callable[..., Any])
_RATE = 1_000
_INTERRUPTED = 130


def who_and_why(command: _F) -> _F:
    """The options that every act by hand has."""
    options = (
        click.option("--reason", metavar="TEXT", help="Why, for those who read the audit later. Needed."),
        click.option(
            "--author",
            metavar="NAME",
            default=lambda: os.environ.get("USER") or os.environ.get("LOGNAME"),
            help="Who does it.  [default: $USER]",
        ),
        click.option("--dry-run", is_flag=True, help="Say what would be done, and end."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option(
            "--json", "as_json", is_flag=True, help="Tell what is planned and done as JSON objects, a line each."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


_to = click.option("--to", metavar="TOPIC", help="The topic that gets all of it, instead of those that failed.")
_rate = click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=_RATE,
    show_default=True,
    help="The most that are sent in a second; 0 for no limit.",
)


@click.command()
@selecting
@_to
@_rate
@routes_option()
@click.option("--resume", metavar="ID", help="Go on with a command that was interrupted: it tells the rest itself.")
@who_and_why
def redrive(*, topics: tuple[str, ...], resume: str | None, **options: Any) -> None:
    """Send dead letters again, each once, to the consumer that failed and nobody else.

    Says first how many go where and what is left, and asks. Ctrl-C ends it in good order; --resume goes on.

    \b
        router dead-letters redrive vip.order.status.v1 --cause 5f3a09c1 --reason "column is a bigint now"
        router dead-letters redrive order.status.v1 --since 2h --dry-run
        router dead-letters redrive --resume 7c1e0f52
    """
    _carry_out(_Asked.of(Kind.REDRIVE, topics, options, resume=resume))


@click.command()
@selecting
@click.option("--resume", metavar="ID", help="Go on with a command that was interrupted.")
@who_and_why
def skip(*, topics: tuple[str, ...], resume: str | None, **options: Any) -> None:
    """Decide that dead letters are not sent again: redrive leaves them out from then on. They stay where they are.

    \b
        router dead-letters skip vip.order.status.v1 --until 2026-03-01 --reason "refunded by hand"
    """
    _carry_out(_Asked.of(Kind.SKIP, topics, options | {"to": None, "rate": 0.0}, resume=resume))


@click.command()
@click.argument("place", type=PLACE, metavar="TOPIC/PARTITION/OFFSET")
@click.option("--value", type=click.File("r"), help="The value as JSON, from this file; - is standard input.")
@schemas_option("The catalogue.")
@_to
@routes_option()
@who_and_why
def edit(*, place: Origin, value: Any, **options: Any) -> None:
    """Change the value of one dead letter, in your editor or from a file, and send it as redrive does.

    \b
        router dead-letters edit vip.order.status.v1.dead-letters/0/17 --reason "amount was in cents"
        router dead-letters edit vip.order.status.v1.dead-letters/0/17 --value fixed.json --reason "as agreed" --yes
    """
    asked = _Asked.of(Kind.EDIT, (place.topic,), options | {"rate": 0.0})
    try:
        letter = read_letter(read_record(asked.settings, place))
        changed = _edited(letter, None if value is None else value.read(), asked)
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    _carry_out(asked, only=place, edited=changed)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for, checked as far as that goes without a broker."""

    kind: Kind
    named: tuple[str, ...]
    settings: Settings
    catalogue: Catalogue
    ways: Ways
    retention_ms: dict[str, int]
    selection: dict[str, str | int]
    to: str | None
    author: str
    reason: str
    rate: float
    resume: str | None
    dry_run: bool
    yes: bool
    as_json: bool

    @classmethod
    def of(cls, kind: Kind, named: tuple[str, ...], options: dict[str, Any], *, resume: str | None = None) -> _Asked:
        try:
            settings = Settings.from_environment(os.environ)
        except RouterError as error:
            raise click.ClickException(str(error)) from error
        texts, catalogue = read_texts(options.get("routes", settings.routes), options["schemas"])
        route_set = route_set_of(texts, catalogue, group=settings.group)
        ways = Ways(route_set, catalogue, to=options["to"])
        if options["to"] is not None and not ways.knows(options["to"]):
            raise click.BadParameter(f"no route leads to '{options['to']}'", param_hint="--to")
        author, reason = options["author"] or "", options["reason"] or ""
        if resume is None and not options["dry_run"]:
            try:
                author, reason = started_by(author, reason)
            except WrongSelection as error:
                raise click.UsageError(str(error)) from error
        names = ("destination", "cause", "key", "since", "until", "where")
        selection = chosen_of({name: options.get(name) for name in names})
        try:
            Selection(catalogue, **selection)  # type: ignore[arg-type] # options by their names
        except WrongSelection as error:
            raise click.BadParameter(str(error)) from error
        return cls(
            kind, named, settings, catalogue, ways, retentions(route_set), selection, options["to"], author, reason,
            options["rate"], resume, options["dry_run"], options["yes"], options["as_json"],
        )  # fmt: skip


def _carry_out(asked: _Asked, *, only: Origin | None = None, edited: PlainRecord | None = None) -> None:
    spare_garbage_collection()
    try:
        code = asyncio.run(_run(asked, only, edited))
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("interrupted: nothing was done", err=True)
        code = _INTERRUPTED
    if code:
        sys.exit(code)


async def _run(asked: _Asked, only: Origin | None, edited: PlainRecord | None) -> int:
    kafka = RedriveKafka(asked.settings)
    try:
        command = await _command(asked, kafka, only)
        ways = asked.ways
        if asked.resume is not None and command.to != asked.to:
            ways = ways.to(command.to)
        redriver = Redriver(kafka, ways, asked.catalogue, retention_ms=asked.retention_ms)
        with _bar("reading") as bar:
            task = bar.add_task("reading", total=None)
            plan = await redriver.plan(command, edited=edited, looked=lambda count: bar.advance(task, count))
        _show_plan(asked, command, plan)
        if asked.dry_run:
            return 0
        if not (asked.yes or not plan.letters or _confirmed(asked, command, plan)):
            click.echo("nothing was done")
            return 1
        outcome = await _carried_out(asked, command, redriver, plan, edited)
        return _show_outcome(asked, command, outcome)
    finally:
        await kafka.close()


async def _command(asked: _Asked, kafka: RedriveKafka, only: Origin | None) -> Command:
    if asked.resume is not None:
        found = await kafka.find(asked.resume)
        if found.kind is not asked.kind:
            raise WrongSelection(f"command '{found.id}' was no {asked.kind}, but {found.kind}")
        return found
    if only is not None:
        ends = {(only.topic, only.partition): only.offset + 1}
    else:
        ends = await kafka.ends(choose_topics(asked.named, await kafka.counts()))
    return Command(
        id=uuid4().hex[:8],
        kind=asked.kind,
        author=asked.author,
        reason=asked.reason,
        ends=ends,
        starts={} if only is None else {(only.topic, only.partition): only.offset},
        selection=asked.selection,
        to=asked.to,
    )


async def _carried_out(
    asked: _Asked, command: Command, redriver: Redriver, plan: Plan, edited: PlainRecord | None
) -> Outcome:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    try:
        with _bar(str(command.kind)) as bar:
            task = bar.add_task("sending" if command.kind is not Kind.SKIP else "skipping", total=plan.letters)
            return await redriver.carry_out(
                command, rate=asked.rate, edited=edited, done=lambda count: bar.advance(task, count), stop=stop
            )
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _bar(_: str) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _confirmed(asked: _Asked, command: Command, plan: Plan) -> bool:
    if command.kind is Kind.SKIP:
        what = f"leave {plan.letters:,} dead letters out of every redrive?"
    else:
        pace = f", at most {asked.rate:,.0f} a second" if asked.rate else ""
        what = f"send {plan.copies:,} records{pace}?"
    return click.confirm(f"{command.kind} {command.id} by {command.author}: {what}")


def _show_plan(asked: _Asked, command: Command, plan: Plan) -> None:
    if asked.as_json:
        click.echo(json.dumps({"command": command.id, "plan": plan.to_json()}, ensure_ascii=False))
        return
    click.echo(f"{plan.meant:,} of {plan.looked_at:,} dead letters are meant")
    table = Table(box=None, pad_edge=False, show_header=False)
    for number in range(4):
        table.add_column(justify="right" if number == 1 else "left")
    for (topic, by_lanes, symptom), count in plan.sending.most_common():
        where = f"{topic}, by its lanes" if by_lanes else topic
        words = " ".join(each for each in (symptom.reason, symptom.error_class, symptom.message) if each)
        table.add_row("  send", f"{count:,}", _line(where), f"cause {cause_id(symptom)}  {_line(words)}")
    if command.kind is Kind.SKIP:
        table.add_row("  skip", f"{plan.letters:,}", "", "")
    if plan.converted:
        table.add_row("  of these", f"{plan.converted:,}", "converted to the version of their topic", "")
    for reason, count in plan.left.most_common():
        if count:
            table.add_row("  leave", f"{count:,}", _line(f"{reason}: {plan.examples.get(reason, _UNASKED)}"), "")
    for done, count in (("sent", plan.sent_before), ("skipped", plan.skipped_before)):
        if count:
            table.add_row("  done before", f"{count:,}", done, "")
    screen = console()
    if not screen.is_terminal:
        screen.width = 1_000  # nobody's window sets one
    screen.print(table)


_UNASKED = "--where has no value on them"


def _show_outcome(asked: _Asked, command: Command, outcome: Outcome) -> int:
    done = outcome.done
    if asked.as_json:
        lanes = [
            {
                "topic": topic,
                "lane": f"{source}/{number}",
                "got": count,
                **outcome.answers.get((topic, source, number), {}),
            }
            for (topic, source, number), count in sorted(outcome.lanes.items())
        ]
        told = {"interrupted": outcome.interrupted, "done": done.to_json(), "lanes": lanes}
        click.echo(json.dumps({"command": command.id, **told}, ensure_ascii=False))
    else:
        _tell_outcome(command, outcome)
    return _INTERRUPTED if outcome.interrupted else 0


def _tell_outcome(command: Command, outcome: Outcome) -> None:
    done = outcome.done
    verb = "skipped" if command.kind is Kind.SKIP else "sent"
    parts = [f"{done.letters:,} {verb}"]
    left = sum(done.left.values())
    parts += [f"{left:,} left"] if left else []
    before = done.sent_before + done.skipped_before
    parts += [f"{before:,} done before"] if before else []
    joined = sum(answer["joined"] for answer in outcome.answers.values())
    parts += [f"{joined:,} of them wait with their parked key"] if joined else []
    click.echo(f"{command.id}: {', '.join(parts)}")
    if outcome.interrupted:
        click.echo(f"interrupted; go on with: router dead-letters {command.kind} --resume {command.id}")
    elif outcome.silent:
        lanes = ", ".join(f"{source}/{number}" for _, source, number in outcome.silent)
        click.echo(f"these lanes have not answered yet: {lanes}; what they got waits for a worker that carries them")


def _line(text: str) -> str:
    """A client's text in one line, without what could steer a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)


def _edited(letter: DeadLetter, text: str | None, asked: _Asked) -> PlainRecord:
    """The changed record. Raises WrongSelection and ClickException."""
    goes_to(letter, asked.ways, asked.catalogue)  # before anybody takes pains to change it
    if text is None:
        before = shown(letter, asked.catalogue)
        text = click.edit(before, extension=".json")
        if text is None or text == before:
            raise click.ClickException("nothing was changed, so that nothing is sent")
    return edited(letter, text, asked.ways, asked.catalogue)
