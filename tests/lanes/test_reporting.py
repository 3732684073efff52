"""What lanes say of themselves reaches metrics and readiness, each record once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from failure.failing_lane import VIP, running
from prometheus_client import CollectorRegistry

from router.errors import (
    CommitFailed,
    DestinationUnavailable,
    Fenced,
    Gap,
    InvariantError,
    OffsetOutOfRange,
    RouterError,
    Unreadable,
)
from router.exchange.decision import Decision, Delivery, Step, Walk
from router.exchange.model import Binding, Destination, DestinationKind, Place
from router.failure.policy import FailurePolicy
from router.lanes.batch import SourcePartition
from router.lanes.carrier import SLOW, Waiting
from router.lanes.lane import Lane
from router.lanes.reporting import WAITING, Reporter, kept_back_of, status_of, subject_of
from router.language.routes import SourceOrder
from router.observe.metrics import Metrics
from router.order.policy import OrderPolicy, Sequence
from router.records.reader import FieldReader
from router.records.record import Record
from router.testing import AcknowledgementsHeld, BrokerAway, DeliveryLost, MemoryBroker, MemoryTable, MemoryWorker

BROAD = "orders.v1"
SOURCE = SourcePartition(BROAD, 0)


def by_value(record: Record) -> Decision:
    if record.value == b"?":
        raise Unreadable(field="", position=0, problem="unreadable")
    if record.value == b"fails":
        binding = Binding("orders", None, Destination(DestinationKind.TOPIC, "a.v1"), Place("f", 1, 1), "t", where="x")
        return Decision((Walk("orders", "x", (Step("orders", (), None, (binding,)),), (Delivery("a.v1", ()),)),))
    if record.value == b"nowhere":
        return Decision((), unroutable=("orders",))
    topics = (record.value or b"").decode().split()
    return Decision((Walk("orders", "x", (), tuple(Delivery(topic, ()) for topic in topics)),))


ORDER = SourceOrder("orders", OrderPolicy(by="id", kind=Sequence("n"), wait_ms=60_000), ("n",), frozenset())
LENGTHS = FieldReader(("n",), lambda value: (len(value),), lambda facts: facts)
"""A record's place is the length of its value."""


class Desk:
    """A worker whose lanes report, and its gauges."""

    def __init__(self, **worker: Any) -> None:
        self.registry = CollectorRegistry()
        self.fatals: list[BaseException] = []
        self.reporter = Reporter(Metrics(self.registry), fatal=self.fatals.append)
        self.broker = MemoryBroker()
        for topic in (BROAD, "a.v1", f"{BROAD}.dead-letters", f"{BROAD}.unroutable"):
            self.broker.create_topic(topic)
        self.worker = MemoryWorker(self.broker, {BROAD: by_value}, observer=self.reporter, **worker)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def look(self, lag: int | None = None) -> tuple[str, str, str]:
        (status,) = self.reporter.look(self.worker.lanes, lambda _: lag)
        return status.state, status.reason, status.message


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    await desk.worker.start()
    yield desk
    await desk.worker.stop(finish=False)


async def test_each_record_has_one_outcome(desk: Desk) -> None:
    """The outcomes add up to the records, whatever became of them."""
    for value in (b"a.v1", b"a.v1", b"nowhere", b"?", b""):
        desk.broker.publish(BROAD, value=value)
    await desk.worker.run()
    outcomes = {
        outcome: desk.value("router_outcomes_total", source=BROAD, outcome=outcome)
        for outcome in ("copied", "unroutable", "dead-letter", "dropped")
    }
    assert outcomes == {"copied": 2, "unroutable": 1, "dead-letter": 1, "dropped": 1}
    assert desk.value("router_records_in_total", source=BROAD) == 5
    assert desk.value("router_copies_total", source=BROAD, destination="a.v1") == 2
    assert desk.value("router_copies_total", source=BROAD, destination=f"{BROAD}.unroutable") == 1
    assert desk.value("router_dead_letters_total", source=BROAD, reason="unreadable") == 1
    assert (desk.value("router_commit_seconds_count") or 0) >= 1


async def test_failed_conditions_are_counted(desk: Desk) -> None:
    """Beside the record's outcome, which they do not change."""
    desk.broker.publish(BROAD, value=b"fails")
    await desk.worker.run()
    assert desk.value("router_condition_failures_total", source=BROAD) == 1
    assert desk.value("router_outcomes_total", source=BROAD, outcome="copied") == 1


async def test_what_is_held_is_told_and_counted() -> None:
    """How many and for how long; each record has one outcome, when it leaves."""
    desk = Desk(orders={BROAD: (ORDER, LENGTHS)})
    await desk.worker.start()
    desk.broker.publish(BROAD, key=b"k", value=b"a.v1")
    await desk.worker.run()
    desk.broker.clock.advance(20.0)
    desk.look()
    assert desk.value("router_order_waiting", source=BROAD, partition="0") == 1
    assert 20 <= (desk.value("router_order_oldest_seconds", source=BROAD, partition="0") or 0) < 21
    assert desk.value("router_order_held_total", source=BROAD) == 1
    assert desk.value("router_outcomes_total", source=BROAD, outcome="copied") == 0
    desk.broker.clock.advance(50.0)
    await desk.worker.run()
    desk.look()
    assert desk.value("router_order_waiting", source=BROAD, partition="0") == 0
    assert desk.value("router_order_oldest_seconds", source=BROAD, partition="0") == 0
    assert desk.value("router_order_released_total", source=BROAD, cause="gap") == 1
    assert desk.value("router_outcomes_total", source=BROAD, outcome="copied") == 1
    assert desk.value("router_records_in_total", source=BROAD) == 1
    await desk.worker.stop()


