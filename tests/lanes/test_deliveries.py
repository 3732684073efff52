"""What a lane makes of a client's errors and of a broker that is away, with a producer that is played by hand."""

from __future__ import annotations

import asyncio
import gc
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition
from support.ports import ACKNOWLEDGED, SOURCE, Directory, Group
from support.worlds import copies_of

from router.errors import (
    CommitFailed,
    DeliveryFailed,
    DeliveryRefused,
    DestinationUnavailable,
    Fenced,
    RouterError,
)
from router.lanes import deliveries
from router.lanes.carrier import NOT_ENOUGH_REPLICAS, SLOW, TRANSACTION_ENDING, Waiting
from router.lanes.destinations import Destinations
from router.lanes.kafka import IdempotentCarrier


class Producer:
    """A producer whose deliveries are played by hand."""

    def __init__(self, refuses: BaseException | None = None) -> None:
        self.refuses = refuses
        self.deliveries: list[asyncio.Future[Any]] = []
        self.put_off: dict[TopicPartition, BaseException] = {}
        self.leaders = True
        self.lacks_coordinator = False
        self.transaction_put_off: BaseException | None = None

    def led(self, topic: str, partition: int) -> bool:
        return self.leaders

    def knows(self, topic: str) -> bool:
        return True

    def enqueue(self, batch: object, topic: str, *, partition: int) -> asyncio.Future[Any]:
        if self.refuses is not None:
            raise self.refuses
        self.deliveries.append(asyncio.get_running_loop().create_future())
        return self.deliveries[-1]

    async def stop(self) -> None:
        pass


class Desk:
    """A carrier over a producer that is played by hand, impatient enough for a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, producer: Producer | None = None) -> None:
        monkeypatch.setattr(deliveries, "_PATIENCE", 0.01)
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
        self.producer = producer or Producer()
        self.carrier._deliveries = deliveries.Deliveries(
            SOURCE,
            producer=self.producer,  # type: ignore[arg-type]
            destinations=self.destinations,
            waiting=self._waiting,
        )

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
    pytest.param(kafka_errors.ProducerFenced(), Fenced, "fenced", id="fenced"),
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
    desk.producer.deliveries[0].set_result(ACKNOWLEDGED)
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.said.wait()
    assert desk.waited[-1] == "a broker is slow to acknowledge copies for a.v1, b.v1"
    assert desk.group.committed == []
    desk.producer.deliveries[1].set_result(ACKNOWLEDGED)
    await committing
    assert (desk.group.committed, desk.waited[-1]) == ([9], "")


async def test_commit_waits_for_what_was_sent_before_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows is the next commit's."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1")
    committing = asyncio.create_task(desk.carrier.commit(9))
    await asyncio.sleep(0)
    await desk.send("b.v1")
    desk.producer.deliveries[0].set_result(ACKNOWLEDGED)
    await committing
    assert desk.group.committed == [9]
    desk.producer.deliveries[1].set_exception(kafka_errors.KafkaTimeoutError())
    with pytest.raises(DeliveryFailed):
        await desk.carrier.commit(10)


async def test_what_is_acknowledged_is_not_kept_until_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit may be seconds away, and each batch is as large as all its copies; what is behind a failure is kept."""
    desk = Desk(monkeypatch)
    for how in (ACKNOWLEDGED, ACKNOWLEDGED, kafka_errors.KafkaTimeoutError(), ACKNOWLEDGED, ACKNOWLEDGED):
        await desk.send("a.v1")
        if isinstance(how, Exception):
            desk.producer.deliveries[-1].set_exception(how)
        else:
            desk.producer.deliveries[-1].set_result(how)
    assert desk.carrier._deliveries is not None
    assert len(desk.carrier._deliveries._sent) == 3
    with pytest.raises(DeliveryFailed):
        await desk.carrier.commit(9)


async def test_end_that_the_broker_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a batch that it had before it may not say where; a later one makes up for that."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1", "b.v1", "b.v1")
    for delivery, offset in zip(desk.producer.deliveries, (-1, -1, 40), strict=True):
        delivery.set_result(SimpleNamespace(offset=offset))
    assert await desk.carrier.commit(9) == {("b.v1", 0): 41}


async def test_absent_broker_is_said_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idempotent producer retries for ever, so nothing fails."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1")
    desk.directory.away = True
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.said.wait()
    assert desk.waited[-1] == "no answer from memory: away"
    desk.directory.away = False
    desk.producer.deliveries[0].set_result(ACKNOWLEDGED)
    await committing
    assert desk.group.committed == [9]


