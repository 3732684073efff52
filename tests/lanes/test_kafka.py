"""What the Kafka adapters make of a client's errors and of a broker that is away; tests/contracts has their promises."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from typing import Any

import aiokafka
import pytest
from aiokafka import errors as kafka_errors
from support.worlds import copies_of

from router.develop.broker import DevelopmentKafka
from router.develop.topics import TopicSpec, ensure_topics
from router.errors import (
    BrokerUnavailable,
    CommitFailed,
    DeliveryFailed,
    DeliveryRefused,
    DestinationUnavailable,
    RouterError,
)
from router.lanes import kafka as adapters
from router.lanes.batch import SourcePartition
from router.lanes.destinations import Destinations
from router.lanes.kafka import IdempotentCarrier, KafkaDirectory

SOURCE = SourcePartition("orders.v1", 0)


class Directory:
    """Answers, or does not."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts
        self.away = False
        self.silent = False
        self.asked = asyncio.Event()

    async def partition_counts(self) -> Mapping[str, int]:
        self.asked.set()
        if self.silent:
            await asyncio.Event().wait()
        if self.away:
            raise BrokerUnavailable(brokers="memory", problem="away")
        return self.counts


class Group:
    """Takes offsets."""

    def __init__(self) -> None:
        self.committed: list[int] = []
        self.answer = asyncio.Event()
        self.answer.set()

    async def seek_to_committed(self, source: SourcePartition) -> tuple[int, int]:
        return 1, 0

    async def commit(self, source: SourcePartition, offset: int) -> None:
        await self.answer.wait()
        if offset == 13:
            raise CommitFailed(topic=source.topic, partition=source.partition, problem="unlucky")
        self.committed.append(offset)


class Producer:
    """A producer whose deliveries are played by hand."""

    def __init__(self, refuses: BaseException | None = None) -> None:
        self.refuses = refuses
        self.deliveries: list[asyncio.Future[Any]] = []

    async def send_batch(self, batch: object, topic: str, *, partition: int) -> asyncio.Future[Any]:
        if self.refuses is not None:
            raise self.refuses
        self.deliveries.append(asyncio.get_running_loop().create_future())
        return self.deliveries[-1]

    async def stop(self) -> None:
        pass


class Desk:
    """A carrier over a producer that is played by hand, impatient enough for a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, producer: Producer | None = None) -> None:
        monkeypatch.setattr(adapters, "_PATIENCE", 0.01)
        self.directory = Directory({"a.v1": 1, "b.v1": 1})
        self.destinations = Destinations(self.directory)
        self.group = Group()
        self.waited: list[str] = []
        self.said = asyncio.Event()
        self.carrier = IdempotentCarrier(
            SOURCE,
            bootstrap="127.0.0.1:1",
            security={},
            positions=self.group,
            destinations=self.destinations,
            waiting=self._waiting,
        )
        self.producer = self.carrier._producer = producer or Producer()

    def _waiting(self, why: str) -> None:
        self.waited.append(why)
        if why:
            self.said.set()

    async def send(self, *topics: str, records: int = 1) -> None:
        ready = []
        for offset, topic in enumerate(topics):
            batch = self.carrier.new_batch(topic)
            for _ in range(records):
                batch.append(timestamp=1, key=b"k", value=b"v", headers=[])
            ready.append((topic, 0, batch, offset))
        await self.carrier.send(copies_of(ready, SOURCE, 9))


ERRORS = [
    pytest.param(kafka_errors.MessageSizeTooLargeError(), DeliveryRefused, "delivery-refused", id="too-large"),
    pytest.param(kafka_errors.RecordListTooLargeError(), DeliveryRefused, "delivery-refused", id="list-too-large"),
    pytest.param(kafka_errors.InvalidTimestampError(), DeliveryRefused, "delivery-refused", id="timestamp"),
    pytest.param(kafka_errors.for_code(87)(), DeliveryRefused, "delivery-refused", id="invalid-record"),
    pytest.param(kafka_errors.for_code(-1)(), DeliveryFailed, "delivery-failed", id="broker-at-fault"),
    pytest.param(kafka_errors.for_code(9999)(), DeliveryFailed, "delivery-failed", id="of-no-known-name"),
    pytest.param(kafka_errors.NotEnoughReplicasError(), DeliveryFailed, "delivery-failed", id="replicas"),
    pytest.param(kafka_errors.KafkaTimeoutError(), DeliveryFailed, "delivery-failed", id="timeout"),
    pytest.param(
        kafka_errors.TopicAuthorizationFailedError("a.v1"),
        DestinationUnavailable,
        "destination-unavailable",
        id="forbidden",
    ),
    pytest.param(
        kafka_errors.UnknownTopicOrPartitionError(), DestinationUnavailable, "destination-unavailable", id="missing"
    ),
]


@pytest.mark.parametrize(("error", "ours", "reason"), ERRORS)
async def test_failed_delivery_is_translated(
    monkeypatch: pytest.MonkeyPatch, error: Exception, ours: type[RouterError], reason: str
) -> None:
    """A fault of the contents is told from one that passes, with the client's words; the offset stays."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1", records=3)
    desk.producer.deliveries[0].set_exception(error)
    with pytest.raises(ours) as caught:
        await desk.carrier.commit(9)
    assert type(caught.value) is ours
    assert caught.value.reason == reason
    assert caught.value.__cause__ is error
    assert desk.group.committed == []
    if isinstance(caught.value, DeliveryRefused):
        assert (caught.value.records, caught.value.last_offset) == (3, 0)
        assert caught.value.too_large is ("TooLarge" in type(error).__name__)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        pytest.param(kafka_errors.KafkaTimeoutError(), DeliveryFailed, id="no-room"),
        pytest.param(kafka_errors.TopicAuthorizationFailedError("a.v1"), DestinationUnavailable, id="forbidden"),
        pytest.param(kafka_errors.UnknownTopicOrPartitionError(), DestinationUnavailable, id="missing"),
    ],
)
async def test_failed_sending_is_translated(
    monkeypatch: pytest.MonkeyPatch, error: Exception, ours: type[RouterError]
) -> None:
    """What the client refuses before it asks a broker is told in the same words."""
    desk = Desk(monkeypatch, Producer(refuses=error))
    with pytest.raises(ours):
        await desk.send("a.v1")


