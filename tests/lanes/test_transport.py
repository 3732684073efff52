"""Batches out of Faust's consumer: what a fetch hands out, what it never passes over, and a whole app in this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka import errors as kafka_errors
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import OffsetResetStrategy
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from support.ports import seek_to_group
from support.topics import Topics
from support.worlds import InlineThread

from router.errors import OffsetOutOfRange
from router.exchange.decision import Decision, Delivery, Walk
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Positions
from router.lanes.copying import Copier, Identity
from router.lanes.destinations import Destinations
from router.lanes.directory import KafkaDirectory
from router.lanes.kafka import IdempotentCarrier
from router.lanes.lane import Lane, LaneObserver
from router.lanes.lanes import Lanes
from router.lanes.positions import ConsumerPositions
from router.lanes.protocol import CommitBudget, Pace
from router.lanes.transport import BatchConsumer, BatchTransport
from router.records.record import PlainRecord
from router.testing import BrokerAway, MemoryBroker, MemoryWorker

ONE, OTHER = TopicPartition("orders.v1", 0), TopicPartition("orders.v1", 1)
SOURCE = SourcePartition("orders.v1", 0)


class Fetcher:
    """aiokafka's fetcher as its caller sees it: each fetch does what the test has written down."""

    def __init__(self) -> None:
        self._subscriptions = SubscriptionState()
        self._subscriptions.assign_from_user({ONE, OTHER})
        self.script: list[Callable[[], dict[TopicPartition, list[PlainRecord]]]] = []

    async def fetched_records(self, *_: object, **__: object) -> dict[TopicPartition, list[PlainRecord]]:
        return self.script.pop(0)() if self.script else {}

    def state(self, tp: TopicPartition = ONE) -> Any:
        return self._subscriptions.subscription.assignment.state_value(tp)

    def take(self, *offsets: int, tp: TopicPartition = ONE, to: int | None = None) -> dict[Any, list[PlainRecord]]:
        """Hand out records and move the position on."""
        self.state(tp).consumed_to(offsets[-1] + 1 if to is None else to)
        found = [PlainRecord(topic=tp.topic, partition=tp.partition, offset=offset) for offset in offsets]
        return {tp: found} if found else {}


class Consumer:
    """What the thread asks of aiokafka's consumer."""

    def __init__(self, fetcher: Fetcher, *, committed: int | None = None, earliest: int = 0, latest: int = 100) -> None:
        self._fetcher = fetcher
        self._subscription = fetcher._subscriptions
        self._committed, self._earliest, self._latest = committed, earliest, latest
        self.fails: Exception | None = None
        self.known = True
        self.stable = latest
        self.leader: int | None = 1
        self._coordinator = SimpleNamespace(
            _do_heartbeat=self._heartbeat, coordinator_id=None, fetch_committed_offsets=self._fetch_committed
        )
        self._client = SimpleNamespace(cluster=SimpleNamespace(leader_for_partition=lambda _: self.leader))

    async def _heartbeat(self) -> bool:
        return self.known

    async def _fetch_committed(self, tps: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        if self.fails is not None:
            raise self.fails
        return {} if self._committed is None else dict.fromkeys(tps, OffsetAndMetadata(self._committed, ""))

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self._earliest)

    async def end_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(tps, self._latest)

    async def commit(self, offsets: dict[TopicPartition, Any]) -> None:
        if self.fails is not None:
            raise self.fails
        ((_, self._committed),) = ((tp, each.offset) for tp, each in offsets.items())

    def seek(self, tp: TopicPartition, position: int) -> None:
        self._fetcher.state(tp).seek(position)

    def highwater(self, _: TopicPartition) -> int | None:
        return self._latest

    def last_stable_offset(self, _: TopicPartition) -> int | None:
        return self.stable

    def assignment(self) -> set[TopicPartition]:
        return set(self._subscription.assigned_partitions())


class Desk:
    """A thread without a thread, over a consumer that is played by hand."""

    def __init__(self, **consumer: Any) -> None:
        self.fetcher = Fetcher()
        self.consumer = Consumer(self.fetcher, **consumer)
        self.thread = InlineThread(self.consumer)
        self.positions = ConsumerPositions(SimpleNamespace(thread=self.thread))  # type: ignore[arg-type]

    async def fetch(self, *script: Callable[[], dict[TopicPartition, list[PlainRecord]]]) -> list[Batch]:
        self.fetcher.script += script
        return await self.thread.fetch({ONE, OTHER}, 0.0, 100)


