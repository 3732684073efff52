"""The routes of a command: loaded, or all that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping

import click

from router.language.findings import InvalidRoutes
from router.language.load import load_valid_routes
from router.language.repartition import with_internal_topics
from router.language.routes import RouteSet
from router.records.catalogue import Catalogue

__all__ = ["route_set_of"]


def route_set_of(texts: Mapping[str, str], catalogue: Catalogue, *, group: str | None = None) -> RouteSet:
    """The routes of these files; with a group, they have its internal topics as the group's workers see them.

    Routes with errors end the command.
    """
    try:
        route_set, _ = load_valid_routes(texts, catalogue)
    except InvalidRoutes as error:
        raise click.ClickException(f"the routes have errors (`router check` shows all):\n{error}") from error
    return route_set if group is None else with_internal_topics(route_set, group)
