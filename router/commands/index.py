"""`router index`: where the copies of a key or of a record lie, for the console."""

from __future__ import annotations

import asyncio
import os

import click

from router.errors import RouterError
from router.settings import Settings

__all__ = ["index"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address that it binds.")
@click.option("--port", type=click.IntRange(0, 65_535), default=6081, show_default=True, help="Its port. 0: any.")
def index(*, host: str, port: int) -> None:
    """Keep an index of origins: where the copies of each key and of each record lie. It looks only, and is optional.

    It reads every topic that routes copy to, keeps what it learns below ROUTER_DATA_DIR, and answers whoever has
    ROUTER_API_TOKEN. A console asks it where ROUTER_CONSOLE_INDEX has its address.

    \b
        router index & ROUTER_CONSOLE_INDEX=http://127.0.0.1:6081 router console
    """
    from router.console.index_serving import serve_index  # noqa: PLC0415 # loads a web server

    try:
        settings = Settings.from_environment(os.environ)
        asyncio.run(serve_index(settings, host=host, port=port, say=click.echo))
    except RouterError as error:
        raise click.ClickException(str(error)) from error
