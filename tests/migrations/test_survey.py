"""What is so of a migration now, on a real Kafka: what hides behind transactions, deletions and markers is not overlooked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from confluent_kafka import Consumer
from support.topics import Topics
from support.waiting import comes_to, until

from router.errors import BrokerUnavailable, DestinationUnavailable
from router.migrations.phases import GroupState, Migration, MirrorState, Phase, Step
from router.migrations.survey import Survey
from router.records.headers import HOP, ORIGIN, Hop, encode_hop
from router.settings import Settings

pytestmark = pytest.mark.kafka


@dataclass(frozen=True, slots=True)
class Place:
    """A migration of its own on the run's Kafka, with both topics."""

    kafka: str
    topics: Topics
    migration: Migration
    survey: Survey

    @property
    def former(self) -> str:
        """The topic that is left."""
        return self.migration.source_topic

    @property
    def new(self) -> str:
        """The topic that is filled."""
        return self.migration.target_topic

    @property
    def group(self) -> str:
        """The mirror's."""
        return self.migration.group

    def write(self, topic: str, count: int, **more: object) -> None:
        """So many records."""
        self.topics.produce({"topic": topic, "partition": 0, "value": b"v", **more} for _ in range(count))

    async def mirror(self, topic: str) -> MirrorState:
        """How far the first partition of a topic was copied."""
        seen = await self.survey.observe(self.migration, goes_back=True, follows=False)
        return next(each for each in seen.mirrors if (each.topic, each.partition) == (topic, 0))

    async def groups(self) -> list[GroupState]:
        """Who reads."""
        return list((await self.survey.observe(self.migration, goes_back=True, follows=True)).groups)


@pytest.fixture
def place(kafka: str, unique: str) -> Iterator[Place]:
    """Return topics of two partitions; the workers' group has the topic's name."""
    step = Step(Phase.MIRROR, 5, "ada", "why")
    migration = Migration(name=unique, source=1, target=2, generation=1, workers=unique, steps=(step,))
    topics = Topics(kafka)
    topics.create(migration.source_topic, migration.target_topic, partitions=2)
    settings = Settings.from_environment({"ROUTER_BROKER": kafka, "ROUTER_GROUP": unique})
    yield Place(kafka, topics, migration, Survey(settings))
    topics.close()


async def test_what_is_to_be_copied_is_told(place: Place) -> None:
    """From the beginning on where nothing is committed, with a way back or without."""
    place.write(place.former, 3)
    seen = await place.survey.observe(place.migration, goes_back=False, follows=False, problem="none")
    assert (seen.behind(place.former), seen.behind(place.new), seen.copying) == (3, 0, 0)
    assert [(each.topic, each.partition) for each in seen.mirrors] == [
        (topic, number) for topic in (place.former, place.new) for number in (0, 1)
    ]
    assert (seen.goes_back, seen.problem, seen.groups) == (False, "none", [])
    assert seen.places_kept == "168 h"
    place.topics.commit(place.group, place.former, 0, 2)
    assert (await place.mirror(place.former)).behind == 1


async def test_markers_and_what_was_aborted_hold_nothing_up(place: Place) -> None:
    """They are no records."""
    producer = place.topics.producer(**{"transactional.id": place.group})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(place.former, b"v", partition=0)
    producer.flush(20)
    producer.abort_transaction(20)

    async def seen() -> tuple[int, bool, int, int]:
        state = await place.mirror(place.former)
        return state.end, state.unread, state.behind, state.hidden

    # The abort is told before its markers are written.
    await comes_to(seen, (2, False, 0, 0), within=20.0)


async def test_what_stands_behind_an_open_transaction_is_hidden_and_told(place: Place) -> None:
    """Readers of what is committed take the topic to end there, and a producer's event would be deleted with it."""
    place.write(place.former, 1)
    producer = place.topics.producer(**{"transactional.id": place.group})
    producer.init_transactions(20)
    producer.begin_transaction()
    producer.produce(place.former, b"v", partition=0)
    assert producer.flush(20) == 0
    place.write(place.former, 2)
    place.topics.commit(place.group, place.former, 0, 1)
    state = await place.mirror(place.former)
    assert (state.end, state.behind, state.hidden) == (1, 0, 3)
    assert await place.survey.natives_left(place.migration, place.former) == 3
    producer.commit_transaction(20)

    async def seen() -> tuple[int, int]:
        state = await place.mirror(place.former)
        return state.behind, state.hidden

    await comes_to(seen, (4, 0), within=20.0)


