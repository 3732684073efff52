"""`router export rabbitmq`: the routes as definitions for a RabbitMQ."""

from __future__ import annotations

import json
from pathlib import Path

import click

from router.commands.import_ import show, write_text
from router.commands.route_sets import route_set_of
from router.commands.routes import counted, read_texts, routes_options
from router.rabbitmq.exporting import Export, export_routes
from router.rabbitmq.findings import Level

__all__ = ["export"]


@click.group()
def export() -> None:
    """Turn routes into what another system reads."""


@export.command()
@routes_options
@click.option("--vhost", default="/", show_default=True, help="The virtual host that the definitions are to be of.")
@click.option("--output", type=click.Path(path_type=Path), help="Where the definitions go instead of standard output.")
@click.option("--json", "as_json", is_flag=True, help="The findings as one JSON object instead of lines, for programs.")
def rabbitmq(*, directory: Path, schemas: Path, vhost: str, output: Path | None, as_json: bool) -> None:
    """Export the route files in DIR (default: ROUTER_ROUTES, else routes) as a RabbitMQ's definitions: the inverse of `router import`.

    Exchanges, bindings and alternates become RabbitMQ's, topics that routes feed become queues. What RabbitMQ does not
    have (conditions, operators on headers, routing keys made of fields …) is a finding each and left out; docs/rabbitmq.md
    explains them.

    \b
    Example:
      $ router export rabbitmq --output definitions.json
      error binding 'orders → topic vip.order.status.v1' condition is left out: RabbitMQ has no conditions …
      definitions.json: 3 exchanges, 7 queues, 11 bindings; 1 error
      $ rabbitmqctl import_definitions definitions.json

    The definitions are written in any case, findings go to standard error where they go to standard output. With --json
    and without --output they are the object's `definitions`.

    Exit status: 0 without errors (warnings are none), 1 where something could not be exported at all or the routes have
    errors themselves, 2 where the folders cannot be read.
    """
    texts, catalogue = read_texts(directory, schemas)
    if not texts:
        raise click.UsageError(
            f"there is no route file (.yaml) in '{directory}': name your folder with DIR or ROUTER_ROUTES."
        )
    route_set = route_set_of(texts, catalogue)
    result = export_routes(route_set, vhost=vhost)
    text = json.dumps(result.definitions, indent=2, ensure_ascii=False) + "\n"
    if output is not None:
        write_text(output, text)
    elif not as_json:
        click.echo(text, nl=False)
    if as_json:
        click.echo(json.dumps(_report(result, written=output is not None), indent=2, ensure_ascii=False))
    else:
        made = ", ".join(
            counted(len(result.definitions[section]), section.removesuffix("s"))
            for section in ("exchanges", "queues", "bindings")
        )
        show(result.findings, summary=f"{output or 'exported'}: {made}", on_errors=output is None)
    if any(finding.level is Level.ERROR for finding in result.findings):
        raise SystemExit(1)


def _report(result: Export, *, written: bool) -> dict[str, object]:
    report: dict[str, object] = {
        "ok": not any(finding.level is Level.ERROR for finding in result.findings),
        "findings": [finding.to_json() for finding in result.findings],
    }
    return report if written else {**report, "definitions": result.definitions}
