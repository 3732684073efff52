"""`router trace`: the path that a record has come."""

from __future__ import annotations

import json
import os

import click

from router.commands.live import PLACE, read_record
from router.errors import RouterError
from router.observe.trace import trace_of
from router.records.headers import Origin
from router.settings import Settings

__all__ = ["trace"]


@click.command()
@click.argument("place", type=PLACE)
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def trace(*, place: Origin, as_json: bool) -> None:
    """Show the path of the record at PLACE, which is topic/partition/offset.

    Each router that copied a record left in its headers where it had found it, when, and by which routes. A record that
    passed a topic twice is shown as a cycle. The broker is that of ROUTER_BROKER.

    \b
        router trace notifications.order.status.v1/0/17
    """
    try:
        found = trace_of(read_record(Settings.from_environment(os.environ), place))
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(found.to_json(), ensure_ascii=False))
        return
    for line in found.lines():
        click.echo(line)