async def test_earlier_refusal_is_told_before_what_it_caused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads the log wants the first fault, not the client's refusal of what came after."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1")
    desk.producer.deliveries[0].set_exception(kafka_errors.MessageSizeTooLargeError())
    desk.producer.refuses = kafka_errors.ProducerClosed()
    with pytest.raises(DeliveryRefused):
        await desk.send("a.v1")


async def test_forbidden_topic_is_remembered_for_all_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next lane need not try in vain."""
    desk = Desk(monkeypatch)
    await desk.destinations.refresh()
    await desk.send("a.v1")
    desk.producer.deliveries[0].set_exception(kafka_errors.TopicAuthorizationFailedError("a.v1"))
    with pytest.raises(DestinationUnavailable):
        await desk.carrier.commit(9)
    with pytest.raises(DestinationUnavailable, match="may not be written to"):
        desk.destinations.partitions("a.v1")


async def test_offset_is_committed_after_the_last_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not before, however long one of them takes; meanwhile the lane says what it waits for."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1", "b.v1")
    desk.producer.deliveries[0].set_result(None)
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.said.wait()
    assert desk.waited[-1] == "a broker is slow to acknowledge copies for a.v1, b.v1"
    assert desk.group.committed == []
    desk.producer.deliveries[1].set_result(None)
    await committing
    assert (desk.group.committed, desk.waited[-1]) == ([9], "")


async def test_absent_broker_is_said_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idempotent producer retries for ever, so nothing fails."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1")
    desk.directory.away = True
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.said.wait()
    assert desk.waited[-1] == "no answer from memory: away"
    desk.directory.away = False
    desk.producer.deliveries[0].set_result(None)
    await committing
    assert desk.group.committed == [9]


async def test_delivery_counts_while_nobody_answers_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another broker may be away than the one that takes the copies."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1")
    desk.directory.silent = True
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.directory.asked.wait()
    desk.producer.deliveries[0].set_result(None)
    await committing
    assert desk.group.committed == [9]


async def test_topic_that_goes_while_waiting_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may never come back; what was on its way to it is given up."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1", "b.v1")
    desk.directory.counts = {"a.v1": 1}
    with pytest.raises(DestinationUnavailable, match=r"'b\.v1' does not exist"):
        await desk.carrier.commit(9)
    await desk.carrier.close()
    assert all(delivery.cancelled() for delivery in desk.producer.deliveries)


async def test_slow_group_is_said_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """The copies are there; it is the offset that nobody takes."""
    desk = Desk(monkeypatch)
    desk.group.answer.clear()
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.said.wait()
    assert desk.waited[-1] == "a broker is slow to acknowledge an offset"
    desk.group.answer.set()
    await committing


async def test_groups_refusal_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lane must hear of it."""
    with pytest.raises(CommitFailed):
        await Desk(monkeypatch).carrier.commit(13)


