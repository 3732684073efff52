"""aiokafka's idempotent producer, made to keep order also after a batch that a broker refuses, and prompt in transactions.

The sequence numbers of an idempotent producer (KIP-98) make a broker refuse what follows a batch that it did not take. But
only a broker that already knows the producer: from one that is new to it, it takes a batch with any number. So where the
first batch for a partition is refused, the next one would arrive, and overtake the records that the lane then reads again.

In a transaction a batch may reach a broker only while its partition is part of it: what came later would belong to no
transaction that its coordinator knows, nobody would ever end it, and its partition's readers would wait for ever. So
nothing is handed out once a transaction has failed.

A request whose answer was lost is repeated, but the first may be on its way yet. What says "commit" then arrives behind the
end that it was repeated for, and ends the next transaction half-way; an offset goes back. Brokers cannot tell (until each
transaction has an epoch of its own, KIP-890, which this client does not know). So a producer says that it was left without
an answer, and its owner takes a new one, whose epoch shuts out what is late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.client import CoordinationType
from aiokafka.errors import GroupAuthorizationFailedError, IllegalOperation, for_code
from aiokafka.producer.sender import (
    AddOffsetsToTxnHandler,
    AddPartitionsToTxnHandler,
    EndTxnHandler,
    InitPIDHandler,
    Sender,
    SendProduceReqHandler,
    TxnOffsetCommitHandler,
)
from aiokafka.producer.transaction_manager import TransactionManager
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.lanes.accumulator import FAILED, OrderedAccumulator
from router.lanes.joint_requests import JointRequests, Sharing
from router.lanes.places import NOWHERE, ask_over
from router.lanes.produce_requests import LightProduceRequest
from router.lanes.shared_metadata import share_topics
from router.lanes.transaction_markers import TransactionMarkers

__all__ = ["OrderedProducer"]

_RETRY_MS = 20
"""How soon a transactional request or a batch is tried again."""


class _TellsPutOff:
    """Keeps what the coordinator puts a request off for, until it does what is asked."""

    _sender: Any

    def handle_response(self, resp: Any) -> float | None:
        """See its other base."""
        backoff: float | None = super().handle_response(resp)  # type: ignore[misc]  # its other base has it
        self._sender.transaction_put_off = None if backoff is None else _error_of(resp)
        return backoff


def _error_of(resp: Any) -> BaseException:
    if hasattr(resp, "error_code"):
        code = resp.error_code
    else:
        code = next(code for _, partitions in resp.errors for _, code in partitions if code)
    error: BaseException = for_code(code)()
    return error


class _InitPid(_TellsPutOff, InitPIDHandler):  # type: ignore[misc]  # as above
    """Shuts out the former owner; it is put off until the end of that one's transaction is known everywhere."""


class _AwaitsMarkers(_TellsPutOff):
    """Looks sooner whether the last transaction's markers are written."""

    def handle_response(self, resp: Any) -> float | None:
        """None, or the seconds after which to ask again."""
        backoff = super().handle_response(resp)
        return None if backoff is None else self._sender.markers.too_early(asyncio.get_running_loop().time())


class _AddPartitions(_AwaitsMarkers, AddPartitionsToTxnHandler):  # type: ignore[misc]  # as above
    """The partitions of a transaction."""


class _AddOffsets(_AwaitsMarkers, AddOffsetsToTxnHandler):  # type: ignore[misc]  # as above
    """The group of a transaction."""


class _TellsLost:
    """Tells the sender where no answer came: what was asked may have been done, or be done later."""

    _sender: Any
    _answered = False

    def handle_response(self, resp: Any) -> float | None:
        """See its other base."""
        self._answered = True
        backoff: float | None = super().handle_response(resp)  # type: ignore[misc]  # its other base has it
        return backoff

    async def do(self, node_id: Any) -> bool:
        """See its other base."""
        done: bool = await super().do(node_id)  # type: ignore[misc]  # as above
        self._sender.answer_lost = self._sender.answer_lost or not self._answered
        return done


