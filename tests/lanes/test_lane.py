"""A lane from end to end, without Kafka: what it commits, what it never commits, and how it mends itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.errors import (
    BrokerUnavailable,
    CommitFailed,
    DeliveryFailed,
    DeliveryRefused,
    DestinationUnavailable,
    Fenced,
    Gap,
    InvariantError,
    OffsetOutOfRange,
    RouterError,
    Unreadable,
)
from router.exchange.decision import Decision, Delivery, Walk
from router.failure.notes import DESTINATION, ERROR, LOST, REASON
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Places
from router.lanes.copies import Copies, Tally
from router.lanes.lane import Lane, LaneObserver
from router.lanes.protocol import LaneState, Pace
from router.records.headers import ORIGIN
from router.records.record import PlainRecord, Record
from router.testing import (
    AcknowledgementsHeld,
    BrokerAway,
    CommitRefused,
    CopyRefused,
    DeliveryLost,
    MemoryBroker,
    MemoryWorker,
    StandsStill,
    TopicForbidden,
)

BROAD = "orders.v1"
SOURCE = SourcePartition(BROAD, 0)
TOPICS = ("a.v1", "b.v1")


def to(*topics: str) -> Decision:
    return Decision((Walk("orders", "x", (), tuple(Delivery(topic, ()) for topic in topics)),))


def by_value(record: Record) -> Decision:
    """A record's value names its topics; one that cannot be read is a dead letter."""
    if record.value == b"?":
        raise Unreadable(field="", position=0, problem="unreadable")
    return to(*(record.value or b"").decode().split())


class Watcher(LaneObserver):
    """Keeps what a lane says."""

    def __init__(self) -> None:
        self.errors: list[RouterError] = []
        self.fatals: list[BaseException] = []
        self.losses: list[OffsetOutOfRange] = []
        self.batches = 0
        self.commits = 0

    def copied(self, source: SourcePartition, batch: Batch, tally: Tally) -> None:
        self.batches += 1

    def committed(self, source: SourcePartition, seconds: float) -> None:
        self.commits += 1

    def failed(self, source: SourcePartition, error: RouterError) -> None:
        self.errors.append(error)

    def lost(self, source: SourcePartition, loss: OffsetOutOfRange) -> None:
        self.losses.append(loss)

    def fatal(self, error: BaseException) -> None:
        self.fatals.append(error)

    @property
    def kinds(self) -> list[type[RouterError]]:
        return [type(error) for error in self.errors]


class Bench:
    """One broad topic of one partition, its worker, and what is asked of them."""

    def __init__(self, **worker: Any) -> None:
        self.watcher = Watcher()
        self.broker = MemoryBroker()
        for topic in (BROAD, *TOPICS, f"{BROAD}.dead-letters", f"{BROAD}.unroutable"):
            self.broker.create_topic(topic)
        self.worker = MemoryWorker(self.broker, {BROAD: by_value}, observer=self.watcher, **worker)

    @property
    def lane(self) -> Lane:
        (lane,) = self.worker.lanes
        return lane

    @property
    def state(self) -> LaneState:
        return self.lane.protocol.state

    @property
    def committed(self) -> int | None:
        return self.worker.consumer.committed(SOURCE)

    def publish(self, count: int = 1, value: bytes = b"a.v1 b.v1", key: bytes | None = None) -> None:
        for _ in range(count):
            offset = self.broker.end(SOURCE)
            self.broker.publish(BROAD, key=b"%d" % offset if key is None else key, value=value)

    def origins(self, topic: str) -> list[int]:
        return [origin(record) for record in self.broker.records(topic)]

    async def until(self, reached: Callable[[], bool], *, steps: int = 400) -> None:
        for _ in range(steps):
            if reached():
                return
            await self.worker.step()
        pytest.fail(f"not reached: {self.worker.waiting()}")


def origin(record: PlainRecord) -> int:
    return int((dict(record.headers)[ORIGIN] or b"").rpartition(b"/")[2])


@asynccontextmanager
async def running(*, offset: int | None = None, lacks: str = "", **worker: Any) -> AsyncIterator[Bench]:
    bench = Bench(**worker)
    if offset is not None:
        bench.broker.offsets["router", SOURCE] = offset
    if lacks:
        bench.broker.delete_topic(lacks)
    await bench.worker.start()
    try:
        yield bench
    finally:
        bench.broker.heal()
        await bench.worker.stop(finish=False)


# --- all is well -------------------------------------------------------------------------------------------------------------


async def test_every_record_is_copied_once_and_committed() -> None:
    """In order, to every destination, with the group's offset at the end."""
    async with running() as bench:
        bench.publish(30)
        await bench.worker.run()
        assert bench.origins("a.v1") == bench.origins("b.v1") == list(range(30))
        assert bench.committed == 30
        assert bench.watcher.errors == []


