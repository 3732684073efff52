"""The order that a producer keeps when a broker refuses a batch; no broker is needed to see it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import CoordinationType
from aiokafka.errors import (
    ConcurrentTransactions,
    IllegalOperation,
    KafkaConnectionError,
    MessageSizeTooLargeError,
    NotEnoughReplicasError,
    ProducerClosed,
    ProducerFenced,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
)
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.producer.transaction_manager import TransactionResult
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.develop.topics import TopicSpec, ensure_topics
from router.lanes.producer import (
    OrderedProducer,
    _AddOffsets,
    _AddPartitions,
    _CommitOffsets,
    _EndTransaction,
    _InitPid,
    _TellsPutOff,
)

ONE, OTHER = TopicPartition("narrow.v1", 0), TopicPartition("narrow.v1", 1)
NODE = 7


class OneNode:
    """A cluster in which one node leads everything."""

    def leader_for_partition(self, _: TopicPartition) -> int:
        """The node."""
        return NODE


class Queue:
    """A producer's queue, with the sender's part played by hand."""

    def __init__(self) -> None:
        self.producer = producer = OrderedProducer(bootstrap_servers="127.0.0.1:1")
        producer._closed = True  # it was never started
        self.accumulator = producer._message_accumulator
        assert producer._sender._message_accumulator is self.accumulator
        self.accumulator._cluster = OneNode()
        producer._txn_manager.set_pid_and_epoch(1, 0)

    async def put(self, tp: TopicPartition) -> Any:
        """Queue a batch of one record; returns its delivery."""
        batch = BatchBuilder(1024, compression_type=0)
        assert batch.append(timestamp=1, key=None, value=b"v", headers=[])
        return self.accumulator.enqueue(batch, tp)

    def take(self) -> dict[TopicPartition, Any]:
        """What the sender gets now, by partition."""
        nodes, _ = self.accumulator.drain_by_nodes(set())
        return nodes.get(NODE, {})


async def test_nothing_follows_a_batch_that_was_refused() -> None:
    """A broker that is new to a producer would take the second batch after refusing the first."""
    queue = Queue()
    first = await queue.put(ONE)
    queue.take()[ONE].failure(MessageSizeTooLargeError())
    second = await queue.put(ONE)
    assert ONE not in queue.take()
    with pytest.raises(MessageSizeTooLargeError):
        await first
    with pytest.raises(ProducerClosed, match=r"narrow\.v1/0"):
        await second


async def test_other_partitions_are_not_concerned() -> None:
    """Order is kept within a partition only."""
    queue = Queue()
    refused = await queue.put(ONE)
    queue.take()[ONE].failure(MessageSizeTooLargeError())
    await queue.put(OTHER)
    assert set(queue.take()) == {OTHER}
    with pytest.raises(MessageSizeTooLargeError):
        await refused


async def test_batches_follow_those_that_were_taken_or_are_under_way() -> None:
    """The usual case: the second is handed out, whatever became of the first so far."""
    queue = Queue()
    await queue.put(ONE)
    under_way = queue.take()[ONE]
    await queue.put(ONE)
    assert ONE in queue.take()
    under_way.done(0)
    await queue.put(ONE)
    assert ONE in queue.take()


async def test_what_is_no_longer_wanted_leaves_no_complaint() -> None:
    """Its delivery is asked after by whoever sent it; asyncio finds nothing else that nobody asked for."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    queue = Queue()
    deliveries = [await queue.put(ONE)]
    queue.take()[ONE].failure(MessageSizeTooLargeError())
    deliveries.append(await queue.put(ONE))
    queue.take()
    await asyncio.wait(deliveries)
    assert all(delivery.exception() for delivery in deliveries)
    deliveries.clear()
    del queue
    gc.collect()
    assert complaints == []


async def test_several_batches_of_a_partition_wait_in_their_order() -> None:
    """A lane hands over all that it has at once; each leaves when the one before it has."""
    queue = Queue()
    deliveries = [await queue.put(ONE) for _ in range(3)]
    for delivery in deliveries:
        queue.take()[ONE].done(0)
        assert delivery.done()
    assert queue.take() == {}


async def test_nothing_is_queued_behind_a_sender_that_has_ended() -> None:
    """What was queued fails with what ended it, and so does what comes later."""
    queue = Queue()
    delivery = await queue.put(ONE)
    queue.accumulator.fail_all(ProducerFenced())
    with pytest.raises(ProducerFenced):
        await queue.put(ONE)
    with pytest.raises(ProducerFenced):
        await delivery
    await queue.accumulator.close()
    with pytest.raises(ProducerClosed):
        await queue.put(ONE)