class _CommitOffsets(_TellsLost, _TellsPutOff, TxnOffsetCommitHandler):  # type: ignore[misc]  # as above
    """The offset of a transaction. Over which connection it was acknowledged, the sender keeps."""

    async def do(self, node_id: Any) -> bool:
        """See its base."""
        at = node_id, self.group
        connections = self._sender.client._conns  # noqa: SLF001 - its own `send` gives none away
        before = connections.get(at)
        done: bool = await super().do(node_id)
        # Where it was made anew meanwhile, nobody knows over which of the two.
        self._sender.acknowledged_over = before if done and connections.get(at) is before else None
        return done


class _EndTransaction(_TellsLost, _TellsPutOff, EndTxnHandler):  # type: ignore[misc]  # as above
    """Its end."""


class _Produce(SendProduceReqHandler):  # type: ignore[misc]  # as above
    """Keeps what a batch is tried again for: aiokafka only logs it, and an idempotent producer tries for ever."""

    def __init__(self, sender: Any, batches: Any) -> None:
        super().__init__(sender, batches)
        if sender.sharing is not None:
            self._client = sender.sharing

    def create_request(self) -> LightProduceRequest:
        """See its base."""
        topics: dict[str, list[tuple[int, Any]]] = {}
        for tp, batch in self._batches.items():
            topics.setdefault(tp.topic, []).append((tp.partition, batch.get_data_buffer()))
        sender = self._sender
        return LightProduceRequest(
            transactional_id=sender._txn_manager.transactional_id,  # noqa: SLF001 - what its base asks of the sender
            required_acks=sender._acks,  # noqa: SLF001 - as above
            timeout=sender._request_timeout_ms,  # noqa: SLF001 - as above
            topics=list(topics.items()),
        )

    def _can_retry(self, error: BaseException, batch: Any) -> bool:
        again: bool = super()._can_retry(error, batch)
        if again:
            self._sender.put_off[batch.tp] = error
        return again


