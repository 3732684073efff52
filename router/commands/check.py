"""`router check`: everything that is wrong with the routes, at once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from router.commands.live import read_newest
from router.commands.routes import (
    console,
    counted,
    finding_json,
    levels,
    read_texts,
    routes_options,
    show_findings,
)
from router.errors import RouterError
from router.language.load import load_routes
from router.language.moved_keys import MovedKeys, moved_keys
from router.language.routes import RouteSet
from router.language.sample_checks import Sample, check_sample, sample
from router.language.suggestions import did_you_mean
from router.settings import Settings

__all__ = ["check"]


@click.command()
@routes_options
@click.option(
    "--against",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The routes as they were: says how many keys move in each consistent-hash exchange whose bindings changed.",
)
@click.option(
    "--sample",
    "sampled",
    multiple=True,
    metavar="TOPIC",
    help="Check conditions against the newest records of this broad topic too, from the Kafka of ROUTER_BROKER.",
)
@click.option(
    "--sample-size",
    type=click.IntRange(1, 100_000),
    default=500,
    show_default=True,
    help="How many records of each partition --sample reads at most.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines, for programs.")
def check(
    *,
    directory: Path,
    schemas: Path,
    against: Path | None,
    sampled: tuple[str, ...],
    sample_size: int,
    as_json: bool,
) -> None:
    """Check all route files in DIR (default: ROUTER_ROUTES, else routes) and say everything that is wrong, at once.

    Each finding is a line `file:line:column kind message`, with a way out where there is one; docs/findings.md explains
    each kind. A set with an error is refused whole: a worker does not start with it.

    \b
    Example:
      $ router check
      routes/notifications.yaml:9:18 unknown-exchange unknown exchange 'order': did you mean 'orders'?
      1 error in 7 files

    With --sample, which may be given several times, a `where` is found as well whose field is null in every record that was
    read. A set with an error is not sampled.

    Exit status: 0 without errors (warnings are none), 1 with an error, 2 where the folders cannot be read.
    """
    texts, catalogue = read_texts(directory, schemas)
    if not texts:
        raise click.UsageError(
            f"there is no route file (.yaml) in '{directory}': name your folder with DIR or ROUTER_ROUTES."
        )
    route_set, findings = load_routes(texts, catalogue)
    samples = () if route_set is None else tuple(_samples(route_set, sampled, sample_size))
    if route_set is not None:
        findings = tuple(sorted({*findings, *(each for one in samples for each in check_sample(route_set, one))}))
    moved = () if against is None or route_set is None else _moved(route_set, against, schemas)
    files = counted(len(texts), "file")
    if as_json:
        report: dict[str, Any] = {
            "ok": route_set is not None,
            "files": len(texts),
            "fingerprint": route_set.fingerprint if route_set else None,
            "findings": [finding_json(finding) for finding in findings],
        }
        if against is not None:
            report["moved_keys"] = [asdict(each) for each in moved]
        if sampled:
            report["sampled"] = [_sample_json(each) for each in samples]
        click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        out = console()
        show_findings(findings, on=out)
        if route_set is not None and not findings:
            exchanges = counted(len(route_set.exchanges), "exchange")
            out.print(f"{files}, {exchanges}, {counted(len(route_set.topics), 'topic')}: no findings", style="green")
        else:
            out.print(f"{levels(findings)} in {files}")
        for one in samples:
            out.print(_sample_line(one))
        for each in moved:
            for line in _moved_lines(each):
                out.print(line)
    if route_set is None:
        raise SystemExit(1)


def _samples(route_set: RouteSet, topics: tuple[str, ...], size: int) -> Iterator[Sample]:
    for topic in dict.fromkeys(topics):
        source = route_set.sources.get(topic)
        if source is None:
            hint = did_you_mean(topic, route_set.sources)
            raise click.ClickException(f"'{topic}' is no source of any exchange" + (f": {hint}" if hint else ""))
        try:
            yield sample(source, read_newest(Settings.from_environment(os.environ), topic, size))
        except RouterError as error:
            raise click.ClickException(str(error)) from error


def _sample_line(sampled: Sample) -> str:
    apart = [(sampled.tombstones, "without a value"), (sampled.unreadable, "unreadable")]
    rest = ", ".join(f"{count:,} {what}" for count, what in apart if count)
    besides = f" (besides, {rest})" if rest else ""
    return f"sampled {counted(len(sampled.values), 'record')} of '{sampled.source.topic}'{besides}"


def _sample_json(sampled: Sample) -> dict[str, Any]:
    return {
        "topic": sampled.source.topic,
        "records": len(sampled.values),
        "tombstones": sampled.tombstones,
        "unreadable": sampled.unreadable,
    }


def _moved(route_set: RouteSet, against: Path, schemas: Path) -> tuple[MovedKeys, ...]:
    texts, catalogue = read_texts(against, schemas)
    before, findings = load_routes(texts, catalogue)
    if before is None:
        faults = "\n".join(str(finding) for finding in findings)
        raise click.ClickException(f"the routes in '{against}' have errors, so nothing can be compared:\n{faults}")
    return moved_keys(before.exchanges, route_set.exchanges)


def _moved_lines(moved: MovedKeys) -> Iterator[str]:
    share = f"{100 * moved.moved / moved.sample:.1f} %"
    yield f"{moved.place} exchange '{moved.exchange}': {moved.moved:,} of {moved.sample:,} sample keys move ({share})"
    for each in moved.shares:
        before, after = (f"{100 * count / moved.sample:.1f} %" for count in (each.before, each.after))
        yield f"  {each.destination}: {before} before, {after} now; gets {each.gained:,}, loses {each.lost:,}"