async def test_lane_goes_on_where_the_group_stands() -> None:
    """A second worker of the group copies nothing that the first has committed."""
    async with running() as bench:
        bench.publish(5)
        await bench.worker.run()
        await bench.worker.stop()
        bench.worker = MemoryWorker(bench.broker, {BROAD: by_value})
        await bench.worker.start()
        bench.publish(5)
        await bench.worker.run()
        assert bench.origins("a.v1") == list(range(10))


async def test_commits_come_once_an_interval() -> None:
    """However many batches there are, where copies show without a commit the group hears of them every so often."""
    async with running(pace=Pace(commit_interval=1.0, commit_when_caught_up=False)) as bench:
        for _ in range(10):
            bench.publish()
            await bench.worker.step(0.1)
        assert (bench.watcher.batches, bench.watcher.commits) == (10, 0)
        await bench.worker.step(0.1)
        assert bench.watcher.commits == 1


async def test_copies_that_wait_for_a_commit_leave_together() -> None:
    """A lane that has caught up has one sending a commit, however many fetches there are; it ends without waiting for more."""
    async with running(commits_per_second=10) as bench:
        sendings: list[int] = []
        send = bench.worker.carriers[0].send

        async def counted(copies: Copies) -> None:
            sendings.append(len(copies.batches))
            await send(copies)

        bench.worker.carriers[0].send = counted  # type: ignore[method-assign]
        for _ in range(7):
            bench.publish()
            await bench.worker.step(0.02)
        # A lane that was idle commits twice at once, then every 0.1 s.
        assert sendings == [1, 1, 3]
        assert bench.watcher.commits == 3
        await bench.worker.stop()
        assert sendings == [1, 1, 3, 2]
        assert bench.committed == 7


async def test_commits_come_in_time_under_load() -> None:
    """That there is always something more to send does not put the commit off; copies that meet leave together."""
    async with running(pace=Pace(commit_interval=0.1, capacity=50), fetch_records=1) as bench:
        bench.publish(40)
        send = bench.worker.carriers[0].send

        async def slow_send(copies: Copies) -> None:
            bench.broker.clock.advance(0.06)
            for _ in range(2):
                bench.worker.fetch()
            await send(copies)

        bench.worker.carriers[0].send = slow_send  # type: ignore[method-assign]
        bench.worker.fetch()
        await bench.worker.settle()
        assert bench.watcher.batches == 40
        assert bench.watcher.commits >= 7


async def test_batch_without_records_is_committed_past() -> None:
    """Where a partition ends in transaction markers, the group's offset reaches its end."""
    async with running() as bench:
        bench.broker.topics[BROAD].logs[0].extend([PlainRecord(topic=BROAD)] * 3)
        batch = Batch(SOURCE, bench.lane.protocol.epoch, 0, 3, (), 0.0)
        bench.worker.lanes.offered(batch)
        bench.worker.lanes.carry(batch)
        await bench.until(lambda: bench.committed == 3)


# --- nothing is committed too early ------------------------------------------------------------------------------------------


async def test_nothing_is_committed_before_every_copy_is_acknowledged() -> None:
    """One slow destination holds back the offset, and at-least-once not the other destinations."""
    async with running(exactly_once=False) as bench:
        held = bench.broker.suffer(AcknowledgementsHeld("b.v1"))
        bench.publish(3)
        for _ in range(20):
            await bench.worker.step(1.0)
        assert bench.origins("a.v1") == [0, 1, 2]
        assert bench.committed is None
        assert "slow to acknowledge copies for b.v1" in bench.lane.waiting
        assert bench.state is LaneState.CARRYING
        bench.broker.heal(held)
        await bench.worker.run()
        assert bench.committed == 3
        assert bench.lane.waiting == ""
        assert bench.origins("b.v1") == [0, 1, 2]


async def test_slow_destination_bounds_what_is_held() -> None:
    """A lane that waits takes no more batches than its capacity."""
    async with running(pace=Pace(capacity=3), fetch_records=1) as bench:
        bench.broker.suffer(AcknowledgementsHeld("b.v1"))
        bench.publish(50)
        for _ in range(20):
            await bench.worker.step(0.2)
        assert bench.watcher.batches < 10
        assert not bench.lane.accepts