class _PromptSender(Sender):  # type: ignore[misc]  # as above
    """Begins a transaction with its partitions and its group in one go: each commit of a lane has an offset.

    Not later, beside batches that are on their way: a broker asks the coordinator about the first batch for each partition
    of a transaction (KIP-890), is told to come again while the transaction is being changed, and passes that on as
    NOT_ENOUGH_REPLICAS, which costs a retry. For the same reason offsets are sent after deliveries, not beside them.
    """

    def __init__(self, *args: Any, group: str, sharing: Sharing | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group
        """Whose offsets its transactions have."""
        self.sharing = sharing
        """What its batches go through, where they go with other producers'."""
        self.answer_lost = False
        """An offset or an end was asked for and no answer came, so that it was asked for again."""
        self.put_off: dict[TopicPartition, BaseException] = {}
        """What the batch that is next for a partition was last refused for, so that it is tried again."""

        self.transaction_put_off: BaseException | None = None
        """What the coordinator puts the next step of a transaction off for."""

        self.acknowledged_over: Any = None
        """The connection to the group's coordinator over which the last offset was acknowledged; None where that is not known."""

        self.markers = TransactionMarkers()

    async def _do_init_pid(self, node_id: Any) -> bool:
        if self._txn_manager.transactional_id is None:
            return bool(await super()._do_init_pid(node_id))
        return bool(await _InitPid(self).do(node_id))

    @property
    def lacks_coordinator(self) -> bool:
        """Nobody answers for its transactions, or for its group."""
        known = self._coordinators
        asked = {CoordinationType.TRANSACTION}
        if self._txn_manager.offsets_to_commit() is not None:
            asked.add(CoordinationType.GROUP)
        return self._txn_manager.transactional_id is not None and not asked <= known.keys()

    async def _send_produce_req(self, node_id: Any, batches: Any) -> None:
        await _Produce(self, batches).do(node_id)
        self._in_flight.remove(node_id)
        for tp, batch in batches.items():
            self._muted_partitions.remove(tp)
            if batch.future.done():
                self.put_off.pop(tp, None)

    async def _do_add_offsets_to_txn(self, group_id: str) -> bool:
        # A transaction without copies begins with its group, and so does one that was put off.
        node = await self._find_coordinator(CoordinationType.TRANSACTION, self._txn_manager.transactional_id)
        await asyncio.sleep(self.markers.left(asyncio.get_running_loop().time()))
        done = bool(await _AddOffsets(self, group_id).do(node))
        if done:
            self.markers.written(asyncio.get_running_loop().time())
        return done

    async def _do_txn_offset_commit(self, offsets: Any, group_id: str) -> None:
        try:
            node = await self._find_coordinator(CoordinationType.GROUP, group_id)
        except GroupAuthorizationFailedError as error:
            self._txn_manager.error_transaction(error)
            return
        await _CommitOffsets(self, offsets, group_id).do(node)

    async def _do_txn_commit(self, commit_result: Any) -> None:
        transactions = self._txn_manager
        await self._message_accumulator.flush_for_commit()
        if transactions.is_empty_transaction():
            transactions.complete_transaction()
            return
        node = await self._find_coordinator(CoordinationType.TRANSACTION, transactions.transactional_id)
        await _EndTransaction(self, commit_result).do(node)
        self.markers.begin(asyncio.get_running_loop().time())

    async def _do_add_partitions_to_txn(self, tps: Any) -> None:
        transactions = self._txn_manager
        begins = transactions._txn_consumer_group is None  # noqa: SLF001 - it has no reader
        if begins and self.markers.refused:
            if not await self._do_add_offsets_to_txn(self.group):
                return
            begins = False
        node = await self._find_coordinator(CoordinationType.TRANSACTION, transactions.transactional_id)
        asking = [_AddPartitions(self, tps)]
        if begins:
            await asyncio.sleep(self.markers.left(asyncio.get_running_loop().time()))
            # Over one connection, so that the coordinator takes them one after the other.
            asking.append(_AddOffsets(self, self.group))
        done = await asyncio.gather(*(each.do(node) for each in asking))
        if begins and all(done):
            self.markers.written(asyncio.get_running_loop().time())


class _Transactions(TransactionManager):  # type: ignore[misc]  # as above
    """Whose failures count as asked for: the lane meets them in its deliveries, or has let go of the producer."""

    @property
    def failure(self) -> BaseException:
        """What it failed for, once it has."""
        failure: BaseException = self.wait_for_transaction_end().exception()
        return failure

    def error_transaction(self, exc: BaseException) -> None:
        """The transaction can only be aborted."""
        super().error_transaction(exc)
        self.wait_for_transaction_end().exception()

    def fatal_error(self, exc: BaseException) -> None:
        """The producer can only be discarded."""
        if self.wait_for_transaction_end() is None:
            # One that is idempotent only has none, and its base class would stumble over that.
            self._transaction_waiter = asyncio.get_running_loop().create_future()
        super().fatal_error(exc)
        self.wait_for_transaction_end().exception()


class OrderedProducer(AIOKafkaProducer):  # type: ignore[misc]  # as above
    """For batches of our own making (`enqueue`), uncompressed and sent as they come. Of no use after an error."""

    _message_accumulator: OrderedAccumulator

    def __init__(
        self,
        *,
        group: str = "",
        transactional_id: str | None = None,
        transaction_timeout_ms: int = 60_000,
        joint: JointRequests | None = None,
        **settings: Any,
    ) -> None:
        """`group` is the one whose offsets each transaction has, where there is a `transactional_id`.

        One without may send its batches in `joint` requests.
        """
        super().__init__(enable_idempotence=True, acks="all", linger_ms=0, retry_backoff_ms=_RETRY_MS, **settings)
        share_topics(self._metadata)
        # These take the place of what the constructor made: it takes none, and nothing of them has begun yet.
        self._txn_manager = _Transactions(transactional_id, transaction_timeout_ms)
        self._message_accumulator = OrderedAccumulator(
            self._metadata, 0, 0, self._request_timeout_ms / 1000, txn_manager=self._txn_manager
        )
        self._sender = _PromptSender(
            self.client,
            acks=-1,
            txn_manager=self._txn_manager,
            message_accumulator=self._message_accumulator,
            retry_backoff_ms=_RETRY_MS,
            request_timeout_ms=self._request_timeout_ms,
            group=group,
            sharing=None if joint is None else Sharing(self.client, joint),
        )

    async def stop(self) -> None:
        """Send what is queued, and let go of the brokers; not while others' batches are on their way over our connections."""
        sharing = self._sender.sharing
        if sharing is not None and not self._closed:
            await self.flush()
            await sharing.settled()
        await super().stop()

    async def committed(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """What the group has committed of these, as the last word (`places.py`); those of which nothing is are left out.

        Asks until it is told, in transactions that it aborts. Raises ProducerFenced, and KafkaError for what may not be asked.
        """
        while True:
            await self.begin_transaction()
            await self.send_offsets_to_transaction({partitions[0]: NOWHERE}, self._sender.group)
            over = self._sender.acknowledged_over
            found = None if over is None else await ask_over(over, self._sender.group, partitions)
            await self.abort_transaction()
            if found is not None:
                return found
            await asyncio.sleep(_RETRY_MS / 1000)

    def give_up(self) -> None:
        """Send nothing more of what is queued, and nothing a second time. Of no use afterwards.

        For a transaction that nobody will commit: a topic that comes back would take its copies after the end.
        """
        self._message_accumulator.give_up()

    def withdraw(self) -> None:
        """Wait no more for what is on its way in a request with others'. Of no use afterwards."""
        if self._sender.sharing is not None:
            self._sender.sharing.withdraw()

    @property
    def transactional_id(self) -> str | None:
        """Its id; None for one that is idempotent only."""
        identifier: str | None = self._txn_manager.transactional_id
        return identifier

    async def learn(self, topics: Iterable[str]) -> None:
        """Ask about topics that it has not sent to yet, all at once. Raises UnknownTopicOrPartitionError."""
        topics = sorted(topics)
        for topic in topics:
            self.client.add_topic(topic)
        for topic in topics:
            await self.client._wait_on_metadata(topic)  # noqa: SLF001 - what its own send() begins with

    def knows(self, topic: str) -> bool:
        """It need not ask about the topic any more.

        One that it has only seen, among all that there are, it would forget with the first that it asks for by name: its client
        asks for those alone from then on, without a pause where a batch waits for another, and so would the batch.
        """
        return topic in self.client._topics and topic in self._metadata._partitions  # noqa: SLF001 - their readers make a set each time

    def enqueue(self, batch: Any, topic: str, *, partition: int) -> asyncio.Future[Any]:
        """Queue a batch for a topic that it knows; returns its delivery.

        How much is queued is for the caller to bound. Raises what the transaction failed for, IllegalOperation outside of
        one where the producer has an id, and whatever ended the sender.
        """
        if self.transactional_id is not None and not self.in_transaction:
            if self._txn_manager.state in FAILED:
                # Between two sendings of one transaction nobody has met it yet; that it was fenced, the lane must know.
                raise self._txn_manager.failure
            raise IllegalOperation("a batch of a transaction can only be sent in one")
        delivery: asyncio.Future[Any] = self._message_accumulator.enqueue(batch, TopicPartition(topic, partition))
        return delivery

    @property
    def answer_lost(self) -> bool:
        """A coordinator may still carry out what it was asked for in an earlier transaction (see above): begin no other."""
        return getattr(self._sender, "answer_lost", False)

    @property
    def put_off(self) -> Mapping[TopicPartition, BaseException]:
        """The partitions whose batches are refused and tried again, each with what it was last refused for."""
        found: dict[TopicPartition, BaseException] = self._sender.put_off
        return found

    @property
    def transaction_put_off(self) -> BaseException | None:
        """What the coordinator puts the next step of a transaction off for; None while it does what it is asked."""
        error: BaseException | None = self._sender.transaction_put_off
        return error

    @property
    def lacks_coordinator(self) -> bool:
        """No broker answers for its transactions, or for the group whose offsets they have."""
        return bool(self._sender.lacks_coordinator)

    def led(self, topic: str, partition: int) -> bool:
        """Whether a broker leads this partition, as far as is known."""
        return self.client.cluster.leader_for_partition(TopicPartition(topic, partition)) not in {None, -1}

    @property
    def in_transaction(self) -> bool:
        """A transaction is open, and nothing has gone wrong with it."""
        return bool(self._txn_manager.is_in_transaction())
