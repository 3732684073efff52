"""Broken builds: each lacks one cure, so that the simulation can show that it would notice.

The cures are those of a lane's protocol and of what was learnt about aiokafka and Kafka: what each guards against stands in
ARCHITECTURE.md, "What will bite you", and in the docstrings of `router.lanes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.client import CoordinationType
from aiokafka.producer.message_accumulator import MessageAccumulator
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.errors import BrokerUnavailable, Gap, RouterError
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Carrier, Places, Positions
from router.lanes.copies import TopicPartition as CopyPartition
from router.lanes.deliveries import Deliveries
from router.lanes.kafka import IdempotentCarrier, TransactionalCarrier
from router.lanes.lane import Lane
from router.lanes.producer import OrderedProducer
from router.lanes.protocol import Admission, LaneProtocol
from simulation.consumer import SimulatedConsumer
from simulation.scenario import Scenario, scenario_of, storm
from simulation.worker import GROUP, Build

__all__ = ["MUTANTS", "Mutant"]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A build without one cure."""

    name: str
    without: str
    """The cure, in words."""
    build: Build
    exactly_once: bool | None = None
    """The guarantee that it breaks; None where it is either."""
    storm: bool = False
    """It shows only where connections break all the time."""

    def scenario(self, seed: int) -> Scenario:
        """One in which it may show."""
        scenario = scenario_of(seed, exactly_once=self.exactly_once)
        return storm(scenario) if self.storm else scenario


def _lane(protocol: type[LaneProtocol] = LaneProtocol, lane: type[Lane] = Lane) -> Callable[..., Lane]:
    def new(source: SourcePartition, **parts: Any) -> Lane:
        made = lane(source, **parts)
        if protocol is not LaneProtocol:
            made.protocol = protocol(source, parts["pace"])
        return made

    return new


# --- the protocol ----------------------------------------------------------------------------------------------------------


class _NoContinuity(LaneProtocol):
    """Takes whatever batch comes."""

    def admit(self, batch: Batch) -> Admission:
        try:
            return super().admit(batch)
        except Gap:
            self.position = batch.follows
            return super().admit(batch)

    def sent(self, batch: Batch, now: float) -> None:
        self._sent = batch.follows
        super().sent(batch, now)


class _NoLostBatches(LaneProtocol):
    """Waits for ever for a batch that was offered."""

    def lost_at(self) -> float | None:
        return None


# --- the lane --------------------------------------------------------------------------------------------------------------