async def transactional() -> OrderedProducer:
    producer = OrderedProducer(
        bootstrap_servers="127.0.0.1:1", transactional_id="router-orders.v1-0", group="router", client_id="test"
    )
    producer._closed = True  # it was never started
    producer._txn_manager.set_pid_and_epoch(1, 0)
    return producer


def one_record() -> BatchBuilder:
    batch = BatchBuilder(1024, compression_type=0, is_transactional=1)
    assert batch.append(timestamp=1, key=None, value=b"v", headers=[])
    return batch


async def test_batches_are_taken_in_a_transaction_only() -> None:
    """Outside of one its coordinator would know nothing of them."""
    producer = await transactional()
    assert not producer.in_transaction
    with pytest.raises(IllegalOperation):
        producer.enqueue(one_record(), ONE.topic, partition=0)
    await producer.begin_transaction()
    assert producer.in_transaction
    assert not producer.enqueue(one_record(), ONE.topic, partition=0).done()


@pytest.mark.parametrize("failing", ["error_transaction", "fatal_error"])
async def test_failed_transaction_hands_out_nothing_more(failing: str) -> None:
    """A batch for a partition that was never added would begin a transaction that nobody ends."""
    producer = await transactional()
    producer._message_accumulator._cluster = OneNode()
    await producer.begin_transaction()
    delivery = producer.enqueue(one_record(), ONE.topic, partition=0)
    getattr(producer._txn_manager, failing)(TopicAuthorizationFailedError(ONE.topic))
    nodes, _ = producer._message_accumulator.drain_by_nodes(set())
    assert nodes == {}
    with pytest.raises(TopicAuthorizationFailedError):
        await delivery


@pytest.mark.parametrize("failing", ["error_transaction", "fatal_error"])
async def test_what_follows_a_failure_meets_it(failing: str) -> None:
    """A lane that was fenced between two sendings asks its group, rather than shutting out the new owner in its turn."""
    producer = await transactional()
    await producer.begin_transaction()
    getattr(producer._txn_manager, failing)(ProducerFenced())
    with pytest.raises(ProducerFenced):
        producer.enqueue(one_record(), ONE.topic, partition=0)


async def test_producer_without_transactions_survives_the_end_of_its_sender() -> None:
    """The client's own would stumble over the transaction that there is not."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    producer = OrderedProducer(bootstrap_servers="127.0.0.1:1")
    producer._closed = True
    producer._txn_manager.fatal_error(ProducerFenced())
    assert isinstance(producer._txn_manager.failure, ProducerFenced)
    del producer
    gc.collect()
    assert complaints == []


class AddPartitions:
    """The coordinator's answer to AddPartitionsToTxn."""

    def __init__(self, code: int) -> None:
        self.errors = [(ONE.topic, [(0, code)])]


async def test_next_transaction_begins_as_soon_as_the_last_one_is_complete() -> None:
    """Its markers are being written for a few milliseconds; aiokafka would look again after twenty."""
    producer = await transactional()
    await producer.begin_transaction()
    producer.enqueue(one_record(), ONE.topic, partition=0)
    handler = _AddPartitions(producer._sender, {ONE})
    concurrent, done = 51, 0
    backoff = handler.handle_response(AddPartitions(concurrent))
    assert backoff is not None
    assert backoff < 0.005
    assert handler.handle_response(AddPartitions(done)) is None
    assert producer._txn_manager.txn_partitions == {ONE}


async def test_what_was_put_off_is_asked_for_with_the_group_alone() -> None:
    """All partitions are named again only once the last transaction is complete."""
    producer = await transactional()
    sender, transactions = producer._sender, producer._txn_manager
    concurrent, done = 51, 0
    await producer.begin_transaction()
    producer.enqueue(one_record(), ONE.topic, partition=0)
    both_early = [AddPartitions(concurrent), AddedGroup(concurrent)]
    then = [AddedGroup(concurrent), AddedGroup(done), AddPartitions(done)]
    sender.client = Coordinator(*both_early, *then)
    for _ in range(3):
        await sender._do_add_partitions_to_txn({ONE})
    assert sender.client.asked == [
        "AddPartitionsToTxnRequest",
        "AddOffsetsToTxnRequest",
        "AddOffsetsToTxnRequest",
        "AddOffsetsToTxnRequest",
        "AddPartitionsToTxnRequest",
    ]
    assert (transactions.txn_partitions, transactions._txn_consumer_group) == ({ONE}, "router")
    assert not sender.markers.refused


class AddedGroup:
    """The coordinator's answer to AddOffsetsToTxn."""

    def __init__(self, code: int) -> None:
        self.error_code = code