@pytest.mark.parametrize("exactly_once", [False, True], ids=["at-least-once", "exactly-once"])
@pytest.mark.parametrize("written", [False, True], ids=["lost", "only-its-acknowledgement"])
async def test_lost_delivery_is_made_good(written: bool, exactly_once: bool) -> None:
    """The lane reads again from the commit; no copy is missing, and order is kept."""
    async with running(exactly_once=exactly_once) as bench:
        lost = bench.broker.suffer(DeliveryLost("a.v1", written=written, times=2))
        bench.publish(3)
        await bench.worker.run()
        assert lost.fired == 2
        assert bench.watcher.kinds == [DeliveryFailed, DeliveryFailed]
        assert first_seen(bench.origins("a.v1")) == [0, 1, 2]
        assert (len(bench.origins("a.v1")) > 3) is (written and not exactly_once)


@pytest.mark.parametrize(
    ("exactly_once", "copied"), [(False, [0, 1, 0, 1]), (True, [0, 1])], ids=["at-least-once", "exactly-once"]
)
async def test_refused_commit_is_made_again(exactly_once: bool, copied: list[int]) -> None:
    """At-least-once allows the copies to be there twice then; exactly-once took them back."""
    async with running(exactly_once=exactly_once) as bench:
        refused = bench.broker.suffer(CommitRefused(BROAD, times=1))
        bench.publish(2)
        await bench.worker.run()
        assert refused.fired == 1
        assert bench.watcher.kinds == [CommitFailed]
        assert bench.committed == 2
        assert bench.origins("a.v1") == copied


async def test_fenced_lane_waits_until_the_group_takes_its_partition_away() -> None:
    """It would only fence the new owner, who would fence it in turn."""
    async with running() as bench:
        other = MemoryWorker(bench.broker, {BROAD: by_value})
        await other.start()
        bench.publish(3)
        await bench.until(lambda: bench.state is LaneState.FENCED)
        await other.run()
        carriers = len(bench.worker.carriers)
        for _ in range(50):
            await bench.worker.step(1.0)
        assert bench.state is LaneState.FENCED
        assert len(bench.worker.carriers) == carriers
        assert set(bench.watcher.kinds) == {Fenced}
        assert bench.origins("a.v1") == [0, 1, 2]
        await other.stop()


async def test_fenced_lane_goes_on_where_the_partition_is_still_its_own() -> None:
    """A transaction that was open for too long is fenced by the coordinator itself."""
    async with running() as bench:
        bench.broker.producers["router", SOURCE] = None
        bench.publish(3)
        await bench.worker.run()
        assert bench.watcher.kinds == [Fenced]
        assert bench.origins("a.v1") == [0, 1, 2]


async def test_former_owner_commits_nothing() -> None:
    """Once another member has the group, its offset is no longer this one's to move."""
    async with running(exactly_once=False) as bench:
        bench.publish(1)
        other = MemoryWorker(bench.broker, {BROAD: by_value})
        for _ in range(5):
            await bench.worker.step(1.0)
        assert bench.committed is None
        assert set(bench.watcher.kinds) == {CommitFailed}
        await other.start()
        await other.run()
        assert bench.committed == 1
        await other.stop()


async def test_a_carrier_is_never_used_again_after_an_error() -> None:
    """Its sequence numbers would be refused: each failure closes one and opens another."""
    async with running() as bench:
        bench.broker.suffer(DeliveryLost("a.v1", times=3))
        bench.publish(3)
        await bench.worker.run()
        assert [carrier.closed for carrier in bench.worker.carriers] == [True, True, True, False]


# --- what gets lost on the way -----------------------------------------------------------------------------------------------


async def test_gap_is_read_again() -> None:
    """A batch that vanished between consumer and lane is noticed by the next one; nothing is skipped."""
    async with running(fetch_records=2) as bench:
        bench.publish(6)
        (vanished,) = bench.worker.consumer.fetch([SOURCE], 2)
        bench.worker.lanes.offered(vanished)
        await bench.worker.run()
        assert bench.watcher.kinds == [Gap]
        assert bench.origins("a.v1") == list(range(6))


async def test_what_came_before_a_gap_is_committed() -> None:
    """It is whole, so it need not be copied again."""
    async with running(fetch_records=2) as bench:
        bench.publish(6)
        bench.worker.fetch()
        bench.worker.consumer.fetch([SOURCE], 2)
        await bench.worker.run()
        assert bench.watcher.kinds == [Gap]
        assert bench.origins("a.v1") == list(range(6))


async def test_last_batch_that_vanished_is_missed_by_its_age() -> None:
    """No next batch comes, so its offer growing old is what shows the loss."""
    async with running() as bench:
        bench.publish(2)
        for batch in bench.worker.consumer.fetch([SOURCE]):
            bench.worker.lanes.offered(batch)
        await bench.worker.step(9.0)
        assert bench.watcher.kinds == []
        await bench.worker.run()
        assert bench.watcher.kinds == [Gap]
        assert bench.origins("a.v1") == [0, 1]


