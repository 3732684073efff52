"""`router import rabbitmq`: a RabbitMQ's definitions as a route file that decides the same."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from router.commands.routes import counted
from router.errors import ConfigError
from router.rabbitmq.findings import Finding, Level
from router.rabbitmq.importing import Import, import_definitions

__all__ = ["import_", "read_text", "show", "totals", "write_text"]

_COLOURS = {Level.ERROR: "bold red", Level.WARNING: "yellow"}


@click.group()
def import_() -> None:
    """Turn another system's routing into a route file."""


@import_.command()
@click.argument("definitions", metavar="DEFINITIONS.json", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--vhost", help="The virtual host to import; needed where the file has several.")
@click.option("--team", default="imported", show_default=True, help="The team that the route file is to be of.")
@click.option("--output", type=click.Path(path_type=Path), help="Where the route file goes instead of standard output.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines, for programs.")
def rabbitmq(*, definitions: Path, vhost: str | None, team: str, output: Path | None, as_json: bool) -> None:
    """Import DEFINITIONS.json, a RabbitMQ's exported definitions (`-`: standard input), as a route file.

    It decides the same: exchanges keep their names, types and alternates (those that policies give, too), and take
    further keys from CC and BCC; queues become topics of the same name. What does not carry over (TTLs, lengths, dead
    lettering, plugins' exchanges, users …) is a finding each, with the object's name; docs/rabbitmq.md explains them.

    \b
    Either kind of export will do; the second has internal exchanges, too:
      $ rabbitmqctl export_definitions definitions.json
      $ curl -u USER:PASSWORD http://HOST:15672/api/definitions > definitions.json

    \b
    Example:
      $ router import rabbitmq definitions.json --vhost / --output routes/imported.yaml
      warning queue 'invoices' queue-argument has x-max-length: 1000, which is not carried over: …
      routes/imported.yaml: 12 exchanges, 30 topics; 1 warning
      $ router check

    The route file is written in any case, findings go to standard error where it goes to standard output. With --json
    and without --output it is the object's `routes`.

    Exit status: 0 without errors (warnings are none), 1 where something could not be imported at all, 2 where the file
    cannot be read, or has several virtual hosts and none was chosen.
    """
    try:
        result = import_definitions(read_text(definitions), vhost=vhost, team=team)
    except ConfigError as error:
        raise click.UsageError(f"'{definitions}': {error}.") from error
    if output is not None:
        write_text(output, result.text)
    elif not as_json:
        click.echo(result.text, nl=False)
    if as_json:
        click.echo(json.dumps(_report(result, written=output is not None), indent=2, ensure_ascii=False))
    else:
        made = f"{counted(len(result.declarations.exchanges), 'exchange')}, {counted(len(result.declarations.topics), 'topic')}"
        show(result.findings, summary=f"{output or 'imported'}: {made}", on_errors=output is None)
    if any(finding.level is Level.ERROR for finding in result.findings):
        raise SystemExit(1)


def _report(result: Import, *, written: bool) -> dict[str, object]:
    report: dict[str, object] = {
        "ok": not any(finding.level is Level.ERROR for finding in result.findings),
        "vhost": result.declarations.vhost,
        "exchanges": len(result.declarations.exchanges),
        "topics": len(result.declarations.topics),
        "findings": [finding.to_json() for finding in result.findings],
    }
    return report if written else {**report, "routes": result.text}


def read_text(path: Path) -> str:
    """The text of a file that must be UTF-8; one that cannot be read ends the command with what is the matter."""
    try:
        with click.open_file(str(path), "rb") as file:
            return bytes(file.read()).decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"'{path}' is not UTF-8: byte {error.start} is none of it.") from error
    except OSError as error:
        raise click.UsageError(f"'{path}' cannot be read: {error.strerror or error}.") from error


def write_text(path: Path, text: str) -> None:
    """Write a file; where that fails the command ends with what is the matter."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"'{path}' cannot be written: {error.strerror or error}.") from error


def show(findings: Sequence[Finding], *, summary: str, on_errors: bool) -> None:
    """A line a finding, and how many there are; `on_errors` where standard output is taken."""
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False, stderr=on_errors)
    for finding in findings:
        line = Text()
        line.append(str(finding.level), style=_COLOURS[finding.level])
        line.append(f" {finding.what} '{finding.name}' ", style="bold")
        line.append(str(finding.kind), style=_COLOURS[finding.level])
        line.append(f" {finding.message}")
        if finding.suggestion:
            line.append(": ")
            line.append(finding.suggestion, style="green")
        console.print(line)
    console.print(f"{summary}; {totals(findings)}")


def totals(findings: Sequence[Finding]) -> str:
    """`3 errors, 1 warning`, or that there is nothing to tell."""
    counts = [(level, sum(finding.level is level for finding in findings)) for level in Level]
    return ", ".join(counted(count, str(level)) for level, count in counts if count) or "no findings"