@pytest.fixture
async def desk() -> Desk:
    desk = Desk()
    await seek_to_group(desk.positions, SOURCE)
    return desk


async def test_batch_spans_from_position_to_position(desk: Desk) -> None:
    """Holes among the offsets belong to it: what it follows is where the consumer stood."""
    (batch,) = await desk.fetch(lambda: desk.fetcher.take(2, 5, to=8))
    assert (batch.source, batch.epoch, batch.follows, batch.next) == (SOURCE, 1, 0, 8)
    assert [record.offset for record in batch.records] == [2, 5]
    (following,) = await desk.fetch(lambda: desk.fetcher.take(8))
    assert (following.follows, following.next) == (8, 9)


async def test_position_that_moved_without_records_is_a_batch(desk: Desk) -> None:
    """Else the group would never get past transaction markers at the end."""
    (batch,) = await desk.fetch(lambda: desk.fetcher.take(to=4))
    assert (batch.follows, batch.next, list(batch.records)) == (0, 4, [])


async def test_batch_knows_whether_there_is_a_backlog(desk: Desk) -> None:
    """Measured by itself, up to the last stable offset: what a transaction still holds back cannot be waited for."""
    (batch,) = await desk.fetch(lambda: desk.fetcher.take(0, 1, to=97))
    (steady,) = await desk.fetch(lambda: desk.fetcher.take(97))
    (small,) = await desk.fetch(lambda: desk.fetcher.take(98))
    (last,) = await desk.fetch(lambda: desk.fetcher.take(to=100))
    assert [each.caught_up for each in (batch, steady, small, last)] == [False, False, True, True]