class Coordinator:
    """In the place of a client: answers each request with the next of these, where that is no error."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self._conns: dict[Any, Any] = {}

    async def coordinator_lookup(self, _kind: Any, _key: str) -> int:
        return NODE

    async def ready(self, _node: int, *, group: Any) -> bool:
        return True

    async def send(self, _node: int, request: Any, *, group: Any) -> Any:
        self.asked.append(type(request).__name__)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


@pytest.mark.parametrize("what", ["offset", "end"])
@pytest.mark.parametrize(
    ("first", "lost"),
    [(KafkaConnectionError("cut"), True), (RequestTimedOutError(), True), (None, False)],
    ids=["cut", "late", "answered"],
)
async def test_lost_answer_is_told(what: str, first: Exception | None, lost: bool) -> None:
    """What was asked for again may be done twice, the second time in the next transaction."""
    producer = await transactional()
    sender, transactions = producer._sender, producer._txn_manager
    await producer.begin_transaction()
    transactions._txn_partitions.add(ONE)
    transactions._txn_consumer_group = "router"
    answer: Any
    ask: Callable[[], Awaitable[None]]
    if what == "offset":
        offset = OffsetAndMetadata(5, "")
        transactions.add_offsets_to_txn({ONE: offset}, "router")
        answer, ask = CommittedOffset(), lambda: sender._do_txn_offset_commit({ONE: offset}, "router")
    else:
        transactions.committing_transaction()
        answer, ask = EndedTransaction(), lambda: sender._do_txn_commit(TransactionResult.COMMIT)
    answers = [answer] if first is None else [first, answer]
    sender.client = Coordinator(*answers)
    for _ in answers:
        await ask()
    assert producer.answer_lost is lost


class CommittedOffset:
    """The answer to TxnOffsetCommit."""

    errors = ((ONE.topic, ((ONE.partition, 0),)),)


class EndedTransaction:
    """The answer to EndTxn."""

    error_code = 0


class OneAnswer:
    """A client whose broker answers each batch with the error of this number, once."""

    def __init__(self, error_code: int) -> None:
        self.error_code = error_code
        self.cluster = OneNode()

    async def send(self, _node: int, request: Any, **_: Any) -> Any:
        topics = [
            (topic, [(partition, self.error_code, 5, -1, 0, [], None) for partition, _ in partitions])
            for topic, partitions in request._topics
        ]
        return SimpleNamespace(API_VERSION=8, topics=topics)

    def force_metadata_update(self) -> None:
        """Nothing changes."""

    async def _maybe_wait_metadata(self) -> None:
        pass


async def test_what_a_batch_is_put_off_for_is_known_until_it_is_taken() -> None:
    """Its broker lacks replicas: aiokafka tries again and again, and only logs why."""
    queue = Queue()
    sender = queue.producer._sender
    sender.client = client = OneAnswer(19)
    delivery = await queue.put(ONE)
    for code, known in ((19, {ONE: NotEnoughReplicasError}), (0, {})):
        client.error_code = code
        batches = queue.take()
        sender._in_flight.add(NODE)
        sender._muted_partitions.add(ONE)
        await sender._send_produce_req(NODE, batches)
        assert {tp: type(error) for tp, error in queue.producer.put_off.items()} == known
        assert (sender._in_flight, sender._muted_partitions) == (set(), set())
    assert delivery.done()


async def test_what_is_refused_for_good_is_not_put_off() -> None:
    """The lane meets it in the delivery."""
    queue = Queue()
    sender = queue.producer._sender
    sender.client = OneAnswer(10)
    delivery = await queue.put(ONE)
    sender._in_flight.add(NODE)
    sender._muted_partitions.add(ONE)
    await sender._send_produce_req(NODE, queue.take())
    assert isinstance(delivery.exception(), MessageSizeTooLargeError)
    assert queue.producer.put_off == {}


class PutsOff:
    """A request that is to be asked again wherever its answer has an error."""

    def __init__(self, sender: Any) -> None:
        self._sender = sender

    def handle_response(self, resp: Any) -> float | None:
        code = getattr(resp, "error_code", None)
        return 0.02 if code or (code is None and any(code for _, each in resp.errors for _, code in each)) else None


class Request(_TellsPutOff, PutsOff):
    """One of a transaction's."""


def errors_of_partitions(code: int) -> Any:
    return SimpleNamespace(errors=[(OTHER.topic, [(OTHER.partition, 0), (ONE.partition, code)])])


def error_of_all(code: int) -> Any:
    return SimpleNamespace(error_code=code)


