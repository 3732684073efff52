"""The topic in which migrations are kept: `router.migrations`, compacted, a record a pair of versions; anybody may read it."""

from __future__ import annotations

import json

from router.errors import TransientError
from router.lanes.kept_values import KeptValues
from router.migrations.phases import Migration
from router.migrations.splitting import read_kept
from router.settings import Settings

__all__ = ["MIGRATIONS", "MigrationLog", "MigrationMoved"]

MIGRATIONS = "router.migrations"
"""The topic; it has one partition."""


class MigrationMoved(TransientError):
    """Somebody else has taken a migration a step further meanwhile."""

    reason = "migration-moved"

    def __init__(self, *, migration: str) -> None:
        super().__init__(migration)
        self.migration = migration

    def __str__(self) -> str:
        return f"{self.migration} was changed by somebody else at this moment: nothing was done; look again"


class _Form:
    """Fulfils `Form`."""

    topic = MIGRATIONS

    def read(self, value: bytes | None) -> Migration | None:
        return read_kept(value)

    def key(self, value: Migration) -> str:
        return value.key

    def written(self, value: Migration) -> bytes:
        return json.dumps(value.to_json(), ensure_ascii=False).encode()

    def moved(self, value: Migration) -> TransientError:
        return MigrationMoved(migration=str(value))


class MigrationLog(KeptValues[Migration]):
    """All migrations by their keys; those that have ended, too. Its errors are BrokerUnavailable and MigrationMoved."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, _Form())