async def test_sending_that_is_given_up_is_not_finished_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane that is closed while a queue is full leaves nothing that would arrive later."""
    desk = Desk(monkeypatch)
    ended = asyncio.Event()

    async def send_batch(*_: object, **__: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    desk.producer.send_batch = send_batch  # type: ignore[method-assign, assignment]
    sending = asyncio.create_task(desk.send("a.v1"))
    await desk.said.wait()
    sending.cancel()
    await asyncio.wait_for(ended.wait(), 1.0)


@pytest.mark.parametrize("how", ["failed", "pending", "cancelled", "delivered"])
async def test_closing_leaves_no_delivery_unasked(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """Whatever became of them, asyncio has nothing to report as never retrieved."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    desk = Desk(monkeypatch)
    await desk.send("a.v1")
    (delivery,) = desk.producer.deliveries
    if how == "failed":
        delivery.set_exception(kafka_errors.KafkaTimeoutError())
    elif how == "cancelled":
        delivery.cancel()
    elif how == "delivered":
        delivery.set_result(None)
    await desk.carrier.close()
    del delivery
    desk.producer.deliveries.clear()
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


async def test_unreachable_broker_is_said_when_opening() -> None:
    """The carrier that did not open closes like any other."""
    carrier = IdempotentCarrier(
        SOURCE,
        bootstrap="127.0.0.1:1",
        security={},
        positions=Group(),
        destinations=Destinations(Directory({})),
        waiting=print,
    )
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
        await carrier.open()
    await carrier.close()


async def read(bootstrap: str, topic: str) -> list[bytes]:
    """What a topic's first partition holds now."""
    at = aiokafka.TopicPartition(topic, 0)
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    consumer.assign([at])
    await consumer.start()
    try:
        end = (await consumer.end_offsets([at]))[at]
        values: list[bytes] = []
        while len(values) < end:
            values += [each.value for log in (await consumer.getmany(at, timeout_ms=500)).values() for each in log]
        return values
    finally:
        await consumer.stop()


async def test_broker_that_dies_and_comes_back_gets_nothing_from_an_abandoned_carrier(
    kafka_cluster: Callable[..., DevelopmentKafka],
) -> None:
    """It closes in time, leaves no task, and its old copies do not overtake those of its successor."""
    kafka = kafka_cluster(brokers=1)
    await asyncio.to_thread(ensure_topics, kafka.bootstrap, [TopicSpec("a.v1", partitions=1)])
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    directory = KafkaDirectory(kafka.bootstrap, {})
    destinations = Destinations(directory)
    await destinations.refresh()
    before = asyncio.all_tasks()
    waited: list[str] = []

    def new_carrier() -> IdempotentCarrier:
        return IdempotentCarrier(
            SOURCE,
            bootstrap=kafka.bootstrap,
            security={},
            positions=Group(),
            destinations=destinations,
            waiting=waited.append,
        )

    async def send(carrier: IdempotentCarrier, value: bytes) -> None:
        batch = carrier.new_batch("a.v1")
        batch.append(timestamp=int(time.time() * 1000), key=b"k", value=value, headers=[])
        await carrier.send(copies_of([("a.v1", 0, batch, 0)], SOURCE, 1))

    abandoned = new_carrier()
    await abandoned.open()
    await send(abandoned, b"first")
    await abandoned.commit(1)
    kafka.kill()
    await send(abandoned, b"old")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(abandoned.commit(2), 4.0)
    assert any(waited), "it says what it waits for"
    begun = time.monotonic()
    await abandoned.close()
    assert time.monotonic() - begun < 3.0
    with pytest.raises(BrokerUnavailable):
        await destinations.refresh()
    left = asyncio.all_tasks() - before
    await asyncio.to_thread(kafka.nodes[0].start)
    await destinations.refresh()
    successor = new_carrier()
    await successor.open()
    await send(successor, b"new")
    await successor.commit(2)
    await successor.close()
    await asyncio.sleep(0)
    assert await read(kafka.bootstrap, "a.v1") == [b"first", b"new"]
    await directory.close()
    abandoned = successor = None  # type: ignore[assignment]
    gc.collect()
    await asyncio.sleep(0)
    assert not [task for task in left if not task.done()]
    assert complaints == []