async def test_vanished_batches_do_not_fill_the_lane_for_ever() -> None:
    """Room that nobody would give back is free again after the lane has reopened."""
    async with running(pace=Pace(capacity=2), fetch_records=1) as bench:
        bench.publish(2)
        for _ in range(2):
            for batch in bench.worker.consumer.fetch([SOURCE], 1):
                bench.worker.lanes.offered(batch)
        assert not bench.lane.accepts
        await bench.worker.run()
        assert bench.origins("a.v1") == [0, 1]


async def test_stale_batch_is_dropped_without_harm() -> None:
    """What was fetched before the lane reopened is read again anyway."""
    async with running() as bench:
        bench.publish(2)
        (old,) = bench.worker.consumer.fetch([SOURCE])
        bench.broker.suffer(DeliveryLost("a.v1"))
        bench.worker.lanes.offered(old)
        bench.worker.lanes.carry(old)
        await bench.until(lambda: len(bench.worker.carriers) == 2 and bench.state is LaneState.CARRYING)
        bench.worker.lanes.offered(old)
        bench.worker.lanes.carry(old)
        await bench.worker.run()
        assert bench.watcher.kinds == [DeliveryFailed]
        assert bench.origins("a.v1") == [0, 1]


async def test_batch_of_a_lane_that_is_gone_is_left_alone() -> None:
    """Its partition has another owner."""
    async with running() as bench:
        batch = Batch(SourcePartition(BROAD, 7), 1, 0, 1, (), 0.0)
        bench.worker.lanes.offered(batch)
        bench.worker.lanes.carry(batch)


async def test_error_in_deciding_never_passes_for_carried() -> None:
    """A bug stops the lane, says so, and once it is gone the lane goes on from the same record."""
    async with running() as bench:
        broken = True

        def decide(record: Record) -> Decision:
            if broken and record.offset == 1:
                raise ZeroDivisionError
            return by_value(record)

        bench.lane._copier._decide = decide
        bench.publish(3)
        await bench.until(lambda: len(bench.watcher.errors) >= 3)
        assert bench.committed is None
        assert bench.watcher.errors[0].reason == "unexpected"
        broken = False
        await bench.worker.run()
        assert bench.origins("a.v1") == [0, 1, 2]


async def test_retention_that_ate_unread_records_stops_the_lane() -> None:
    """Where to go on is a decision about lost records: the lane waits until somebody has set the offset."""
    async with running() as bench:
        bench.publish(2)
        await bench.worker.run()
        bench.publish(5)
        bench.broker.expire(SOURCE, before=6)
        for _ in range(100):
            await bench.worker.step()
        assert set(bench.watcher.kinds) == {Gap, OffsetOutOfRange}
        assert bench.committed == 2
        bench.broker.offsets["router", SOURCE] = 6
        await bench.worker.run()
        assert bench.origins("a.v1") == [0, 1, 6]


@pytest.mark.parametrize("exactly_once", [True, False], ids=["exactly-once", "at-least-once"])
async def test_lane_that_accepts_a_loss_says_what_is_lost_and_goes_on(exactly_once: bool) -> None:
    """One dead letter names the first and the last offset that are gone, and the group stands behind them at once."""
    async with running(accepts_loss=True, exactly_once=exactly_once) as bench:
        bench.publish(2)
        await bench.worker.run()
        bench.publish(5)
        bench.broker.expire(SOURCE, before=6)
        await bench.worker.run()
        assert bench.origins("a.v1") == [0, 1, 6]
        (letter,) = bench.broker.records(f"{BROAD}.dead-letters")
        headers = dict(letter.headers)
        assert (letter.key, letter.value) == (None, None)
        assert (headers[REASON], headers[LOST], headers[ORIGIN]) == (b"offsets-lost", b"2-5", b"orders.v1/0/2")
        assert [len(loss.lost) for loss in bench.watcher.losses] == [4]
        assert bench.lane.protocol.error is None


async def test_loss_is_told_once_although_its_commit_failed() -> None:
    """Dead letter and offset are one transaction: what was aborted is told again, what was committed is not."""
    async with running(accepts_loss=True) as bench:
        bench.publish(7)
        bench.broker.offsets["router", SOURCE] = 1
        bench.broker.expire(SOURCE, before=6)
        bench.broker.suffer(CommitRefused(BROAD))
        await bench.worker.run()
        assert bench.origins("a.v1") == [6]
        assert len(bench.broker.records(f"{BROAD}.dead-letters")) == 1
        assert len(bench.watcher.losses) == 1


