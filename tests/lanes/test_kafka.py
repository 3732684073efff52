"""The carriers on their own: the order of what they do, and what a broker that dies gets of them."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any

import aiokafka
import pytest
from aiokafka import errors as kafka_errors
from support.ports import ACKNOWLEDGED, SOURCE, Directory, Group
from support.worlds import copies_of

from router.develop.broker import DevelopmentKafka
from router.develop.topics import TopicSpec, ensure_topics
from router.errors import BrokerUnavailable, CommitFailed, Fenced, RouterError
from router.lanes.deliveries import Deliveries
from router.lanes.destinations import Destinations
from router.lanes.directory import KafkaDirectory
from router.lanes.kafka import AnswerLost, IdempotentCarrier, TransactionalCarrier


class TransactionalProducer:
    """One that keeps what it is asked to do, and whose answers are played by hand."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.deliveries: list[asyncio.Future[Any]] = []
        self.in_transaction = False
        self.answer_lost = False
        self.fails: dict[str, BaseException] = {}

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.fails:
            raise self.fails[what]

    async def begin_transaction(self) -> None:
        self._ask("begin")
        self.in_transaction = True

    def knows(self, topic: str) -> bool:
        return True

    def enqueue(self, batch: object, topic: str, *, partition: int) -> asyncio.Future[Any]:
        self._ask("send")
        self.deliveries.append(asyncio.get_running_loop().create_future())
        return self.deliveries[-1]

    async def send_offsets_to_transaction(self, offsets: dict[Any, int], group: str) -> None:
        assert group == "router"
        self._ask(f"offset {next(iter(offsets.values()))}")

    async def commit_transaction(self) -> None:
        self._ask("commit")
        self.in_transaction = False

    async def abort_transaction(self) -> None:
        self._ask("abort")
        self.in_transaction = False

    def give_up(self) -> None:
        self._ask("give up")

    async def stop(self) -> None:
        self._ask("stop")


class Transaction:
    """A carrier over it."""

    def __init__(self) -> None:
        self.producer = TransactionalProducer()
        destinations = Destinations(Directory({"a.v1": 1}))
        self.carrier = TransactionalCarrier(
            SOURCE,
            bootstrap="127.0.0.1:1",
            security={},
            group="router",
            transaction_timeout_ms=20_000,
            destinations=destinations,
            waiting=print,
        )
        self.carrier._producer = self.producer  # type: ignore[assignment]
        self.carrier._deliveries = Deliveries(
            SOURCE,
            producer=self.producer,  # type: ignore[arg-type]
            destinations=destinations,
            waiting=print,
        )

    async def send(self, batches: int = 1) -> None:
        ready = [("a.v1", 0, self.carrier.new_batch("a.v1"), offset) for offset in range(batches)]
        await self.carrier.send(copies_of(ready, SOURCE, batches))

    def deliver(self) -> None:
        for delivery in self.producer.deliveries:
            delivery.set_result(ACKNOWLEDGED)


async def test_transaction_ends_only_after_every_delivery() -> None:
    """Neither the offset nor the end goes ahead of a batch that is on its way."""
    desk = Transaction()
    await desk.send(2)
    committing = asyncio.create_task(desk.carrier.commit(7))
    desk.producer.deliveries[0].set_result(ACKNOWLEDGED)
    for _ in range(10):
        await asyncio.sleep(0)
    assert desk.producer.asked == ["begin", "send", "send"]
    desk.producer.deliveries[1].set_result(ACKNOWLEDGED)
    await committing
    assert desk.producer.asked[3:] == ["offset 7", "commit"]


async def test_transaction_begins_with_the_first_copy_and_only_then() -> None:
    """An open one holds back readers; records that lead nowhere need one for their offset alone."""
    desk = Transaction()
    await desk.send(0)
    assert desk.producer.asked == []
    await desk.carrier.commit(3)
    await desk.send()
    await desk.send()
    desk.deliver()
    await desk.carrier.commit(5)
    assert desk.producer.asked == ["begin", "offset 3", "commit", "begin", "send", "send", "offset 5", "commit"]


async def test_no_transaction_follows_an_answer_that_was_lost() -> None:
    """What was asked in vain may still arrive, and would end the next transaction half-way, or move its offset back."""
    desk = Transaction()
    await desk.send()
    desk.producer.answer_lost = True
    desk.deliver()
    await desk.carrier.commit(1)
    with pytest.raises(AnswerLost, match="a new producer"):
        await desk.send()
    assert desk.producer.asked == ["begin", "send", "offset 1", "commit"]


async def test_failed_delivery_ends_no_transaction() -> None:
    """The client's own commit would not mind."""
    desk = Transaction()
    await desk.send()
    desk.producer.deliveries[0].set_exception(kafka_errors.MessageSizeTooLargeError())
    with pytest.raises(RouterError):
        await desk.carrier.commit(1)
    assert "commit" not in desk.producer.asked


FENCED, OTHER = kafka_errors.ProducerFenced(), kafka_errors.InvalidTxnState()


@pytest.mark.parametrize("when", ["begin", "offset 1", "commit"])
@pytest.mark.parametrize(("error", "ours"), [(FENCED, Fenced), (OTHER, CommitFailed)], ids=["fenced", "other"])
async def test_errors_of_transactions_are_translated(when: str, error: Exception, ours: type[RouterError]) -> None:
    """Only a fenced lane asks the group whose its partition is."""
    desk = Transaction()
    desk.producer.fails[when] = error
    with pytest.raises(ours):
        await desk.carrier.commit(1)


@pytest.mark.parametrize(
    ("ends", "aborts"),
    [
        pytest.param(lambda desk: desk.deliver(), True, id="all-delivered"),
        pytest.param(lambda desk: None, False, id="one-on-its-way"),
        pytest.param(lambda desk: setattr(desk.producer, "in_transaction", False), False, id="transaction-failed"),
    ],
)
async def test_closing_aborts_only_what_nothing_can_reach_any_more(
    ends: Callable[[Transaction], None], aborts: bool
) -> None:
    """A batch that arrived behind its abort would begin a transaction that nobody ends."""
    desk = Transaction()
    await desk.send()
    ends(desk)
    await desk.carrier.close()
    assert ("abort" in desk.producer.asked) is aborts
    # Stopping alone would first send what is queued.
    assert desk.producer.asked[-2:] == ["give up", "stop"]


async def test_producer_stops_though_the_abort_fails() -> None:
    """The coordinator will abort by itself."""
    desk = Transaction()
    await desk.send()
    desk.deliver()
    desk.producer.fails["abort"] = FENCED
    await desk.carrier.close()
    await desk.carrier.close()
    assert desk.producer.asked[-3:] == ["abort", "give up", "stop"]


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
