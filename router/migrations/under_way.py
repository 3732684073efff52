"""A mirror's lane opens only while its migration has it copy: so one that hung through a step writes nothing when it wakes.

    the step    is written to `router.migrations`, and seen there; then the ids of the lanes that it ends are taken from whoever has them
    a lane      takes its id, which shuts out the former owner; then it looks what is written there

A lane that has no place looks further: a group's places expire (`offsets.retention.minutes`) when nobody of it has run for so long, and to begin
at the beginning would copy everything a second time. Copies and places are one transaction, so that a group which has copies and no
place has lost it.

Whichever comes first, a lane that copies on after the step has lost its id, or has seen the step. To be shut out alone would not do:
a process that wakes joins its group again, where nobody else is, and its lanes open as after any other interruption.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from router.errors import TransientError
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Carrier, Places, Positions, Resuming
from router.migrations.phases import Migration

__all__ = ["KnowsMigrations", "KnowsPlaces", "MirrorLanes", "NotUnderWay", "PlacesExpired", "WhileUnderWay"]


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


class PlacesExpired(TransientError):
    """A mirror has copied, and its group has no place any more: it would copy everything once more."""

    reason = "places-expired"

    def __init__(self, *, topic: str, partition: int, group: str) -> None:
        super().__init__(topic, partition, group)
        self.topic = topic
        self.partition = partition
        self.group = group

    def __str__(self) -> str:
        return (
            f"'{self.group}' has copied {self.topic}/{self.partition}, and its place there has expired (`offsets.retention.minutes`, while nobody "
            "ran `router migrate run`): to begin anew would copy everything twice. `router migrate abort`, and start again; or set "
            "its offsets behind the last record that was copied (kafka-consumer-groups --reset-offsets --to-offset)"
        )


class KnowsPlaces(Protocol):
    """Asks a cluster. Each raises BrokerUnavailable."""

    async def committed(self, group: str) -> Mapping[SourcePartition, int]:
        """All places of a group."""

    async def has_copied(self, group: str, origin: SourcePartition, topic: str, *, every: int) -> bool:
        """Whether there are copies that a group has made from there among the first records of a topic.

        They lie in its partition of that number, and in each that is `every` so many behind it; 0: in that alone.
        """


class WhileUnderWay(Resuming):
    """The positions of a mirror's lane."""

    def __init__(self, positions: Positions, migrations: KnowsMigrations, places: KnowsPlaces, *, group: str) -> None:
        """`group` is the mirror's."""
        super().__init__(positions)
        self._migrations = migrations
        self._places = places
        self._group = group

    async def first(self, source: SourcePartition, places: Places) -> None:
        """Look whether it is to copy. Raises NotUnderWay and PlacesExpired."""
        kept = (await self._migrations.latest()).values()
        own = next((each for each in kept if each.group == self._group), None)
        if own is None or all(source.topic != start for start, _ in own.ways):
            raise NotUnderWay(topic=source.topic, group=self._group)
        if source not in places:
            await self._expect_none_lost(own, source, await self._places.committed(self._group))

    async def _expect_none_lost(
        self, migration: Migration, source: SourcePartition, places: Mapping[SourcePartition, int]
    ) -> None:
        """What is copied first is the former topic: its copies in the new one tell, for the way back as well."""
        former = migration.counts[0] if migration.counts else 0
        number = source.partition % former if former else source.partition
        origin = SourcePartition(migration.source_topic, number)
        if origin in places:
            return
        for topic in migration.topics[1:]:
            if await self._places.has_copied(self._group, origin, topic, every=former):
                raise PlacesExpired(topic=origin.topic, partition=number, group=self._group)


class MirrorLanes:
    """What stands around the lanes of a mirror, in the place of `GenerationLanes`."""

    def __init__(self, migrations: KnowsMigrations, places: KnowsPlaces, *, group: str) -> None:
        """See WhileUnderWay."""
        self._migrations = migrations
        self._places = places
        self._group = group

    def positions(self, positions: Positions) -> Positions:
        """Where a lane stands, while it is to copy."""
        return WhileUnderWay(positions, self._migrations, self._places, group=self._group)

    def carrier(self, carrier: Carrier, _waiting: Callable[[str], None]) -> Carrier:
        """A mirror waits for no other: what it copies is what others wait for."""
        return carrier
