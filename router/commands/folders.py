"""The two folders that commands work on: as the call says, else as the worker's settings say, else where a project has them.

A worker reads ROUTER_ROUTES and ROUTER_SCHEMAS. A command that looked elsewhere would approve routes that nobody runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["routes_argument", "routes_option", "schemas_argument", "schemas_option"]

_F = TypeVar("_F", bound=Callable[..., Any])
_ROUTES: dict[str, Any] = {"type": click.Path(path_type=Path), "default": Path("routes"), "envvar": "ROUTER_ROUTES"}
_SCHEMAS: dict[str, Any] = {"type": click.Path(path_type=Path), "default": Path("schemas"), "envvar": "ROUTER_SCHEMAS"}


def routes_argument(command: _F) -> _F:
    """The folder of routes as the argument DIR, which gets to the command as `directory`."""
    return click.argument("directory", metavar="[DIR]", **_ROUTES)(command)


def schemas_argument(command: _F) -> _F:
    """The folder of schemas as the argument DIR, which gets to the command as `directory`."""
    return click.argument("directory", metavar="[DIR]", **_SCHEMAS)(command)


def routes_option(purpose: str = "The folder of routes.", *, must_exist: bool = False) -> Callable[[_F], _F]:
    """`--routes`, with what the command needs it for; `must_exist`: else the call is wrong."""
    kind = click.Path(exists=must_exist, path_type=Path)
    return click.option("--routes", help=purpose, show_default=True, show_envvar=True, **(_ROUTES | {"type": kind}))


def schemas_option(purpose: str) -> Callable[[_F], _F]:
    """`--schemas`, with what the command needs it for."""
    return click.option("--schemas", help=purpose, show_default=True, show_envvar=True, **_SCHEMAS)