class _Remembers(SimulatedConsumer):
    """Can be asked for the committed offset beforehand, and seeks to that."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._remembered: dict[SourcePartition, int] = {}

    async def remember(self, source: SourcePartition) -> None:
        try:
            self._remembered[source] = await self._answered("committed", source)
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="the consumer group", problem=repr(error)) from error

    def _seek(self, source: SourcePartition, committed: int, earliest: int, latest: int) -> tuple[int, int]:
        return super()._seek(source, self._remembered[source], earliest, latest)


class _ReadsTooEarly(Lane):
    """Reads the committed offset before the former owner is shut out."""

    async def _open(self) -> None:
        consumer = self._positions
        assert isinstance(consumer, _Remembers)
        await consumer.remember(self.source)
        await super()._open()


class _KeepsItsCarrier(Lane):
    """Goes on with the producer that has failed."""

    _kept: Carrier | None = None

    async def _open(self) -> None:
        make, kept = self._new_carrier, self._kept
        if kept is not None:
            self._new_carrier = lambda _source, _waiting: _opened(kept, self._positions)
        try:
            await super()._open()
        finally:
            self._new_carrier = make

    async def _back_off(self, error: RouterError) -> None:
        self._kept, self._carrier = self._carrier, None
        await super()._back_off(error)

    async def close(self) -> None:
        self._carrier = self._carrier or self._kept
        await super().close()


def _opened(carrier: Carrier, positions: Positions) -> Carrier:
    async def open_again() -> Places:
        """It is open."""
        return await positions.places([carrier._source])  # type: ignore[attr-defined]

    carrier.open = open_again  # type: ignore[method-assign]
    return carrier


class _KeepsItsQueue(Lane):
    """Sends, once it is open again, what it had queued before it failed."""

    async def _open(self) -> None:
        queued = self._unsent
        await super()._open()
        self._unsent = queued


class _StaysDown(Lane):
    """Does not open again."""

    async def _back_off(self, error: RouterError) -> None:
        self.protocol.failed(error, self._clock.now())
        await self._discard_carrier()
        while not self._finishing:
            self._wake.clear()
            await self._wake.wait()


class _CommitsPastAnError(Lane):
    """Takes an error for a hiccup, and commits all that was sent."""

    async def _commit(self) -> None:
        offset = self.protocol.committable
        with suppress(RouterError):
            await super()._commit()
            return
        if offset is not None:
            await self._positions.commit(self.source, offset)
            self.protocol.settled(offset, not_before=0.0)


# --- the carriers ----------------------------------------------------------------------------------------------------------


def _transactional(carrier: type[_Mutated]) -> Callable[..., Carrier]:
    def new(source: SourcePartition, *, worker: str, positions: Positions, **settings: Any) -> Carrier:
        made = carrier(source, **settings)
        made.worker, made.positions = worker, positions
        return made

    return new


class _Mutated(TransactionalCarrier):
    """Knows what the real one has no use for."""

    worker: str
    positions: Positions


class _BelievesCommit(_Mutated):
    """Takes aiokafka's `commit_transaction` at its word, which says nothing of batches that were refused."""

    async def commit(self, offset: int) -> Mapping[CopyPartition, int]:
        assert self._producer is not None
        assert self._deliveries is not None
        await self._begin()
        at = {TopicPartition(self._source.topic, self._source.partition): offset}
        try:
            await self._producer.send_offsets_to_transaction(at, self._group)
            await self._producer.commit_transaction()
        except kafka_errors.KafkaError as error:
            raise self._translated(error) from error
        for delivery, *_ in self._deliveries._sent:
            if delivery.done():
                delivery.exception()
        self._deliveries._sent = []
        self._deliveries._sendings.clear()
        self._begun = False
        return {}


class _CommitsOffsetsApart(_Mutated):
    """Commits the offset to the group, once the transaction with the copies is committed."""

    async def commit(self, offset: int) -> Mapping[CopyPartition, int]:
        assert self._producer is not None
        assert self._deliveries is not None
        ends = await self._deliveries.settle()
        if self._begun:
            try:
                await self._deliveries.patiently(asyncio.ensure_future(self._producer.commit_transaction()))
            except kafka_errors.KafkaError as error:
                raise self._translated(error) from error
        self._begun = False
        await self.positions.commit(self._source, offset)
        return ends


class _OneIdAWorker(_Mutated):
    """Has a transactional id that no other worker uses, so that nobody is ever shut out."""

    async def open(self) -> Places:
        group, self._group = self._group, f"{self._group}-{self.worker}"
        try:
            return await super().open()
        finally:
            self._group = group

    async def _places(self, deliveries: Deliveries, producer: OrderedProducer) -> Places:
        producer._sender.group = GROUP
        return await super()._places(deliveries, producer)


class _ReadsWithoutAWrite(_Mutated):
    """Takes the coordinator's first answer for the last word."""

    async def _places(self, deliveries: Deliveries, producer: OrderedProducer) -> Places:
        return await self.positions.places([self._source])


class _ForgetsLostAnswers(_Mutated):
    """Goes on with a producer one of whose requests may still arrive a second time."""

    async def _begin(self) -> None:
        assert self._producer is not None
        self._producer._sender.answer_lost = False
        await super()._begin()


class _CommitsEarly(IdempotentCarrier):
    """Commits the offset while copies are still on their way."""

    async def commit(self, offset: int) -> Mapping[CopyPartition, int]:
        await self._positions.commit(self._source, offset)
        assert self._deliveries is not None
        return await self._deliveries.settle()


def _early(source: SourcePartition, *, worker: str, **settings: Any) -> Carrier:
    return _CommitsEarly(source, **settings)