@pytest.mark.parametrize(
    ("put_off", "leaders", "reason", "said"),
    [
        pytest.param(
            kafka_errors.NotEnoughReplicasError(), True, NOT_ENOUGH_REPLICAS, "a.v1/0 has fewer replicas in sync than its "
            "min.insync.replicas", id="before-the-append",
        ),
        pytest.param(
            kafka_errors.NotEnoughReplicasAfterAppendError(), True, NOT_ENOUGH_REPLICAS, "min.insync.replicas",
            id="after-the-append",
        ),
        pytest.param(
            kafka_errors.KafkaTimeoutError(), True, "delivery-failed", "does not take copies for a.v1/0: KafkaTimeoutError",
            id="whatever-else",
        ),
        pytest.param(None, False, "broker-unavailable", "no broker leads a.v1/0", id="no-leader"),
        pytest.param(None, True, SLOW, "a broker is slow to acknowledge copies for a.v1", id="nobody-knows"),
    ],
)  # fmt: skip
async def test_cause_of_a_wait_is_said_as_well_as_the_client_knows(
    monkeypatch: pytest.MonkeyPatch, put_off: BaseException | None, leaders: bool, reason: str, said: str
) -> None:
    """An idempotent producer tries for ever, and says nothing of why."""
    desk = Desk(monkeypatch)
    desk.producer.leaders = leaders
    desk.producer.put_off = {TopicPartition("other.v1", 3): kafka_errors.KafkaTimeoutError()}
    if put_off is not None:
        desk.producer.put_off[TopicPartition("a.v1", 0)] = put_off
    await desk.send("a.v1")
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.said.wait()
    desk.producer.deliveries[0].set_result(ACKNOWLEDGED)
    await committing
    first, *_, last = desk.waited
    assert said in first
    assert isinstance(first, Waiting)
    assert (first.reason, last) == (reason, "")


@pytest.mark.parametrize(
    ("lacks", "put_off", "reason"),
    [
        pytest.param(True, None, "broker-unavailable", id="away"),
        pytest.param(False, kafka_errors.CoordinatorLoadInProgressError(), "broker-unavailable", id="loading"),
        pytest.param(False, kafka_errors.ConcurrentTransactions(), TRANSACTION_ENDING, id="former-transaction-ending"),
        pytest.param(False, None, SLOW, id="nobody-knows"),
    ],
)
async def test_coordinator_that_is_not_ready_is_said(
    monkeypatch: pytest.MonkeyPatch, lacks: bool, put_off: BaseException | None, reason: str
) -> None:
    """Where copies are delivered, but their end is not."""
    desk = Desk(monkeypatch)
    desk.producer.lacks_coordinator = lacks
    desk.producer.transaction_put_off = put_off
    desk.group.answer.clear()
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.said.wait()
    desk.group.answer.set()
    await committing
    assert isinstance(desk.waited[0], Waiting)
    assert desk.waited[0].reason == reason


async def test_delivery_counts_while_nobody_answers_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another broker may be away than the one that takes the copies."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1")
    desk.directory.silent = True
    committing = asyncio.create_task(desk.carrier.commit(9))
    await desk.directory.asked.wait()
    desk.producer.deliveries[0].set_result(ACKNOWLEDGED)
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

    async def learn(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    desk.producer.knows = lambda _: False  # type: ignore[method-assign, assignment]
    desk.producer.learn = learn  # type: ignore[attr-defined]
    sending = asyncio.create_task(desk.send("a.v1"))
    await desk.said.wait()
    sending.cancel()
    await asyncio.wait_for(ended.wait(), 1.0)


async def test_topic_that_the_client_cannot_learn_of_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked once for all topics that are new to it."""
    desk = Desk(monkeypatch)
    asked: list[set[str]] = []

    async def learn(topics: set[str]) -> None:
        asked.append(topics)
        raise kafka_errors.UnknownTopicOrPartitionError

    desk.producer.knows = lambda topic: topic == "a.v1"  # type: ignore[method-assign]
    desk.producer.learn = learn  # type: ignore[attr-defined]
    with pytest.raises(DestinationUnavailable, match=r"'b\.v1' does not exist"):
        await desk.send("a.v1", "b.v1")
    assert asked == [{"b.v1"}]


async def test_what_is_on_its_way_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A third handing-over waits until the first is acknowledged whole, and says what for."""
    desk = Desk(monkeypatch)
    await desk.send("a.v1", "b.v1")
    await desk.send("a.v1")
    third = asyncio.create_task(desk.send("a.v1"))
    await desk.said.wait()
    assert desk.waited[-1] == "a broker is slow to acknowledge copies for a.v1, b.v1"
    desk.producer.deliveries[0].set_result(ACKNOWLEDGED)
    desk.producer.deliveries[2].set_result(ACKNOWLEDGED)
    await asyncio.sleep(0)
    assert not third.done()
    desk.producer.deliveries[1].set_result(ACKNOWLEDGED)
    await third
    assert len(desk.producer.deliveries) == 4


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
        delivery.set_result(ACKNOWLEDGED)
    await desk.carrier.close()
    del delivery
    desk.producer.deliveries.clear()
    gc.collect()
    await asyncio.sleep(0)
    assert complaints == []


def test_hidden_cause_is_said() -> None:
    """The client wraps what ends its sender, and keeps quiet about it."""
    error = kafka_errors.KafkaError("Unexpected error during batch delivery")
    error.__cause__ = kafka_errors.InvalidProducerIdMapping("gone")
    assert deliveries.said(error) == (
        "KafkaError: Unexpected error during batch delivery (for [Error 49] InvalidProducerIdMapping: gone)"
    )