async def test_what_consumers_reject_is_counted_and_told() -> None:
    """As it comes back, waits, is sent again and dies; and how much waits now, in gauges and for readiness."""
    registry = CollectorRegistry()
    reporter = Reporter(Metrics(registry), fatal=lambda _: None)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"router_failure_{name}", {"destination": VIP} | labels)

    async with running(FailurePolicy(retry_ms=(1_000,)), observer=reporter) as failing:
        failing.failing = {b"1"}
        await failing.come("1", "2")
        await failing.settle()
        await failing.come("3")
        reporter.look(failing.worker.lanes, lambda _: None)
        place = {"source": BROAD, "partition": "0"}
        assert (value("waiting", **place), value("waiting_keys", **place)) == (3, 1)
        assert kept_back_of([*failing.worker.lanes] * 2) == {VIP: (2, 6)}
        assert (value("rejected_total", reason="failed"), value("rejected_total", reason="behind")) == (1, 1)
        assert value("held_total") == 1
        await failing.passes(1.1)
        reporter.look(failing.worker.lanes, lambda _: None)
        assert (value("waiting", **place), value("waiting_keys", **place)) == (0, 0)
        assert (value("retried_total"), value("released_total"), value("dead_total", reason="failed")) == (4, 1, 1)
        assert registry.get_sample_value("router_dead_letters_total", {"source": BROAD, "reason": "rejected"}) == 1


async def test_lane_whose_table_is_restored_says_how_far_that_is() -> None:
    """It is opening for as long as that takes."""
    desk = Desk(orders={BROAD: (ORDER, LENGTHS)})
    desk.worker.lanes.open(desk.worker.sources)
    (lane,) = desk.worker.lanes
    assert lane._order is not None
    table = lane._order.table
    assert isinstance(table, MemoryTable)
    table.progress = "its table is restored to 7 %"
    assert desk.look() == ("closed", "opening", "its table is restored to 7 %")
    table.progress = None
    await desk.worker.settle()
    assert desk.look() == ("carrying", "", "")
    await desk.worker.stop(finish=False)


async def test_carrying_lane_has_nothing_to_say(desk: Desk) -> None:
    """Its state is counted, its lag told."""
    assert desk.look(lag=7) == ("carrying", "", "")
    assert desk.value("router_lanes", source=BROAD, state="carrying") == 1
    assert desk.value("router_lag_records", source=BROAD, partition="0") == 7


async def test_missing_destination_is_told_by_topic_until_it_is_back(desk: Desk) -> None:
    """Readiness names topic and record; the gauge falls to zero again."""
    desk.broker.delete_topic("a.v1")
    desk.broker.publish(BROAD, value=b"a.v1")
    for _ in range(2):
        await desk.worker.step(1.1)  # the first time, the topic was still believed to be there
    state, reason, message = desk.look()
    assert (state, reason) == ("backing-off", "destination-unavailable")
    assert "'a.v1'" in message
    assert "orders.v1/0/0" in message
    assert desk.value("router_destination_unavailable", topic="a.v1") == 1
    assert desk.value("router_lane_errors_total", source=BROAD, reason="destination-unavailable") == 2
    desk.broker.create_topic("a.v1")
    await desk.worker.run()
    assert desk.look()[0] == "carrying"
    assert desk.value("router_destination_unavailable", topic="a.v1") == 0
    assert desk.value("router_lanes", source=BROAD, state="backing-off") == 0


async def test_lane_that_opened_again_is_not_well_before_it_has_committed(desk: Desk) -> None:
    """Else readiness would flicker with every attempt."""
    desk.broker.suffer(DeliveryLost("a.v1"))
    desk.broker.publish(BROAD, value=b"a.v1")
    desk.worker.fetch()
    await desk.worker.settle()
    desk.broker.clock.advance(0.1)
    await desk.worker.settle()
    desk.broker.clock.advance(0.1)
    await desk.worker.settle()
    (lane,) = desk.worker.lanes
    assert lane.protocol.state == "carrying"
    assert desk.look()[:2] == ("backing-off", "delivery-failed")


@pytest.mark.parametrize(
    "fault", [BrokerAway(60.0), AcknowledgementsHeld("a.v1")], ids=["broker-away", "slow-acknowledgement"]
)
async def test_lane_that_waits_for_acknowledgements_says_so(
    desk: Desk, fault: BrokerAway | AcknowledgementsHeld
) -> None:
    """It has not failed, but it does not do its work either."""
    desk.broker.publish(BROAD, value=b"a.v1")
    desk.worker.fetch()
    desk.broker.suffer(fault)
    for _ in range(5):
        await desk.worker.step(0.1)
    state, reason, message = desk.look()
    assert (state, reason) == (WAITING, "broker-unavailable")
    assert message


