"""What the console asks of migrations: which there are, and what is so of one now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from router.language.routes import RouteSet
from router.migrations.log import MigrationLog
from router.migrations.observing import observe
from router.migrations.phases import Migration, Observation
from router.migrations.survey import Survey
from router.records.catalogue import Catalogue
from router.settings import Settings

__all__ = ["MigrationReads", "MigrationsKept", "NoMigrations"]


class MigrationReads(Protocol):
    """A way to look at migrations. Everything raises BrokerUnavailable."""

    async def latest(self) -> Mapping[str, Migration]:
        """All that are kept."""

    async def observe(self, migration: Migration, catalogue: Catalogue, routes: RouteSet) -> Observation:
        """What is so of one now."""

    async def close(self) -> None:
        """Let go of all connections."""


class MigrationsKept:
    """Fulfils MigrationReads with what a cluster keeps."""

    def __init__(self, settings: Settings) -> None:
        self._log = MigrationLog(settings)
        self._survey = Survey(settings)

    async def latest(self) -> Mapping[str, Migration]:
        """See MigrationReads."""
        return await self._log.latest()

    async def observe(self, migration: Migration, catalogue: Catalogue, routes: RouteSet) -> Observation:
        """See MigrationReads."""
        return await observe(
            migration,
            catalogue=catalogue,
            routes=routes,
            log=self._log,
            survey=self._survey,
        )

    async def close(self) -> None:
        """See MigrationReads."""
        await self._log.close()


class NoMigrations:
    """Fulfils MigrationReads where there never were any."""

    async def latest(self) -> Mapping[str, Migration]:
        """See MigrationReads."""
        return {}

    async def observe(self, migration: Migration, catalogue: Catalogue, routes: RouteSet) -> Observation:
        """Nobody asks: there is none."""
        raise AssertionError(migration, catalogue, routes)

    async def close(self) -> None:
        """See MigrationReads."""
