"""What reads for a split's lanes, on a real Kafka: in each key's order, from where it was committed, and while it is to be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support.topics import Topics

from router.lanes import carrier
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, Tally
from router.lanes.protocol import LaneState
from router.migrations import join_reading
from router.migrations.join_reading import Joins
from router.migrations.joining import Joining
from router.migrations.merging import Run
from router.migrations.phases import Migration, Phase, Step
from router.migrations.splitting import SplitMigration
from router.migrations.twins import Twins
from router.migrations.under_way import NotUnderWay, PlacesExpired

pytestmark = pytest.mark.kafka


@dataclass(slots=True)
class Protocol:
    """As much of a lane's as a reader looks at."""

    state: LaneState = LaneState.CARRYING
    position: int = 3
    epoch: int = 1


@dataclass(slots=True)
class CarryingLane:
    """A lane that takes everything at once."""

    source: SourcePartition
    protocol: Protocol = field(default_factory=Protocol)
    accepts: bool = True
    carried: list[Batch] = field(default_factory=list)

    def offered(self, batch: Batch) -> None:
        """It comes at once."""

    def carry(self, batch: Batch) -> None:
        """Keep it."""
        self.carried.append(batch)


class Fed(Joining):
    """One that keeps what it is fed."""

    def __init__(self, source: SourcePartition, topics: Sequence[str]) -> None:
        super().__init__(source, Nothing(), copiers=dict.fromkeys(topics), group="g", headers={})  # type: ignore[arg-type]  # nothing is copied
        self.runs: list[Run] = []

    def feed(self, runs: Sequence[Run]) -> None:
        """Keep them."""
        self.runs += runs

    @property
    def times(self) -> list[int]:
        """The timestamps of all records, as they came."""
        return [record.timestamp for run in self.runs for record in run.records]


class Nothing:
    """Copies nothing."""

    def copy(self, batch: Batch, *, into: Copies, new_batch: object, refusals: object) -> Tally:
        """Nothing."""
        raise AssertionError(batch, into, new_batch, refusals)


@dataclass(slots=True)
class Kept:
    """`router.migrations`, and the group's places in all topics."""

    migration: Migration
    places: dict[str, carrier.Place] = field(default_factory=dict)
    """By topic; partition 0 of each."""
    seeks: int = 0

    async def latest(self) -> Mapping[str, Migration]:
        """The one."""
        return {self.migration.key: self.migration}

    async def standing(self, sources: Sequence[SourcePartition]) -> Mapping[SourcePartition, int]:
        """As told; else the beginning."""
        return {each: self.places[each.topic].offset if each.topic in self.places else 0 for each in sources}

    async def seek_to_committed(self, _source: SourcePartition, _places: carrier.Places) -> tuple[int, int]:
        """Counted."""
        self.seeks += 1
        return 1, 3

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Nothing else is asked."""

        async def never(*_: object) -> None:
            raise AssertionError(name)

        return never


@dataclass(frozen=True, slots=True)
class Place:
    """Two topics that are joined."""

    topics: Topics
    migration: SplitMigration
    kept: Kept
    lane: CarryingLane
    joining: Fed
    joins: Joins

    def write(self, topic: int, *times: int) -> None:
        """Records of one key, with these timestamps."""
        name = self.migration.into[topic]
        self.topics.produce({"topic": name, "partition": 0, "key": "k", "value": b"v", "timestamp": at} for at in times)

    async def resume(self) -> None:
        """As a lane does that opens."""
        places = {SourcePartition(topic, 0): each for topic, each in self.kept.places.items()}
        await self.joins.positions(self.lane.source, self.kept, self.kept).seek_to_committed(self.lane.source, places)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Read until something is so."""
        async with asyncio.timeout(40):
            done = asyncio.Event()
            running = asyncio.create_task(self.joins.run(lambda: [self.lane], done.is_set))  # type: ignore[list-item]
            while not holds():
                await asyncio.wait([running], timeout=0.05)
            done.set()
            await running