@pytest.mark.parametrize(("committed", "gone"), [(120, 30), (500, 0)], ids=["retention", "another-log"])
async def test_losses_are_counted(desk: Desk, committed: int, gone: int) -> None:
    """By source: how often, and how much where that is known."""
    loss = OffsetOutOfRange(topic=BROAD, partition=0, committed=committed, earliest=150, latest=400)
    desk.reporter.lost(SOURCE, loss)
    assert desk.value("router_losses_total", source=BROAD) == 1
    assert desk.value("router_records_lost_total", source=BROAD) == gone


async def test_lane_that_was_given_back_is_counted_no_more(desk: Desk) -> None:
    """Its series end, so that two workers do not both claim it."""
    desk.look(lag=3)
    await desk.worker.stop()
    assert desk.reporter.look(desk.worker.lanes, lambda _: None) == ()
    assert desk.value("router_lanes", source=BROAD, state="carrying") == 0
    assert desk.value("router_lag_records", source=BROAD, partition="0") is None


async def test_since_is_the_time_of_day_at_which_the_state_began(desk: Desk) -> None:
    """A lane's own clock is of no use to who reads readiness."""
    desk.broker.clock.advance(30.0)
    (lane,) = desk.worker.lanes
    assert status_of(lane, now=lambda: 1000.0).since == 970.0


def test_contradiction_is_handed_on() -> None:
    """Whoever made the reporter decides how the worker ends."""
    desk = Desk()
    error = InvariantError("no")
    desk.reporter.fatal(error)
    assert desk.fatals == [error]


async def test_cause_of_a_wait_is_told_where_it_is_known(desk: Desk) -> None:
    """By its slug, for programs."""
    (lane,) = desk.worker.lanes
    lane.waiting = Waiting("too few replicas", reason="not-enough-replicas")
    assert desk.look() == (WAITING, "not-enough-replicas", "too few replicas")


async def test_what_a_lane_waits_for_is_told_before_what_it_failed_for(desk: Desk) -> None:
    """While replicas are missing its transaction runs out now and then: that is no news."""
    lane = only(desk)
    lane.protocol.failed(Fenced(topic=BROAD, partition=0), 0.0)
    lane.waiting = Waiting("too few replicas", reason="not-enough-replicas")
    assert desk.look()[:2] == (WAITING, "not-enough-replicas")
    assert not subject_of(lane, unread=True).owes


# --- as the watchdog sees them ----------------------------------------------------------------------------------------------


def only(desk: Desk) -> Lane:
    (lane,) = desk.worker.lanes
    return lane


async def test_lane_with_nothing_to_do_owes_nothing(desk: Desk) -> None:
    """It owes work as soon as its log holds more, or something is on its way; its mark is what it has committed."""
    lane = only(desk)
    assert not subject_of(lane, unread=False).owes
    assert subject_of(lane, unread=True).owes
    desk.broker.publish(BROAD, value=b"a.v1")
    desk.worker.fetch()
    assert subject_of(lane, unread=False).owes
    await desk.worker.run()
    subject = subject_of(lane, unread=False)
    assert (subject.name, subject.mark, subject.owes) == ("the lane of orders.v1/0", (1, ""), False)


async def test_lane_that_opens_owes_that() -> None:
    """Opening may hang as well."""
    desk = Desk()
    desk.broker.suffer(BrokerAway(1e9))
    desk.worker.lanes.open(desk.worker.sources)
    assert subject_of(only(desk), unread=False).owes
    await desk.worker.stop(finish=False)


@pytest.mark.parametrize(
    ("error", "owes"),
    [
        pytest.param(DestinationUnavailable(topic="a.v1", problem="is gone"), False, id="outside"),
        pytest.param(CommitFailed(topic=BROAD, partition=0, problem="member unknown"), True, id="group"),
        pytest.param(Gap(topic=BROAD, partition=0, follows=3, position=1), True, id="our-own"),
    ],
)
async def test_lane_in_trouble_owes_nothing_where_the_trouble_is_outside(
    desk: Desk, error: RouterError, owes: bool
) -> None:
    """A new start would bring no topic back; but it may find the group again."""
    lane = only(desk)
    lane.protocol.failed(error, 0.0)
    assert subject_of(lane, unread=True).owes is owes


@pytest.mark.parametrize(
    ("waiting", "owes"),
    [
        pytest.param("no broker answers", False, id="broker-away"),
        pytest.param(Waiting("too few replicas", reason="not-enough-replicas"), False, id="known"),
        pytest.param(Waiting("a broker is slow", reason=SLOW), True, id="nobody-knows"),
    ],
)
async def test_lane_that_waits_owes_nothing_where_the_cause_is_known(desk: Desk, waiting: str, owes: bool) -> None:
    """A broker that is merely slow looks like a producer that hangs."""
    lane = only(desk)
    lane.waiting = waiting
    assert subject_of(lane, unread=True).owes is owes
