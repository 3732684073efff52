"""`router parked`: which keys wait for their consumers; let one flow, or give up what parks it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from router.commands.dead_letters_redrive import who_and_why
from router.commands.folders import routes_option
from router.commands.route_sets import route_set_of
from router.commands.routes import console, read_texts
from router.errors import RouterError
from router.redrive.command import started_by
from router.redrive.kafka import RedriveKafka
from router.redrive.letting import give_up as give_up_keys
from router.redrive.letting import parked_keys
from router.redrive.letting import release as release_keys
from router.redrive.parked import ParkedKey
from router.redrive.selection import WrongSelection
from router.settings import Settings

__all__ = ["parked"]


@click.group()
def parked() -> None:
    """The keys that wait for their consumers: look at them, let one flow, or give up what parks it.

    Works with the Kafka of ROUTER_BROKER, and needs no worker to look: the changelogs of ROUTER_GROUP tell it.
    """


@parked.command(name="list")
@click.argument("topics", metavar="[TOPIC]…", nargs=-1)
@routes_option()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a key, a line each.")
def list_(*, topics: tuple[str, ...], routes: Path, as_json: bool) -> None:
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
@routes_option()
@who_and_why
def release(*, topic: str, **options: Any) -> None:
    """Let parked keys flow: what came back is sent again, and behind it what waited.

    \b
        router parked release vip.order.status.v1 --key ord-17 --reason "fixed in 4.2"
    """
    _tell(topic, options, verb="let {} flow", tell=release_keys)


@parked.command(name="give-up")
@click.argument("topic")
@click.option("--key", metavar="TEXT", help="This key.")
@click.option("--all", "everything", is_flag=True, help="All keys of the topic.")
@click.option("--skip", is_flag=True, help="Only count what parks them; else it becomes dead letters.")
@routes_option()
@who_and_why
def give_up(*, topic: str, skip: bool, **options: Any) -> None:
    """Send none of what parks a key: it becomes dead letters, and what waited behind it flows on.

    \b
        router parked give-up vip.order.status.v1 --key ord-17 --reason "refunded by hand"
    """
    _tell(topic, options, verb="give up what parks {}", tell=partial(give_up_keys, silently=skip))


def _read(routes: Path, **one: Any) -> list[ParkedKey]:
    try:
        settings = Settings.from_environment(os.environ)
        return asyncio.run(_listed(settings, routes, **one))
    except RouterError as error:
        raise click.ClickException(str(error)) from error


async def _listed(
    settings: Settings, routes: Path, *, topic: str | None = None, key: bytes | None = None
) -> list[ParkedKey]:
    route_set = route_set_of(*read_texts(routes, settings.schemas), group=settings.group)
    kafka = RedriveKafka(settings)
    try:
        return await parked_keys(kafka, route_set, topic=topic, key=key)
    finally:
        await kafka.close()


def _tell(topic: str, options: dict[str, Any], *, verb: str, tell: Callable[..., Awaitable[str]]) -> None:
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
    found = _read(options["routes"], topic=topic, key=wanted)
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
    if not options["yes"] and not click.confirm(f"{verb.format(f'{len(found):,} keys of {topic}')}?"):
        click.echo("nothing was done")
        return
    try:
        command = asyncio.run(_told(topic, found, options, tell))
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{command}: their lanes are told; `router parked list {topic}` shows what becomes of them")


async def _told(
    topic: str, found: list[ParkedKey], options: dict[str, Any], tell: Callable[..., Awaitable[str]]
) -> str:
    who = started_by(options["author"], options["reason"])
    kafka = RedriveKafka(Settings.from_environment(os.environ))
    try:
        return await tell(kafka, topic, found, who, round(time.time() * 1000))
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
