"""`router offsets`: where a group stands, and moving it over a record that its consumer cannot process, without a release."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from router.commands.dead_letters_redrive import who_and_why
from router.commands.live import read_record
from router.errors import RouterError
from router.failure.topics import parked_of
from router.records.headers import Origin
from router.redrive.command import started_by
from router.redrive.groups import GroupMoved, Groups
from router.redrive.kafka import RedriveKafka
from router.redrive.offsets import Refused, Skipped, Standing, judge, judge_mark
from router.redrive.selection import WrongSelection
from router.redrive.skipping import skip_record
from router.settings import Settings

__all__ = ["offsets"]

_T = TypeVar("_T")
_OFFSET = click.IntRange(min=0)


@click.group()
def offsets() -> None:
    """Where consumer groups stand, and skipping one record for a group whose consumer cannot process it.

    For any group, whoever wrote its consumer. Works with the Kafka of ROUTER_BROKER.
    """


@offsets.command()
@click.argument("group")
@click.argument("topic")
@click.argument("partition", type=_OFFSET)
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def show(*, group: str, topic: str, partition: int, as_json: bool) -> None:
    """Say whether GROUP is active, and where it stands.

    \b
        router offsets show refunds order.status.v1 3
    """
    _show(_asked(lambda groups: groups.standing(group, topic, partition)), as_json=as_json)


@offsets.command()
@click.argument("group")
@click.argument("topic")
@click.argument("partition", type=_OFFSET)
@click.argument("offset", type=_OFFSET)
@click.option(
    "--mark", is_flag=True, help="Tell consumers that read skip marks, such as router.consumer, while they run."
)
@who_and_why
def skip(*, group: str, topic: str, partition: int, offset: int, mark: bool, **options: Any) -> None:
    """Have GROUP read on behind the record at OFFSET.

    A group without members gets its offset moved. One that has members says who they are and what to do; where they read
    skip marks, --mark tells them at once.

    \b
        router offsets skip refunds order.status.v1 3 1234 --reason "does not fit refunds.amount"
    """
    if not options["dry_run"]:
        try:
            started_by(options["author"], options["reason"])
        except WrongSelection as error:
            raise click.UsageError(str(error)) from error
    standing = _asked(lambda groups: groups.standing(group, topic, partition))
    _show(standing, as_json=options["as_json"])
    verdict = judge_mark(standing, offset) if mark else judge(standing, offset)
    if isinstance(verdict, Refused):
        if verdict.done:
            click.echo(verdict.message)
            return
        raise click.ClickException(verdict.message)
    place = Origin(topic, partition, offset)
    _tell(standing, place, verdict, mark=mark)
    if options["dry_run"]:
        return
    if not options["yes"] and not click.confirm("skip it?"):
        click.echo("nothing was done")
        return
    _asked(lambda groups: _do(groups, standing, place, verdict, mark=mark, options=options))
    click.echo("done")


def _tell(standing: Standing, place: Origin, verdict: Skipped, *, mark: bool) -> None:
    try:
        record = read_record(Settings.from_environment(os.environ), place)
        key = "no key" if record.key is None else f"key {record.key!r}"
        size = "no value" if record.value is None else f"{len(record.value):,} bytes"
        click.echo(f"{place}: {key}, {size}, {len(record.headers)} headers")
    except click.ClickException as gone:
        click.echo(gone.message)
    if mark:
        click.echo(f"a mark in {parked_of(standing.topic)} will say: leave it out")
    elif verdict.count > 1:
        click.echo(f"the group has not come so far: {verdict.count:,} offsets are passed over, not one")
    if not mark:
        click.echo(f"group '{standing.group}' will read on at {verdict.to}")


async def _do(
    groups: Groups, standing: Standing, place: Origin, verdict: Skipped, *, mark: bool, options: dict[str, Any]
) -> None:
    author, reason = started_by(options["author"], options["reason"])
    kafka = RedriveKafka(Settings.from_environment(os.environ))
    try:
        now = round(time.time() * 1000)
        await skip_record(
            kafka, groups, standing, place.offset, verdict, mark=mark, author=author, reason=reason, at=now
        )
    finally:
        await kafka.close()


def _asked(ask: Callable[[Groups], Awaitable[_T]]) -> _T:
    async def run() -> _T:
        groups = Groups(Settings.from_environment(os.environ))
        try:
            return await ask(groups)
        finally:
            await groups.close()

    try:
        return asyncio.run(run())
    except GroupMoved as error:
        raise click.ClickException(f"{error}; nothing was changed: give the command again") from error
    except RouterError as error:
        raise click.ClickException(str(error)) from error


def _show(standing: Standing, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(standing.to_json(), ensure_ascii=False))
        return
    state = "active" if standing.active else "not active"
    click.echo(f"group '{standing.group}' is {state} ({standing.state or 'unknown'}, {len(standing.members)} members)")
    where = "has committed nothing" if standing.committed is None else f"stands at {standing.committed}"
    click.echo(f"{standing.place}: it {where}; the log has {standing.first} to {standing.end}")
