"""The console put together from its settings, and run until it is told to end."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Callable

from aiohttp import web

from router.console.access import Gate, Role
from router.console.kafka import Kafka
from router.console.migrating import MigrationsKept
from router.console.server import new_app
from router.console.sight import Sight
from router.console.today import Routes
from router.console.watching import Watching
from router.console.workers import Workers
from router.errors import ConfigError
from router.settings import Settings

__all__ = ["CannotServe", "new_gate", "serve"]


class CannotServe(ConfigError):
    """The console cannot begin."""

    reason = "console"

    def __init__(self, *, problem: str, what_to_do: str) -> None:
        super().__init__(problem, what_to_do)
        self.problem = problem
        self.what_to_do = what_to_do

    def __str__(self) -> str:
        return f"the console cannot begin: {self.problem}: {self.what_to_do}"


def new_gate(settings: Settings) -> Gate:
    """Who gets in. Raises CannotServe where nobody could."""
    told = {
        Role.VIEWER: settings.console_viewer_token,
        Role.OPERATOR: settings.console_operator_token,
        Role.ADMIN: settings.console_admin_token,
    }
    tokens = {role: token for role, token in told.items() if token is not None}
    if not tokens and not settings.console_proxies:
        names = ", ".join(f"ROUTER_CONSOLE_{role.upper()}_TOKEN" for role in Role)
        problem = "nobody could sign in"
        raise CannotServe(
            problem=problem,
            what_to_do=f"set one of {names} (`openssl rand -hex 24` makes one), or ROUTER_CONSOLE_PROXIES",
        )
    return Gate(tokens, proxies=settings.console_proxies, salt=b"" if tokens else secrets.token_bytes(32))


async def serve(settings: Settings, *, host: str | None, port: int | None, say: Callable[[str], object]) -> None:
    """Serve until SIGTERM or SIGINT. Raises CannotServe."""
    gate = new_gate(settings)
    kafka = Kafka(settings.broker, settings.aiokafka_security)
    workers = Workers(settings.api_token)
    migrations = MigrationsKept(settings)
    # Consoles of one group show a masked key alike, and a link outlives a restart.
    secret = secrets.token_bytes(32) if settings.api_token is None else settings.api_token.encode()
    routes = Routes(settings.routes, settings.schemas, settings.group, secret=secret)
    watching = Watching(kafka, workers, routes, urls=settings.console_workers)
    await routes.look()
    runner = web.AppRunner(
        new_app(Sight(watching, kafka, workers, migrations, settings.console_index), gate), access_log=None, shutdown_timeout=1.0, max_line_size=65_536, max_field_size=65_536,
    )  # fmt: skip
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        await runner.setup()
        wanted_host = settings.console_host if host is None else host
        wanted_port = settings.console_port if port is None else port
        try:
            await web.TCPSite(runner, wanted_host, wanted_port).start()
        except OSError as error:
            problem = f"{wanted_host}:{wanted_port} cannot be bound: {error.strerror or error}"
            raise CannotServe(problem=problem, what_to_do="choose another --host or --port") from error
        watching.start()
        say(f"The console is at http://{_shown(wanted_host)}:{runner.addresses[0][1]}/")
        await ended.wait()
    finally:
        await watching.stop()
        await runner.cleanup()
        await workers.close()
        await migrations.close()
        await kafka.close()


def _shown(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - recognised, not bound
