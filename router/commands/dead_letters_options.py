"""The options that say which dead letters are meant, for the commands about them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from router.commands.folders import schemas_option
from router.errors import RouterError
from router.records.catalogue import Catalogue
from router.redrive.selection import Selection, WrongSelection, moment
from router.versions.catalogue import read_catalogue

__all__ = ["catalogue_of", "chosen_of", "selecting", "selection_of"]

_F = TypeVar("_F", bound=Callable[..., Any])


def selecting(command: _F) -> _F:
    """The options that say which dead letters are meant."""
    options = (
        click.argument("topics", metavar="[TOPIC]…", nargs=-1),
        click.option("--destination", metavar="NAME", help="Only those of this consumer: its topic, group or queue."),
        click.option("--cause", metavar="ID", help="Only those of this cause, as `list` shows it."),
        click.option("--key", metavar="TEXT", help="Only records with this key."),
        click.option("--since", metavar="TIME", help="Only what died then or later: 2026-03-01T12:00, or 2h for ago."),
        click.option("--until", metavar="TIME", help="Only what died before then."),
        click.option("--where", metavar="CEL", help="Only records for which this holds, as `where` in a binding."),
        schemas_option("The catalogue, for --where and to show values."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def chosen_of(options: dict[str, str | None]) -> dict[str, str | int]:
    """What was chosen, with times in milliseconds since the epoch. Raises click.BadParameter."""
    now = time.time()
    try:
        return {
            name: moment(text, now=now) if name in {"since", "until"} else text
            for name, text in options.items()
            if text is not None
        }
    except WrongSelection as error:
        raise click.BadParameter(str(error)) from error


def selection_of(schemas: Path, options: dict[str, str | None]) -> Selection:
    """The selection that the options ask for. Raises click.BadParameter."""
    chosen = chosen_of(options)
    try:
        return Selection(catalogue_of(schemas), **chosen)  # type: ignore[arg-type] # options by their names
    except WrongSelection as error:
        raise click.BadParameter(str(error)) from error


def catalogue_of(schemas: Path) -> Catalogue:
    """The catalogue in this folder; an empty one where there is no such folder. Raises ClickException."""
    try:
        return read_catalogue(schemas) if schemas.is_dir() else Catalogue.from_texts({})
    except RouterError as error:
        raise click.ClickException(str(error)) from error
