"""`router table`: what workers know of the keys that they put in order. Asks any worker; that one asks the others."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from router.commands.routes import console
from router.commands.worker_api import WorkerApi, worker_api
from router.tables.questions import MOST_KEYS
from router.tables.view import Condition

__all__ = ["table"]

_WIDE = 1_000
"""Columns where no window sets any: a line is a key."""
_PAGE_WITH_HELD = 100
_STATES = tuple(each.value for each in Condition)
_F = TypeVar("_F", bound=Callable[..., Any])


@click.group()
def table() -> None:
    """Look up what waits to be put in order: keys, what they wait for, what is held, until when.

    Asks a worker, who asks the others: any will do. Workers answer whoever has their token, ROUTER_API_TOKEN.
    """


def _worker(command: _F) -> _F:
    return click.option(
        "--worker", metavar="URL", help="The worker that is asked; without it, the one that has this environment."
    )(command)


def _choosing(command: _F) -> _F:
    """The options that say which keys are meant."""
    options = (
        click.argument("source", required=False),
        click.option("--prefix", metavar="TEXT", default="", help="Only keys that begin so."),
        click.option(
            "--state",
            "states",
            type=click.Choice(_STATES),
            multiple=True,
            help="Only keys that are so; given again, of either. `late`: went on without something that has not come since.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return _worker(command)


@table.command(name="list")
@_choosing
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many keys at most.")
@click.option("--cursor", metavar="TEXT", default="", help="Go on where a list ended.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def list_(
    *,
    source: str | None,
    prefix: str,
    states: tuple[str, ...],
    limit: int,
    cursor: str,
    worker: str | None,
    as_json: bool,
) -> None:
    """List the keys of SOURCE, a topic that is put in order; without it, of the only one that there is.

    Exit code 1: some partitions did not answer; they are named, and why.

    \b
        router table list order.status.v1 --state waiting
        router table list --prefix ord-17 --json
    """
    api = worker_api(worker)
    source = source or _only_source(api)
    told: dict[str, Any] = {"source": source, "keys": [], "unanswered": [], "lanes": []}
    for page in _pages(api, source, _parameters(prefix, states), cursor, limit=limit):
        for name in ("keys", "unanswered"):
            told[name] += page[name]
        told["lanes"] += [each for each in page["lanes"] if each not in told["lanes"]]
        cursor = page["cursor"]
    told["cursor"] = cursor
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        if told["keys"]:
            _show_keys(told["keys"])
        more = f"; more with --cursor {cursor}" if cursor else ""
        click.echo(f"{len(told['keys']):,} keys of {source}{more}")
    _end(source, told["unanswered"], told["lanes"])


@table.command()
@click.argument("key")
@click.option("--source", metavar="TOPIC", help="The topic that is put in order; without it, all that are.")
@click.option("--base64", "encoded", is_flag=True, help="KEY is base64: for keys that are no text.")
@click.option(
    "--history", type=click.IntRange(0, 1_000), default=20, show_default=True,
    help="How many of its latest changes, out of the changelog; 0 is quicker.",
)  # fmt: skip
@_worker
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object a table.")
def get(*, key: str, source: str | None, encoded: bool, history: int, worker: str | None, as_json: bool) -> None:
    """Show one key, wherever it is: what is due next, what is held and until when, and what became of it.

    Exit code 1: nothing is known of it, or a partition where it may be did not answer.

    \b
        router table get ord-17
    """
    api = worker_api(worker)
    asked = {"key-base64": _checked(key) if encoded else _encoded(key)}
    sources = [source] if source else _sources(api)
    answers = [api.get(_path(each, "key"), {**asked, "history": str(history)}) for each in sources]
    found = [body for status, body in answers if status == 200]
    if as_json:
        for body in found or [body for _, body in answers]:
            click.echo(json.dumps(body, ensure_ascii=False))
    for body in found:
        for view in body["found"]:
            for line in () if as_json else _lines(body["source"], view):
                click.echo(line)
        _say_unanswered(body["source"], body["unanswered"])
    if not found:
        # Where it may still be is worth more than where it is not.
        undecided = [body for status, body in answers if status != 404]
        for body in undecided:
            _say_unanswered(body.get("source", ""), body.get("unanswered", []))
        worst = (undecided or [body for _, body in answers])[0]
        raise click.ClickException(f"{worst['message']}; {worst['what_to_do']}")


@table.command()
@_choosing
@click.option(
    "--output", "-o", type=click.File("w", lazy=True), default="-", help="A file; without it, standard output."
)
def export(*, source: str | None, prefix: str, states: tuple[str, ...], worker: str | None, output: Any) -> None:
    """Write the keys of SOURCE as JSON, one a line, each with all that it holds.

    Keys that change meanwhile are written as they are when their page is read. Exit code 1: some partitions did not answer,
    and the file lacks their keys.

    \b
        router table export order.status.v1 --state late -o late.jsonl
    """
    api = worker_api(worker)
    source = source or _only_source(api)
    unanswered: list[dict[str, Any]] = []
    lanes: dict[int, dict[str, Any]] = {}
    count = 0
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} keys"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("exporting", total=None)
        for page in _pages(api, source, {**_parameters(prefix, states), "whole": "1"}, "", limit=None):
            for view in page["keys"]:
                output.write(json.dumps(view, ensure_ascii=False) + "\n")
            unanswered += page["unanswered"]
            lanes |= {each["partition"]: each for each in page["lanes"]}
            count += len(page["keys"])
            progress.update(task, completed=count)
    click.echo(f"{count:,} keys of {source}", err=True)
    _end(source, unanswered, lanes.values())


def _parameters(prefix: str, states: tuple[str, ...]) -> dict[str, str]:
    return {"prefix-base64": _encoded(prefix), "state": ",".join(states)}


def _path(source: str, page: str) -> str:
    return f"/api/tables/{_quoted(source)}/{page}"


def _quoted(source: str) -> str:
    if not source or any(not (each.isalnum() or each in "._-") for each in source):
        raise click.ClickException(f"'{source}' is no name of a topic")
    return source


def _encoded(text: str) -> str:
    """As a parameter: what a terminal handed over that is no text stays as it was."""
    return base64.urlsafe_b64encode(text.encode(errors="surrogateescape")).decode()


def _checked(text: str) -> str:
    try:
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise click.BadParameter(f"'{text}' is not base64", param_hint="KEY") from None
    return base64.urlsafe_b64encode(raw).decode()


def _sources(api: WorkerApi) -> list[str]:
    _, body = api.get("/api/tables")
    sources = [each["source"] for each in body["tables"]]
    if not sources:
        raise click.ClickException(f"no source is put in order by the worker at {api.url}: there is no table")
    return sources


def _only_source(api: WorkerApi) -> str:
    sources = _sources(api)
    if len(sources) > 1:
        raise click.UsageError(f"name the SOURCE: there are tables of {', '.join(sources)}")
    return sources[0]


def _pages(
    api: WorkerApi, source: str, parameters: dict[str, str], cursor: str, *, limit: int | None
) -> Iterator[dict[str, Any]]:
    """Page by page, as many keys as are wanted: no more than one page is in memory."""
    while True:
        most = _PAGE_WITH_HELD if limit is None else min(limit, MOST_KEYS)
        status, page = api.get(_path(source, "keys"), {**parameters, "limit": str(most), "cursor": cursor})
        if status != 200:
            raise click.ClickException(f"{page['message']}; {page['what_to_do']}")
        yield page
        cursor = page["cursor"] or ""
        if limit is not None:
            limit -= len(page["keys"])
        if not cursor or limit == 0:
            return


def _end(source: str, unanswered: list[dict[str, Any]], lanes: Iterable[dict[str, Any]]) -> None:
    for lane in lanes:
        click.echo(f"{source}/{lane['partition']} stands still: {_printable(lane['problem'])}", err=True)
    _say_unanswered(source, unanswered)
    if unanswered:
        raise SystemExit(1)


def _say_unanswered(source: str, unanswered: list[dict[str, Any]]) -> None:
    for each in unanswered:
        said = f"{source}/{each['partition']} did not answer ({each['reason']}): {_printable(each['message'])}"
        click.echo(f"{said}; {each['what_to_do']}", err=True)


def _show_keys(keys: list[dict[str, Any]]) -> None:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name in (
        "key",
        "partition",
        "state",
        "last",
        "next",
        "held",
        "waits for",
        "since",
        "deadline",
        "went on without",
    ):
        shown.add_column(name, justify="right" if name in {"partition", "held"} else "left")
    for each in keys:
        texts = (
            _text(each["key"]),
            str(each["partition"]),
            ", ".join(each["conditions"]),
            "" if each["last"] is None else str(each["last"]),
            " or ".join(map(str, each["expects"])),
            f"{each['holds']:,}",
            each["missing"] or each["problem"],
            each["since"] or "",
            each["deadline"] or "",
            ", ".join(each["given_up"]),
        )
        shown.add_row(*map(_printable, texts))
    screen = console()
    if not screen.is_terminal:
        screen.width = _WIDE
    screen.print(shown)


def _lines(source: str, view: dict[str, Any]) -> Iterator[str]:
    yield f"{source}/{view['partition']}, key {_printable(_text(view['key']))}: {_printable(view['sentence'])}"
    facts = (
        ("state", ", ".join(view["conditions"])),
        ("next", " or ".join(map(str, view["expects"]))),
        ("last", "" if view["last"] is None else str(view["last"])),
        ("went through", " → ".join(view["path"])),
        ("waits for", view["missing"]),
        ("went on without", ", ".join(view["given_up"])),
        ("active", view["active"] or ""),
        ("as of", f"offset {view['carried_to']:,} of {source}/{view['partition']}"),
        ("its lane", view["lane"]),
    )
    yield from (f"    {name:<17}{_printable(text)}" for name, text in facts if text)
    for each in view["held"]:
        place = "without a value" if each["tombstone"] else _printable(str(each["place"]))
        yield f"    {'held':<17}{place} at offset {each['offset']}, since {each['since']}, until {each['deadline']}"
    if (history := view.get("history")) is not None:
        for change in history["changes"]:
            yield f"    {change['at']}  {_printable(change['what'])}"
        whole = (
            "all that its changelog has" if history["whole"] else f"its changelog from offset {history['begins']:,} on"
        )
        yield f"    history: {_printable(history['problem']) or whole}"


def _text(key: dict[str, str]) -> str:
    return key["text"] if "text" in key else f"base64 {key['base64']}"


def _printable(text: str) -> str:
    """In one line, without what could steer a terminal."""
    return "".join(each if each.isprintable() else " " for each in text)
