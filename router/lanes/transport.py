"""Batches under Faust's own API: a transport that hands an agent all records of one fetch, a partition at a time.

Faust's aiokafka driver starts four tasks a record before any work is done. Here one event is one batch, and lanes decide
what is committed, so that these of the driver's habits are replaced, each at the place where Faust lets a subclass do so:

    the loop that drains the consumer    one message a batch; a partition whose lane has no room is not fetched from
    acknowledgements                     play no part: lanes commit, after deliveries, by continuity
    a rebalance                          finishes the lanes first, where the driver forgets what was not yet committed
    seeking after an assignment          is each lane's own, after it has shut out the former owner
    a broker that is away                is waited for, where the driver would end the worker
    a consumer that does not fetch       is not expelled from its group while its loop turns

Everything about positions happens in the consumer's thread, between two of its awaits: the epoch, the seek and the
records that a fetch takes can so never disagree. Where the client moves a position by itself (retention has eaten what is
unread) or drops what it has taken (an error half-way), a batch without records tells the lane, by not following it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import aiokafka
from aiokafka import errors as kafka_errors
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service

from router.errors import BrokerUnavailable, OffsetOutOfRange
from router.lanes.batch import Batch, SourcePartition
from router.lanes.fetching import Demand, unpack_lightly
from router.lanes.joining import join_once
from router.lanes.lanes import Lanes
from router.lanes.positions import ConsumerPositions, topic_partition
from router.lanes.spacing import FetchSpacing
from router.lanes.standing import places, standing
from router.log_ends import SharedEnds, ends_of
from router.observe.logs import get_logger
from router.refused_offsets import heed_refusals

__all__ = ["BatchConsumer", "BatchThread", "BatchTransport"]

log = get_logger("router.lanes")

T = TypeVar("T")

_FETCH_WAIT_MS = 200
"""How long a broker holds a fetch without records back. So long waits, too, who asks the same broker for anything else, and
a partition that was sought meanwhile: a rebalance is several such steps."""
_IDLE_FETCH = 1.0
"""Seconds that a fetch waits for records where every lane has room."""
_BUSY_FETCH = 0.05
"""The same where some lane had none when the fetch began: it may have by now."""
_LEARN_WITHIN = 1.0
"""Seconds that asking for the topics may hold up a rebalance: it does good, but is not needed."""
_LEAST_FETCH = 16 * 1024
"""Bytes that a partition's share of what is fetched ahead never falls below."""
_FAILING = 5.0
"""Seconds without a failed fetch after which the last one counts as overcome."""


class BatchThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread: fetches, seeks and commits, each in one piece."""

    _epochs: dict[TopicPartition, int]
    _before: dict[TopicPartition, int]
    _held: dict[TopicPartition, object]
    _demand: Demand | None = None
    _spacing: FetchSpacing
    _ends: SharedEnds
    _last_epoch = 0
    _failure: tuple[str, float, float] | None = None
    """What the latest fetch that failed failed for, when that began, and when it last happened."""

    async def on_start(self) -> None:
        """Connect, for as long as that takes: a worker that starts before its broker waits for it."""
        self._epochs = {}
        self._before = {}
        self._held = {}
        said = ""
        while not self.should_stop and not self.app.should_stop:
            try:
                await super().on_start()
            except kafka_errors.KafkaError as error:
                if self._consumer is not None:
                    await self._consumer.stop()
                if str(error) != said:
                    said = str(error)
                    log.warning("no broker answers: waiting for it", reason=BrokerUnavailable.reason, problem=said)
                await asyncio.sleep(0.5)
            else:
                fetcher = self._consumer._fetcher  # noqa: SLF001 - a consumer does not show its fetcher
                unpack_lightly(fetcher)
                join_once(self._consumer._coordinator)  # noqa: SLF001 - nor its coordinator
                heed_refusals(self._consumer)
                self._demand = Demand(fetcher)
                self._spacing = FetchSpacing(self.app.utilization)
                self._ends = SharedEnds(self._consumer)
                return

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Both are read when the consumer starts, and the driver passes no argument for either.
        consumer._fetch_max_wait_ms = _FETCH_WAIT_MS  # noqa: SLF001 - aiokafka has no other way after construction
        # What a producer aborted was never published: it must not be copied.
        consumer._isolation_level = "read_committed"  # noqa: SLF001
        if self.app.tables.changelog_topics:
            # The first table of a group brings Faust's assignor with it. A group takes none but what all its members know:
            # with both, workers can be replaced one by one.
            consumer._partition_assignment_strategy = (  # noqa: SLF001
                *consumer._partition_assignment_strategy,  # noqa: SLF001
                RoundRobinPartitionAssignor,
            )
        return consumer

    async def fetch(self, partitions: set[TopicPartition], within: float, most: int | None) -> list[Batch]:
        """What there is for these partitions, as batches; empty after so many seconds without any."""
        return await self._in_thread(self._fetch(partitions, within, most))

    async def _in_thread(self, work: Coroutine[Any, Any, T]) -> T:
        # Not by the driver's queue, whose two workers would serve all lanes one after another.
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    async def _fetch(self, partitions: set[TopicPartition], within: float, most: int | None) -> list[Batch]:
        if self._demand is not None:
            await self._spaced(self._demand)
        consumer = self._ensure_consumer()
        if not self.consumer.flow_active:
            return []
        fetcher = consumer._fetcher  # noqa: SLF001 - the driver's own way to fetch only some partitions
        subscription = fetcher._subscriptions  # noqa: SLF001
        self._before = {tp: position for tp in partitions if (position := _position(subscription, tp)) is not None}
        self._held = {tp: _hold(subscription, tp) for tp in self._before}
        error = None
        if self._demand is not None:
            self._demand.want(partitions)
        try:
            with subscription.fetch_context():
                fetched = await fetcher.fetched_records(partitions, timeout=within, max_records=most)
        except kafka_errors.ConsumerStoppedError:
            raise
        except kafka_errors.KafkaError as raised:
            error, fetched = raised, {}
        # No await from here on: what was taken, the positions and the epochs belong together.
        received = time.time()
        batches: list[Batch] = []
        for tp in partitions:
            after = _position(subscription, tp)
            epoch = self._epochs.get(tp)
            if after is None or epoch is None:
                continue
            before = self._before.get(tp)
            source = SourcePartition(tp.topic, tp.partition)
            if before is None or (
                before != after and (error is not None or _hold(subscription, tp) is not self._held[tp])
            ):
                # Between here and where the lane stands, something was not handed out: it must read again.
                batches.append(Batch(source, epoch, after, after, (), received))
            elif after != before or tp in fetched:
                records = fetched.get(tp, ())
                stable = consumer.last_stable_offset(tp)
                # While records come in evenly, some come in beside each answer.
                caught_up = stable is not None and stable - after <= len(records)
                batches.append(Batch(source, epoch, before, after, records, received, caught_up))
        if self._demand is not None and batches:
            self._demand.backlog = not all(batch.caught_up for batch in batches)
        if error is not None:
            log.warning("a fetch failed: reading again", error=error)
            since = received if self._failure is None or self.failure(received) is None else self._failure[1]
            self._failure = (f"{type(error).__name__}: {error}", since, received)
            await asyncio.sleep(0.1)
        return batches

    async def _spaced(self, demand: Demand) -> None:
        """Until the next fetch is due; with a backlog it always is."""
        now = asyncio.get_running_loop().time
        left = self._spacing.left(now())
        if left > 0 and not demand.backlog:
            await asyncio.sleep(left)
        self._spacing.begin(now(), time.process_time())

    def failure(self, now: float) -> tuple[str, float] | None:
        """What fetches fail for, and since when; None once none has failed for a while.

        Fetches for other partitions succeed meanwhile, so that a success says nothing.
        """
        failure = self._failure
        return failure[:2] if failure is not None and now - failure[2] < _FAILING else None

    async def learn_topics(self) -> None:
        """Ask for the topics and their partitions anew, as they are now; gives up after a while."""
        await self._in_thread(self._learn_topics())

    async def _learn_topics(self) -> None:
        if self._consumer is not None:
            client = self._consumer._client  # noqa: SLF001 - a consumer has no way to ask
            asked = client.force_metadata_update()
            if not client._md_update_waiter.done():  # noqa: SLF001 - see below
                # What is under way goes by topics of before, where they were changed meanwhile: aiokafka 0.14 begins it anew
                # then, but only when the metadata are old enough again.
                client._md_update_waiter.set_result(None)  # noqa: SLF001 - as above
            with suppress(TimeoutError):
                async with asyncio.timeout(_LEARN_WITHIN):
                    await asked

    def share_fetches(self, partitions: int, *, of: int, most: int) -> None:
        """Let all partitions together fetch ahead `of` bytes, and none of them more than `most`.

        A record that is larger still comes, alone. May be called from any thread: it is asked at the next fetch.
        """
        fetcher = self._ensure_consumer()._fetcher  # noqa: SLF001 - it takes these when it is made, before partitions are known
        fetcher._max_partition_fetch_bytes = max(_LEAST_FETCH, min(most, of // max(1, partitions)))  # noqa: SLF001 - as above
        fetcher._fetch_max_bytes = max(_LEAST_FETCH, of)  # noqa: SLF001 - as above

    async def show_life(self) -> None:
        """Count as one who fetches: a worker that waits, or has no partitions, must not be taken for one that hangs.

        It would be made to leave its group, and could not come back: for that, too, it would have to fetch.
        """
        await self._in_thread(self._show_life())

    async def _show_life(self) -> None:
        if self._consumer is not None:
            with self._consumer._subscription.fetch_context():  # noqa: SLF001 - where aiokafka keeps the time
                pass

    async def seek_to(self, tp: TopicPartition, committed: int | None) -> tuple[int, int]:
        """Seek there, or to the log's start, and begin a new epoch; returns epoch and position."""
        return await self._in_thread(self._seek_to(tp, committed))

    async def _seek_to(self, tp: TopicPartition, committed: int | None) -> tuple[int, int]:
        consumer = self._ensure_consumer()
        # At once: over a connection, a broker answers what is asked only after a fetch that waits for records there.
        start, end = await asyncio.gather(consumer.beginning_offsets([tp]), consumer.end_offsets([tp]))
        earliest, latest = start[tp], end[tp]
        position = earliest if committed is None else committed
        if position > latest:
            # Of what one broker says: a group that seems to stand behind the end would begin anew, where losses are accepted.
            latest = (await ends_of(consumer, [tp]))[tp]
        if not earliest <= position <= latest:
            raise OffsetOutOfRange(
                topic=tp.topic, partition=tp.partition, committed=position, earliest=earliest, latest=latest
            )
        # No await from here on: a fetch that is under way takes the new position with the new epoch, or neither.
        consumer.seek(tp, position)
        self._last_epoch += 1
        self._epochs[tp] = self._last_epoch
        self._before[tp] = position
        self._held[tp] = _hold(consumer._subscription, tp)  # noqa: SLF001
        return self._last_epoch, position

    async def leave_unread(self, partitions: Iterable[TopicPartition]) -> None:
        """Fetch nothing of these, until the next assignment."""
        await self._in_thread(self._leave_unread(list(partitions)))

    async def _leave_unread(self, partitions: list[TopicPartition]) -> None:
        assigned = self._ensure_consumer().assignment()
        # Where a rebalance has come in between, another call follows.
        self._ensure_consumer().pause(*(tp for tp in map(_client_tp, partitions) if tp in assigned))

    async def commit_offset(self, tp: TopicPartition, offset: int) -> None:
        """Commit one partition's offset to the group."""
        await self._in_thread(self._ensure_consumer().commit({tp: OffsetAndMetadata(offset, "")}))

    async def end(self, tp: TopicPartition) -> int:
        """Where the partition ends for readers of what is committed."""
        return (await self._in_thread(self._ends.of([tp])))[tp]

    async def ends(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where these end for readers of what is committed; others may carry them."""
        return await self._in_thread(self._ends.of(tps))

    async def standing(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """What the group has committed of these, asked of its coordinator; the start of the log where that is nothing."""
        return await self._in_thread(standing(self._ensure_consumer(), tps))

    async def places(self, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """What the group has committed of these, as its coordinator knows."""
        return await self._in_thread(places(self._ensure_consumer(), tps))

    async def written_to(self, tp: TopicPartition) -> int:
        """Where the partition ends with what is not committed."""
        return (await self._in_thread(self._ends.of([tp], committed=False)))[tp]

    async def owns(self, tp: TopicPartition) -> bool:
        """Whether the group still takes the partition for this member's: asked of its coordinator, not remembered."""
        return await self._in_thread(self._owns(tp))

    async def _owns(self, tp: TopicPartition) -> bool:
        consumer = self._ensure_consumer()
        if tp not in consumer.assignment():
            return False
        if not consumer._subscription.partitions_auto_assigned():  # noqa: SLF001 - who assigns by hand, owns
            return True
        # A heartbeat is all that a member may ask. One that the group no longer knows is made to join again by it.
        return bool(await consumer._coordinator._do_heartbeat())  # noqa: SLF001 - sent out of turn

    def unread(self, tp: TopicPartition) -> bool:
        """Whether there is more to read, as of the last fetch, from a broker that leads the partition.

        What an open transaction holds back is not there to be read yet.
        """
        consumer = self._consumer
        if consumer is None:
            return False
        stable = consumer.last_stable_offset(tp)
        position = _position(consumer._subscription, tp)  # noqa: SLF001 - its public counterpart may wait
        leader = consumer._client.cluster.leader_for_partition(tp)  # noqa: SLF001 - a consumer does not show its cluster
        return None not in (stable, position) and position < stable and leader not in (None, -1)

    @property
    def grouped(self) -> bool:
        """The group's coordinator answers, as far as is known."""
        return self._consumer is not None and self._consumer._coordinator.coordinator_id is not None  # noqa: SLF001 - it has no other name

    def lag(self, tp: TopicPartition) -> int | None:
        """Records between the position and the end of the log, as of the last fetch; None where that is not known."""
        consumer = self._consumer
        if consumer is None:
            return None
        highwater = consumer.highwater(tp)
        position = _position(consumer._subscription, tp)  # noqa: SLF001 - its public counterpart may wait
        return None if highwater is None or position is None else max(0, highwater - position)


def _position(subscriptions: Any, tp: TopicPartition) -> int | None:
    assignment = subscriptions.subscription.assignment if subscriptions.subscription is not None else None
    state = assignment.state_value(tp) if assignment is not None else None
    return int(state.position) if state is not None and state.has_valid_position else None


def _hold(subscriptions: Any, tp: TopicPartition) -> object:
    """What is another object once the client has given up a position by itself; a seek keeps it."""
    assignment = subscriptions.subscription.assignment if subscriptions.subscription is not None else None
    state = assignment.state_value(tp) if assignment is not None else None
    return state._position_fut if state is not None else None  # noqa: SLF001 - replaced by await_reset() alone


class BatchConsumer(driver.Consumer):
    """Faust's consumer, with lanes in the place of acknowledgements."""

    _thread: BatchThread
    turns = 0
    """How often the loop that fetches has turned; while it is well, it turns once a second at least."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lanes: Lanes = self.app.new_lanes(ConsumerPositions(self))

    def lag(self, source: SourcePartition) -> int | None:
        """Records of a partition that were not yet fetched; None where that is not known."""
        return self._thread.lag(topic_partition(source))

    def unread(self, source: SourcePartition) -> bool:
        """Whether a partition's log is known to hold more than was fetched."""
        return self._thread.unread(topic_partition(source))

    @property
    def thread(self) -> BatchThread:
        """The consumer's thread."""
        return self._thread

    def _new_consumer_thread(self) -> BatchThread:
        return BatchThread(self, loop=self.loop, beacon=self.beacon)

    async def _drain_messages(self, fetcher: Service) -> None:
        most = self.app.conf.broker_max_poll_records
        try:
            while not (self.should_stop or fetcher.should_stop):
                self.turns += 1
                if not self.flow_active:
                    await self.wait_first(self.can_resume_flow, timeout=_IDLE_FETCH)
                    await self._thread.show_life()
                    continue
                accepting = self.lanes.accepting()
                if not accepting:
                    await self.lanes.wait_for_room(_IDLE_FETCH)
                    await self._thread.show_life()
                    continue
                within = _IDLE_FETCH if len(accepting) == len(self.lanes) else _BUSY_FETCH
                batches = await self._thread.fetch({topic_partition(source) for source in accepting}, within, most)
                for batch in batches:
                    self.lanes.offered(batch)
                if batches:
                    await self._hand_over(batches)
        except self.consumer_stopped_errors:
            if not self.app.should_stop:
                raise
        except asyncio.CancelledError:
            # Whoever stops it cancels what it waits for. While partitions are dealt out anew, Faust would take that for a crash, and a
            # worker that is stopped just then, as each is behind the first of several, for one that has failed.
            if not fetcher.should_stop:
                raise

    async def _hand_over(self, batches: Sequence[Batch]) -> None:
        events = asyncio.ensure_future(self._enqueue(batches))
        events.add_done_callback(_expect_cancelled)
        try:
            # Usually there is room, and it is done in one turn. To watch over it costs as much as to carry a small batch.
            await asyncio.sleep(0)
            if events.done():
                events.result()
            else:
                await self.wait_first(events, self.suspend_flow.wait())
        finally:
            events.cancel()

    async def _enqueue(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            await self.callback(self._event_message(batch))

    def _event_message(self, batch: Batch) -> ConsumerMessage:
        source = batch.source
        return ConsumerMessage(
            source.topic,
            source.partition,
            batch.next - 1,
            batch.received,
            0,
            (),
            None,
            batch,
            None,
            0,
            0,
            TP(source.topic, source.partition),
            generation_id=self.app.consumer_generation_id,
        )

    async def perform_seek(self) -> None:
        """Called once an assignment is complete: every lane opens, and seeks for itself."""
        await self.lanes.close()
        # A table's changelog is assigned beside its source, so that the group knows who has it: another consumer reads it.
        changelogs = {tp for tp in self.assignment() if tp.topic in self.app.tables.changelog_topics}
        await self._thread.leave_unread(changelogs)
        read = self.assignment() - changelogs
        self._thread.share_fetches(len(read), of=self.app.fetch_ahead_bytes, most=self.app.conf.consumer_max_fetch_size)
        self.lanes.open(SourcePartition(tp.topic, tp.partition) for tp in read)

    async def on_partitions_revoked(self, revoked: Iterable[TP]) -> None:
        """Commit what was carried, before the partitions go and before Faust forgets what was in flight."""
        # After a change of subscription the assignment is empty already, and Faust would leave the flow running.
        self.stop_flow()
        self.app.flow_control.suspend()
        # One member deals the partitions out, by what it knows: what is new since would take another round.
        await asyncio.gather(self._finish_lanes(), self._thread.learn_topics())
        self.app.flow_control.clear()
        await super().on_partitions_revoked(set(revoked))

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002 - Faust's own signature
        """Faust's acknowledgements are forgotten as they come; lanes commit."""
        for acked in (*self._acked.values(), *self._acked_index.values()):
            acked.clear()
        return True

    async def on_stop(self) -> None:
        """Finish the lanes, then stop."""
        await self._finish_lanes()
        await super().on_stop()

    async def _finish_lanes(self) -> None:
        if not await self.lanes.finish(self.app.finish_within):
            log.warning("lanes did not finish in time: what they had not committed is read again by the next owner")
        await self.lanes.close()


class BatchTransport(driver.Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = BatchConsumer


def _expect_cancelled(events: asyncio.Future[Any]) -> None:
    """Where the flow is suspended nobody waits for what is handed over any more, and Faust cancels it: no news."""
    error = None if events.cancelled() else events.exception()
    if error is not None and not isinstance(error, asyncio.CancelledError):
        log.error("a batch could not be handed over", error=error)


def _client_tp(tp: TopicPartition) -> TopicPartition:
    """Faust has a class of its own for these."""
    return TopicPartition(tp.topic, tp.partition)
