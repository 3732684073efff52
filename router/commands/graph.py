"""`router graph`: the routes as a picture."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path

import click

from router.commands.route_sets import route_set_of
from router.commands.routes import read_texts, routes_options
from router.language.graph.collapse import Collapse, collapse
from router.language.graph.dot import dot
from router.language.graph.mermaid import mermaid
from router.language.graph.model import Graph, graph_of
from router.language.graph.selection import Selection, UnknownName, select
from router.language.graph.svg import svg
from router.language.routes import RouteSet
from router.records.catalogue import Catalogue

__all__ = ["graph", "subjects_of"]


class _Form(StrEnum):
    DOT = "dot"
    MERMAID = "mermaid"
    SVG = "svg"
    JSON = "json"


_ENDINGS = {".svg": _Form.SVG, ".json": _Form.JSON, ".mmd": _Form.MERMAID, ".mermaid": _Form.MERMAID}
_WRITERS: dict[_Form, Callable[[Graph, str], str]] = {
    _Form.DOT: lambda drawn, title: dot(drawn, title=title),
    _Form.MERMAID: lambda drawn, _: mermaid(drawn),
    _Form.SVG: lambda drawn, title: svg(drawn, title=title),
    _Form.JSON: lambda drawn, _: json.dumps(asdict(drawn), indent=2, ensure_ascii=False) + "\n",
}


@click.command()
@routes_options
@click.option("--team", "teams", multiple=True, help="Only what concerns this team: what it owns, feeds and is fed by.")
@click.option("--topic", "topics", multiple=True, help="Only what concerns this topic.")
@click.option("--upstream-of", multiple=True, metavar="NAME", help="Only what feeds this topic, exchange or team.")
@click.option("--downstream-of", multiple=True, metavar="NAME", help="Only what this topic, exchange or team feeds.")
@click.option(
    "--collapse",
    "collapses",
    type=click.Choice([each.value for each in Collapse]),
    multiple=True,
    help="Draw what each team owns, or the topics of each subject, as one, with the bindings counted.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice([each.value for each in _Form]),
    help="By default as the ending of --output says, else dot.",
)
@click.option("--json", "as_json", is_flag=True, help="Nodes and edges as one JSON object: --format json.")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file to write instead of standard output."
)
def graph(
    *,
    directory: Path,
    schemas: Path,
    teams: tuple[str, ...],
    topics: tuple[str, ...],
    upstream_of: tuple[str, ...],
    downstream_of: tuple[str, ...],
    collapses: tuple[str, ...],
    form: str | None,
    as_json: bool,
    output: Path | None,
) -> None:
    """Draw the routes in DIR (default: ROUTER_ROUTES, else routes) from left to right: broad topics, exchanges, narrow topics, teams.

    On the way stand binding keys and conditions; a dashed line is an alternate. Each option may be given several times:
    the same one again adds to the picture, another one narrows it.

    \b
        router graph --output routes.svg
        router graph --team refunds --format mermaid
        router graph --downstream-of order.status.v1 --collapse team --output map.svg
        router graph | dot -Tpdf > routes.pdf          where Graphviz is installed
    """
    if as_json and form not in (None, _Form.JSON):
        raise click.UsageError("give either --json or another --format")
    form = _Form.JSON if as_json else form
    texts, catalogue = read_texts(directory, schemas)
    route_set = route_set_of(texts, catalogue)
    wanted = Selection(teams=teams, topics=topics, upstream_of=upstream_of, downstream_of=downstream_of)
    try:
        drawn = select(graph_of(route_set), wanted)
    except UnknownName as error:
        raise click.ClickException(str(error)) from error
    subjects = subjects_of(route_set, catalogue)
    for by in collapses:
        drawn = collapse(drawn, Collapse(by), subjects=subjects)
    ending = _ENDINGS.get(output.suffix, _Form.DOT) if output is not None else _Form.DOT
    text = _WRITERS[_Form(form) if form else ending](drawn, f"Routes in {directory}")
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror or error}") from error


def subjects_of(route_set: RouteSet, catalogue: Catalogue) -> dict[str, str]:
    """The subject of each topic whose schema the catalogue has."""
    topics = {*route_set.topics, *route_set.sources}
    topics |= {
        destination.name
        for exchange in route_set.exchanges.values()
        for destination in (*(binding.destination for binding in exchange.bindings), exchange.alternate)
        if destination is not None
    }
    found = {topic: catalogue.resolve(topic) for topic in topics}
    return {topic: version.subject for topic, version in found.items() if version is not None}
