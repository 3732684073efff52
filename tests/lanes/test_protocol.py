"""The protocol of a lane: its transitions as a table, and its three rules whatever happens in whatever order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.errors import (
    CommitFailed,
    DeliveryFailed,
    DestinationUnavailable,
    Fenced,
    Gap,
    InvariantError,
    OffsetOutOfRange,
    RouterError,
    TransactionsForbidden,
)
from router.lanes.batch import Batch, SourcePartition
from router.lanes.protocol import Admission, CommitBudget, LaneProtocol, LaneState, Pace

SOURCE = SourcePartition("order.status.v1", 2)
PACE = Pace(commit_interval=0.5, capacity=2, first_backoff=0.25, most_backoff=3.0, destination_retry=7.0, arrival=10.0)
FENCED = Fenced(topic="order.status.v1", partition=2)
TROUBLE = DeliveryFailed(topic="narrow.v1", partition=0, problem="lost")


def batch(follows: int, following: int, epoch: int = 1, *, caught_up: bool = False) -> Batch:
    """A batch without records: the protocol looks at positions only."""
    return Batch(SOURCE, epoch, follows, following, (), 0.0, caught_up)


def closed() -> LaneProtocol:
    return LaneProtocol(SOURCE, PACE)


def opening() -> LaneProtocol:
    lane = closed()
    lane.open(1.0)
    return lane


def carrying() -> LaneProtocol:
    lane = opening()
    lane.opened(epoch=1, position=100, now=2.0)
    return lane


def backing_off() -> LaneProtocol:
    lane = carrying()
    lane.failed(TROUBLE, 3.0)
    return lane


def fenced() -> LaneProtocol:
    lane = carrying()
    lane.failed(FENCED, 3.0)
    return lane


STATES = {
    LaneState.CLOSED: closed,
    LaneState.OPENING: opening,
    LaneState.CARRYING: carrying,
    LaneState.BACKING_OFF: backing_off,
    LaneState.FENCED: fenced,
}

EVENTS: dict[str, Callable[[LaneProtocol], Any]] = {
    "open": lambda lane: lane.open(4.0),
    "opened": lambda lane: lane.opened(epoch=2, position=100, now=4.0),
    "batch-that-follows": lambda lane: lane.admit(batch(100, 110)),
    "batch-that-skips": lambda lane: lane.admit(batch(105, 110)),
    "stale-batch": lambda lane: lane.admit(batch(100, 110, epoch=0)),
    "failed": lambda lane: lane.failed(TROUBLE, 4.0),
    "fenced": lambda lane: lane.failed(FENCED, 4.0),
    "close": lambda lane: lane.close(4.0),
}

S, C = LaneState, Admission
TABLE = [
    # state, event, next state, outcome
    (S.CLOSED, "open", S.OPENING, None),
    (S.CLOSED, "opened", S.CLOSED, InvariantError),
    (S.CLOSED, "batch-that-follows", S.CLOSED, C.STALE),
    (S.CLOSED, "batch-that-skips", S.CLOSED, C.STALE),
    (S.CLOSED, "stale-batch", S.CLOSED, C.STALE),
    (S.CLOSED, "close", S.CLOSED, None),
    (S.OPENING, "open", S.OPENING, InvariantError),
    (S.OPENING, "opened", S.CARRYING, None),
    (S.OPENING, "batch-that-follows", S.OPENING, C.STALE),
    (S.OPENING, "batch-that-skips", S.OPENING, C.STALE),
    (S.OPENING, "stale-batch", S.OPENING, C.STALE),
    (S.OPENING, "failed", S.BACKING_OFF, 4.25),
    (S.OPENING, "close", S.CLOSED, None),
    (S.CARRYING, "open", S.CARRYING, InvariantError),
    (S.CARRYING, "opened", S.CARRYING, InvariantError),
    (S.CARRYING, "batch-that-follows", S.CARRYING, C.CARRY),
    (S.CARRYING, "batch-that-skips", S.CARRYING, Gap),
    (S.CARRYING, "stale-batch", S.CARRYING, C.STALE),
    (S.CARRYING, "failed", S.BACKING_OFF, 4.25),
    (S.CARRYING, "close", S.CLOSED, None),
    (S.BACKING_OFF, "open", S.OPENING, None),
    (S.BACKING_OFF, "opened", S.BACKING_OFF, InvariantError),
    (S.BACKING_OFF, "batch-that-follows", S.BACKING_OFF, C.STALE),
    (S.BACKING_OFF, "batch-that-skips", S.BACKING_OFF, C.STALE),
    (S.BACKING_OFF, "stale-batch", S.BACKING_OFF, C.STALE),
    (S.BACKING_OFF, "failed", S.BACKING_OFF, 4.5),
    (S.BACKING_OFF, "close", S.CLOSED, None),
    (S.OPENING, "fenced", S.FENCED, 4.25),
    (S.CARRYING, "fenced", S.FENCED, 4.25),
    (S.FENCED, "open", S.OPENING, None),
    (S.FENCED, "opened", S.FENCED, InvariantError),
    (S.FENCED, "batch-that-follows", S.FENCED, C.STALE),
    (S.FENCED, "batch-that-skips", S.FENCED, C.STALE),
    (S.FENCED, "stale-batch", S.FENCED, C.STALE),
    (S.FENCED, "failed", S.FENCED, 4.5),
    (S.FENCED, "close", S.CLOSED, None),
]


@pytest.mark.parametrize(("state", "event", "after", "outcome"), TABLE, ids=[f"{row[0]}-{row[1]}" for row in TABLE])
def test_every_event_in_every_state_has_one_outcome(
    state: LaneState, event: str, after: LaneState, outcome: object
) -> None:
    """The drawing in the module's docstring, in full: next state, and what the caller is told."""
    lane = STATES[state]()
    assert lane.state is state
    if isinstance(outcome, type):
        with pytest.raises(outcome):
            EVENTS[event](lane)
    else:
        assert EVENTS[event](lane) == outcome
    assert lane.state is after


