"""`router test`: the teams' cases, decided exactly as a worker decides, without a broker."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
from router.exchange.explain import binding_json, binding_text
from router.language.case_coverage import Coverage, coverage_of
from router.language.cases import CaseResult, run_cases
from router.language.files import UnreadableFile, read_cases
from router.language.findings import Finding
from router.language.junit import junit_xml
from router.language.load import load_routes

__all__ = ["test"]


@click.command()
@routes_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines, for programs.")
@click.option("--coverage", is_flag=True, help="List the bindings that no case exercises.")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write JUnit XML to FILE, too, for CI.",
)
@click.option("--verbose", "-v", is_flag=True, help="Name the cases that pass, too.")
def test(*, directory: Path, schemas: Path, as_json: bool, coverage: bool, junit: Path | None, verbose: bool) -> None:
    """Run the cases of all files DIR/*_test.yaml (default DIR: ROUTER_ROUTES, else routes) against the routes beside them.

    A case states a message and the topics that get a copy of it. A case that fails shows what it expected, what it got,
    and why: which bindings matched, and what kept the others from it.

    \b
    Example, routes/notifications_test.yaml:
      cases:
        - name: a paid order in Russia is announced
          message: {topic: order.status.v1, value: {country: RU, status: paid}}
          to: [notifications.order.status.v1]

    A binding is exercised when it takes the message of a case. A tombstone exercises none: it is not compared.

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
        _write_junit(junit, (), findings)
        if as_json:
            _print_json((), [finding_json(finding) for finding in findings], None)
        else:
            show_findings(findings, on=out)
            out.print(f"{levels(findings)}: the routes have to be right before cases can run")
        raise SystemExit(1)
    results, problems = run_cases(cases, route_set)
    _write_junit(junit, results, problems)
    failed = [result for result in results if not result.passed]
    covered = coverage_of(route_set, results) if coverage else None
    if as_json:
        _print_json(results, [finding_json(finding) for finding in problems], covered)
    else:
        show_findings(problems, on=out)
        for result in results if verbose else failed:
            _show(result, on=out)
        if covered is not None:
            _show_coverage(covered, on=out)
        _show_summary(results, failed=len(failed), faulty=len(problems), files=len(cases), on=out)
    if failed or problems:
        raise SystemExit(1)


def _write_junit(file: Path | None, results: Sequence[CaseResult], findings: Sequence[Finding]) -> None:
    if file is None:
        return
    try:
        file.write_text(junit_xml(results, findings), encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror or error}") from error


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


def _show_coverage(coverage: Coverage, *, on: Console) -> None:
    for binding in coverage.missed:
        line = Text()
        line.append(f"{binding.place.file}:{binding.place.line}", style="bold")
        line.append(" no case exercises ", style="yellow")
        line.append(f"{binding_text(binding)} of '{binding.exchange}' -> {binding.destination}")
        on.print(line)
    total, missed = len(coverage.bindings), len(coverage.missed)
    on.print(f"coverage: {coverage.percent} %, {total - missed} of {counted(total, 'binding')}")


def _show_summary(results: tuple[CaseResult, ...], *, failed: int, faulty: int, files: int, on: Console) -> None:
    where = f"{counted(len(results), 'case')} in {counted(files, 'file')}"
    if not failed and not faulty:
        on.print(f"{where}: all pass", style="green")
        return
    what = [f"{failed} failed"] if failed else []
    what += [f"{counted(faulty, 'finding')}"] if faulty else []
    on.print(f"{where}: {', '.join(what)}", style="bold red")


def _print_json(results: tuple[CaseResult, ...], findings: list[dict[str, Any]], coverage: Coverage | None) -> None:
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
    told: dict[str, Any] = {"ok": ok, "findings": findings, "cases": cases}
    if coverage is not None:
        told["coverage"] = {
            "percent": coverage.percent,
            "bindings": len(coverage.bindings),
            "missed": [binding_json(binding) for binding in coverage.missed],
        }
    click.echo(json.dumps(told, indent=2, ensure_ascii=False))
