"""`router schemas`: what a team that publishes asks about its schemas before it changes them."""

from __future__ import annotations

import click

from router.commands.schemas_check import check
from router.commands.schemas_compatible import compatible
from router.commands.schemas_convert import convert

__all__ = ["schemas"]


@click.group()
def schemas() -> None:
    """Ask whether schemas may change as they did, what can read what, and what becomes of a record in another version."""


schemas.add_command(check)
schemas.add_command(compatible)
schemas.add_command(convert)