async def test_lane_that_accepts_a_loss_reads_a_log_that_is_another_from_its_start() -> None:
    """An offset beyond the end: what was lost of the former log nobody knows."""
    async with running(offset=5_000, accepts_loss=True) as bench:
        bench.publish(3)
        await bench.worker.run()
        assert bench.origins("a.v1") == [0, 1, 2]
        (letter,) = bench.broker.records(f"{BROAD}.dead-letters")
        headers = dict(letter.headers)
        assert LOST not in headers
        assert b"created anew" in (headers[ERROR] or b"")
        assert [len(loss.lost) for loss in bench.watcher.losses] == [0]


async def test_loss_that_cannot_be_told_is_not_passed_over() -> None:
    """Without a topic for dead letters the lane stands where the loss is."""
    async with running(offset=5_000, accepts_loss=True, lacks=f"{BROAD}.dead-letters") as bench:
        bench.publish(3)
        for _ in range(20):
            await bench.worker.step(1.0)
        assert isinstance(bench.lane.protocol.error, DestinationUnavailable)
        assert bench.origins("a.v1") == []
        assert bench.watcher.losses == []


# --- destinations ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("late", [False, True], ids=["before", "while-carrying"])
async def test_missing_destination_is_waited_for(late: bool) -> None:
    """The lane says which topic, for which record; once the topic is there it goes on by itself, nothing is lost."""
    async with running() as bench:
        if late:
            bench.publish(1)
            await bench.worker.run()
        bench.broker.delete_topic("b.v1")
        bench.publish(2)
        for _ in range(100):
            await bench.worker.step()
        error = bench.lane.protocol.error
        assert isinstance(error, DestinationUnavailable)
        assert error.topic == "b.v1"
        assert error.origin in ("", f"{BROAD}/0/{int(late)}")
        assert bench.committed == (1 if late else None)
        bench.broker.create_topic("b.v1")
        await bench.worker.run()
        assert first_seen(bench.origins("b.v1")) == ([1, 2] if late else [0, 1])
        assert bench.lane.protocol.error is None


async def test_missing_destination_is_looked_for_at_its_own_pace() -> None:
    """Not in a hurry, and not ever more slowly."""
    async with running(pace=Pace(destination_retry=2.0)) as bench:
        bench.broker.delete_topic("b.v1")
        bench.publish(1)
        for _ in range(400):
            await bench.worker.step()
        assert 8 <= len(bench.watcher.errors) <= 11


async def test_forbidden_destination_is_waited_for() -> None:
    """As soon as the right is granted the lane goes on by itself."""
    async with running() as bench:
        forbidden = bench.broker.suffer(TopicForbidden("b.v1"))
        bench.publish(2)
        for _ in range(60):
            await bench.worker.step()
        assert set(bench.watcher.kinds) == {DestinationUnavailable}
        assert "may not be written to" in str(bench.lane.protocol.error)
        assert bench.committed is None
        bench.broker.heal(forbidden)
        await bench.worker.run()
        assert first_seen(bench.origins("b.v1")) == [0, 1]


# --- refused copies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0, 7, 19], ids=["first", "amid", "last"])
async def test_refused_record_is_found_by_halving_and_set_aside(bad: int) -> None:
    """One copy becomes a dead letter; all others arrive, in order, and the rest of the worker's time is not spent on it."""
    async with running() as bench:
        bench.broker.suffer(CopyRefused("a.v1", b"%d" % bad))
        bench.publish(20)
        await bench.worker.run()
        assert set(bench.watcher.kinds) == {DeliveryRefused}
        assert len(bench.watcher.errors) <= 6
        assert first_seen(bench.origins("a.v1")) == [offset for offset in range(20) if offset != bad]
        assert first_seen(bench.origins("b.v1")) == list(range(20))
        (letter,) = {
            (origin(each), dict(each.headers)[REASON]) for each in bench.broker.records(f"{BROAD}.dead-letters")
        }
        assert letter == (bad, b"refused")


async def test_several_refused_records_are_all_found() -> None:
    """Of several destinations, and next to each other."""
    async with running() as bench:
        for topic, key in (("a.v1", b"3"), ("a.v1", b"4"), ("b.v1", b"4"), ("b.v1", b"11")):
            bench.broker.suffer(CopyRefused(topic, key))
        bench.publish(12)
        await bench.worker.run()
        letters = {
            (dict(each.headers)[DESTINATION], origin(each)) for each in bench.broker.records(f"{BROAD}.dead-letters")
        }
        assert letters == {(b"a.v1", 3), (b"a.v1", 4), (b"b.v1", 4), (b"b.v1", 11)}
        assert first_seen(bench.origins("a.v1")) == [0, 1, 2, *range(5, 12)]
        assert first_seen(bench.origins("b.v1")) == [0, 1, 2, 3, *range(5, 11)]


