"""Steps of a split on a real Kafka, with nobody who copies: what is planned, made, refused and placed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support.splitting import COLOURS, SPLIT, SplittingStage, former

from router.migrations.conducting import CannotMigrate
from router.migrations.phases import Phase
from router.migrations.split_conducting import SplitConductor
from router.migrations.splitting import SplitMigration
from router.settings import Settings
from router.versions.catalogue import read_catalogue

pytestmark = pytest.mark.kafka

WHO: Any = {"by": "ada", "reason": "to see it"}


@dataclass(frozen=True, slots=True)
class Place:
    """An event of events of its own."""

    stage: SplittingStage
    conductor: SplitConductor

    @property
    def name(self) -> str:
        """Without the version."""
        return self.stage.name("@event")

    @property
    def former(self) -> str:
        """The topic that is split."""
        return f"{self.name}.v1"

    @property
    def new(self) -> list[str]:
        """What it is split into."""
        return [f"{self.name}.{colour}.v1" for colour in COLOURS]

    async def at(self, *phases: Phase) -> SplitMigration:
        """A split that went through these phases, all of it copied."""
        migration = await self.conductor.start(await self.conductor.plan_split(self.name, source=None), **WHO)
        for phase in phases:
            topics = self.stage.topics
            topics.commit(migration.group, self.former, 0, topics.bounds(self.former, 0)[1])
            migration = await self.conductor.step(migration, phase, quiet_ms=1, **WHO)
        assert isinstance(migration, SplitMigration)
        return migration


@pytest.fixture
async def place(kafka: str, unique: str, tmp_path: Path) -> AsyncIterator[Place]:
    """Return one with an event in the topic that is split."""
    stage = SplittingStage(bootstrap=kafka, word=unique, home=tmp_path).split()
    stage.routes()
    settings = Settings.from_environment(stage.environ)
    conductor = SplitConductor(settings, read_catalogue(settings.schemas), None)
    stage.create("@event.v1")
    stage.topics.produce([{"topic": stage.name("@event.v1"), "partition": 0, "value": former(1, "red", "n")}])
    yield Place(stage, conductor)
    await conductor.close()
    stage.end()


async def test_a_split_makes_all_of_its_topics_and_is_one_migration(place: Place) -> None:
    """Each is made like the former one, and nothing else moves that meanwhile."""
    plan = await place.conductor.plan_split(place.name, source=None)
    assert plan.obstacles == ()
    assert "'colour' as" in plan.forth
    assert set(place.new) < set(plan.makes)
    begun = await place.at()
    assert (begun.into, begun.generation) == (tuple(place.new), 1)
    assert await place.conductor.find(place.name) == begun
    assert set(await place.conductor.survey.counts(place.new)) == {*place.new}
    again = await place.conductor.plan_split(place.name, source=1)
    assert any("one thing after another" in each for each in again.obstacles)
    with pytest.raises(CannotMigrate, match="cannot begin"):
        await place.conductor.start(again, **WHO)
    version = await place.conductor.plan(place.name, source=1, target=2)
    assert f"{begun} is under way, in phase 'mirror'" in version.obstacles


async def test_what_is_in_the_way_of_a_plan_is_said_at_once(place: Place) -> None:
    """Topics that are there already, with records or other partitions; a topic that is not there; a file that is not there."""
    red, green = place.new[:2]
    place.stage.topics.create(red, partitions=2)
    place.stage.topics.create(green)
    place.stage.topics.produce([{"topic": green, "partition": 0, "value": b"v"}])
    found = (await place.conductor.plan_split(place.name, source=None)).obstacles
    assert any(each.startswith(f"'{red}' is there, with 2 partitions and not the 1") for each in found)
    assert any(each.startswith(f"'{green}' is there, and has records") for each in found)
    found = (await place.conductor.plan_split("event", source=None)).obstacles
    assert any("there is no topic 'event.v1'" in each for each in found)
    found = (await place.conductor.plan_split(f"{place.name}.red", source=None)).obstacles
    assert any("write schemas/event.red/split.yaml" in each for each in found)


async def test_a_group_goes_on_in_the_topics_that_it_wants(place: Place) -> None:
    """Behind all that it has; once, and stopped."""
    migration = await place.at(Phase.FLIP)
    reader, (red, green, _) = f"{place.name}-reader", place.new
    with pytest.raises(CannotMigrate, match="and not in 'drain'"):
        await place.conductor.move_split(migration, reader, **WHO)
    stepped = await place.conductor.step(migration, Phase.DRAIN, **WHO)
    assert isinstance(stepped, SplitMigration)
    assert await place.conductor.settle_drain(stepped) == {}
    with pytest.raises(CannotMigrate, match="does not lead to elsewhere"):
        await place.conductor.move_split(stepped, reader, only=["elsewhere"], **WHO)
    with pytest.raises(CannotMigrate, match="it has never read"):
        await place.conductor.move_split(stepped, reader, **WHO)
    place.stage.topics.commit(reader, place.former, 0, 0)
    with pytest.raises(CannotMigrate, match="up to 1 records"):
        await place.conductor.move_split(stepped, reader, **WHO)
    place.stage.topics.commit(reader, place.former, 0, 1)
    assert await place.conductor.move_split(stepped, reader, only=[red], **WHO) == {red: {0: 0}}
    assert place.stage.topics.committed(reader, red) == {0: 0}
    groups = (await place.conductor.observe(stepped)).groups
    assert green not in {each.topic for each in groups if each.group == reader}
    with pytest.raises(CannotMigrate, match=r"it has read .* already"):
        await place.conductor.move_split(stepped, reader, **WHO)


async def test_an_abort_is_begun_anew(place: Place) -> None:
    """With none of the topics that were filled; the next is another generation."""
    begun = await place.at()
    aborted = await place.conductor.step(begun, Phase.ABORTED, **WHO)
    await place.conductor.settle_end(aborted)
    for topic in aborted.topics[1:]:
        await place.conductor.delete(aborted, topic)
    assert await place.conductor.survey.counts(place.new) == {}
    assert (await place.at()).generation == 2


async def test_a_catalogue_that_went_on_is_seen(place: Place) -> None:
    """Copying stands still, and says why."""
    begun = await place.at()
    text = SPLIT.replace("  event.blue.v1: {types: [blue], has: [note]}\n", "")
    place.stage.split(text)
    settings = Settings.from_environment(place.stage.environ)
    other = SplitConductor(settings, read_catalogue(settings.schemas), None)
    try:
        seen = await other.observe(replace(begun))
        assert "split.yaml does not name" in seen.problem
    finally:
        await other.close()


async def test_a_type_that_holds_copying_up_is_told(place: Place) -> None:
    """With its record, to whoever asks how it stands."""
    place.stage.split(SPLIT.replace("dead-letter", "refuse"))
    settings = Settings.from_environment(place.stage.environ)
    conductor = SplitConductor(settings, read_catalogue(settings.schemas), None)
    try:
        begun = await place.at()
        assert (await conductor.observe(begun)).problem == ""
        place.stage.topics.produce([{"topic": place.former, "partition": 0, "value": former(2, "grey", "n")}])
        assert f"{place.former}/0/1: field 'colour' says 'grey'" in (await conductor.observe(begun)).problem
    finally:
        await conductor.close()
