"""`router schemas check`: whether the catalogue is sound, and changed only as its readers and its records bear."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from router.commands.folders import routes_option, schemas_argument
from router.commands.routes import console, counted
from router.commands.schemas_share import Share, refused_share
from router.commands.schemas_texts import committed_texts, folder_texts
from router.errors import ConfigError, RouterError
from router.language.files import read_routes
from router.language.findings import Level
from router.language.load import load_routes
from router.language.routes import RouteSet
from router.records.catalogue import Catalogue
from router.settings import Settings
from router.versions.affected import affected_topics, reading_routes
from router.versions.conversion_findings import VersionFinding
from router.versions.evolution import Violation, check_evolution
from router.versions.splits import load_splits
from router.versions.subjects import Subject, load_conversions, read_subjects

__all__ = ["check"]

_COLOURS = {Level.ERROR: "bold red", Level.WARNING: "yellow"}
_MOST_NAMED = 5


@click.command()
@schemas_argument
@click.option(
    "--against", metavar="DIR", type=click.Path(path_type=Path), help="The schemas as they were, instead of git's."
)
@click.option("--revision", default="HEAD", show_default=True, help="The state of git that they are compared with.")
@routes_option("The route files, to say whom a change would break.")
@click.option(
    "--against-topic",
    metavar="TOPIC",
    multiple=True,
    help="Read this topic, and say which share of its records the schemas as they are now would refuse.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines, for programs.")
def check(
    *,
    directory: Path,
    against: Path | None,
    revision: str,
    routes: Path,
    against_topic: tuple[str, ...],
    as_json: bool,
) -> None:
    """Check all schemas, conversions and splits in DIR (default: ROUTER_SCHEMAS, else schemas), and how they changed since they were committed.

    Every schema parses and every conversion makes whole records. Within a version only such edits pass as its readers and its
    retained records bear: compatible ones, where the records say which revision wrote them, and none that changes the canonical
    form where bodies are bare. Each violation says whom it would break.

    \b
      $ router schemas check
      schemas/order.status/v1.avsc:1:1 bare-change v1 of 'order.status' has changed, and nothing in its records says …
        the binding to topic 'vip.order.status.v1' of notifications asks for it in 'where' (routes/notifications.yaml:9:5)
      1 error in 5 subjects

    Exit status: 0 without errors (warnings are none), 1 with an error, 2 where something cannot be read.
    """
    texts = folder_texts(directory)
    old = folder_texts(against) if against is not None else committed_texts(directory, revision)
    subjects, found = read_subjects(texts, folder=str(directory))
    before, _ = read_subjects(old)
    findings = list(found)
    for subject in subjects.values():
        findings += load_conversions(subject, texts, folder=str(directory))[1]
    findings += load_splits(subjects, texts, folder=str(directory))[1]
    broken = {each.place.file.removeprefix(f"{directory}/").partition("/")[0] for each in found}
    violations = [
        each for each in check_evolution(subjects, before, folder=str(directory)) if each.subject not in broken
    ]
    route_set, catalogue = _routes(routes, old)
    told: _Told = [(finding, ()) for finding in findings]
    told += [(each.finding, _affected(each, route_set, catalogue)) for each in violations]
    told.sort(key=lambda each: each[0])
    shares = [_share(topic, subjects, before) for topic in against_topic]
    errors = sum(finding.level is Level.ERROR for finding, _ in told)
    if as_json:
        click.echo(json.dumps(_report(told, subjects, shares), indent=2, ensure_ascii=False))
    else:
        _show(told, subjects, shares)
    if errors:
        raise SystemExit(1)


_Told = list[tuple[VersionFinding, tuple[str, ...]]]


def _routes(directory: Path, texts: Mapping[str, str]) -> tuple[RouteSet | None, Catalogue]:
    """The routes over the schemas as they were, since these are what runs; None where there are none that are sound."""
    catalogue = Catalogue.from_texts(texts)
    if not directory.is_dir():
        return None, catalogue
    try:
        return load_routes(read_routes(directory), catalogue)[0], catalogue
    except ConfigError as error:
        raise click.UsageError(str(error)) from error


def _affected(violation: Violation, route_set: RouteSet | None, catalogue: Catalogue) -> tuple[str, ...]:
    if route_set is None or violation.finding.level is not Level.ERROR:
        return ()
    subject, version = violation.subject, violation.version
    lines = list(
        reading_routes(route_set, catalogue, subject=subject, version=version, field=violation.field)
        if violation.field
        else ()
    )
    topics = affected_topics(route_set, catalogue, subject=subject, version=version)
    if topics:
        more = len(topics) - _MOST_NAMED
        named = ", ".join(topics[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        lines.append(f"consumers of {named} decode its records")
    return tuple(lines)


def _share(topic: str, subjects: Mapping[str, Subject], before: Mapping[str, Subject]) -> Share:
    try:
        return asyncio.run(refused_share(Settings.from_environment(os.environ), topic, subjects, before))
    except RouterError as error:
        raise click.ClickException(str(error)) from error


def _report(told: _Told, subjects: Mapping[str, Subject], shares: list[Share]) -> dict[str, Any]:
    report: dict[str, Any] = {
        "ok": not any(finding.level is Level.ERROR for finding, _ in told),
        "subjects": len(subjects),
        "findings": [
            {
                "file": finding.place.file,
                "line": finding.place.line,
                "column": finding.place.column,
                "level": str(finding.level),
                "kind": str(finding.kind),
                "message": finding.message,
                "suggestion": finding.suggestion,
                "affects": list(affected),
            }
            for finding, affected in told
        ],
    }
    if shares:
        report["topics"] = [each.to_json() for each in shares]
    return report


def _show(told: _Told, subjects: Mapping[str, Subject], shares: list[Share]) -> None:
    out = console()
    for finding, affected in told:
        _show_finding(out, finding)
        for line in affected:
            out.print(f"  {line}")
    for share in shares:
        out.print(str(share))
        for example in share.examples:
            out.print(f"  {example}")
    counts = [(level, sum(finding.level is level for finding, _ in told)) for level in Level]
    levels = ", ".join(counted(count, str(level)) for level, count in counts if count)
    where = counted(len(subjects), "subject")
    out.print(f"{levels} in {where}" if levels else f"{where}: no findings", style=None if levels else "green")


def _show_finding(out: Console, finding: VersionFinding) -> None:
    line = Text()
    line.append(str(finding.place), style="bold")
    line.append(" ")
    line.append(str(finding.kind), style=_COLOURS[finding.level])
    line.append(f" {finding.message}")
    if finding.suggestion:
        line.append(": ")
        line.append(finding.suggestion, style="green")
    out.print(line)
