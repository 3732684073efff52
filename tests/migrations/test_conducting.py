"""Steps taken on a real Kafka, with nobody who copies: each is refused, or written with what is so; nothing is deleted too early."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from support.migrating import MigratingStage, event_of
from support.topics import Topics

from router.migrations.conducting import CannotMigrate, Conductor, Plan
from router.migrations.phases import Migration, Phase, WrongPhase
from router.records.headers import HOP, ORIGIN, Hop, encode_hop
from router.settings import Settings
from router.versions.catalogue import read_catalogue

pytestmark = pytest.mark.kafka

WHO: Any = {"by": "ada", "reason": "to see it"}


@dataclass(frozen=True, slots=True)
class Place:
    """A subject of its own with v1 alone, of one partition."""

    name: str
    topics: Topics
    conductor: Conductor

    @property
    def former(self) -> str:
        """The topic that is left."""
        return f"{self.name}.v1"

    @property
    def new(self) -> str:
        """The topic that is filled."""
        return f"{self.name}.v2"

    def write(self, topic: str, count: int = 1) -> None:
        """Events of producers."""
        self.topics.produce({"topic": topic, "partition": 0, "value": event_of(1, 1, "n")} for _ in range(count))

    def copied(self, migration: Migration, topic: str) -> None:
        """As if the mirror had copied a topic to its end."""
        group = migration.group
        self.topics.commit(group, topic, 0, self.topics.bounds(topic, 0)[1])

    async def plan(self) -> Plan:
        """From v1 to v2."""
        return await self.conductor.plan(self.name, source=1, target=2)

    async def at(self, *phases: Phase) -> Migration:
        """A migration that went through these phases."""
        migration = await self.conductor.start(await self.plan(), **WHO)
        for phase in phases:
            self.copied(migration, self.former)
            migration = await self.conductor.step(migration, phase, quiet_ms=1, **WHO)
        return migration


@pytest.fixture
async def place(kafka: str, unique: str, tmp_path: Path) -> AsyncIterator[Place]:
    """Return one with an event in v1."""
    stage = MigratingStage(bootstrap=kafka, word=unique, home=tmp_path).versions()
    stage.routes()
    settings = Settings.from_environment(stage.environ)
    conductor = Conductor(settings, read_catalogue(settings.schemas), None)
    found = Place(stage.name("@event"), stage.topics, conductor)
    stage.create("@event.v1")
    found.write(found.former)
    yield found
    await conductor.close()
    stage.end()


async def test_a_migration_goes_its_way_and_begins_anew(place: Place) -> None:
    """Each step keeps what it was founded on; one that was aborted is another generation."""
    assert (await place.plan()).obstacles == ()
    begun = await place.at(Phase.FLIP)
    assert (await place.conductor.find(place.name)) == begun
    assert begun.steps[-1].evidence["mirrors"][0]["position"] == 1
    assert "it is under way, in phase 'flip'" in (await place.plan()).obstacles
    aborted = await place.conductor.step(begun, Phase.ABORTED, **WHO)
    await place.conductor.settle_end(aborted)
    await place.conductor.delete(aborted, place.new)
    again = await place.conductor.start(await place.plan(), **WHO)
    assert (again.generation, again.phase) == (2, Phase.MIRROR)
    assert (await place.conductor.find(place.name, source=1)).generation == 2
    with pytest.raises(WrongPhase):
        await place.conductor.step(again, Phase.RETIRED, **WHO)


async def test_what_was_written_after_the_proof_is_not_deleted(place: Place) -> None:
    """A producer wakes up between the step and the deletion: back to draining, and what it wrote is copied."""
    retired = await place.at(Phase.FLIP, Phase.DRAIN, Phase.RETIRED)
    place.write(place.former, 3)
    with pytest.raises(
        CannotMigrate, match="up to 3 records there that nobody has copied: `router migrate drain` goes"
    ):
        await place.conductor.delete(retired, place.former)
    assert place.former in await place.conductor.survey.counts([place.former])
    drained = await place.conductor.step(retired, Phase.DRAIN, **WHO)
    assert drained.ways == ((place.former, place.new),)
    place.copied(drained, place.former)
    await place.conductor.delete(await place.conductor.step(drained, Phase.RETIRED, **WHO), place.former)
    assert await place.conductor.survey.counts([place.former]) == {}


async def test_an_interrupted_abort_is_told_to_whoever_starts(place: Place) -> None:
    """The step was written, and the topic is there still."""
    begun = await place.at()
    place.write(place.new)
    place.copied(begun, place.new)
    aborted = await place.conductor.step(begun, Phase.ABORTED, quiet_ms=1, **WHO)
    (found,) = (await place.plan()).obstacles
    assert "`router migrate abort` deletes it: that was interrupted" in found
    with pytest.raises(CannotMigrate, match="cannot begin"):
        await place.conductor.start(await place.plan(), **WHO)
    await place.conductor.delete(aborted, place.new)
    assert (await place.plan()).obstacles == ()


async def test_a_group_moves_once(place: Place) -> None:
    """Behind all that it has; a second time would have it read again what it has read since."""
    migration = await place.at(Phase.FLIP)
    reader = f"{place.name}-reader"
    with pytest.raises(CannotMigrate, match="and not in 'drain'"):
        await place.conductor.move(migration, reader, **WHO)
    migration = await place.conductor.step(migration, Phase.DRAIN, **WHO)
    with pytest.raises(CannotMigrate, match="it has never read"):
        await place.conductor.move(migration, reader, **WHO)
    place.topics.commit(reader, place.former, 0, 0)
    with pytest.raises(CannotMigrate, match="up to 1 records"):
        await place.conductor.move(migration, reader, **WHO)
    place.topics.commit(reader, place.former, 0, 1)
    assert await place.conductor.move(migration, reader, **WHO) == {0: 0}
    assert place.topics.committed(reader, place.new) == {0: 0}
    with pytest.raises(CannotMigrate, match=r"it has read .* already"):
        await place.conductor.move(migration, reader, **WHO)


async def test_a_group_goes_on_in_the_next_generation_and_is_waited_for_no_more(place: Place) -> None:
    """Though it has not read the former one to its end; then there is no way back but onward."""
    topic, conductor = place.former, place.conductor
    place.write(topic, 3)
    plan = await conductor.plan_generation(topic, partitions=2, by=None)
    assert (plan.obstacles, plan.migration.by, plan.migration.counts) == ((), "murmur2", (1, 2))
    assert plan.makes[0] == plan.migration.target_topic == f"{topic}.g2"
    begun = await conductor.start(plan, **WHO)
    assert await conductor.survey.counts([f"{topic}.g2"]) == {f"{topic}.g2": 2}
    assert "under way" in (await conductor.plan_generation(topic, partitions=4, by=None)).obstacles[0]

    mirror, reader = begun.group, f"{place.name}-reader"
    hop = encode_hop(Hop(service=mirror, instance="i", processing=UUID(int=7), start=1, duration=1, route_set="0" * 8))
    for offset in range(4):
        headers = [(ORIGIN, f"{topic}/0/{offset}".encode()), (HOP, hop)]
        place.topics.produce([{"topic": f"{topic}.g2", "partition": offset % 2, "value": b"v", "headers": headers}])
    with pytest.raises(CannotMigrate, match="it has never read"):
        await conductor.move(begun, reader, **WHO)
    place.topics.commit(reader, topic, 0, 1)
    place.topics.commit(mirror, topic, 0, 4)
    for number in (0, 1):
        place.topics.commit(mirror, f"{topic}.g2", number, 2)
    # The first record lies in partition 0, as its first; the second, in partition 1, was not read.
    for _ in range(2):
        assert await conductor.move(begun, reader, **WHO) == {0: 1, 1: 0}
        begun = await conductor.find(topic)
    assert begun.moved == (reader,)
    assert place.topics.committed(reader, f"{topic}.g2") == {0: 1, 1: 0}
    with pytest.raises(CannotMigrate, match=f"{reader} went on in"):
        await conductor.step(begun, Phase.ABORTED, quiet_ms=1, **WHO)
    place.topics.commit(reader, f"{topic}.g2", 0, 2)
    with pytest.raises(CannotMigrate, match=r"it has read .* already \(0 at 2\)"):
        await conductor.move(begun, reader, **WHO)
    for phase in (Phase.FLIP, Phase.DRAIN, Phase.RETIRED):
        begun = await conductor.step(begun, phase, quiet_ms=1, **WHO)
    await conductor.settle_end(begun)
    await conductor.delete(begun, topic)
    assert await conductor.survey.counts([topic]) == {}
    third = await conductor.plan_generation(f"{topic}.g2", partitions=8, by="murmur2")
    assert (third.migration.target_topic, third.migration.counts) == (f"{topic}.g3", (2, 8))


async def test_what_cannot_have_more_partitions_says_why(place: Place) -> None:
    """A topic that is not there, a number that does not fit, and keys that lie as nobody lays them."""
    conductor, topic = place.conductor, place.former
    (gone,) = (await conductor.plan_generation(f"{topic}.gone", partitions=2, by=None)).obstacles
    assert "there is no topic" in gone
    (once,) = (await conductor.plan_generation(topic, partitions=1, by=None)).obstacles
    assert "--partitions 2" in once
    place.topics.create(f"{topic}.two", partitions=2)
    for number in (0, 1):
        place.topics.produce([{"topic": f"{topic}.two", "partition": number, "key": b"k", "value": b"v"}])
    (grown,) = (await conductor.plan_generation(f"{topic}.two", partitions=4, by=None)).obstacles
    assert "do not lie where any partitioner that is known puts them" in grown


async def test_all_that_is_in_the_way_is_said_at_once(place: Place) -> None:
    """A plan of what the catalogue does not have, and of what is not there."""
    found = await place.conductor.plan(f"{place.name}.other", source=1, target=9)
    assert any("the catalogue has no v9 of it: it has" in each for each in found.obstacles)
    assert any("there is no topic" in each for each in found.obstacles)
    with pytest.raises(CannotMigrate, match=r"(?s)cannot begin:\n.*\n"):
        await place.conductor.start(found, **WHO)
    with pytest.raises(CannotMigrate, match="there is no migration of"):
        await place.conductor.find(place.name)


async def test_a_date_moves_later_and_never_earlier(place: Place) -> None:
    """People have planned by it."""
    begun = await place.at()
    flipped = await place.conductor.step(begun, Phase.FLIP, sunset="2030-01-01T00:00:00Z", **WHO)
    place.copied(flipped, place.former)
    drained = await place.conductor.step(flipped, Phase.DRAIN, quiet_ms=1, **WHO)
    with pytest.raises(CannotMigrate, match="people have planned by it"):
        await place.conductor.step(drained, Phase.FLIP, sunset="2029-01-01T00:00:00Z", **WHO)
    later = await place.conductor.step(drained, Phase.FLIP, sunset="2031-01-01T00:00:00Z", **WHO)
    assert later.sunset == "2031-01-01T00:00:00Z"