# --- the producer and the consumer -----------------------------------------------------------------------------------------


class _Unordered(OrderedProducer):
    """aiokafka's own queue, which hands out what follows a batch that was refused, or a transaction that has failed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        queue = MessageAccumulator(self._metadata, 0, 0, self._request_timeout_ms / 1000, txn_manager=self._txn_manager)
        self._message_accumulator = self._sender._message_accumulator = queue


class _HeedsNoRefusal(OrderedProducer):
    """Looks for what is told of partitions, as aiokafka does, whatever is said of the request."""

    async def committed(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, OffsetAndMetadata]:
        group = self._sender.group
        node = await self._sender._find_coordinator(CoordinationType.GROUP, group)
        answer = await self.client.send(
            node, OffsetFetchRequest(group, [(each.topic, [each.partition]) for each in partitions])
        )
        return {
            TopicPartition(topic, partition): OffsetAndMetadata(offset, "")
            for topic, told in answer.topics
            for partition, offset, _, _ in told
            if offset >= 0
        }


class _StaysWhereItIs(SimulatedConsumer):
    """Seeks only where there is a committed offset, as aiokafka's `seek_to_committed` does."""

    def _seek(self, source: SourcePartition, committed: int, earliest: int, latest: int) -> tuple[int, int]:
        place = self._places.get(source)
        return super()._seek(source, place.position if committed < 0 and place else committed, earliest, latest)


MUTANTS = (
    Mutant("no continuity", "a batch must follow the lane's position", Build(lane=_lane(_NoContinuity))),
    Mutant("lost batches", "a batch that never arrives is missed", Build(lane=_lane(_NoLostBatches))),
    Mutant(
        "reads too early",
        "the committed offset is read only after the former owner is shut out",
        Build(lane=_lane(lane=_ReadsTooEarly), consumer=_Remembers),
        exactly_once=True,
    ),
    Mutant("keeps its carrier", "a producer is never used after an error", Build(lane=_lane(lane=_KeepsItsCarrier))),
    Mutant("keeps its queue", "what was queued before an error is read again", Build(lane=_lane(lane=_KeepsItsQueue))),
    Mutant("stays down", "a lane that fails opens again", Build(lane=_lane(lane=_StaysDown))),
    Mutant(
        "commits past an error",
        "after an error nothing is committed",
        Build(lane=_lane(lane=_CommitsPastAnError)),
    ),
    Mutant(
        "believes the commit",
        "every delivery is asked before a commit",
        Build(transactional=_transactional(_BelievesCommit)),
        exactly_once=True,
    ),
    Mutant(
        "offsets apart",
        "the offset is part of the transaction",
        Build(transactional=_transactional(_CommitsOffsetsApart)),
        exactly_once=True,
    ),
    Mutant(
        "an id a worker",
        "a transactional id belongs to a partition",
        Build(transactional=_transactional(_OneIdAWorker)),
        exactly_once=True,
    ),
    Mutant(
        "reads without a write",
        "a group's coordinator is read behind a write",
        Build(transactional=_transactional(_ReadsWithoutAWrite)),
        exactly_once=True,
    ),
    Mutant(
        "heeds no refusal",
        "a coordinator that does not tell a group's offsets is asked again",
        Build(producer=_HeedsNoRefusal),
        exactly_once=True,
    ),
    Mutant(
        "forgets lost answers",
        "after an answer that was lost, a new producer",
        Build(transactional=_transactional(_ForgetsLostAnswers)),
        exactly_once=True,
        storm=True,
    ),
    Mutant("commits early", "every delivery is awaited before a commit", Build(idempotent=_early), exactly_once=False),
    Mutant("unordered", "nothing follows a batch that was refused", Build(producer=_Unordered), exactly_once=False),
    Mutant(
        "unordered in transactions",
        "nothing is sent once a transaction has failed",
        Build(producer=_Unordered),
        exactly_once=True,
    ),
    Mutant(
        "stays where it is",
        "where nothing is committed, the partition is read from its start",
        Build(consumer=_StaysWhereItIs),
    ),
)
"""All of them."""