async def test_what_retention_has_deleted_hides_nothing(place: Place) -> None:
    """Behind a position that the log does not have any more, there is still what it has."""
    place.write(place.former, 10)
    place.topics.commit(place.group, place.former, 0, 2)
    place.topics.commit(f"{place.migration.name}-reader", place.former, 0, 2)
    place.topics.truncate(place.former, 0, 6)
    state = await place.mirror(place.former)
    assert (state.removed, state.behind) == (4, 4)
    (reader,) = await place.groups()
    assert reader.behind == 4
    assert await place.survey.natives_left(place.migration, place.former) == 4


async def test_groups_are_told_with_who_reads_and_how_far(place: Place) -> None:
    """One that follows by itself is the workers' own; the mirror is none of them."""
    name = place.migration.name
    place.write(place.former, 3)
    place.topics.commit(place.group, place.former, 0, 1)
    place.topics.commit(name, place.former, 0, 3)
    consumer = Consumer({"bootstrap.servers": place.kafka, "group.id": f"{name}-reader", "enable.auto.commit": False})
    try:
        consumer.subscribe([place.new])
        until(lambda: consumer.poll(0.1) or consumer.assignment(), within=30, what="it has partitions")
        found = sorted(await place.groups(), key=lambda each: each.group)
    finally:
        consumer.close()
    assert found == [
        GroupState(group=name, topic=place.former, members=0, behind=0, follows=True),
        GroupState(group=f"{name}-reader", topic=place.new, members=1, behind=0, committed=False),
    ]
    assert set(await place.survey.holders(place.former)) == {name, place.group}


async def test_only_what_producers_wrote_is_left(place: Place) -> None:
    """Copies that nobody has read are in the other topic already."""
    hop = Hop(service=place.group, instance="i", processing=UUID(int=7), start=1, duration=1, route_set="0" * 8)
    for offset in range(3):
        headers = [(ORIGIN, f"{place.former}/0/{offset}".encode()), (HOP, encode_hop(hop))]
        place.write(place.new, 1, headers=headers)
    assert await place.survey.natives_left(place.migration, place.new) == 0
    place.write(place.new, 2)
    assert await place.survey.natives_left(place.migration, place.new) == 2


async def test_a_group_is_placed_where_it_goes_on(place: Place) -> None:
    """By partition; one that has members is not."""
    place.write(place.new, 5)
    name = f"{place.migration.name}-reader"
    await place.survey.place(name, place.new, {0: 4, 1: 0})
    assert place.topics.committed(name, place.new) == {0: 4, 1: 0}
    consumer = Consumer({"bootstrap.servers": place.kafka, "group.id": name, "enable.auto.commit": False})
    try:
        consumer.subscribe([place.new])
        until(lambda: consumer.poll(0.1) or consumer.assignment(), within=30, what="it has partitions")
        with pytest.raises(BrokerUnavailable, match=name):
            await place.survey.place(name, place.new, {0: 1})
    finally:
        consumer.close()


async def test_a_topic_is_made_like_another(place: Place) -> None:
    """With its partitions and what was set on it, and no default of the brokers; a second time nothing happens."""
    name = place.migration.name
    place.topics.create(f"{name}.v3", partitions=3, retention_ms="86400000")
    for _ in range(2):
        await place.survey.create(f"{name}.v4", like=f"{name}.v3")
    assert await place.survey.counts([f"{name}.v4", f"{name}.v5"]) == {f"{name}.v4": 3}
    await place.survey.make(f"{name}.one", {"cleanup.policy": "compact"})
    assert await place.survey.ends([f"{name}.one", place.former]) == {f"{name}.one": [0], place.former: [0, 0]}
    with pytest.raises(DestinationUnavailable, match="could not be made"):
        await place.survey.make(f"{name}.two", {"cleanup.policy": "sometimes"})


async def test_a_deleted_topic_is_gone(place: Place) -> None:
    """One that was gone before is no error: whoever was interrupted asks again."""
    place.write(place.new, 2)
    assert await place.survey.held(place.new) == 2
    for _ in range(2):
        await place.survey.delete(place.new)
    assert await place.survey.holders(place.new) == []
    seen = await place.survey.observe(place.migration, goes_back=True, follows=False)
    assert {each.topic for each in seen.mirrors} == {place.former}


async def test_nobody_there_is_said(place: Place) -> None:
    """With the address."""
    survey = Survey(Settings.from_environment({"ROUTER_BROKER": "127.0.0.1:1"}))
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
        await survey.members("g")
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
        await survey.held(place.former)
