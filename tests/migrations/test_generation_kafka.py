"""What moving to a topic's next generation asks of a real Kafka: exact places, tables in one piece, and former owners shut out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from confluent_kafka import KafkaException
from support.topics import Topics

from router.develop.topics import TopicSpec, ensure_topics
from router.lanes.batch import SourcePartition
from router.lanes.kafka import transactional_id
from router.migrations.generation_kafka import GenerationKafka, WorkerStanding, origin_of
from router.migrations.log import MIGRATIONS, MigrationLog
from router.migrations.phases import Migration, Phase, Step
from router.migrations.survey import Survey
from router.records.headers import HOP, ORIGIN, Hop, encode_hop
from router.settings import Settings

pytestmark = pytest.mark.kafka


@dataclass(frozen=True, slots=True)
class Place:
    """A topic of one partition and its next generation of two."""

    topics: Topics
    name: str
    settings: Settings
    kafka: GenerationKafka

    @property
    def new(self) -> str:
        """The second generation."""
        return f"{self.name}.g2"

    def copy(self, *offsets: int, partition: int = 0) -> None:
        """As a mirror copies records from these places, each in a transaction's batch of its own."""
        hop = Hop(service="m", instance="i", processing=UUID(int=7), start=1, duration=1, route_set="0" * 8)
        for offset in offsets:
            headers = [
                (ORIGIN, b"order.status.v1/3/9"),
                (ORIGIN, f"{self.name}/0/{offset}".encode()),
                (HOP, encode_hop(hop)),
            ]
            self.topics.produce(
                [{"topic": self.new, "partition": partition, "key": b"k", "value": b"v", "headers": headers}]
            )


@pytest.fixture
def place(kafka: str, unique: str) -> Iterator[Place]:
    """Return them, empty."""
    topics = Topics(kafka)
    topics.create(unique)
    topics.create(f"{unique}.g2", partitions=2)
    settings = Settings.from_environment({"ROUTER_BROKER": kafka, "ROUTER_GROUP": unique})
    yield Place(topics, unique, settings, GenerationKafka(settings, Survey(settings)))
    topics.close()


async def test_a_place_is_found_by_halving(place: Place) -> None:
    """Before the first copy of what comes at or behind it; origins have holes, and partitions may be empty."""
    place.copy(0, 3, 4, 9, 12)
    origin = SourcePartition(place.name, 0)
    for at, cut in ((0, 0), (1, 1), (3, 1), (4, 2), (5, 3), (9, 3), (12, 4), (13, 5)):
        wanted = dict.fromkeys((0, 1), (origin, at))
        assert await place.kafka.cuts(place.new, wanted, [5, 0]) == {0: cut, 1: 0}
    assert await place.kafka.cuts(place.new, {0: (origin, 12)}, [4, 0]) == {0: 4}
    found = await place.kafka.copies(SourcePartition(place.new, 0), origin, {4, 12, 7}, end=5)
    assert {offset: each.offset for offset, each in found.items()} == {4: 2, 12: 4}
    assert await place.kafka.copies(SourcePartition(place.new, 0), origin, set(), end=5) == {}
    (told, *_) = await place.kafka.samples(place.new, most=2)
    assert (told.offset, str(origin_of(told))) == (3, f"{place.name}/0/9")


async def test_who_is_shut_out_commits_nothing(place: Place) -> None:
    """Neither what it had begun, nor anything later."""
    source = SourcePartition(place.name, 0)
    paused = place.topics.producer(**{"transactional.id": transactional_id("shop", source)})
    paused.init_transactions(20)
    paused.begin_transaction()
    paused.produce(place.new, b"v", partition=0)
    assert paused.flush(20) == 0
    await place.kafka.shut_out("shop", [source])
    with pytest.raises(KafkaException):
        paused.commit_transaction(20)
    assert place.topics.read(place.new) == [[], []]


async def test_a_table_and_a_place_come_in_one_piece(place: Place) -> None:
    """And what was there of a key before is the key's no more."""
    changelog = f"shop-{place.new}-changelog"
    place.topics.create(changelog, partitions=2, cleanup_policy="compact")
    at = SourcePartition(place.new, 1)
    await place.kafka.seed("shop", at, 7, changelog=changelog, entries={b"sa": b"1", b"sb": b"2"})
    await place.kafka.seed("shop", at, 8, changelog=changelog, entries={b"sb": b"3", b"sc": b"4"})
    assert await place.kafka.entries(changelog, 1) == {b"sa": b"1", b"sb": b"3", b"sc": b"4"}
    assert await place.kafka.entries(changelog, 0) == {}
    await place.kafka.seed("shop", at, 9, changelog=changelog, entries={b"sa": None, b"sc": None})
    assert await place.kafka.entries(changelog, 1) == {b"sb": b"3"}
    assert await place.kafka.committed("shop") == {at: 9}


async def test_a_worker_asks_what_is_still_to_be_copied(place: Place) -> None:
    """Of what the former generation has when it asks, and in open transactions as well; nothing where nobody copies."""
    standing = WorkerStanding(place.settings)
    assert await standing.left(place.new) is None
    # All the tests' migrations share it, as a cluster's do.
    ensure_topics(place.settings.broker, [TopicSpec(MIGRATIONS, config={"cleanup.policy": "compact"})])
    migration = Migration(
        name=place.name, source=1, target=2, generation=1, workers="shop", counts=(1, 2), by="murmur2",
        steps=(Step(Phase.MIRROR, 1, "ada", "why"),),
    )  # fmt: skip
    log = MigrationLog(place.settings)
    await log.write(migration, before=None)
    await log.close()
    place.topics.produce({"topic": place.name, "partition": 0, "value": b"v"} for _ in range(3))
    open_one = place.topics.producer(**{"transactional.id": place.name})
    open_one.init_transactions(20)
    open_one.begin_transaction()
    open_one.produce(place.name, b"v", partition=0)
    assert open_one.flush(20) == 0
    left = await standing.left(place.new)
    assert left is not None
    assert await left() == 4
    open_one.commit_transaction(20)
    place.topics.commit(migration.group, place.name, 0, 3)
    assert await left() == 1
    place.topics.commit(migration.group, place.name, 0, 5)
    assert await left() == 0
    assert await standing.committed("nobody") == {}


async def test_copies_tell_that_a_place_was_lost(place: Place) -> None:
    """Those of this very mirror, from that partition; what others have copied says nothing."""
    standing = WorkerStanding(place.settings)
    here, other = SourcePartition(place.name, 0), SourcePartition(place.name, 1)
    assert not await standing.has_copied("m", here, place.new, every=1)
    place.topics.produce([{"topic": place.new, "partition": 1, "value": b"v"}])
    place.copy(4, partition=1)
    assert await standing.has_copied("m", here, place.new, every=1)
    assert not await standing.has_copied("m", here, place.new, every=0)
    assert not await standing.has_copied("another", here, place.new, every=1)
    assert not await standing.has_copied("m", other, place.new, every=1)
    assert not await standing.has_copied("m", SourcePartition(place.name, 7), place.new, every=1)


async def test_what_a_partition_holds_begins_somewhere(place: Place) -> None:
    """Its end, where it holds nothing."""
    at = SourcePartition(place.name, 0)
    assert await place.kafka.held_from(at) == 0
    place.topics.produce({"topic": place.name, "partition": 0, "value": b"v"} for _ in range(3))
    place.topics.truncate(place.name, 0, 2)
    assert await place.kafka.held_from(at) == 2
