"""What the commands about routes share: reading the folders that they are given, and showing findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.text import Text

from router.commands.folders import routes_argument, schemas_option
from router.errors import ConfigError
from router.language.files import read_routes
from router.language.findings import Finding, Level
from router.records.catalogue import Catalogue
from router.versions.catalogue import read_catalogue

__all__ = ["console", "counted", "finding_json", "levels", "read_texts", "routes_options", "show_findings"]

_F = TypeVar("_F", bound=Callable[..., Any])
_COLOURS = {Level.ERROR: "bold red", Level.WARNING: "yellow"}


def console() -> Console:
    """Where results go: coloured on a terminal, plain and unwrapped elsewhere."""
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


def routes_options(command: _F) -> _F:
    """The folder of routes as an argument, and the folder of schemas as an option."""
    schemas = schemas_option("The folder of the schemas, <subject>/v<N>.avsc or .schema.json.")
    return routes_argument(schemas(command))


def read_texts(
    directory: Path, schemas: Path, *, read: Callable[[Path], dict[str, str]] = read_routes
) -> tuple[dict[str, str], Catalogue]:
    """The files' texts and the catalogue; a folder that is not there ends the command with what to do."""
    for folder, what, way in (
        (directory, "routes", "DIR or ROUTER_ROUTES"),
        (schemas, "schemas", "--schemas or ROUTER_SCHEMAS"),
    ):
        if not folder.is_dir():
            problem = "is not a folder" if folder.exists() else "does not exist"
            raise click.UsageError(f"the folder of {what}, '{folder}', {problem}: name yours with {way}.")
    try:
        texts, catalogue = read(directory), read_catalogue(schemas)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    return texts, catalogue


def show_findings(findings: Iterable[Finding], *, on: Console) -> None:
    """One line a finding: place, kind, message, and the way out."""
    for finding in findings:
        line = Text()
        line.append(str(finding.place), style="bold")
        line.append(" ")
        line.append(str(finding.kind), style=_COLOURS[finding.level])
        line.append(f" {finding.message}")
        if finding.suggestion:
            line.append(": ")
            line.append(finding.suggestion, style="green")
        on.print(line)


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding as plain data."""
    return {
        "file": finding.place.file,
        "line": finding.place.line,
        "column": finding.place.column,
        "level": str(finding.level),
        "kind": str(finding.kind),
        "message": finding.message,
        "suggestion": finding.suggestion,
    }


def levels(findings: Sequence[Finding]) -> str:
    """How many errors and warnings there are: `3 errors, 1 warning`."""
    counts = [(level, sum(finding.level is level for finding in findings)) for level in Level]
    return ", ".join(counted(count, str(level)) for level, count in counts if count)


def counted(count: int, thing: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