def test_opened_lane_stands_at_its_committed_position() -> None:
    """Nothing is to be committed, nothing is awaited, and the time of the change is kept."""
    lane = carrying()
    assert (lane.epoch, lane.position, lane.committed) == (1, 100, 100)
    assert (lane.committable, lane.commit_at(), lane.lost_at(), lane.since) == (None, None, None, 2.0)


def test_gap_names_both_positions() -> None:
    """Whoever reads the log sees what is missing."""
    lane = carrying()
    with pytest.raises(Gap) as caught:
        lane.admit(batch(105, 110))
    gap = caught.value
    assert (gap.topic, gap.partition, gap.follows, gap.position) == ("order.status.v1", 2, 105, 100)


def test_refused_batch_does_not_move_the_position() -> None:
    """Neither a gap nor a stale batch counts as carried."""
    lane = carrying()
    with pytest.raises(Gap):
        lane.admit(batch(105, 110))
    lane.admit(batch(100, 120, epoch=0))
    assert lane.position == 100
    assert lane.admit(batch(100, 110)) is Admission.CARRY


def test_what_was_sent_may_be_committed_and_no_more() -> None:
    """A batch that was admitted but not sent holds the commit back."""
    lane = carrying()
    for each in (batch(100, 110), batch(110, 130)):
        lane.admit(each)
    assert lane.committable is None
    lane.sent(batch(100, 110), 5.0)
    assert lane.committable == 110
    lane.settled(110, not_before=0.0)
    assert (lane.committed, lane.committable, lane.commit_at()) == (110, None, None)


def test_copies_that_no_batch_led_to_are_committed_where_the_lane_stands() -> None:
    """The offset stays where it is; batches that were sent meanwhile are taken along."""
    lane = carrying()
    lane.sent_besides(5.0)
    assert (lane.committable, lane.commit_at()) == (100, 5.0 + PACE.commit_interval)
    lane.settled(100, not_before=0.0)
    assert (lane.committable, lane.committed) == (None, 100)
    lane.admit(batch(100, 120))
    lane.sent(batch(100, 120), 6.0)
    lane.sent_besides(7.0)
    assert (lane.committable, lane.commit_at()) == (120, 6.0 + PACE.commit_interval)


def test_commit_is_due_an_interval_after_the_first_unsettled_batch() -> None:
    """Later batches do not put it off."""
    lane = carrying()
    for each, now in ((batch(100, 110), 5.0), (batch(110, 120), 5.4)):
        lane.admit(each)
        lane.sent(each, now)
    assert lane.commit_at() == 5.5


