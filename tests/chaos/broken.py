"""Worker apps that lack one cure each, or have the trouble that a cure is for: `faust -A tests.chaos.broken worker`.

BROKEN names the cure that is taken out (none: the build is whole), TROUBLE lists what happens to the build in any case:

    dawdle    a lane waits before each commit, so that a transaction is nearly always open
    raise     the agent raises on some batches: Faust takes each for done, it is gone, and the agent is away for five seconds

The harness runs each trouble with a whole build as well: what it then finds is due to the missing cure alone. The same cures
and more are taken out of simulated workers in tests/simulation, where time and chance are ours. Those whose absence shows
only at one moment in a million (a committed offset that is read before the former owner is shut out, batches that overtake a
refused one, an abort that a batch arrives behind) are left to it; the others meet a real Kafka here.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import Gap, RouterError
from router.lanes import kafka, lane, lanes, positions, protocol, transport

BUILDS: dict[str, Callable[[], None]] = {}


def build(take_out: Callable[[], None]) -> Callable[[], None]:
    """Name a build by what its function is called."""
    BUILDS[take_out.__name__.replace("_", "-")] = take_out
    return take_out


@build
def believes_the_commit() -> None:
    """Commits without awaiting deliveries: aiokafka's own commit says nothing of a batch that was refused."""

    async def commit(self: Any, offset: int) -> None:
        await self._begin()
        at = {TopicPartition(self._source.topic, self._source.partition): offset}
        try:
            await self._producer.send_offsets_to_transaction(at, self._group)
            await self._producer.commit_transaction()
        except kafka_errors.KafkaError as error:
            raise self._translated(error) from error
        self._begun = False

    kafka.TransactionalCarrier.commit = commit  # type: ignore[method-assign]


@build
def commits_early() -> None:
    """At-least-once: commits the offset before the deliveries that it stands for."""

    async def commit(self: Any, offset: int) -> None:
        await self._positions.commit(self._source, offset)
        await self._deliveries.settle()

    kafka.IdempotentCarrier.commit = commit  # type: ignore[method-assign]


@build
def commits_past_an_error() -> None:
    """Takes an error for a hiccup: commits the offset all the same, and goes on behind it."""
    whole = lane.Lane._commit

    async def commit(self: Any) -> None:
        offset = self.protocol.committable
        with suppress(RouterError):
            await whole(self)
            return
        await self._positions.commit(self.source, offset)
        self.protocol.settled(offset, not_before=0.0)
        await self._discard_carrier()
        self._carrier = self._new_carrier(self.source, self._wait_for)
        await self._carrier.open()

    lane.Lane._commit = commit  # type: ignore[method-assign]


@build
def keeps_its_carrier() -> None:
    """Goes on with the producer that has failed."""
    whole, back_off = lane.Lane._open, lane.Lane._back_off

    async def open_again(self: Any) -> None:
        if self._carrier is None:
            await whole(self)
            return
        self._queue.clear()
        places = await self._positions.places([self.source])
        epoch, position = await self._positions.seek_to_committed(self.source, places)
        self._error = None
        self.protocol.opened(epoch=epoch, position=position, now=self._clock.now())
        self._room()

    async def keep(self: Any, error: RouterError) -> None:
        kept, self._carrier = self._carrier, None
        await back_off(self, error)
        self._carrier = kept

    lane.Lane._open, lane.Lane._back_off = open_again, keep  # type: ignore[method-assign]


@build
def stays_down() -> None:
    """Does not open a lane again that has failed."""

    async def stay(self: Any, error: RouterError) -> None:
        self.protocol.failed(error, self._clock.now())
        await self._discard_carrier()
        while not self._finishing:
            self._wake.clear()
            await self._wake.wait()

    lane.Lane._back_off = stay  # type: ignore[method-assign]


@build
def one_id_a_worker() -> None:
    """Has transactional ids that no other worker uses: nobody is ever shut out."""
    whole = kafka.transactional_id
    kafka.transactional_id = lambda group, source: f"{whole(group, source)}-{os.environ['ROUTER_INSTANCE']}"


@build
def offsets_apart() -> None:
    """Commits the offset to the group, a moment after the transaction with the copies."""
    made: dict[Any, Any] = {}
    whole = positions.ConsumerPositions.__init__

    def init(self: Any, consumer: Any) -> None:
        whole(self, consumer)
        made["positions"] = self

    async def commit(self: Any, offset: int) -> None:
        await self._deliveries.settle()
        if self._begun:
            try:
                await self._deliveries.patiently(asyncio.ensure_future(self._producer.commit_transaction()))
            except kafka_errors.KafkaError as error:
                raise self._translated(error) from error
        self._begun = False
        await asyncio.sleep(0.1)
        await made["positions"].commit(self._source, offset)

    positions.ConsumerPositions.__init__ = init  # type: ignore[method-assign]
    kafka.TransactionalCarrier.commit = commit  # type: ignore[method-assign]


@build
def reads_uncommitted() -> None:
    """Copies what its producer has aborted."""
    whole = transport.BatchThread._create_worker_consumer

    def create(self: Any, driver: Any) -> Any:
        consumer = whole(self, driver)
        consumer._isolation_level = "read_uncommitted"
        return consumer

    transport.BatchThread._create_worker_consumer = create  # type: ignore[method-assign]


@build
def no_continuity() -> None:
    """Takes whatever batch comes."""
    whole = protocol.LaneProtocol.admit
    sent = protocol.LaneProtocol.sent

    def admit(self: Any, batch: Any) -> Any:
        try:
            return whole(self, batch)
        except Gap:
            self.position = batch.follows
            return whole(self, batch)

    def sent_whatever(self: Any, batch: Any, now: float) -> None:
        self._sent = batch.follows
        sent(self, batch, now)

    protocol.LaneProtocol.admit = admit  # type: ignore[method-assign]
    protocol.LaneProtocol.sent = sent_whatever  # type: ignore[method-assign]


@build
def stays_where_it_is() -> None:
    """Seeks only where something was committed, as aiokafka's `seek_to_committed` does."""
    whole = transport.BatchThread._seek_to

    async def seek(self: Any, tp: Any, committed: int | None) -> Any:
        consumer = self._ensure_consumer()
        position = transport._position(consumer._subscription, tp)
        epoch, sought = await whole(self, tp, committed)
        if committed is None and position is not None:
            consumer.seek(tp, position)
            self._before[tp] = position
            return epoch, position
        return epoch, sought

    transport.BatchThread._seek_to = seek  # type: ignore[method-assign]


def _dawdle() -> None:
    whole = lane.Lane._commit

    async def commit(self: Any) -> None:
        if self.protocol.committable is not None:
            await asyncio.sleep(0.15)
        await whole(self)

    lane.Lane._commit = commit  # type: ignore[method-assign]


_RAISES_ON = frozenset({5, 30, 60})
"""Which of a worker's batches, counted from its start."""


def _raise() -> None:
    whole = lanes.Lanes.carry
    numbers = count()

    def carry(self: Any, batch: Any) -> None:
        if next(numbers) in _RAISES_ON:
            raise RuntimeError("an agent that raises")
        whole(self, batch)

    lanes.Lanes.carry = carry  # type: ignore[method-assign]


TROUBLES = {"dawdle": _dawdle, "raise": _raise}

if os.environ.get("ROUTER_GROUP"):  # a worker imports this; tests only read the names
    if os.environ.get("BROKEN"):
        BUILDS[os.environ["BROKEN"]]()
    for trouble in filter(None, os.environ.get("TROUBLE", "").split(",")):
        TROUBLES[trouble]()

    from agents.app import app  # noqa: F401 - what faust -A looks for
