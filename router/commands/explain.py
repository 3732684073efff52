"""`router explain`: where one message goes, by which lines of which files, and what kept it from going elsewhere."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

import click

from router.commands.folders import routes_option, schemas_option
from router.commands.live import PLACE, read_record
from router.commands.message_stream import decide_stream
from router.commands.route_sets import route_set_of
from router.errors import RecordError, RouterError
from router.exchange.explain import Explanation
from router.exchange.explain import explain as explain_decision
from router.language.case_values import Misfit
from router.language.cases import message_record
from router.language.deciders import new_decider, new_topology
from router.language.files import read_route_file, read_routes
from router.language.place_in_order import PlaceInOrder, place_in_order
from router.language.routes import RouteSet, Source
from router.language.suggestions import did_you_mean
from router.language.topics import dead_letters_of, unroutable_of
from router.records.catalogue import Catalogue
from router.records.headers import Origin
from router.records.record import Record
from router.settings import Settings
from router.versions.catalogue import read_catalogue

__all__ = ["explain"]


@click.command()
@click.argument("topic", required=False)
@click.argument("value", required=False)
@click.option("--key", help="The record's key.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="A header; may be given several times.")
@click.option("--tombstone", is_flag=True, help="A record without a value.")
@click.option("--at", type=PLACE, help="A live record instead, from the Kafka of ROUTER_BROKER.")
@click.option("--exchange", metavar="NAME", help="Decide --messages from this exchange instead; '' is the default one.")
@click.option(
    "--messages", type=click.File(encoding="utf-8"), help="A file of messages, a JSON object a line; - reads them."
)
@routes_option("The teams' route files, or one file.", must_exist=True)
@schemas_option("The catalogue of schemas.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def explain(
    *,
    topic: str | None,
    value: str | None,
    key: str | None,
    headers: tuple[str, ...],
    tombstone: bool,
    at: Origin | None,
    exchange: str | None,
    messages: TextIO | None,
    routes: Path,
    schemas: Path,
    as_json: bool,
) -> None:
    """Explain where a message of the broad topic TOPIC goes.

    VALUE is JSON: an object that states the fields that matter; the schema fills in the rest. `-` reads it from standard
    input. Nothing is sent, and no broker is needed (but for --at).

    \b
        router explain order.status.v1 '{"country": "RU", "status": "paid"}'
        router explain order.status.v1 --key ord-1 --tombstone
        router explain --at order.status.v1/0/4711
        router explain --exchange orders --messages messages.jsonl --json

    With --exchange and --messages each line is a message: an object with `routing_key`, `headers` (typed; null is void),
    `key` and `value`, all optional. The answers come as JSON, a line each, in the same order: `to` (topics, and how many
    copies), `matched`, `alternate`, `unmatched`.

    Lines with + matched, with ~ lead to an alternate, with - did not match: nearest first, and with what failed first. Keys of
    one binding that failed at the same word share a line; in JSON `misses` has these, and `unmatched` each key by itself.
    """
    if (exchange is None) != (messages is None):
        raise click.UsageError("--exchange and --messages go together")
    if exchange is not None and messages is not None:
        for answer in decide_stream(_route_set(routes, schemas), exchange, messages):
            click.echo(answer)
        return
    if (topic is None) == (at is None):
        raise click.UsageError("name either a TOPIC and its value, or a record with --at")
    route_set = _route_set(routes, schemas)
    source = _source(route_set, at.topic if at is not None else str(topic))
    try:
        record = (
            read_record(Settings.from_environment(os.environ), at)
            if at is not None
            else _stated(source, value=value, key=key, headers=headers, tombstone=tombstone)
        )
        found = _explained(route_set, source, record)
        placed = place_in_order(source, record, found.decision)
    except RecordError as error:
        _set_aside(source, error, as_json=as_json)
        return
    except Misfit as misfit:
        raise click.ClickException(f"VALUE does not fit the schema of '{source.topic}': {misfit}") from misfit
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    _show(source, found, placed, as_json=as_json)


def _show(source: Source, found: Explanation, placed: PlaceInOrder | None, *, as_json: bool) -> None:
    converted = {name: source.conversions[name] for name in found.decision.topics if name in source.conversions}
    if as_json:
        versions = {name: str(conversion) for name, conversion in converted.items()}
        more: dict[str, Any] = {"converted": versions} if versions else {}
        if placed is not None:
            more["order"] = placed.to_json()
        click.echo(json.dumps(found.to_json() | more, ensure_ascii=False))
        return
    for line in found.lines():
        click.echo(_coloured(line))
    for name, conversion in converted.items():
        click.echo(f"converted for {name}: {conversion}")
    for line in () if placed is None else placed.lines():
        click.echo(line)
    if found.decision.unroutable:
        click.echo(f"a copy goes to {unroutable_of(source.topic)}")


def _route_set(routes: Path, schemas: Path) -> RouteSet:
    try:
        texts = read_routes(routes) if routes.is_dir() else read_route_file(routes)
        catalogue = read_catalogue(schemas) if schemas.is_dir() else Catalogue.from_texts({})
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    return route_set_of(texts, catalogue)


def _source(route_set: RouteSet, topic: str) -> Source:
    source = route_set.sources.get(topic)
    if source is not None:
        return source
    hint = did_you_mean(topic, route_set.sources)
    known = hint or f"the sources are {', '.join(sorted(route_set.sources)) or 'none'}"
    raise click.ClickException(f"'{topic}' is no source of any exchange: {known}")


def _stated(source: Source, *, value: str | None, key: str | None, headers: tuple[str, ...], tombstone: bool) -> Record:
    if tombstone == (value is not None):
        raise click.UsageError("give either a VALUE or --tombstone")
    stated: Any = None
    if value is not None:
        text = sys.stdin.read() if value == "-" else value
        try:
            stated = json.loads(text)
        except ValueError as error:
            raise click.UsageError(f"VALUE is not JSON: {error}") from error
        if stated is None:
            raise click.UsageError("VALUE is null: say --tombstone for a record without a value")
    return message_record(source, key=key, value=stated, headers=dict(map(_header, headers)))


def _header(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not name:
        raise click.UsageError(f"--header '{text}' has no name: write NAME=VALUE, or NAME alone for a null")
    return name, value if equals else None


def _explained(route_set: RouteSet, source: Source, record: Record) -> Explanation:
    topology = new_topology(route_set)
    decider = new_decider(source, topology)
    decision, messages = decider.decide(record), decider.messages(record)
    return explain_decision(decision, entries=source.entries, topology=topology, messages=messages)


def _set_aside(source: Source, error: RecordError, *, as_json: bool) -> None:
    topic = dead_letters_of(source.topic)
    if as_json:
        click.echo(json.dumps({"to": [], "dead_letter": {"topic": topic, "reason": error.reason, "error": str(error)}}))
        return
    click.echo(f"to: nobody\na dead letter, to {topic}: {error.reason}: {error}")


def _coloured(line: str) -> str:
    colour = {"+": "green", "-": "red", "~": "yellow"}.get(line.lstrip()[:1])
    return click.style(line, fg=colour) if colour and line.startswith("  ") else line