def test_lane_that_has_caught_up_commits_at_once() -> None:
    """It has nothing to wait for; but not while a further batch is on its way to it."""
    lane = carrying()
    first, second = batch(100, 110, caught_up=True), batch(110, 120, caught_up=True)
    for each in (first, second):
        lane.offered(each, 4.0)
        lane.admit(each)
    lane.sent(first, 5.0)
    assert lane.commit_at() == 5.5
    lane.sent(second, 5.1)
    assert lane.commit_at() == 0.0
    lane.settled(120, not_before=5.3)
    lane.offered(batch(120, 130, caught_up=True), 5.2)
    lane.admit(batch(120, 130, caught_up=True))
    lane.sent(batch(120, 130, caught_up=True), 5.2)
    assert lane.commit_at() == 5.3


def committed_once(pace: Pace) -> LaneProtocol:
    """A lane that may commit again at 5.0."""
    lane = LaneProtocol(SOURCE, pace)
    lane.open(1.0)
    lane.opened(epoch=1, position=100, now=2.0)
    arrive(lane, batch(100, 110, caught_up=True))
    lane.sent(batch(100, 110, caught_up=True), 4.0)
    lane.settled(110, not_before=5.0)
    return lane


def arrive(lane: LaneProtocol, each: Batch) -> None:
    lane.offered(each, 4.0)
    lane.admit(each)


def test_lane_that_has_caught_up_keeps_its_copies_until_it_may_commit() -> None:
    """Sent before, they would be visible no sooner, and be more sendings; once something is sent, the rest follows at once."""
    lane = committed_once(PACE)
    arrive(lane, batch(110, 120, caught_up=True))
    assert lane.send_at() == 5.0
    lane.sent(batch(110, 120, caught_up=True), 5.0)
    arrive(lane, batch(120, 130, caught_up=True))
    assert lane.send_at() is None


def test_lane_with_a_backlog_sends_at_once() -> None:
    """What has come first is on its way while the rest is fetched."""
    lane = committed_once(PACE)
    arrive(lane, batch(110, 120, caught_up=False))
    assert lane.send_at() is None
    arrive(lane, batch(120, 130, caught_up=True))
    assert lane.send_at() is None, "there is no room for more: to wait would hold up what comes next"


def test_lane_whose_copies_show_at_once_sends_at_once() -> None:
    """There is nothing to wait for."""
    lane = committed_once(Pace(commit_when_caught_up=False))
    arrive(lane, batch(110, 120, caught_up=True))
    assert lane.send_at() is None


def test_lane_whose_copies_show_at_once_commits_once_an_interval() -> None:
    """An earlier commit would serve nobody."""
    lane = LaneProtocol(SOURCE, Pace(commit_interval=0.5, commit_when_caught_up=False))
    lane.open(1.0)
    lane.opened(epoch=1, position=100, now=2.0)
    lane.offered(batch(100, 110, caught_up=True), 4.0)
    lane.admit(batch(100, 110, caught_up=True))
    lane.sent(batch(100, 110, caught_up=True), 5.0)
    assert lane.commit_at() == 5.5


def test_lane_that_has_failed_commits_what_it_sends_for_a_while() -> None:
    """Or it would lose more of its work to the next failure, the further it is behind; well again, it goes by the interval."""
    lane = LaneProtocol(SOURCE, Pace(commit_interval=0.5, wary=2))
    lane.open(1.0)
    lane.failed(TROUBLE, 1.0)
    lane.open(2.0)
    lane.opened(epoch=1, position=100, now=2.0)
    due = []
    for position in (100, 110, 120):
        lane.admit(batch(position, position + 10))
        lane.sent(batch(position, position + 10), 5.0)
        due.append(lane.commit_at())
        lane.settled(position + 10, not_before=3.0)
    assert due == [0.0, 3.0, 5.5]


def test_commits_of_many_lanes_are_spread() -> None:
    """So many a second, whoever makes them; and after an idle time none waits."""
    budget = CommitBudget(per_second=4)
    assert [budget.reserve(10.0) for _ in range(4)] == [10.0, 10.25, 10.5, 10.75]
    assert budget.reserve(10.5) == 11.0
    assert budget.reserve(99.0) == 99.0


