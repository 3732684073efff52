"""A worker's consumer as the lanes know it: the contract of `router.lanes.transport`, over the modelled cluster.

Faust and its threads are not here; what they promise is. A batch says what it follows, and carries the epoch of the last seek;
fetches run ahead of what is handed out; positions, epochs and what was taken change between two awaits; where a fetch fails
half-way, or the client moves by itself because retention has eaten what was unread, an empty batch tells the lane by not
following it. Members join, are told to give everything back, and may be taken for dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import errors as kafka_errors

from router.errors import BrokerUnavailable, CommitFailed, OffsetOutOfRange
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Place, Places
from router.records.record import PlainRecord
from simulation.cluster import NOT_COORDINATOR, Ask, Cluster, Fetched
from simulation.group import ILLEGAL_GENERATION, UNKNOWN_MEMBER, Assignment
from simulation.network import PORT, Connection, Network, host_of

__all__ = ["SimulatedConsumer"]

SESSION = 6.0
_HEARTBEAT = SESSION / 5
_REQUEST_TIMEOUT_MS = 10_000
_RETRY = 0.1
_LONG_POLL = 1.0


@dataclass(slots=True)
class _Place:
    """Where the consumer stands in one partition."""

    position: int
    epoch: int
    hold: object
    """Another object once the client has moved by itself."""
    fetched: Fetched | None = None
    """What has come and was not handed out."""


class SimulatedConsumer:
    """Fulfils `Positions`; `member` keeps it in its group, `fetch` hands out batches."""

    def __init__(self, network: Network, cluster: Cluster, name: str) -> None:
        self.name = name
        self.assignment: tuple[SourcePartition, ...] = ()
        self.rejoin = asyncio.Event()
        """The group deals out its partitions anew, or this member does not belong to it any more."""
        self.failing = False
        """The next fetch that brings something fails half-way."""
        self._network = network
        self._cluster = cluster
        self._member = name
        self._generation = -1
        self._connections: dict[tuple[int, str], Connection] = {}
        self._places: dict[SourcePartition, _Place] = {}
        self._before: dict[SourcePartition, int] = {}
        self._held: dict[SourcePartition, object] = {}
        self._fetching: dict[SourcePartition, asyncio.Task[None]] = {}
        self._last_epoch = 0
        self._epochs: dict[SourcePartition, int] = {}
        self._arrived = asyncio.Event()
        self._beating: asyncio.Task[None] | None = None

    async def _ask(
        self, node: int, purpose: str, what: str, *, timeout_ms: int = _REQUEST_TIMEOUT_MS, **facts: Any
    ) -> Any:
        at = node, purpose
        connection = self._connections.get(at)
        if connection is None or not connection.connected():
            connection = await self._network.connect(host_of(node), PORT, request_timeout_ms=timeout_ms)
            connection = self._keep(at, connection)
        try:
            return await connection.send(Ask(what, facts))
        except TimeoutError as error:
            connection.close()
            raise kafka_errors.RequestTimedOutError from error

    def _keep(self, at: tuple[int, str], connection: Connection) -> Connection:
        """The one that was made, or that somebody else has made meanwhile."""
        kept = self._connections.get(at)
        if kept is not None and kept.connected():
            connection.close()
            return kept
        self._connections[at] = connection
        return connection

    # --- the group -------------------------------------------------------------------------------------------------------

    async def join(self) -> Assignment:
        """Join the coming generation; however long that takes."""
        while True:
            try:
                answer = await self._ask(
                    self._cluster.leader_of_group(),
                    "group",
                    "join",
                    name=self._member,
                    session=SESSION,
                    timeout_ms=60_000,
                )
            except kafka_errors.KafkaError:
                await asyncio.sleep(_RETRY)
                continue
            if isinstance(answer, Assignment):
                self._member, self._generation = answer.member, answer.generation
                self.rejoin.clear()
                if self._beating is None:
                    self._beating = asyncio.create_task(self._beat(), name=f"heartbeat {self.name}")
                return answer
            await asyncio.sleep(_RETRY)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT)
            if not self.rejoin.is_set():
                try:
                    await self._heartbeat()
                except kafka_errors.KafkaError:
                    continue

    async def _heartbeat(self) -> bool:
        member, generation = self._member, self._generation
        error = await self._ask(
            self._cluster.leader_of_group(), "group", "heartbeat", name=member, generation=generation
        )
        if (member, generation) != (self._member, self._generation):
            return False
        if error == UNKNOWN_MEMBER:
            self._member = self.name
        if error and error != NOT_COORDINATOR:
            self.rejoin.set()
        return not error

    def assign(self, partitions: tuple[SourcePartition, ...]) -> None:
        """The partitions that this member reads from now on."""
        self.assignment = partitions
        for task in self._fetching.values():
            task.cancel()
        self._fetching.clear()
        self._places.clear()

    async def leave(self) -> None:
        """Say goodbye, if anybody hears it."""
        if self._beating is not None:
            self._beating.cancel()
        self.assign(())
        with suppress(kafka_errors.KafkaError):
            # Not behind a request to join that may be waiting for others.
            await self._ask(self._cluster.leader_of_group(), "leaving", "leave", name=self._member)
        for connection in self._connections.values():
            connection.close()

    # --- positions -------------------------------------------------------------------------------------------------------

    async def places(self, sources: Collection[SourcePartition]) -> Places:
        """See Positions."""
        try:
            told = [(source, await self._answered("committed", source)) for source in sources]
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="the consumer group", problem=repr(error)) from error
        return {source: Place(offset) for source, offset in told if offset >= 0}

    async def seek_to_committed(self, source: SourcePartition, places: Places) -> tuple[int, int]:
        """See Positions."""
        try:
            earliest, latest = await self._answered("bounds", source)
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="the consumer group", problem=repr(error)) from error
        return self._seek(source, places.get(source, Place(-1)).offset, earliest, latest)

    def _seek(self, source: SourcePartition, committed: int, earliest: int, latest: int) -> tuple[int, int]:
        position = earliest if committed < 0 else committed
        if not earliest <= position <= latest:
            raise OffsetOutOfRange(
                topic=source.topic, partition=source.partition, committed=position, earliest=earliest, latest=latest
            )
        if source not in self.assignment:
            raise BrokerUnavailable(brokers="the consumer group", problem=f"{source} is not assigned to this member")
        self._last_epoch += 1
        hold = object()
        before = self._places.get(source)
        self._places[source] = _Place(position, self._last_epoch, hold if before is None else before.hold)
        self._before[source] = position
        self._held[source] = self._places[source].hold
        if source not in self._fetching:
            self._fetching[source] = asyncio.create_task(self._fetch_ahead(source), name=f"fetch {source}")
        return self._last_epoch, position

    async def _answered(self, what: str, source: SourcePartition) -> Any:
        while True:
            node = self._cluster.leader_of_group() if what == "committed" else self._cluster.leader_of(source)
            answer = await self._ask(node, "offsets", what, source=source)
            if answer is not None:
                return answer
            await asyncio.sleep(_RETRY)

    async def commit(self, source: SourcePartition, offset: int) -> None:
        """See Positions."""
        while True:
            try:
                error = await self._ask(
                    self._cluster.leader_of_group(),
                    "offsets",
                    "commit",
                    name=self._member,
                    generation=self._generation,
                    source=source,
                    offset=offset,
                )
            except kafka_errors.KafkaError:
                await asyncio.sleep(_RETRY)
                continue
            if error in (UNKNOWN_MEMBER, ILLEGAL_GENERATION):
                raise CommitFailed(topic=source.topic, partition=source.partition, problem=f"error {error}")
            if not error:
                return
            await asyncio.sleep(_RETRY)

    async def owns(self, source: SourcePartition) -> bool:
        """See Positions."""
        if source not in self.assignment:
            return False
        try:
            return await self._heartbeat()
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="the consumer group", problem=repr(error)) from error

    # --- fetching --------------------------------------------------------------------------------------------------------

    async def _fetch_ahead(self, source: SourcePartition) -> None:
        while True:
            place = self._places[source]
            if place.fetched is not None:
                await asyncio.sleep(0.01)
                continue
            position = place.position
            try:
                node = self._cluster.leader_of(source)
                fetched = await self._ask(
                    node, f"fetch {source}", "fetch", source=source, position=position, most=100, within=_LONG_POLL
                )
            except kafka_errors.KafkaError:
                await asyncio.sleep(_RETRY)
                continue
            place = self._places[source]
            if place.position != position or place.fetched is not None:
                continue
            if fetched.error == "out of range":
                # As a client does by itself where it is told to begin at the earliest.
                answered = await self._bounds_or_none(source)
                if answered is not None and self._places[source] is place and place.position == position:
                    place.position, place.hold = answered[0], object()
            elif fetched.error:
                await asyncio.sleep(_RETRY)
            elif fetched.next != position:
                place.fetched = fetched
                self._arrived.set()

    async def _bounds_or_none(self, source: SourcePartition) -> tuple[int, int] | None:
        try:
            bounds: tuple[int, int] = await self._answered("bounds", source)
        except kafka_errors.KafkaError:
            return None
        return bounds

    async def fetch(self, partitions: Iterable[SourcePartition], within: float, most: int) -> list[Batch]:
        """As `BatchThread.fetch`: what there is for these partitions; empty after so many seconds without any."""
        wanted = [source for source in partitions if source in self._places]
        self._before = {source: self._places[source].position for source in wanted}
        self._held = {source: self._places[source].hold for source in wanted}
        if not any(self._places[source].fetched for source in wanted):
            self._arrived.clear()
            try:
                async with asyncio.timeout(within):
                    await self._arrived.wait()
            except TimeoutError:
                pass
        # No await from here on.
        batches = []
        taken: dict[SourcePartition, tuple[PlainRecord, ...]] = {}
        left = most
        for source in wanted:
            place = self._places.get(source)
            if place is not None and left > 0 and place.fetched is not None:
                taken[source] = self._take(place, left)
                left -= len(taken[source])
        failed = self.failing and bool(taken)
        if failed:
            self.failing = False
        for source in wanted:
            place = self._places.get(source)
            if place is None:
                continue
            before, after = self._before.get(source), place.position
            received = self._network.loop.wall()
            if before is None or (before != after and (failed or place.hold is not self._held.get(source))):
                batches.append(Batch(source, place.epoch, after, after, (), received))
            elif after != before or source in taken:
                end = self._cluster.log(source).last_stable
                batches.append(
                    Batch(source, place.epoch, before, after, taken.get(source, ()), received, caught_up=after >= end)
                )
        return batches

    @staticmethod
    def _take(place: _Place, most: int) -> tuple[PlainRecord, ...]:
        fetched = place.fetched
        assert fetched is not None
        if len(fetched.records) <= most:
            place.fetched = None
            place.position = fetched.next
            return fetched.records
        taken = fetched.records[:most]
        place.fetched = Fetched(records=fetched.records[most:], next=fetched.next)
        place.position = taken[-1].offset + 1
        return taken
