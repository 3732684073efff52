"""When a wait has run out, and how far the log has got."""

from __future__ import annotations

from heapq import heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.order.timers import Deadlines, Progress, in_time, log_time


@pytest.mark.parametrize(
    ("before", "timestamp", "received", "after"),
    [
        pytest.param(10, 15, 20, 15, id="forward with the records"),
        pytest.param(10, 5, 20, 10, id="never back"),
        pytest.param(10, 99, 20, 20, id="never beyond the clock"),
        pytest.param(10, -1, 20, 10, id="not by a record without a timestamp"),
    ],
)
def test_the_log_s_time_goes_on_with_its_records(before: int, timestamp: int, received: int, after: int) -> None:
    """By their timestamps, as far as these can be believed."""
    assert log_time(before, timestamp=timestamp, received=received) == after


def test_deadlines_ripen_when_the_log_has_been_read_as_it_stood_then() -> None:
    """After an outage the backlog comes first, however much time has passed."""
    progress = Progress().end_seen(at=1_000, end=500)
    assert progress.reached(499).read_to == 0
    assert progress.reached(500).read_to == 1_000


def test_an_idle_partition_times_out_with_every_answer() -> None:
    """Nothing comes, and the end stays where it is."""
    progress = Progress().end_seen(at=1_000, end=500).reached(500).end_seen(at=2_000, end=500).reached(500)
    assert progress == Progress(2_000)


def test_a_lane_that_never_gets_to_the_end_still_goes_on() -> None:
    """The oldest end that was seen is awaited; the newest one comes after it, those in between are left out."""
    progress = Progress().end_seen(at=1_000, end=500).end_seen(at=2_000, end=900).end_seen(at=3_000, end=1_500)
    progress = progress.reached(600)
    assert (progress.read_to, progress.awaited) == (1_000, (3_000, 1_500))
    progress = progress.end_seen(at=4_000, end=2_000).reached(3_000)
    assert progress == Progress(4_000)


def test_a_clock_that_goes_back_takes_no_ripeness_back() -> None:
    """What was read stays read."""
    progress = Progress(5_000).end_seen(at=4_000, end=10).reached(10)
    assert progress.read_to == 5_000


@pytest.mark.parametrize(
    ("progress", "deadline", "asks"),
    [
        pytest.param(Progress(), None, False, id="nothing waits"),
        pytest.param(Progress(), 2_001, False, id="not before the deadline"),
        pytest.param(Progress(), 2_000, True, id="nobody knows the end"),
        pytest.param(Progress(awaited=(1_999, 7)), 2_000, True, id="the end of a time before"),
        pytest.param(Progress(awaited=(1_999, 7), newest=(2_000, 9)), 2_000, False, id="it has been asked for"),
        pytest.param(Progress(2_000), 2_000, False, id="it is ripe already"),
    ],
)
def test_the_end_is_asked_for_where_a_deadline_needs_it(
    progress: Progress, deadline: int | None, *, asks: bool
) -> None:
    """Once a deadline has passed, and not again while the answer's end is yet to be reached."""
    assert progress.asks(deadline, now=2_000) is asks


def test_a_key_has_one_timer() -> None:
    """A second one replaces the first; ripe ones come in their order, and once."""
    deadlines = Deadlines()
    for key, at in ((b"a", 30), (b"b", 10), (b"c", 20), (b"a", 5), (b"c", 40), (b"b", 10)):
        deadlines.arm(key, at)
    assert (len(deadlines), deadlines.next) == (3, 5)
    assert deadlines.ripe(10) == (b"a", b"b")
    assert deadlines.ripe(39) == ()
    assert (len(deadlines), deadlines.next) == (1, 40)
    deadlines.cancel(b"c")
    deadlines.cancel(b"nobody")
    assert (len(deadlines), deadlines.next) == (0, None)


def test_what_was_canceled_does_not_pile_up() -> None:
    """Timers that come and go leave no more behind than there are."""
    deadlines = Deadlines()
    deadlines.arm(b"stays", 10_000)
    for number in range(1_000):
        deadlines.arm(b"comes and goes", 20_000 + number)
    for number in range(1_000):
        deadlines.arm(b"%d" % number, 30_000)
        deadlines.cancel(b"%d" % number)
    assert len(deadlines._heap) < 100
    assert deadlines.next == 10_000


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.none() | st.integers(0, 20))), st.integers(0, 20))
def test_timers_are_a_plain_table(steps: list[tuple[bytes, int | None]], until: int) -> None:
    """Of keys and times, whatever was armed and canceled before."""
    deadlines, table = Deadlines(), dict[bytes, int]()
    for key, at in steps:
        if at is None:
            deadlines.cancel(key)
            table.pop(key, None)
        else:
            deadlines.arm(key, at)
            table[key] = at
        assert (len(deadlines), deadlines.next) == (len(table), min(table.values(), default=None))
    ripe = sorted((at, key) for key, at in table.items() if at <= until)
    assert deadlines.ripe(until) == tuple(key for _, key in ripe)
    assert len(deadlines) == len(table) - len(ripe)


def test_timers_that_run_out_together_can_be_taken_in_turns() -> None:
    """In their order; the rest stays."""
    deadlines = Deadlines()
    for at, key in enumerate((b"a", b"b", b"c")):
        deadlines.arm(key, at)
    assert deadlines.ripe(9, most=2) == (b"a", b"b")
    assert (deadlines.ripe(1, most=2), deadlines.ripe(9, most=2), len(deadlines)) == ((), (b"c",), 0)


@given(st.lists(st.tuples(st.integers(0, 20), st.sampled_from([b"a", b"b", b"c"]))))
def test_a_heap_is_told_in_time(timers: list[tuple[int, bytes]]) -> None:
    """Each timer once, however often it is in it."""
    heap: list[tuple[int, bytes]] = []
    for each in timers:
        heappush(heap, each)
    assert list(in_time(heap)) == sorted(set(timers))


def test_copy_of_the_timers_stays_as_it_was() -> None:
    """Whoever looks through it sees what was armed then."""
    deadlines = Deadlines()
    deadlines.arm(b"a", 2)
    deadlines.arm(b"b", 1)
    copy = deadlines.copy()
    deadlines.ripe(9)
    assert list(in_time(copy)) == [(1, b"b"), (2, b"a")]