@pytest.fixture
def place(kafka: str, unique: str, request: pytest.FixtureRequest) -> Any:
    """Return one; `request.param` says whether losses are accepted."""
    step = Step(Phase.FLIP, 5, "ada", "why")
    into = (f"{unique}.a.v1", f"{unique}.b.v1")
    migration = SplitMigration(name=unique, source=1, target=0, generation=1, workers="shop", steps=(step,), into=into)
    topics = Topics(kafka)
    topics.create(*into)
    source = SourcePartition(migration.source_topic, 0)
    joining, kept = Fed(source, into), Kept(migration)
    joins = Joins(
        {migration.source_topic: Twins(into, writers=("g",))},
        kept,
        joining=lambda _source, _inner: joining,
        count=lambda _: 1,
        group=migration.group,
        bootstrap=kafka,
        security=dict,
        accepts_loss=bool(getattr(request, "param", False)),
    )
    joins.around(source, Nothing())  # type: ignore[arg-type]  # nothing is copied
    yield Place(topics, migration, kept, CarryingLane(source), joining, joins)
    topics.close()


BASE = round(time.time() * 1000) - 600_000
"""Recent: retention leaves it alone, and brokers take no later ones."""


async def test_what_was_written_comes_in_its_order_and_goes_on_as_it_comes(place: Place) -> None:
    """Whatever topic it is in, from where each was committed."""
    place.kept.places = {place.migration.into[0]: carrier.Place(1)}
    place.write(0, BASE, BASE + 1, BASE + 4)
    place.write(1, BASE + 2, BASE + 3, BASE + 5)
    await place.resume()
    await place.until(lambda: len(place.joining.times) == 5)
    place.write(1, BASE + 6)
    await place.until(lambda: len(place.joining.times) == 6)
    assert place.joining.times == [BASE + step for step in range(1, 7)]
    assert {(each.follows, each.next) for each in place.lane.carried} == {(3, 3)}
    assert place.joining.runs[-1].position == 4
    assert place.kept.seeks == 1


async def test_a_lane_that_opens_anew_is_read_for_anew(place: Place) -> None:
    """From its commit: what was fed and not committed comes again."""
    place.write(0, BASE)
    await place.resume()
    await place.until(lambda: len(place.joining.times) == 1)
    await place.resume()
    await place.until(lambda: len(place.joining.times) == 2)
    assert place.joining.times == [BASE, BASE]


async def test_a_lane_without_room_is_waited_for(place: Place) -> None:
    """Nothing is handed to it."""
    place.write(0, BASE)
    place.lane.accepts = False
    await place.resume()
    done = asyncio.create_task(place.until(lambda: len(place.joining.times) == 1))
    await asyncio.wait([done], timeout=3)
    assert place.joining.times == []
    place.lane.accepts = True
    await done


@pytest.mark.parametrize("place", [False, True], indirect=True, ids=["stands still", "goes on"])
async def test_what_is_deleted_before_it_was_joined_is_not_passed_over_in_silence(
    place: Place, request: pytest.FixtureRequest
) -> None:
    """Unless it is said that losses are accepted; what was read of other topics is kept."""
    place.write(0, BASE, BASE + 1)
    place.write(1, BASE + 2)
    place.topics.truncate(place.migration.into[0], 0, 1)
    await place.resume()
    if "goes on" in request.node.name:
        await place.until(lambda: len(place.joining.times) == 2)
        assert place.joining.times == [BASE + 1, BASE + 2]
    else:
        done = asyncio.create_task(place.until(lambda: bool(place.joining.times)))
        await asyncio.wait([done], timeout=3)
        assert not done.done()
        done.cancel()
        await asyncio.wait([done])


async def test_nothing_is_joined_once_a_split_drains(place: Place) -> None:
    """A process that hung through the step has its lane open again, since it still splits."""
    place.kept.migration = replace(place.migration, steps=(Step(Phase.DRAIN, 6, "ada", "why"),))
    with pytest.raises(NotUnderWay):
        await place.resume()
    place.kept.migration = replace(place.migration, generation=2)
    with pytest.raises(NotUnderWay):
        await place.resume()


async def test_places_that_have_expired_are_not_begun_anew(place: Place) -> None:
    """All of a lane's are committed together: where one is there and another is not, everything would come twice."""
    noted = carrier.Place(0, "{}")
    place.kept.places = {place.lane.source.topic: noted, place.migration.into[0]: noted}
    with pytest.raises(PlacesExpired, match=place.migration.into[1]):
        await place.resume()


async def test_a_lane_in_which_nothing_comes_commits_its_places_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or brokers would forget those of topics that the group is not subscribed to."""
    monkeypatch.setattr(join_reading, "_REFRESH_EVERY", 0.5)
    await place.resume()
    await place.until(lambda: len(place.lane.carried) >= 2)
    assert not place.joining.runs
