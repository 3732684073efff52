"""`router parked`: which keys wait for their consumers; let one flow, or give up what parks it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from rich.table import Table

from router.commands.dead_letters_redrive import who_and_why
from router.commands.routes import console, read_texts
from router.errors import RouterError
from router.failure.audit import AuditEvent
from router.failure.commands import give_up_headers, release_key_headers
from router.failure.rejections import Lane
from router.failure.topics import rejected_of
from router.language.findings import InvalidRoutes
from router.language.load import load_routes
from router.language.topics import changelog_of, keeping_sources
from router.records.record import PlainRecord
from router.redrive.command import started_by
from router.redrive.kafka import RedriveKafka
from router.redrive.parked import ParkedKey, ParkedKeys
from router.redrive.selection import WrongSelection
from router.settings import Settings

__all__ = ["parked"]

_MOST_AT_ONCE = 2_000
_routes = click.option(
    "--routes", type=click.Path(path_type=Path), help="The folder of routes.  [default: ROUTER_ROUTES, else routes]"
)


@click.group()
def parked() -> None:
    """The keys that wait for their consumers: look at them, let one flow, or give up what parks it.

    Works with the Kafka of ROUTER_BROKER, and needs no worker to look: the changelogs of ROUTER_GROUP tell it.
    """


@parked.command(name="list")
@click.argument("topics", metavar="[TOPIC]…", nargs=-1)
@_routes
@click.option("--json", "as_json", is_flag=True, help="One JSON object a key, a line each.")
def list_(*, topics: tuple[str, ...], routes: Path | None, as_json: bool) -> None:
    """Say which keys wait, since when, for whom, and how much waits with each.

    \b
        router parked list
        router parked list vip.order.status.v1 --json
    """
    found = [each for each in _read(routes) if not topics or each.topic in topics]
    if as_json:
        for each in found:
            click.echo(json.dumps(each.to_json(), ensure_ascii=False))
        return
    if found:
        _show(found)
    waiting = sum(each.came_back + each.held for each in found)
    click.echo(f"{len(found):,} keys wait, and {waiting:,} records with them")


@parked.command()
@click.argument("topic")
@click.option("--key", metavar="TEXT", help="This key.")
@click.option("--all", "everything", is_flag=True, help="All keys of the topic.")
@_routes
@who_and_why
def release(*, topic: str, **options: Any) -> None:
    """Let parked keys flow: what came back is sent again, and behind it what waited.

    \b
        router parked release vip.order.status.v1 --key ord-17 --reason "fixed in 4.2"
    """
    _tell(topic, options, kind="released", headers=release_key_headers)


@parked.command(name="give-up")
@click.argument("topic")
@click.option("--key", metavar="TEXT", help="This key.")
@click.option("--all", "everything", is_flag=True, help="All keys of the topic.")
@click.option("--skip", is_flag=True, help="Only count what parks them; else it becomes dead letters.")
@_routes
@who_and_why
def give_up(*, topic: str, skip: bool, **options: Any) -> None:
    """Send none of what parks a key: it becomes dead letters, and what waited behind it flows on.

    \b
        router parked give-up vip.order.status.v1 --key ord-17 --reason "refunded by hand"
    """

    def headers(command: str, lane: Lane) -> list[tuple[str, bytes | None]]:
        return give_up_headers(command, lane, silently=skip)

    _tell(topic, options, kind="given-up", headers=headers)


def _read(routes: Path | None) -> list[ParkedKey]:
    try:
        settings = Settings.from_environment(os.environ)
        return asyncio.run(_listed(settings, routes))
    except RouterError as error:
        raise click.ClickException(str(error)) from error


async def _listed(settings: Settings, routes: Path | None) -> list[ParkedKey]:
    texts, catalogue = read_texts(routes or settings.routes, settings.schemas)
    route_set, findings = load_routes(texts, catalogue)
    if route_set is None:
        raise click.ClickException(str(InvalidRoutes(findings)))
    kafka = RedriveKafka(settings)
    found: list[ParkedKey] = []
    try:
        changelogs = {changelog_of(settings.group, source): source for source in keeping_sources(route_set)}
        for (changelog, partition), end in (await kafka.ends(changelogs)).items():
            keys = ParkedKeys(Lane(changelogs[changelog], partition))
            async for records, _ in kafka.records((changelog, partition), end=end, most=_MOST_AT_ONCE):
                for record in records:
                    keys.take(record)
            found += keys.listed()
    finally:
        await kafka.close()
    return sorted(found, key=lambda one: (one.since or 0, one.topic))


def _tell(topic: str, options: dict[str, Any], *, kind: str, headers: Any) -> None:
    """Tell the lanes of these keys, after a question."""
    key, everything = options["key"], options["everything"]
    if (key is None) is not everything:
        raise click.UsageError("say which: --key TEXT, or --all")
    if not options["dry_run"]:
        try:
            started_by(options["author"], options["reason"])
        except WrongSelection as error:
            raise click.UsageError(str(error)) from error
    wanted = None if key is None else key.encode(errors="surrogateescape")
    of_topic = [each for each in _read(options["routes"]) if each.topic == topic and each.key is not None]
    found = [each for each in of_topic if wanted is None or each.key == wanted]
    if not found:
        what = "no key" if everything else f"'{key}' does not wait, and no key of that name"
        click.echo(f"{what} is parked for '{topic}': nothing to do")
        return
    if options["as_json"]:
        for each in found:
            click.echo(json.dumps(each.to_json(), ensure_ascii=False))
    else:
        _show(found)
    if options["dry_run"]:
        return
    verb = "let" if kind == "released" else "give up what parks"
    if not options["yes"] and not click.confirm(f"{verb} {len(found):,} keys of {topic}{' flow' * (verb == 'let')}?"):
        click.echo("nothing was done")
        return
    command = uuid4().hex[:8]
    try:
        asyncio.run(_told(topic, found, options, command, kind, headers))
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{command}: their lanes are told; `router parked list {topic}` shows what becomes of them")


async def _told(  # noqa: PLR0917 - made in one place, from one call's own names
    topic: str, found: list[ParkedKey], options: dict[str, Any], command: str, kind: str, headers: Any
) -> None:
    author, reason = started_by(options["author"], options["reason"])
    kafka = RedriveKafka(Settings.from_environment(os.environ))
    event = AuditEvent(
        command=command,
        type=f"router.parked.{kind}",
        source=kafka.group,
        subject=topic,
        at=round(time.time() * 1000),
        data={"author": author, "reason": reason, "keys": [each.to_json() for each in found]},
    )
    try:
        await kafka.make_own_topics()
        # First: what is done must be told, and what is told and not done can be done again.
        await kafka.tell(event)
        await kafka.write(
            [
                PlainRecord(
                    topic=rejected_of(topic),
                    partition=each.lane.partition,
                    timestamp=-1,
                    key=each.key,
                    headers=tuple(headers(command, each.lane)),
                )
                for each in found
            ]
        )
    finally:
        await kafka.close()


def _show(found: list[ParkedKey]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("topic", "key", "state", "since", "until", "came back", "waiting", "lane"):
        table.add_column(name, justify="right" if name in {"came back", "waiting"} else "left")
    for each in found:
        told = each.to_json()
        key = "(one record)" if each.key is None else told["key"]
        table.add_row(
            each.topic, _line(key), each.state, _time(each.since), _time(each.until),
            f"{each.came_back:,}", f"{each.held:,}", told["lane"],
        )  # fmt: skip
    screen = console()
    if not screen.is_terminal:
        screen.width = 1_000  # nobody's window sets one
    screen.print(table)


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _time(milliseconds: int | None) -> str:
    if milliseconds is None:
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
