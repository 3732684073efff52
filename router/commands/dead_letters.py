"""`router dead-letters`: what was set aside, and why; `dead_letters_redrive` has the commands that do something about it."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from router.commands.dead_letters_options import catalogue_of, selecting, selection_of
from router.commands.dead_letters_redrive import edit, redrive, skip
from router.commands.folders import schemas_option
from router.commands.live import PLACE, read_record, scan
from router.commands.routes import console
from router.errors import RouterError
from router.failure.causes import Cause, Causes, symptom_of
from router.failure.deaths import Death
from router.failure.dialects import read_deaths
from router.failure.ledger import ledger_of
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.redrive.kafka import RedriveKafka
from router.redrive.marks import Decided, Marks
from router.redrive.selection import (
    DeadLetter,
    Selection,
    cause_id,
    choose_topics,
    decoded,
    read_letter,
)
from router.settings import Settings

__all__ = ["dead_letters"]

_WIDE = 1_000
"""Columns: room for Kafka's longest names and for the longest message that is told apart."""


@click.group(name="dead-letters")
def dead_letters() -> None:
    """What was set aside: look at it by cause, one by one, or as a file; send it again, change it, or decide against it.

    Works with the Kafka of ROUTER_BROKER. `list`, `show` and `export` write nothing; the others ask first.

    Headers of Kafka Connect, Kafka Streams, Spring Kafka, share groups and RabbitMQ are read as well as the router's.
    """


_open = click.option(
    "--open", "open_only", is_flag=True, help="Only those that nobody has sent again or skipped: see `redrive`."
)

for _each in (redrive, edit, skip):
    dead_letters.add_command(_each)


@dead_letters.command(name="list")
@selecting
@_open
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def list_(*, topics: tuple[str, ...], open_only: bool, as_json: bool, schemas: Path, **chosen: str | None) -> None:
    """Count dead letters by cause: the same error at the same place, whatever numbers and names its message has.

    Of each TOPIC its `.dead-letters`, or the topic itself where there are none beside it; without TOPIC, all that end so.

    \b
        router dead-letters list
        router dead-letters list vip.order.status.v1 --since 2h
        router dead-letters list order.status.v1 --where 'country == "RU"' --json
    """
    selection = selection_of(schemas, chosen)
    causes = Causes()

    def add(letter: DeadLetter) -> None:
        causes.add(letter.death, at=letter.at, time=letter.time)

    read = _scan(topics, selection, add, open_only=open_only)
    found = causes.largest_first()
    if as_json:
        told = {"topics": read, "deaths": causes.deaths, "unasked": selection.unasked}
        click.echo(json.dumps({**told, "causes": [_cause_json(each) for each in found]}, ensure_ascii=False))
        return
    if found:
        _show_causes(found)
    click.echo(f"{causes.deaths:,} dead letters of {len(found):,} causes in {len(read):,} topics")
    _say_unasked(selection)


