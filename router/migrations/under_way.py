"""A mirror's lane opens only while its migration has it copy: so one that hung through a step writes nothing when it wakes.

    the step    is written to `router.migrations`, and seen there; then the ids of the lanes that it ends are taken from whoever has them
    a lane      takes its id, which shuts out the former owner; then it looks what is written there

Whichever comes first, a lane that copies on after the step has lost its id, or has seen the step. To be shut out alone would not do:
a process that wakes joins its group again, where nobody else is, and its lanes open as after any other interruption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from router.errors import TransientError
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Carrier, Positions
from router.migrations.phases import Migration

__all__ = ["KnowsMigrations", "MirrorLanes", "NotUnderWay", "WhileUnderWay"]


class KnowsMigrations(Protocol):
    """`router.migrations`."""

    async def latest(self) -> Mapping[str, Migration]:
        """All migrations by their keys. Raises BrokerUnavailable."""


class NotUnderWay(TransientError):
    """A mirror is to copy what nobody has it copy any more: whoever started it ends it."""

    reason = "not-under-way"

    def __init__(self, *, topic: str, group: str) -> None:
        super().__init__(topic, group)
        self.topic = topic
        self.group = group

    def __str__(self) -> str:
        return f"{self.topic} is not copied by '{self.group}' any more: its migration has gone on; `router migrate run` ends this process"


class WhileUnderWay:
    """The positions of a mirror's lane. Fulfils `Positions`."""

    def __init__(self, positions: Positions, migrations: KnowsMigrations, *, workers: str, group: str) -> None:
        """`workers` is the workers' group, and `group` the mirror's."""
        self._positions = positions
        self._migrations = migrations
        self._workers = workers
        self._group = group
        self.commit = positions.commit
        self.end = positions.end
        self.owns = positions.owns

    async def seek_to_committed(self, source: SourcePartition) -> tuple[int, int]:
        """See Positions. Called when the lane has its id. Raises NotUnderWay as well."""
        kept = (await self._migrations.latest()).values()
        own = (each for each in kept if each.group(self._workers) == self._group)
        if not any(source.topic == start for each in own for start, _ in each.ways):
            raise NotUnderWay(topic=source.topic, group=self._group)
        return await self._positions.seek_to_committed(source)


class MirrorLanes:
    """What stands around the lanes of a mirror, in the place of `GenerationLanes`."""

    def __init__(self, migrations: KnowsMigrations, *, workers: str, group: str) -> None:
        """See WhileUnderWay."""
        self._migrations = migrations
        self._workers = workers
        self._group = group

    def positions(self, positions: Positions) -> Positions:
        """Where a lane stands, while it is to copy."""
        return WhileUnderWay(positions, self._migrations, workers=self._workers, group=self._group)

    def carrier(self, carrier: Carrier, _waiting: Callable[[str], None]) -> Carrier:
        """A mirror waits for no other: what it copies is what others wait for."""
        return carrier