async def test_too_large_copy_is_set_aside_with_its_size() -> None:
    """What exceeds its topic's limit is a dead letter, whose topic takes more."""
    async with running() as bench:
        bench.broker.create_topic("a.v1", max_message_bytes=2_000)
        bench.publish(2)
        bench.publish(1, value=b"a.v1", key=b"x" * 3_000)
        bench.publish(2)
        await bench.worker.run()
        (letter,) = {origin(each): each for each in bench.broker.records(f"{BROAD}.dead-letters")}.values()
        assert (letter.key, dict(letter.headers)[REASON]) == (b"x" * 3_000, b"too-large")
        assert first_seen(bench.origins("a.v1")) == [0, 1, 3, 4]


async def test_batches_too_large_for_a_topic_shrink_without_dead_letters() -> None:
    """A topic that takes small batches only gets small ones."""
    async with running() as bench:
        bench.broker.create_topic("a.v1", max_message_bytes=4_000)
        bench.publish(100)
        await bench.worker.run()
        assert bench.broker.records(f"{BROAD}.dead-letters") == ()
        assert first_seen(bench.origins("a.v1")) == list(range(100))
        assert bench.worker.destinations.batch_bytes("a.v1") <= 4_000
        assert bench.worker.destinations.batch_bytes("b.v1") > 4_000


async def test_dead_letter_that_is_refused_stops_the_lane_visibly() -> None:
    """There is nowhere left to put it: never lost, never tried in a hurry, and it goes on once the topic takes it."""
    async with running() as bench:
        refused = bench.broker.suffer(CopyRefused(f"{BROAD}.dead-letters", b"0"))
        bench.publish(1, value=b"?")
        for _ in range(200):
            await bench.worker.step()
        assert set(bench.watcher.kinds) == {DeliveryRefused}
        assert refused.fired < 12, "it backs off"
        assert bench.committed is None
        bench.broker.heal(refused)
        await bench.worker.run()
        assert bench.origins(f"{BROAD}.dead-letters") == [0]


async def test_unroutable_copy_that_is_refused_becomes_a_dead_letter() -> None:
    """The unroutable topic may be smaller than it should be."""
    async with running() as bench:
        bench.lane._copier._decide = lambda _: Decision((), unroutable=("orders",))
        bench.broker.suffer(CopyRefused(f"{BROAD}.unroutable", b"1"))
        bench.publish(3)
        await bench.worker.run()
        assert first_seen(bench.origins(f"{BROAD}.unroutable")) == [0, 2]
        assert bench.origins(f"{BROAD}.dead-letters")[-1] == 1


# --- the broker is away ------------------------------------------------------------------------------------------------------


async def test_broker_that_is_away_at_the_start_is_waited_for() -> None:
    """The lane tries again, ever less often, and opens once there is an answer."""
    bench = Bench()
    bench.broker.suffer(BrokerAway(30.0))
    await bench.worker.start()
    bench.publish(2)
    for _ in range(100):
        await bench.worker.step()
    assert set(bench.watcher.kinds) == {BrokerUnavailable}
    assert bench.state is not LaneState.CARRYING
    await bench.worker.run()
    assert bench.origins("a.v1") == [0, 1]
    await bench.worker.stop()


async def test_broker_that_goes_away_while_carrying_is_waited_for_in_place() -> None:
    """Nothing fails and nothing is made twice: the copies wait, and the lane says what for."""
    async with running() as bench:
        bench.publish(2)
        bench.worker.fetch()
        away = bench.broker.suffer(BrokerAway(20.0))
        for _ in range(100):
            await bench.worker.step()
        assert "away for" in bench.lane.waiting
        assert bench.watcher.errors == []
        await bench.worker.run()
        assert bench.origins("a.v1") == [0, 1]
        assert away.fired > 0


# --- finishing and closing ---------------------------------------------------------------------------------------------------


async def test_finish_commits_what_was_carried() -> None:
    """What the lane has taken goes out before the partition does, without waiting for the interval."""
    async with running(pace=Pace(commit_interval=1000.0)) as bench:
        bench.publish(4)
        bench.worker.fetch()
        assert await bench.worker.lanes.finish(within=5.0)
        assert bench.committed == 4
        assert bench.origins("a.v1") == [0, 1, 2, 3]


async def test_finishing_lane_takes_nothing_more() -> None:
    """What comes after is the next owner's."""
    async with running() as bench:
        bench.publish(1)
        batches = bench.worker.consumer.fetch([SOURCE])
        assert await bench.worker.lanes.finish(within=5.0)
        assert not bench.lane.accepts
        for batch in batches:
            bench.worker.lanes.carry(batch)
        assert bench.watcher.batches == 0