@pytest.mark.parametrize("answer", [errors_of_partitions, error_of_all])
def test_what_a_transaction_is_put_off_for_is_known_until_it_goes_on(answer: Callable[[int], Any]) -> None:
    """Its coordinator waits for a broker that is away, say; aiokafka asks again and says nothing."""
    sender = SimpleNamespace(transaction_put_off=None)
    request = Request(sender)
    assert request.handle_response(answer(51)) == 0.02
    assert isinstance(sender.transaction_put_off, ConcurrentTransactions)
    assert request.handle_response(answer(0)) is None
    assert sender.transaction_put_off is None


@pytest.mark.parametrize("request_type", [_InitPid, _AddPartitions, _AddOffsets, _CommitOffsets, _EndTransaction])
def test_all_requests_of_a_transaction_tell_what_they_are_put_off_for(request_type: type) -> None:
    """Any of them may wait for ever."""
    assert issubclass(request_type, _TellsPutOff)


@pytest.mark.parametrize(("transactional_id", "put_off"), [("t", True), (None, False)])
async def test_former_owner_is_shut_out_where_there_may_be_one(transactional_id: str | None, put_off: bool) -> None:
    """Until its transaction has ended, the coordinator puts that off; who has no transactions has no former owner."""
    producer = OrderedProducer(bootstrap_servers="127.0.0.1:1", transactional_id=transactional_id, group="g")
    producer._closed = True  # it was never started

    async def send(*_: Any, **__: Any) -> Any:
        return SimpleNamespace(error_code=51)

    producer._sender.client = SimpleNamespace(send=send)
    assert not await producer._sender._do_init_pid(NODE)
    assert isinstance(producer.transaction_put_off, ConcurrentTransactions) is put_off


async def test_coordinator_is_lacked_where_transactions_need_one() -> None:
    """One without transactions needs none; the group's only while an offset is to be committed."""
    plain = Queue().producer
    assert not plain.lacks_coordinator
    producer = OrderedProducer(bootstrap_servers="127.0.0.1:1", transactional_id="t", group="g")
    producer._closed = True  # it was never started
    transactions = producer._txn_manager
    transactions.set_pid_and_epoch(1, 0)
    assert producer.lacks_coordinator
    producer._sender._coordinators[CoordinationType.TRANSACTION] = NODE
    assert not producer.lacks_coordinator
    transactions.begin_transaction()
    offset = transactions.add_offsets_to_txn({ONE: OffsetAndMetadata(1, "")}, "g")
    transactions.consumer_group_added("g")
    assert producer.lacks_coordinator
    producer._sender._coordinators[CoordinationType.GROUP] = NODE
    assert not producer.lacks_coordinator
    offset.cancel()


@pytest.mark.parametrize(("leader", "led"), [(NODE, True), (-1, False), (None, False)])
async def test_partition_is_led_by_a_broker_that_is_there(leader: int | None, led: bool) -> None:
    """As far as the client knows."""
    producer = Queue().producer
    producer.client.cluster = SimpleNamespace(leader_for_partition=lambda _: leader)
    assert producer.led("narrow.v1", 0) is led


async def test_topic_that_was_only_seen_is_not_known() -> None:
    """A client that has asked for no topic is told of all, and forgets them when it asks for one by name."""
    producer = OrderedProducer(bootstrap_servers="127.0.0.1:1")
    producer._closed = True  # it was never started
    producer._metadata._partitions = {"narrow.v1": {}, "other.v1": {}}
    assert not producer.knows("narrow.v1")
    producer.client._topics.add("narrow.v1")
    assert producer.knows("narrow.v1")
    assert not producer.knows("other.v1")


@pytest.mark.kafka
async def test_topic_that_is_new_takes_no_leader_from_others(kafka: str, unique: str) -> None:
    """A batch for what was sent to before would wait for ever, and its producer ask for the new topic again and again."""
    first, second = f"{unique}.first", f"{unique}.second"
    ensure_topics(kafka, [TopicSpec(first)])
    producer = OrderedProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await _send(producer, first)
        ensure_topics(kafka, [TopicSpec(second)])
        await _send(producer, second)
        assert producer.led(first, 0)
        await _send(producer, first)
    finally:
        await producer.stop()


async def _send(producer: OrderedProducer, topic: str) -> None:
    """As a lane does."""
    if not producer.knows(topic):
        await producer.learn([topic])
    batch = BatchBuilder(1024, compression_type=0)
    assert batch.append(timestamp=1, key=None, value=b"v", headers=[])
    await asyncio.wait_for(producer.enqueue(batch, topic, partition=0), 20)