@pytest.mark.parametrize("last_word", [180, 120], ids=["told too early", "indeed"])
async def test_group_stands_beyond_the_end_only_as_the_last_word(
    last_word: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that leads no more tells an end of a while ago; where losses are accepted, a lane would begin anew for it."""
    asked: list[list[TopicPartition]] = []

    async def ends_of(_: object, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        asked.append(tps)
        return dict.fromkeys(tps, last_word)

    monkeypatch.setattr("router.lanes.transport.ends_of", ends_of)
    desk = Desk(committed=150, latest=100)
    if last_word < 150:
        with pytest.raises(OffsetOutOfRange) as caught:
            await seek_to_group(desk.positions, SOURCE)
        assert (caught.value.committed, caught.value.latest) == (150, last_word)
    else:
        assert await seek_to_group(desk.positions, SOURCE) == (1, 150)
    assert asked == [[ONE]]


async def test_ownership_is_asked_of_the_group(desk: Desk) -> None:
    """A member that the group has forgotten still remembers its partitions."""
    assert await desk.positions.owns(SOURCE)
    desk.fetcher._subscriptions = desk.consumer._subscription = SubscriptionState()
    assert not await desk.positions.owns(SOURCE)
    desk.consumer._subscription.subscribe({ONE.topic})
    desk.consumer._subscription.assign_from_subscribed({ONE})
    assert await desk.positions.owns(SOURCE)
    desk.consumer.known = False
    assert not await desk.positions.owns(SOURCE)


async def test_nothing_new_is_no_batch(desk: Desk) -> None:
    """And a partition that no lane has sought is left alone."""
    assert await desk.fetch() == []
    desk.fetcher.state(OTHER).seek(0)
    assert await desk.fetch(lambda: desk.fetcher.take(0, tp=OTHER)) == []


async def test_nothing_is_fetched_while_the_flow_is_stopped(desk: Desk) -> None:
    """During a rebalance records would reach no lane."""
    desk.thread.consumer.flow_active = False
    assert await desk.fetch(lambda: desk.fetcher.take(0)) == []


def fail() -> Any:
    raise kafka_errors.CorruptRecordException


async def test_what_a_failed_fetch_had_taken_is_missed_at_once(desk: Desk) -> None:
    """The lane learns from a batch that does not follow it, and need not wait for the next record."""

    def half_way() -> Any:
        desk.fetcher.take(0, 1, 2)
        return fail()

    (gap,) = await desk.fetch(half_way)
    assert (gap.follows, gap.next, list(gap.records)) == (3, 3, [])


async def test_failed_fetch_that_took_nothing_is_only_said(desk: Desk) -> None:
    """There is nothing to read again."""
    assert await desk.fetch(fail) == []


async def test_fetches_that_fail_are_told_until_none_has_for_a_while(desk: Desk) -> None:
    """Since the first of them: that others succeed in between proves nothing about the partition that failed."""
    begun = time.time()
    assert desk.thread.failure(begun) is None
    await desk.fetch(fail)
    problem, since = desk.thread.failure(time.time()) or ("", 0.0)
    assert problem.startswith("CorruptRecordException")
    assert begun <= since <= time.time()
    await desk.fetch(lambda: desk.fetcher.take(0))
    await desk.fetch(fail)
    assert desk.thread.failure(time.time()) == (problem, since)
    assert desk.thread.failure(time.time() + 60) is None


async def test_stopped_consumer_is_not_taken_for_a_failed_fetch(desk: Desk) -> None:
    """It ends the loop."""

    def stopped() -> Any:
        raise kafka_errors.ConsumerStoppedError

    with pytest.raises(kafka_errors.ConsumerStoppedError):
        await desk.fetch(stopped)


async def test_position_that_the_client_resets_is_missed(desk: Desk) -> None:
    """Retention has eaten what was unread: the client goes on from the earliest, the lane must not."""

    def reset() -> dict[TopicPartition, list[PlainRecord]]:
        desk.fetcher.state().await_reset(OffsetResetStrategy.EARLIEST)
        desk.fetcher.state().reset_to(50)
        return desk.fetcher.take(50, 51)

    (gap,) = await desk.fetch(reset)
    assert (gap.follows, list(gap.records)) == (52, [])


async def test_position_that_was_lost_before_the_fetch_is_missed_too(desk: Desk) -> None:
    """The reset may be under way when the fetch begins."""
    desk.fetcher.state().await_reset(OffsetResetStrategy.EARLIEST)
    assert await desk.fetch() == []
    desk.fetcher.state().await_reset(OffsetResetStrategy.EARLIEST)

    def reset() -> dict[TopicPartition, list[PlainRecord]]:
        desk.fetcher.state().reset_to(50)
        return desk.fetcher.take(50)

    (gap,) = await desk.fetch(reset)
    assert (gap.follows, list(gap.records)) == (51, [])


async def test_seek_during_a_fetch_takes_the_new_epoch_with_the_new_position(desk: Desk) -> None:
    """A lane that reopens meanwhile gets what follows its position, or nothing."""
    desk.consumer._committed = 40

    class Seeking:
        """Seeks while it fetches."""

        _subscriptions = desk.fetcher._subscriptions

        async def fetched_records(self, *_: object, **__: object) -> dict[TopicPartition, list[PlainRecord]]:
            await seek_to_group(desk.positions, SOURCE)
            return desk.fetcher.take(40, 41)

    desk.consumer._fetcher = Seeking()  # type: ignore[assignment]
    desk.consumer.seek = lambda tp, position: desk.fetcher.state(tp).seek(position)  # type: ignore[method-assign]
    (batch,) = await desk.fetch()
    assert (batch.epoch, batch.follows, batch.next) == (2, 40, 42)


async def test_lag_is_the_way_to_the_end(desk: Desk) -> None:
    """As of the last fetch; unknown where there is no position, or no consumer."""
    assert desk.thread.lag(ONE) == 100
    assert desk.thread.lag(OTHER) is None
    desk.thread._consumer = None
    assert desk.thread.lag(ONE) is None


async def test_unread_is_what_a_leader_has_to_give(desk: Desk) -> None:
    """Not what an open transaction holds back, nor what nobody leads, nor what no lane has sought."""
    assert desk.thread.unread(ONE)
    assert not desk.thread.unread(OTHER)
    desk.consumer.stable = 0
    assert not desk.thread.unread(ONE)
    desk.consumer.stable, desk.consumer.leader = 100, -1
    assert not desk.thread.unread(ONE)
    desk.thread._consumer = None
    assert not desk.thread.unread(ONE)


@pytest.mark.parametrize(
    ("partitions", "each"),
    [
        pytest.param(4, 4 << 20, id="as-much-as-one-may"),
        pytest.param(32, 512 << 10, id="an-equal-share"),
        pytest.param(10_000, 16 << 10, id="not-too-little"),
        pytest.param(0, 4 << 20, id="no-partitions"),
    ],
)
async def test_partitions_share_what_is_fetched_ahead(desk: Desk, partitions: int, each: int) -> None:
    """With two hundred of them a worker fetches no more than with four."""
    desk.thread.share_fetches(partitions, of=16 << 20, most=4 << 20)
    fetcher: Any = desk.consumer._fetcher
    assert (fetcher._max_partition_fetch_bytes, fetcher._fetch_max_bytes) == (each, 16 << 20)


async def test_topics_are_learnt_anew_unless_nobody_answers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebalance does not wait for a broker that is away, nor for a consumer that never was."""
    asked = []

    async def answer() -> None:
        asked.append("answered")

    async def silence() -> None:
        asked.append("silent")
        await asyncio.Event().wait()

    client = desk.consumer._client
    client._md_update_waiter = asyncio.get_running_loop().create_future()
    client.force_metadata_update = answer
    await desk.thread.learn_topics()
    monkeypatch.setattr("router.lanes.transport._LEARN_WITHIN", 0.01)
    client.force_metadata_update = silence
    await desk.thread.learn_topics()
    desk.thread._consumer = None
    await desk.thread.learn_topics()
    assert asked == ["answered", "silent"]


async def test_topics_are_learnt_at_once_though_they_changed_while_they_were_asked_for(desk: Desk) -> None:
    """Aiokafka would ask again when its metadata are old enough: until then nobody would join the group."""
    client = AIOKafkaClient()
    waits: asyncio.Future[None] = client._md_update_waiter
    client._md_update_fut = asyncio.get_running_loop().create_future()
    desk.consumer._client = client
    learning = asyncio.create_task(desk.thread.learn_topics())
    await asyncio.wait_for(asyncio.shield(waits), 5)
    client._md_update_fut.set_result(True)
    await asyncio.wait_for(learning, 5)


async def test_group_answers_while_its_coordinator_is_known(desk: Desk) -> None:
    """Else nobody can be blamed for not joining."""
    assert not desk.thread.grouped
    desk.consumer._coordinator.coordinator_id = 1
    assert desk.thread.grouped
    desk.thread._consumer = None
    assert not desk.thread.grouped


async def test_assignment_is_taken_without_waiting_for_its_lanes(desk: Desk) -> None:
    """They open in the background: while Faust waits for this, the member sends no heartbeats."""
    broker = MemoryBroker()
    broker.create_topic(ONE.topic, partitions=2)
    worker = MemoryWorker(broker, {ONE.topic: lambda _: Decision(())})
    broker.suffer(BrokerAway(30.0))
    asked: list[set[TopicPartition]] = []

    async def leave_unread(tps: set[TopicPartition]) -> None:
        asked.append(tps)

    consumer = SimpleNamespace(
        lanes=worker.lanes,
        assignment=lambda: {ONE, OTHER},
        app=SimpleNamespace(
            tables=SimpleNamespace(changelog_topics=set()),
            fetch_ahead_bytes=1 << 20,
            conf=SimpleNamespace(consumer_max_fetch_size=4 << 20),
        ),
        _thread=SimpleNamespace(leave_unread=leave_unread, share_fetches=desk.thread.share_fetches),
    )
    await asyncio.wait_for(BatchConsumer.perform_seek(consumer), 1.0)  # type: ignore[arg-type]
    assert [lane.source.partition for lane in worker.lanes] == [0, 1]
    assert not worker.lanes.accepting()
    assert asked == [set()]
    await worker.stop(finish=False)


# --- a whole app -------------------------------------------------------------------------------------------------------------


class BatchChannel(faust.Topic):
    """Events that need no decoding."""

    def _compile_decode(self) -> None:
        create_event = self.app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create_event(None, message.value, None, message)

        self.decode = decode


class SmallApp(faust.App):
    """A worker with nothing but lanes: every record of one topic goes to one other."""

    finish_within = 3.0
    fetch_ahead_bytes = 1 << 20
    utilization = 0.6

    def __init__(self, kafka: str, group: str, *, source: str, destination: str, home: Path) -> None:
        self.watched = LaneObserver()
        self.directory = KafkaDirectory(kafka, {})
        self._kafka, self._destination = kafka, destination
        super().__init__(
            group,
            broker=f"kafka://{kafka}",
            web_enabled=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            consumer_auto_offset_reset="earliest",
            store="memory://",
            datadir=home,
        )
        channel = BatchChannel(self, topics=[source], internal=False)

        @self.agent(channel)
        async def carry(batches: Any) -> None:
            async for batch in batches:
                self.consumer.lanes.carry(batch)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)

    def new_lanes(self, positions: Positions) -> Lanes:
        """Called by the consumer."""
        destinations = Destinations(self.directory)
        decision = Decision((Walk("all", "x", (), (Delivery(self._destination, ()),)),))

        def new_lane(source: SourcePartition, room: Callable[[], None]) -> Lane:
            return Lane(
                source,
                copier=Copier(
                    source.topic,
                    decide=lambda _: decision,
                    destinations=destinations,
                    identity=Identity(service="small", instance="one", route_set="00000000"),
                ),
                destinations=destinations,
                positions=positions,
                new_carrier=lambda source, waiting: IdempotentCarrier(
                    source,
                    bootstrap=self._kafka,
                    security={},
                    positions=positions,
                    destinations=destinations,
                    waiting=waiting,
                ),
                pace=Pace(),
                budget=CommitBudget(200),
                observer=self.watched,
                room=room,
            )

        return Lanes(new_lane)