async def test_finish_is_no_longer_than_it_may_be() -> None:
    """Copies that nobody acknowledges do not hold up a rebalance for ever; they stay uncommitted."""
    async with running() as bench:
        bench.broker.suffer(AcknowledgementsHeld("b.v1"))
        bench.publish(1)
        bench.worker.fetch()
        await bench.worker.settle()
        assert not await bench.worker.lanes.finish(within=0.01)
        await bench.worker.lanes.close()
        assert bench.committed is None


async def test_finish_ends_a_lane_that_backs_off_at_once() -> None:
    """There is nothing that it could still commit."""
    async with running() as bench:
        bench.broker.delete_topic("b.v1")
        bench.publish(1)
        bench.worker.fetch()
        await bench.worker.settle()
        assert bench.state is LaneState.BACKING_OFF
        assert await bench.worker.lanes.finish(within=5.0)


class Stuck:
    """A carrier that never gets open."""

    def __init__(self) -> None:
        self.closed = 0

    async def open(self) -> Places:
        await asyncio.Event().wait()
        return {}

    async def close(self) -> None:
        self.closed += 1


async def test_lane_that_is_still_opening_is_finished_and_closed_in_time() -> None:
    """A carrier that hangs in its connecting is let go of."""
    bench = Bench()
    stuck = Stuck()
    bench.worker._new_carrier = lambda *_: stuck  # type: ignore[assignment, method-assign, return-value]
    await bench.worker.start()
    assert bench.state is LaneState.OPENING
    assert not await bench.worker.lanes.finish(within=0.01)
    lane = bench.lane
    await bench.worker.lanes.close()
    assert (stuck.closed, lane.protocol.state) == (1, LaneState.CLOSED)


async def test_close_in_the_middle_of_a_close_finishes_it() -> None:
    """A lane that is closed while it lets go of a failed carrier leaves none behind."""

    class Slow(Stuck):
        async def open(self) -> Places:
            raise BrokerUnavailable(brokers="memory", problem="away")

        async def close(self) -> None:
            self.closed += 1
            if self.closed == 1:
                await asyncio.Event().wait()

    bench = Bench()
    slow = Slow()
    bench.worker._new_carrier = lambda *_: slow  # type: ignore[assignment, method-assign, return-value]
    await bench.worker.start()
    await bench.worker.lanes.close()
    assert slow.closed == 2


async def test_carrier_that_does_not_close_does_not_end_the_lane() -> None:
    """An error in letting go of the old carrier is said, and a new one is opened."""
    async with running() as bench:

        async def close() -> None:
            raise OSError

        bench.worker.carriers[0].close = close  # type: ignore[method-assign]
        bench.broker.suffer(DeliveryLost("a.v1"))
        bench.publish(1)
        await bench.worker.run()
        assert bench.origins("a.v1") == [0]


async def test_lane_that_never_started_can_be_finished_and_closed() -> None:
    """An assignment may be taken back before it took effect."""
    bench = Bench()
    lane = bench.worker._new_lane(SOURCE, lambda: None)
    assert await lane.finish(within=0.01)
    await lane.close()
    assert lane.protocol.state is LaneState.CLOSED


async def test_error_while_a_commit_is_awaited_waits_its_turn() -> None:
    """The commit under way is of whole batches; the error is dealt with right after it."""
    async with running(fetch_records=1) as bench:
        held = bench.broker.suffer(AcknowledgementsHeld("b.v1"))
        bench.publish(5)
        bench.worker.fetch()
        bench.worker.broker.clock.advance(1.0)
        await bench.worker.settle()
        bench.worker.consumer.fetch([SOURCE], 1)
        bench.worker.fetch()  # a gap
        await bench.worker.settle()
        assert bench.watcher.errors == []
        assert not bench.lane.accepts
        bench.broker.heal(held)
        await bench.worker.settle()
        assert bench.committed == 1
        assert bench.watcher.kinds == [Gap]
        await bench.worker.run()
        assert bench.origins("a.v1") == [0, 1, 2, 3, 4]


async def test_contradiction_ends_the_worker() -> None:
    """What the rules exclude is reported as fatal, not mended."""
    async with running() as bench:

        def sent(*_: object) -> None:
            raise InvariantError("no")

        bench.lane.protocol.sent = sent  # type: ignore[method-assign]
        bench.publish(1)
        await bench.until(lambda: bool(bench.watcher.fatals))
        assert bench.committed is None


