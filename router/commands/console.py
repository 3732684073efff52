"""`router console`: the web view for the people on call."""

from __future__ import annotations

import asyncio
import os

import click

from router.errors import RouterError
from router.settings import Settings

__all__ = ["console"]


@click.command()
@click.option("--host", help="The address that it binds; without it ROUTER_CONSOLE_HOST, which is loopback unless set.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Its port; without it ROUTER_CONSOLE_PORT. 0: any.")
def console(*, host: str | None, port: int | None) -> None:
    """Serve the console: what is wrong, what flows where and why, what waits, what was set aside. It looks only.

    It reads the Kafka of ROUTER_BROKER, asks the workers of ROUTER_CONSOLE_WORKERS, and needs at least one of
    ROUTER_CONSOLE_VIEWER_TOKEN, _OPERATOR_TOKEN and _ADMIN_TOKEN, or a proxy in ROUTER_CONSOLE_PROXIES.

    \b
        ROUTER_CONSOLE_VIEWER_TOKEN=$(openssl rand -hex 24) router console
    """
    from router.console.serving import serve  # noqa: PLC0415 # loads a web server

    try:
        settings = Settings.from_environment(os.environ)
        asyncio.run(serve(settings, host=host, port=port, say=click.echo))
    except RouterError as error:
        raise click.ClickException(str(error)) from error
