"""`router test`: the teams' cases, decided exactly as a worker decides, without a broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from router.commands.routes import (
    console,
    counted,
    finding_json,
    levels,
    read_texts,
    routes_options,
    show_findings,
)
from router.language.cases import CaseResult, run_cases
from router.language.files import UnreadableFile, read_cases
from router.language.load import load_routes

__all__ = ["test"]


@click.command()
@routes_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines, for programs.")
@click.option("--verbose", "-v", is_flag=True, help="Name the cases that pass, too.")
def test(*, directory: Path, schemas: Path, as_json: bool, verbose: bool) -> None:
    """Run the cases of all files DIR/*_test.yaml (default DIR: routes) against the routes beside them.

    A case states a message and the topics that get a copy of it. A case that fails shows what it expected, what it got,
    and why: which bindings matched, and what kept the others from it.

    \b
    Example, routes/notifications_test.yaml:
      cases:
        - name: a paid order in Russia is announced
          message: {topic: order.status.v1, value: {country: RU, status: paid}}
          to: [notifications.order.status.v1]

    Exit status: 0 when all pass, 1 when one fails or a file has an error, 2 where the folders cannot be read.
    """
    texts, catalogue = read_texts(directory, schemas)
    try:
        cases = read_cases(directory)
    except UnreadableFile as error:
        raise click.UsageError(str(error)) from error
    if not cases:
        raise click.UsageError(f"there is no file of cases (*_test.yaml) in '{directory}'.")
    route_set, findings = load_routes(texts, catalogue)
    out = console()
    if route_set is None:
        if as_json:
            _print_json((), [finding_json(finding) for finding in findings])
        else:
            show_findings(findings, on=out)
            out.print(f"{levels(findings)}: the routes have to be right before cases can run")
        raise SystemExit(1)
    results, problems = run_cases(cases, route_set)
    failed = [result for result in results if not result.passed]
    if as_json:
        _print_json(results, [finding_json(finding) for finding in problems])
    else:
        show_findings(problems, on=out)
        for result in results if verbose else failed:
            _show(result, on=out)
        _show_summary(results, failed=len(failed), faulty=len(problems), files=len(cases), on=out)
    if failed or problems:
        raise SystemExit(1)


def _show(result: CaseResult, *, on: Console) -> None:
    line = Text()
    line.append(f"{result.place.file}:{result.place.line}", style="bold")
    line.append(" passed " if result.passed else " FAILED ", style="green" if result.passed else "bold red")
    line.append(result.name)
    on.print(line)
    if result.passed:
        return
    on.print(f"  expected: {', '.join(result.expected) or 'nobody'}")
    on.print(f"  got:      {', '.join(result.got) or 'nobody'}")
    for topic in result.missing:
        on.print(f"  missing:  {topic}", style="red")
    for topic in result.unexpected:
        on.print(f"  too much: {topic}", style="red")
    on.print("  why:")
    for reason in result.why:
        on.print(f"    {reason}")


def _show_summary(results: tuple[CaseResult, ...], *, failed: int, faulty: int, files: int, on: Console) -> None:
    where = f"{counted(len(results), 'case')} in {counted(files, 'file')}"
    if not failed and not faulty:
        on.print(f"{where}: all pass", style="green")
        return
    what = [f"{failed} failed"] if failed else []
    what += [f"{counted(faulty, 'finding')}"] if faulty else []
    on.print(f"{where}: {', '.join(what)}", style="bold red")


def _print_json(results: tuple[CaseResult, ...], findings: list[dict[str, Any]]) -> None:
    cases = [
        {
            "name": result.name,
            "file": result.place.file,
            "line": result.place.line,
            "passed": result.passed,
            "expected": list(result.expected),
            "got": list(result.got),
            "missing": list(result.missing),
            "unexpected": list(result.unexpected),
            "why": list(result.why),
        }
        for result in results
    ]
    ok = not findings and all(result.passed for result in results)
    click.echo(json.dumps({"ok": ok, "findings": findings, "cases": cases}, indent=2, ensure_ascii=False))