class Commits(LaneObserver):
    """Says when something was committed."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def committed(self, source: SourcePartition, seconds: float) -> None:
        self.event.set()


class Route:
    """One topic that goes to another, on a real Kafka, and the apps that carry it."""

    def __init__(self, kafka: str, group: str, names: Callable[[str], str], home: Path) -> None:
        self.source, self.destination = names("orders.v1"), names("copies.v1")
        self.topics = Topics(kafka)
        self.published = 0
        self._kafka, self._group, self._home = kafka, group, home

    async def publish(self, count: int) -> None:
        """Numbered records, turn by turn to the two partitions."""
        numbers = range(self.published, self.published + count)
        self.published += count
        records = [
            {"topic": self.source, "key": b"k", "value": b"%d" % each, "partition": each % 2} for each in numbers
        ]
        await asyncio.to_thread(self.topics.produce, records)

    async def copies(self) -> list[list[bytes | None]]:
        return [[each.value for each in log] for log in await asyncio.to_thread(self.topics.read, self.destination)]

    async def carry(self) -> None:
        """Run an app until everything is copied, and stop it."""
        app = SmallApp(self._kafka, self._group, source=self.source, destination=self.destination, home=self._home)
        app.watched = commits = Commits()
        await app.start()
        async with asyncio.timeout(40.0):
            while sum(map(len, await self.copies())) < self.published:
                await commits.event.wait()
                commits.event.clear()
        await app.stop()
        await app.directory.close()


@pytest.mark.kafka
async def test_an_app_carries_commits_and_goes_on_where_another_stopped(
    kafka: str, unique: str, topic_names: Callable[[str], str], tmp_path: Path
) -> None:
    """Batches reach their lanes through an agent; stopping commits, so that the next app copies nothing twice."""
    route = Route(kafka, unique, topic_names, tmp_path)
    await asyncio.to_thread(route.topics.create, route.source, route.destination, partitions=2)
    for count in (100, 20):
        await route.publish(count)
        await route.carry()
        expected = [[b"%d" % each for each in range(part, route.published, 2)] for part in (0, 1)]
        assert await route.copies() == expected
        committed = await asyncio.to_thread(route.topics.committed, unique, route.source)
        assert committed == {0: route.published // 2, 1: route.published // 2}
    route.topics.close()


@pytest.mark.parametrize("stopped", [True, False])
async def test_who_is_stopped_while_partitions_are_dealt_out_has_not_crashed(stopped: bool) -> None:
    """Whoever is cancelled without being stopped has: nobody would fetch any more."""
    waits = asyncio.Event()

    async def wait_first(*_: object, timeout: float) -> None:  # noqa: ASYNC109 - Faust's own name
        waits.set()
        await asyncio.Event().wait()

    consumer: Any = SimpleNamespace(
        app=SimpleNamespace(conf=SimpleNamespace(broker_max_poll_records=10), should_stop=False),
        should_stop=False,
        flow_active=False,
        can_resume_flow=asyncio.Event(),
        wait_first=wait_first,
        turns=0,
        consumer_stopped_errors=BatchConsumer.consumer_stopped_errors,
    )
    fetcher: Any = SimpleNamespace(should_stop=False)
    draining = asyncio.create_task(BatchConsumer._drain_messages(consumer, fetcher))
    await waits.wait()
    fetcher.should_stop = stopped
    draining.cancel()
    await asyncio.wait([draining])
    assert draining.cancelled() is not stopped


class Handing:
    """A consumer whose only fetch brings two batches; it is its own lane, and has room."""

    def __init__(self, callback: Callable[[str], Awaitable[None]]) -> None:
        self.watched = 0
        fetches = iter([["one", "other"]])

        async def fetch(*_: object) -> list[str]:
            batches = next(fetches, [])
            self.consumer.should_stop = not batches
            return batches

        async def wait_first(events: Awaitable[None], suspended: Awaitable[object]) -> None:
            self.watched += 1
            suspending = asyncio.ensure_future(suspended)
            await asyncio.wait([asyncio.ensure_future(events), suspending], return_when=asyncio.FIRST_COMPLETED)
            suspending.cancel()

        self.consumer: Any = SimpleNamespace(
            app=SimpleNamespace(conf=SimpleNamespace(broker_max_poll_records=10), should_stop=False),
            should_stop=False,
            flow_active=True,
            suspend_flow=asyncio.Event(),
            lanes=self,
            _thread=SimpleNamespace(fetch=fetch),
            _event_message=lambda batch: batch,
            _hand_over=lambda batches: BatchConsumer._hand_over(self.consumer, batches),
            _enqueue=lambda batches: BatchConsumer._enqueue(self.consumer, batches),
            callback=callback,
            wait_first=wait_first,
            turns=0,
            consumer_stopped_errors=BatchConsumer.consumer_stopped_errors,
        )

    def __len__(self) -> int:
        return 1

    def accepting(self) -> set[SourcePartition]:
        return {SOURCE}

    def offered(self, batch: str) -> None:
        assert batch in {"one", "other"}

    async def drain(self) -> None:
        fetcher: Any = SimpleNamespace(should_stop=False)
        await BatchConsumer._drain_messages(self.consumer, fetcher)


async def test_batches_are_handed_over_in_one_turn_where_there_is_room() -> None:
    """Nobody watches over it: that costs as much as a small batch."""
    handed: list[str] = []

    async def callback(batch: str) -> None:
        handed.append(batch)

    handing = Handing(callback)
    await handing.drain()
    assert (handed, handing.watched) == (["one", "other"], 0)


@pytest.mark.parametrize("how", ["suspended", "cancelled"])
async def test_handing_over_is_given_up_where_nobody_fetches_any_more(how: str) -> None:
    """An agent that is behind must hold up no rebalance, and gets nothing afterwards."""
    full, given_up = asyncio.Event(), asyncio.Event()

    async def callback(_: str) -> None:
        full.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    handing = Handing(callback)
    draining = asyncio.create_task(handing.drain())
    await full.wait()
    if how == "suspended":
        handing.consumer.suspend_flow.set()
    else:
        draining.cancel()
    await asyncio.wait([draining])
    async with asyncio.timeout(5):
        await given_up.wait()
    assert draining.cancelled() is (how == "cancelled")


async def test_batch_that_cannot_be_handed_over_ends_the_fetching() -> None:
    """What comes behind it would show as a gap; Faust starts the consumer again."""

    async def callback(_: str) -> None:
        raise KeyError("no agent")

    with pytest.raises(KeyError):
        await Handing(callback).drain()
