"""Tables in Faust apps on a real Kafka: lanes restore them, standbys keep them, and a takeover reads next to nothing."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from support.counting import Counting
from support.topics import Topics
from support.waiting import comes_to

from router.exchange.decision import Decision, Delivery, Walk
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Positions
from router.lanes.copying import Copier, Identity
from router.lanes.destinations import Destinations
from router.lanes.directory import KafkaDirectory
from router.lanes.kafka import TransactionalCarrier
from router.lanes.lane import Lane, LaneObserver
from router.lanes.lanes import Lanes
from router.lanes.protocol import CommitBudget, LaneState, Pace
from router.lanes.transport import BatchTransport
from router.language.topics import changelog_of
from router.order.changelog import ChangelogReader
from router.order.disk import DiskMemory
from router.order.table import LaneTables
from router.worker import BatchTopic

pytestmark = pytest.mark.kafka

PARTITIONS = 4


class CountingApp(faust.App):
    """A worker whose lanes count."""

    finish_within = 3.0
    fetch_ahead_bytes = 1 << 20
    utilization = 0.6

    def __init__(self, kafka: str, group: str, *, source: str, destination: str, datadir: Path) -> None:
        self.directory = KafkaDirectory(kafka, {})
        self.destinations = Destinations(self.directory)
        self._kafka, self._source, self._destination = kafka, source, destination
        super().__init__(
            group,
            broker=f"kafka://{kafka}",
            datadir=str(datadir),
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
            consumer_metadata_max_age_ms=1_000,
            broker_session_timeout=6,
            broker_heartbeat_interval=0.5,
            table_standby_replicas=1,
            TableManager=LaneTables,
            store="memory://",
        )
        self.tables.read_with(
            ChangelogReader(kafka, dict),
            memory=DiskMemory(cache=1 << 20, writes=1 << 20),
            partitions=self.destinations.count,
        )
        self.tables.declare([source])
        channel = BatchTopic(self, topics=[source], internal=False)

        @self.agent(channel)
        async def carry(batches: Any) -> None:
            async for batch in batches:
                self.consumer.lanes.carry(batch)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def new_lanes(self, positions: Positions) -> Lanes:
        """Called by the consumer."""
        decision = Decision((Walk("all", "x", (), (Delivery(self._destination, ()),)),))

        def new_lane(source: SourcePartition, room: Callable[[], None]) -> Lane:
            identity = Identity(service="counting", instance="one", route_set="00000000")
            copier = Copier(source.topic, decide=lambda _: decision, destinations=self.destinations, identity=identity)
            counting = Counting(copier, self.tables.lane_table(source.topic, source.partition), source.partition)
            return Lane(
                source,
                copier=counting,
                order=counting,
                destinations=self.destinations,
                positions=positions,
                new_carrier=lambda source, waiting: TransactionalCarrier(
                    source,
                    bootstrap=self._kafka,
                    security={},
                    group=self.conf.id,
                    transaction_timeout_ms=20_000,
                    destinations=self.destinations,
                    waiting=waiting,
                ),
                pace=Pace(),
                budget=CommitBudget(200),
                observer=LaneObserver(),
                room=room,
            )

        return Lanes(new_lane)

    @property
    def carrying(self) -> set[int]:
        """The partitions whose lanes are open."""
        return {lane.source.partition for lane in self.consumer.lanes if lane.protocol.state is LaneState.CARRYING}

    def disk(self, partition: int) -> dict[bytes, bytes]:
        """What a partition's disk has."""
        disk = self.tables[self._source].data.disk(partition)
        return {} if disk.db is None else dict(disk.entries(b"", b"", 100_000))


