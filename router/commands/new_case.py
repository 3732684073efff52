"""`router new-case`: a case from a live record."""

from __future__ import annotations

import os
from pathlib import Path

import click

from router.commands.live import PLACE, read_record
from router.commands.route_sets import route_set_of
from router.commands.routes import read_texts, routes_options
from router.errors import RouterError
from router.language.case_text import case_lines
from router.language.masking import UnknownField
from router.language.new_case import NewCase, Unstatable, new_case, with_new_case
from router.language.routes import RouteSet
from router.language.suggestions import did_you_mean
from router.language.yaml_text import CASES_ENDING
from router.records.headers import Origin
from router.records.record import Record
from router.settings import Settings

__all__ = ["command"]


@click.command("new-case")
@routes_options
@click.option("--at", type=PLACE, required=True, help="The record, from the Kafka of ROUTER_BROKER.")
@click.option("--name", help="What the case promises; by default the record's place.")
@click.option(
    "--mask",
    "masked",
    multiple=True,
    metavar="FIELD",
    help="Mask this field (a dotted path), or a header (header:NAME).",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file of cases (*_test.yaml) to append it to."
)
def command(
    *, directory: Path, schemas: Path, at: Origin, name: str | None, masked: tuple[str, ...], output: Path | None
) -> None:
    """Write a case from a live record of a broad topic: its message, and as `to:` where it goes today.

    The case passes `router test` at once. What it prints belongs under `cases:` of a file DIR/<team>_test.yaml (default
    DIR: ROUTER_ROUTES, else routes); --output appends it there. A masked field gets another value of its type, and so does
    the record's key where it equals that field; that the case goes elsewhere then, you are told.

    \b
        router new-case --at order.status.v1/0/4711 --mask customer.email --mask order_id
        router new-case --at order.status.v1/0/4711 --name 'a paid order is announced' --output routes/bob_test.yaml
    """
    route_set = route_set_of(*read_texts(directory, schemas))
    if at.topic not in route_set.sources:
        hint = did_you_mean(at.topic, route_set.sources)
        raise click.ClickException(f"'{at.topic}' is no source of any exchange" + (f": {hint}" if hint else ""))
    if output is not None and not output.stem.endswith(CASES_ENDING):
        raise click.UsageError(f"a file of cases is named <team>{CASES_ENDING}.yaml, not '{output.name}'")
    try:
        record = read_record(Settings.from_environment(os.environ), at)
        made = _made(record, route_set, name=name or str(at), masked=masked)
        if output is None:
            click.echo("\n".join(case_lines(made.case)))
        else:
            _append(output, made, route_set)
    except (RouterError, UnknownField, Unstatable) as error:
        raise click.ClickException(str(error)) from error


def _made(record: Record, route_set: RouteSet, *, name: str, masked: tuple[str, ...]) -> NewCase:
    made = new_case(record, route_set, name=name, masked=masked)
    if set(made.goes) != set(made.went):
        click.echo(
            f"the record itself goes to {', '.join(made.went) or 'nobody'}: the case, as it is masked and stated, to "
            f"{', '.join(made.goes) or 'nobody'}",
            err=True,
        )
    return made


def _append(output: Path, made: NewCase, route_set: RouteSet) -> None:
    try:
        before = output.read_text(encoding="utf-8") if output.exists() else ""
        output.write_text(with_new_case(before, made.case, route_set, file=str(output)), encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{output} cannot be written: {error}") from error
    click.echo(f"{output}: one case more")