async def test_adapter_that_lets_an_error_through_stops_nothing_for_good() -> None:
    """It is logged whole, taken as passing, and the lane opens again."""
    async with running() as bench:

        async def send(_: Copies) -> None:
            raise OSError("odd")

        bench.worker.carriers[0].send = send  # type: ignore[method-assign]
        bench.publish(1)
        await bench.worker.run()
        assert [error.reason for error in bench.watcher.errors] == ["unexpected"]
        assert "OSError: odd" in str(bench.watcher.errors[0])
        assert bench.origins("a.v1") == [0]


async def test_worker_that_cannot_go_on_says_what_it_waits_for() -> None:
    """The double's own report names partition and cause."""
    async with running() as bench:
        bench.broker.delete_topic("b.v1")
        bench.publish(1)
        with pytest.raises(StandsStill, match=r"orders\.v1/0: topic 'b\.v1' does not exist"):
            await bench.worker.run(within=3.0)


# --- whatever happens --------------------------------------------------------------------------------------------------------


def first_seen(origins: list[int]) -> list[int]:
    """Each once, in the order of its first copy."""
    return list(dict.fromkeys(origins))


OPERATIONS = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, 12)),
    st.tuples(st.just("step"), st.floats(0.01, 2.0)),
    st.tuples(st.just("lose"), st.sampled_from(TOPICS), st.booleans(), st.integers(1, 3)),
    st.tuples(st.just("away"), st.floats(0.1, 8.0)),
    st.tuples(st.just("refuse-commit"), st.integers(1, 3)),
    st.tuples(st.just("refuse-copy"), st.sampled_from(TOPICS), st.integers(0, 40)),
    st.tuples(st.just("hold"), st.sampled_from(TOPICS)),
    st.tuples(st.just("forbid"), st.sampled_from(TOPICS), st.integers(1, 3)),
    st.tuples(st.just("vanish"), st.integers(1, 4)),
    st.tuples(st.just("heal")),
    st.tuples(st.just("kill")),
    st.tuples(st.just("hand-over")),
)


async def perform(bench: Bench, operation: tuple[Any, ...]) -> None:
    broker = bench.broker
    match operation:
        case "publish", count:
            bench.publish(count)
        case "step", seconds:
            await bench.worker.step(seconds)
        case "lose", topic, written, times:
            broker.suffer(DeliveryLost(topic, written=written, times=times))
        case "away", seconds:
            broker.suffer(BrokerAway(seconds))
        case "refuse-commit", times:
            broker.suffer(CommitRefused(BROAD, times=times))
        case "refuse-copy", topic, key:
            broker.suffer(CopyRefused(topic, b"%d" % key, times=2))
        case "hold", topic:
            broker.suffer(AcknowledgementsHeld(topic))
        case "forbid", topic, times:
            broker.suffer(TopicForbidden(topic, times=times))
        case "vanish", most:
            bench.worker.consumer.fetch([SOURCE], most)
        case ("heal",):
            broker.heal()
        case end, *_:
            await asyncio.wait_for(bench.worker.stop(finish=False), 5.0)
            bench.worker = MemoryWorker(
                broker, {BROAD: by_value}, observer=bench.watcher, fetch_records=5 if end == "kill" else 3
            )
            await bench.worker.start()


def must_be_whole(bench: Bench) -> None:
    """All before the group's offset is delivered, or set aside with its destination's name."""
    letters = {
        ((dict(each.headers)[DESTINATION] or b"").decode(), origin(each))
        for each in bench.broker.records(f"{BROAD}.dead-letters")
    }
    for topic in TOPICS:
        seen = bench.origins(topic)
        gone = {offset for destination, offset in letters if destination == topic}
        missing = set(range(bench.committed or 0)) - set(seen) - gone
        assert not missing, f"{topic} lacks {missing}"
        in_order = [offset for offset in first_seen(seen) if offset not in gone]
        assert in_order == sorted(in_order)


@settings(max_examples=150, deadline=None)
@given(st.lists(OPERATIONS, min_size=8, max_size=60))
def test_nothing_is_lost_and_order_is_kept_whatever_happens(operations: list[tuple[Any, ...]]) -> None:
    """Whatever is committed is delivered or set aside, in the source's order, at any time; duplicates are allowed."""

    async def scenario() -> None:
        bench = Bench(fetch_records=5)
        await bench.worker.start()
        for operation in operations:
            await perform(bench, operation)
            must_be_whole(bench)
        bench.broker.heal()
        bench.publish(1)
        await bench.worker.run(within=300.0)
        assert bench.committed == bench.broker.end(SOURCE)
        must_be_whole(bench)
        assert bench.watcher.fatals == []
        await bench.worker.stop()

    asyncio.run(scenario())