def test_fenced_lane_stays_fenced_until_it_is_opened() -> None:
    """That the group could not be asked does not make it an owner."""
    lane = fenced()
    lane.failed(TROUBLE, 4.0)
    assert lane.state is LaneState.FENCED
    lane.open(5.0)
    lane.failed(TROUBLE, 6.0)
    assert lane.state is LaneState.BACKING_OFF


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda lane: lane.sent(batch(110, 120), 1.0), id="sent-out-of-order"),
        pytest.param(lambda lane: lane.sent(batch(100, 120, epoch=0), 1.0), id="sent-from-another-epoch"),
        pytest.param(lambda lane: lane.settled(99, not_before=0.0), id="committed-what-was-not-sent"),
        pytest.param(lambda _: backing_off().sent_besides(1.0), id="sent-while-it-backs-off"),
    ],
)
def test_contradictions_are_not_survived(wrong: Callable[[LaneProtocol], None]) -> None:
    """A driver that breaks the order is a fault of ours, which must not reach the group's offset."""
    with pytest.raises(InvariantError):
        wrong(carrying())


def test_room_is_taken_by_what_is_on_its_way_and_given_back_by_sending() -> None:
    """Capacity counts from the offer, so that a fast consumer cannot overrun a lane."""
    lane = carrying()
    first, second = batch(100, 110), batch(110, 120)
    lane.offered(first, 3.0)
    lane.offered(second, 3.0)
    assert not lane.accepts
    lane.admit(first)
    assert not lane.accepts
    lane.sent(first, 4.0)
    assert lane.accepts


def test_lane_is_unsettled_from_the_offer_to_the_commit() -> None:
    """Whoever has nothing on its way and all committed owes nothing."""
    lane = carrying()
    assert not lane.unsettled
    only = batch(100, 110)
    for step in (lambda: lane.offered(only, 3.0), lambda: lane.admit(only), lambda: lane.sent(only, 4.0)):
        step()
        assert lane.unsettled
    lane.settled(110, not_before=0.0)
    assert not lane.unsettled


def test_offer_of_another_epoch_takes_no_room() -> None:
    """It will be dropped as stale, and nobody would ever give its room back."""
    lane = carrying()
    for _ in range(5):
        lane.offered(batch(100, 110, epoch=0), 3.0)
    assert lane.accepts
    assert lane.lost_at() is None


def test_reopening_frees_all_room() -> None:
    """Batches that were dropped on an error do not shrink the lane for ever."""
    lane = carrying()
    for follows in (100, 110):
        lane.offered(batch(follows, follows + 10), 3.0)
    lane.failed(TROUBLE, 4.0)
    assert not lane.accepts
    lane.open(5.0)
    lane.opened(epoch=2, position=100, now=5.0)
    assert lane.accepts
    assert lane.lost_at() is None


def test_offered_batch_that_never_arrives_counts_as_lost() -> None:
    """Without a next batch there is no gap to see; the age of the offer shows it."""
    lane = carrying()
    lane.offered(batch(100, 110), 3.0)
    lane.offered(batch(110, 130), 4.0)
    assert lane.lost_at() == 13.0
    lane.admit(batch(100, 110))
    assert lane.lost_at() == 14.0
    gap = lane.lost()
    assert (gap.follows, gap.position) == (130, 110)
    lane.close(5.0)
    assert lane.lost_at() is None


@pytest.mark.parametrize(
    ("errors", "waits"),
    [
        pytest.param([TROUBLE] * 6, [0.25, 0.5, 1.0, 2.0, 3.0, 3.0], id="doubles-up-to-the-most"),
        pytest.param([DestinationUnavailable(topic="t", problem="p")] * 3, [7.0] * 3, id="destination-at-its-own-pace"),
        pytest.param(
            [OffsetOutOfRange(topic="t", partition=0, committed=1, earliest=5, latest=9)] * 2, [7.0] * 2, id="offset"
        ),
        pytest.param([TransactionsForbidden(transactional_id="t")] * 2, [7.0] * 2, id="forbidden"),
        pytest.param([TROUBLE] * 40, [0.25, 0.5, 1.0, 2.0] + [3.0] * 36, id="never-overflows"),
    ],
)
def test_backing_off_grows_with_repeated_failures(errors: list[RouterError], waits: list[float]) -> None:
    """Except where only time and somebody's action can help."""
    lane = carrying()
    assert [lane.failed(error, 10.0) - 10.0 for error in errors] == waits