@dead_letters.command()
@click.argument("place", type=PLACE, metavar="TOPIC/PARTITION/OFFSET")
@schemas_option("The catalogue, to show the value.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def show(*, place: Origin, schemas: Path, as_json: bool) -> None:
    """Show one dead letter: its deaths, its ledger, and the record.

    \b
        router dead-letters show vip.order.status.v1.dead-letters/0/17
    """
    try:
        record = read_record(Settings.from_environment(os.environ), place)
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    letter = read_letter(record)
    told = _letter_json(letter, Selection(catalogue_of(schemas)))
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for line in _lines(letter, told):
        click.echo(line)


@dead_letters.command()
@selecting
@_open
@click.option(
    "--output", "-o", type=click.File("w", lazy=True), default="-", help="A file; without it, standard output."
)
def export(*, topics: tuple[str, ...], open_only: bool, output: Any, schemas: Path, **chosen: str | None) -> None:
    """Write dead letters as JSON, one a line: key, value and headers to the byte, and what they say of their deaths.

    \b
        router dead-letters export vip.order.status.v1 --cause 5f3a09c1 -o dead.jsonl
    """
    selection = selection_of(schemas, chosen)

    def write(letter: DeadLetter) -> None:
        output.write(json.dumps(_letter_json(letter, selection), ensure_ascii=False) + "\n")

    _scan(topics, selection, write, open_only=open_only)
    _say_unasked(selection)


def _scan(
    named: tuple[str, ...], selection: Selection, each: Callable[[DeadLetter], None], *, open_only: bool = False
) -> list[str]:
    """Hand over the dead letters that are meant; the topics that were read."""
    read: list[str] = []
    marks = _marks(named) if open_only else Marks()

    def choose(partition_counts: Any) -> list[str]:
        read.extend(choose_topics(named, partition_counts))
        return read

    def take(record: PlainRecord) -> None:
        letter = read_letter(record)
        decided = marks.of(record.topic, record.partition, record.offset)
        if decided is Decided.OPEN and selection.takes(letter):
            each(letter)

    try:
        scan(Settings.from_environment(os.environ), choose, take)
    except RouterError as error:
        raise click.ClickException(str(error)) from error
    return read


def _marks(named: tuple[str, ...]) -> Marks:
    """What was decided about the dead letters of these topics."""

    async def read() -> Marks:
        kafka = RedriveKafka(Settings.from_environment(os.environ))
        try:
            return await kafka.marks(choose_topics(named, await kafka.counts()))
        finally:
            await kafka.close()

    try:
        return asyncio.run(read())
    except RouterError as error:
        raise click.ClickException(str(error)) from error


def _say_unasked(selection: Selection) -> None:
    if selection.unasked:
        click.echo(f"{selection.unasked:,} more could not be asked: --where has no value on them", err=True)


def _show_causes(causes: tuple[Cause, ...]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("cause", "deaths", "reason", "destination", "error", "place", "message", "first", "last", "latest"):
        table.add_column(name, justify="right" if name == "deaths" else "left")
    for each in causes:
        symptom = each.symptom
        texts = (symptom.reason, symptom.destination, symptom.error_class, symptom.place, symptom.message)
        times = (_time(each.first), _time(each.last), str(each.example))
        table.add_row(cause_id(symptom), f"{each.count:,}", *map(_printable, texts), *times)
    screen = console()
    if not screen.is_terminal:
        screen.width = _WIDE  # nobody's window sets one, and a line is a cause
    screen.print(table)


def _printable(text: str) -> str:
    """A client's text in one line, without what could steer a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)


def _time(milliseconds: int) -> str:
    if not 0 <= milliseconds < 253_402_300_800_000:  # the year 10000
        return str(milliseconds)
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _cause_json(cause: Cause) -> dict[str, Any]:
    symptom = cause.symptom
    return {
        "cause": cause_id(symptom),
        "deaths": cause.count,
        "reason": symptom.reason,
        "destination": symptom.destination,
        "error": symptom.error_class,
        "place": symptom.place,
        "message": symptom.message,
        "first": cause.first,
        "last": cause.last,
        "latest": str(cause.example),
        "example": cause.message,
    }


def _death_json(death: Death) -> dict[str, Any]:
    return {
        "dialect": str(death.dialect),
        "reason": death.reason,
        "destination": death.destination,
        "error": death.error_class,
        "message": death.message,
        "place": death.place,
        "count": death.count,
        "first": death.first,
        "last": death.last,
        "origin": None if death.origin is None else str(death.origin),
    }


def _letter_json(letter: DeadLetter, selection: Selection) -> dict[str, Any]:
    record = letter.record
    ledger = ledger_of(record.headers)
    told = {
        "at": str(letter.at),
        "timestamp": record.timestamp,
        "death": _death_json(letter.death),
        "earlier": [_death_json(each) for each in read_deaths(record.headers)[:-1]],
        "ledger": [
            {"destination": e.destination, "reason": e.reason, "count": e.count, "first": e.first, "last": e.last}
            for e in ledger.entries
        ],
        "key": _bytes_json(record.key),
        "value": _bytes_json(record.value),
        "headers": [[name, _bytes_json(value)] for name, value in record.headers],
    }
    try:
        plain = decoded(record, selection.version_of(record))
        json.dumps(plain)
    except (RouterError, ValueError, TypeError, RecursionError):
        return told  # which is why it is here, perhaps: its bytes are there all the same
    return {**told, "plain": plain}


def _bytes_json(value: bytes | None) -> dict[str, str] | None:
    """Bytes as text where they are text, else as base64: reading them back gives the same bytes."""
    if value is None:
        return None
    try:
        return {"text": value.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def _lines(letter: DeadLetter, told: dict[str, Any]) -> Iterator[str]:
    deaths = [letter.death, *reversed(read_deaths(letter.record.headers)[:-1])]
    yield f"{letter.at}, of cause {cause_id(symptom_of(letter.death))}"
    for number, death in enumerate(deaths):
        yield f"{'died of' if number == 0 else 'before, of'} {_printable(death.reason)}, as {death.dialect} tells it"
        texts = (
            ("destination", death.destination),
            ("error", death.error_class),
            ("message", death.message),
            ("place", death.place),
            ("origin", "" if death.origin is None else str(death.origin)),
        )
        yield from (f"    {name:<12}{_printable(text)}" for name, text in texts if text)
        yield f"    {'deaths':<12}{death.count}"
        yield from (
            f"    {name:<12}{_time(at)}"
            for name, at in (("first", death.first), ("last", death.last))
            if at is not None
        )
    for each in told["ledger"]:
        yield f"ledger: {each['count']} of {_printable(each['reason'])} at {_printable(each['destination']) or 'no destination'}"
    yield f"timestamp {_time(letter.record.timestamp)}"
    yield f"key {_shown(told['key'])}"
    plain = told.get("plain")
    yield f"value {_shown(told['value']) if plain is None else _printable(json.dumps(plain, ensure_ascii=False))}"
    yield from (f"header {_printable(name)} {_shown(value)}" for name, value in told["headers"])


def _shown(value: dict[str, str] | None) -> str:
    return "null" if value is None else _printable(value.get("text", f"base64 {value.get('base64')}"))
