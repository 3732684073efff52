"""`router check`: everything that is wrong with the routes, at once."""

from __future__ import annotations

import json
from pathlib import Path

import click

from router.commands.routes import (
    console,
    counted,
    finding_json,
    levels,
    read_texts,
    routes_options,
    show_findings,
)
from router.language.load import load_routes

__all__ = ["check"]


@click.command()
@routes_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines, for programs.")
def check(*, directory: Path, schemas: Path, as_json: bool) -> None:
    """Check all route files in DIR (default: routes) and say everything that is wrong, at once.

    Each finding is a line `file:line:column kind message`, with a way out where there is one; docs/findings.md explains
    each kind. A set with an error is refused whole: a worker does not start with it.

    \b
    Example:
      $ router check
      routes/notifications.yaml:9:18 unknown-exchange unknown exchange 'order': did you mean 'orders'?
      1 error in 7 files

    Exit status: 0 without errors (warnings are none), 1 with an error, 2 where the folders cannot be read.
    """
    texts, catalogue = read_texts(directory, schemas)
    if not texts:
        raise click.UsageError(f"there is no route file (.yaml) in '{directory}': name your folder with DIR.")
    route_set, findings = load_routes(texts, catalogue)
    files = counted(len(texts), "file")
    if as_json:
        report = {
            "ok": route_set is not None,
            "files": len(texts),
            "fingerprint": route_set.fingerprint if route_set else None,
            "findings": [finding_json(finding) for finding in findings],
        }
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        out = console()
        show_findings(findings, on=out)
        if route_set is not None and not findings:
            exchanges = counted(len(route_set.exchanges), "exchange")
            out.print(f"{files}, {exchanges}, {counted(len(route_set.topics), 'topic')}: no findings", style="green")
        else:
            out.print(f"{levels(findings)} in {files}")
    if route_set is None:
        raise SystemExit(1)
