"""What every question is answered from: the routes of today, what was measured, and ways to ask Kafka and the workers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.console.browsing import Browsing
from router.console.kafka import KafkaReads
from router.console.migrating import MigrationReads, NoMigrations
from router.console.today import Today
from router.console.watching import Watching
from router.console.workers import AskWorkers

__all__ = ["Absent", "Answer", "Parameters", "Sight"]

Parameters = Mapping[str, str]
Answer = dict[str, Any]


class Absent(LookupError):
    """What was asked about is not there; says what there is instead."""


@dataclass(frozen=True, slots=True)
class Sight:
    """See above."""

    watching: Watching
    kafka: KafkaReads
    workers: AskWorkers
    migrations: MigrationReads = field(default_factory=NoMigrations)
    index: str | None = None
    """Where an index of origins answers; None: nobody runs one."""

    @property
    def browsing(self) -> Browsing:
        """Looks for records."""
        return Browsing(self.kafka)

    @property
    def today(self) -> Today:
        """Raises Absent where no routes could ever be read."""
        today = self.watching.routes.today
        if today is None:
            said = "; ".join(self.watching.routes.faults) or "they have not been read yet"
            raise Absent(f"there are no routes to show: {said}")
        return today