class Shop:
    """A broad topic, its narrow one and the changelog; and the workers on them."""

    def __init__(self, kafka: str, group: str, names: Callable[[str], str], place: Path) -> None:
        self.source, self.destination = names("orders.v1"), names("copies.v1")
        self.changelog = changelog_of(group, self.source)
        self.topics = Topics(kafka)
        self.published: Counter[bytes] = Counter()
        self.apps: dict[str, CountingApp] = {}
        self._kafka, self._group, self._place = kafka, group, place

    def create(self, *, changelog_partitions: int = PARTITIONS) -> None:
        self.topics.create(self.source, self.destination, partitions=PARTITIONS)
        self.topics.create(self.changelog, partitions=changelog_partitions, cleanup_policy="compact")

    async def publish(self, count: int) -> None:
        keys = [b"key-%d" % (number % 50) for number in range(count)]
        self.published.update(keys)
        records = [
            {"topic": self.source, "key": key, "value": b"x", "partition": int(key[4:]) % PARTITIONS} for key in keys
        ]
        await asyncio.to_thread(self.topics.produce, records)

    def place(self, name: str) -> Path:
        return self._place / name

    async def start(self, name: str) -> CountingApp:
        app = CountingApp(
            self._kafka, self._group, source=self.source, destination=self.destination, datadir=self.place(name)
        )
        self.apps[name] = app
        await app.start()
        return app

    async def stop(self, name: str) -> None:
        app = self.apps.pop(name)
        await app.stop()
        await app.directory.close()

    def counted(self) -> dict[bytes, int]:
        """What the owners' disks say."""
        found: dict[bytes, int] = {}
        for app in self.apps.values():
            for partition in app.carrying:
                found |= {key: int(count) for key, count in app.disk(partition).items()}
        return found

    async def all_counted(self) -> None:
        async def ask() -> dict[bytes, int]:
            return self.counted()

        await comes_to(ask, dict(self.published), within=60.0)

    async def carried_by(self, expected: dict[str, int]) -> None:
        async def ask() -> dict[str, int]:
            return {name: len(app.carrying) for name, app in self.apps.items()}

        await comes_to(ask, expected, within=60.0)


@pytest.fixture
async def shop(kafka: str, unique: str, topic_names: Callable[[str], str], tmp_path: Path) -> AsyncIterator[Shop]:
    shop = Shop(kafka, unique, topic_names, tmp_path)
    yield shop
    for name in list(shop.apps):
        await shop.stop(name)
    shop.topics.close()


async def test_table_outlives_its_worker_and_its_disk(shop: Shop) -> None:
    """Every record is counted once: with the disk that was left, and with none."""
    await asyncio.to_thread(shop.create)
    for life in ("one", "one", "fresh"):
        await shop.publish(500)
        app = await shop.start(life)
        await shop.carried_by({life: PARTITIONS})
        await shop.all_counted()
        assert app.tables.restoring() == {}
        await shop.stop(life)
    shutil.rmtree(shop.place("one"))
    await shop.start("one")
    await shop.all_counted()


async def test_standby_has_the_table_before_it_takes_over(shop: Shop) -> None:
    """What its owner commits is on the standby's disk a moment later; nobody opens a lane for a changelog."""
    await asyncio.to_thread(shop.create)
    one, two = await shop.start("one"), await shop.start("two")
    await shop.carried_by({"one": 2, "two": 2})
    await shop.publish(1_000)
    await shop.all_counted()
    assert {partition for _, partition in two.tables.standbys} == one.carrying
    owned = {partition: one.disk(partition) for partition in one.carrying}

    async def standing_by() -> dict[int, dict[bytes, bytes]]:
        return {partition: two.disk(partition) for partition in owned}

    await comes_to(standing_by, owned, within=20.0)
    await shop.stop("one")
    await shop.carried_by({"two": PARTITIONS})
    await shop.publish(200)
    await shop.all_counted()
    assert two.tables.standbys == set()


async def test_group_gets_its_first_table_worker_by_worker(shop: Shop, kafka: str, unique: str) -> None:
    """A member that knows Faust's assignor not yet shares the partitions with one that does."""
    await asyncio.to_thread(shop.create)
    without = AIOKafkaConsumer(
        shop.source,
        bootstrap_servers=kafka,
        group_id=unique,
        enable_auto_commit=False,
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
        session_timeout_ms=6_000,
        heartbeat_interval_ms=500,
    )
    await without.start()
    try:
        await shop.start("one")
        await shop.carried_by({"one": 2})
    finally:
        await without.stop()
    await shop.publish(200)
    await shop.carried_by({"one": PARTITIONS})
    await shop.all_counted()


async def test_changelog_of_other_partitions_is_refused(shop: Shop) -> None:
    """The lanes stand still, and say which two topics do not fit."""
    await asyncio.to_thread(shop.create, changelog_partitions=3)
    app = await shop.start("one")
    await shop.publish(10)

    async def said() -> set[str]:
        return {str(lane.protocol.error)[:200] for lane in app.consumer.lanes}

    expected = f"changelog '{shop.changelog}' has 3 partitions, its source '{shop.source}' has {PARTITIONS}"

    async def told() -> list[bool]:
        return [text.startswith(expected) for text in await said()]

    await comes_to(told, [True], within=60.0)
    assert shop.counted() == {}


async def test_tables_are_ready_at_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust sleeps for a second before them, and nobody would join the group for so long."""

    async def sleep(*_: object) -> None:
        raise AssertionError("nothing is waited for")

    monkeypatch.setattr(LaneTables, "sleep", sleep)
    await asyncio.to_thread(shop.create)
    await shop.start("one")
    await shop.publish(10)
    await shop.all_counted()