def test_lane_is_well_again_once_it_has_committed() -> None:
    """Being open is no proof: until the commit the error stays, and so does the length of the back-off."""
    lane = backing_off()
    lane.open(4.0)
    lane.opened(epoch=2, position=100, now=4.0)
    assert lane.error is TROUBLE
    lane.admit(batch(100, 110, epoch=2))
    lane.sent(batch(100, 110, epoch=2), 5.0)
    lane.settled(110, not_before=0.0)
    assert lane.error is None
    assert lane.failed(CommitFailed(topic="t", partition=0, problem="p"), 6.0) == 6.25


@pytest.mark.parametrize("end", [lambda lane: lane.failed(TROUBLE, 9.0), lambda lane: lane.close(9.0)], ids=["f", "c"])
def test_nothing_is_committed_after_an_end(end: Callable[[LaneProtocol], object]) -> None:
    """What was sent before a failure or a close belongs to whoever opens the partition next."""
    lane = carrying()
    lane.admit(batch(100, 110))
    lane.sent(batch(100, 110), 5.0)
    end(lane)
    assert (lane.committable, lane.commit_at()) == (None, None)


class ThreeRules(RuleBasedStateMachine):
    """A lane, a consumer that may lose, repeat and misplace batches, and a driver that fails now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.lane = LaneProtocol(SOURCE, Pace(capacity=3))
        self.now = 0.0
        self.epoch = 0
        self.read = 0
        """The consumer's position."""
        self.queue: list[Batch] = []
        self.carried: list[int] = []
        """Offsets sent since the lane opened, after those it had committed then."""
        self.group = 0
        """The committed offset."""

    @precondition(lambda self: self.lane.state in (LaneState.CLOSED, LaneState.BACKING_OFF, LaneState.FENCED))
    @rule()
    def open(self) -> None:
        self.lane.open(self.now)

    @precondition(lambda self: self.lane.state is LaneState.OPENING)
    @rule()
    def opened(self) -> None:
        self.epoch += 1
        self.read = self.group
        self.queue.clear()
        self.carried = list(range(self.group))
        self.lane.opened(epoch=self.epoch, position=self.group, now=self.now)

    @rule(size=st.integers(0, 4), lose=st.booleans(), old=st.integers(0, 2))
    def fetch(self, size: int, lose: bool, old: int) -> None:
        each = batch(self.read, self.read + size, epoch=self.epoch - old)
        if old == 0:
            self.read += size
        self.lane.offered(each, self.now)
        if lose:
            return
        try:
            admission = self.lane.admit(each)
        except Gap:
            assert each.follows != self.lane.position
            self.lane.failed(TROUBLE, self.now)
            return
        carries = self.lane.state is LaneState.CARRYING and old == 0
        assert admission is (Admission.CARRY if carries else Admission.STALE)
        if admission is Admission.CARRY:
            self.queue.append(each)

    @precondition(lambda self: self.queue and self.lane.state is LaneState.CARRYING)
    @rule()
    def send(self) -> None:
        each = self.queue.pop(0)
        self.carried += range(each.follows, each.next)
        self.lane.sent(each, self.now)

    @precondition(lambda self: self.lane.committable is not None)
    @rule()
    def commit(self) -> None:
        offset = self.lane.committable
        assert offset is not None
        self.lane.settled(offset, not_before=self.now)
        assert self.carried == list(range(offset)), "every offset before it was sent, once and in order"
        assert offset >= self.group
        self.group = offset

    @rule(seconds=st.floats(0.0, 5.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.lane.state in (LaneState.CARRYING, LaneState.OPENING))
    @rule(error=st.sampled_from([TROUBLE, FENCED]))
    def fail(self, error: RouterError) -> None:
        assert self.lane.failed(error, self.now) > self.now

    @rule()
    def close(self) -> None:
        self.lane.close(self.now)

    @invariant()
    def only_a_carrying_lane_accepts_or_commits(self) -> None:
        if self.lane.state is not LaneState.CARRYING:
            assert not self.lane.accepts
            assert self.lane.committable is None


TestThreeRules = ThreeRules.TestCase
