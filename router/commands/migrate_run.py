"""`router migrate run`: keeps copying whatever migrations there are."""

from __future__ import annotations

import asyncio
import os
from functools import partial

import click

from router.errors import ConfigError
from router.migrations.log import MigrationLog
from router.migrations.phases import Migration
from router.migrations.running import Mirrors, announced_since, start_process, stopping
from router.migrations.splitting import SplitMigration
from router.mirror_worker import MIGRATION, Mirror
from router.settings import InvalidSettings, Settings
from router.worker_process import configure_worker_logging

__all__ = ["run"]


@click.command()
def run() -> None:
    """Copy for every migration that was begun with this ROUTER_GROUP, until SIGTERM: a line in the Procfile.

    One process a migration, a worker with routes of its own: exactly once, and shared with whoever else runs this. It notices
    within a second what `start`, `flip`, `drain` and the others say.
    """
    try:
        settings = Settings.from_environment(os.environ)
    except (InvalidSettings, ConfigError) as error:
        raise click.ClickException(str(error)) from error
    configure_worker_logging(settings)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    log = MigrationLog(settings)
    start = partial(start_process, variable=MIGRATION, environ=dict(os.environ))
    mirrors = Mirrors(log, workers=settings.group, text=_text, start=start)
    try:
        await mirrors.run(stopping(asyncio.get_running_loop()))
    finally:
        await log.close()


def _text(migration: Migration) -> str:
    mirror = Mirror(
        ways=migration.ways,
        group=migration.group,
        retiring=migration.source_topic if announced_since(migration) else "",
        since=announced_since(migration),
        sunset=migration.sunset,
        counts=migration.counts or (),
        by=migration.by,
        split=isinstance(migration, SplitMigration),
        parent=os.getpid(),
    )
    return mirror.to_text()
