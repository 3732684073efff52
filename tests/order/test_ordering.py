"""A lane that puts records in order: what leaves when, what is kept meanwhile, and what survives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from order.driving import SHOP, policy
from order.ordered_lane import (
    BROAD,
    CHANGELOG,
    DEAD,
    NOWHERE,
    SOURCE,
    WAIT,
    Desk,
    header,
    origin,
    running,
    to,
)

from router.errors import (
    BrokerUnavailable,
    CommitFailed,
    DeliveryFailed,
    DeliveryRefused,
    Fenced,
    InvariantError,
    Unreadable,
    UnreadableState,
)
from router.exchange.decision import Decision, Step, Walk
from router.exchange.model import Binding, Destination, DestinationKind, OnError, Place
from router.failure.notes import ERROR
from router.lanes.protocol import LaneState, Pace
from router.language.routes import SourceOrder
from router.order import ordering as module
from router.order.ordering import Ordering
from router.order.policy import ByTime, OnDuplicate, OnGap, OnLate, States
from router.order.stored import LOG_ENTRY, RECORD_PREFIX, decode_log, record_key, state_key
from router.records.reader import FieldReader
from router.records.record import PlainRecord, Record
from router.testing import (
    BrokerAway,
    CommitRefused,
    CopyRefused,
    DeliveryLost,
    MemoryBroker,
    MemoryTable,
)

MS = int(WAIT * 1000)


def ordering(**more: Any) -> Any:
    return policy(**{"wait_ms": MS, **more})


# --- in order ----------------------------------------------------------------------------------------------------------------


async def test_records_in_order_leave_as_they_come() -> None:
    """Each at once, with its key's number and the lane's time in the table."""
    async with running() as desk:
        await desk.comes(1, 2)
        await desk.comes(1, key=b"other")
        await desk.comes(3)
        assert desk.copies() == ["1", "2", "1", "3"]
        assert set(desk.table) == {state_key(b"k"), state_key(b"other"), LOG_ENTRY}
        assert desk.counts.outcomes == {"routed": 4}
        assert desk.counts.copies == {"a.v1": 4}


async def test_early_record_leaves_right_behind_what_it_waited_for() -> None:
    """Key, value, headers and time as they came, and the origin that they had."""
    async with running() as desk:
        desk.come(2, headers=[("a", b"\x00"), ("a", None)], timestamp=77)
        await desk.comes(3)
        assert desk.copies() == []
        assert len([entry for entry in desk.table if entry.startswith(RECORD_PREFIX)]) == 2
        await desk.comes(1)
        assert desk.copies() == ["1", "2", "3"]
        _, second, third = desk.broker.records("a.v1")
        assert (second.key, second.timestamp, second.headers[:2]) == (b"k", 77, (("a", b"\x00"), ("a", None)))
        assert (origin(second), origin(third)) == (f"{BROAD}/0/0", f"{BROAD}/0/1")
        assert set(desk.table) == {state_key(b"k"), LOG_ENTRY}
        assert (desk.counts.order.held, desk.counts.order.released) == (2, {"filled": 2})
        assert desk.counts.outcomes == {"routed": 3}


async def test_keys_do_not_wait_for_each_other() -> None:
    """What is missing of one holds back nothing of another."""
    async with running() as desk:
        await desk.comes(2, key=b"a")
        await desk.comes(1, 2, key=b"b")
        assert desk.copies(key=b"b") == ["1", "2"]
        await desk.comes(1, key=b"a")
        assert desk.copies(key=b"a") == ["1", "2"]


async def test_all_of_one_batch_is_put_in_order() -> None:
    """Also what is held and released before anything is committed: of that nothing remains."""
    async with running() as desk:
        await desk.comes(3, 1, 4, 2, 5)
        assert desk.copies() == ["1", "2", "3", "4", "5"]
        assert set(desk.table) == {state_key(b"k"), LOG_ENTRY}


# --- what does not wait ------------------------------------------------------------------------------------------------------


async def test_topic_that_does_not_wait_gets_everything_at_once() -> None:
    """In the order of the log, what is late or comes again included; and nothing of it twice."""
    async with running(decide=lambda _: to("a.v1", "now.v1"), at_once={"now.v1"}) as desk:
        await desk.comes(2)
        assert (desk.copies("a.v1"), desk.copies("now.v1")) == ([], ["2"])
        await desk.comes(1, 1, 4)
        await desk.passes(WAIT + 1)
        await desk.comes(3)
        assert desk.copies("a.v1") == ["1", "2", "4"]
        assert desk.copies("now.v1") == ["2", "1", "1", "4", "3"]
        assert desk.dead == [("3", "late")]
        # The duplicate has its copies where nobody waits; the late one is a dead letter all the same.
        assert desk.counts.outcomes == {"routed": 4, "aside": 1}


async def test_other_exchanges_of_the_source_do_not_wait() -> None:
    """They have no order; a topic that both lead to waits."""
    async with running(decide=lambda _: to("a.v1", "b.v1", other=["b.v1", "other.v1"])) as desk:
        await desk.comes(2)
        assert [desk.copies(topic) for topic in ("a.v1", "b.v1", "other.v1")] == [[], [], ["2"]]
        await desk.comes(1)
        assert [desk.copies(topic) for topic in ("a.v1", "b.v1", "other.v1")] == [["1", "2"], ["1", "2"], ["2", "1"]]


async def test_held_record_goes_by_the_routes_of_its_release() -> None:
    """Whatever they were when it came; a topic that has its copy gets no second one."""
    async with running(decide=lambda _: to("a.v1", "now.v1"), at_once={"now.v1"}) as desk:
        await desk.comes(2)
        desk.decide = lambda _: to("b.v1", "now.v1")
        await desk.comes(1)
        assert [desk.copies(topic) for topic in ("a.v1", "b.v1", "now.v1")] == [[], ["1", "2"], ["2", "1"]]


@pytest.mark.parametrize(
    ("now", "topic", "outcome"),
    [
        pytest.param(to(), NOWHERE, "unroutable", id="nowhere"),
        pytest.param(Decision((Walk("orders", "", (), ()),), tombstone=True), "a.v1", "dropped", id="dropped"),
    ],
)
async def test_held_record_that_leads_nowhere_by_then_is_told_so(now: Decision, topic: str, outcome: str) -> None:
    """As if it had just come."""
    async with running() as desk:
        await desk.comes(2)
        desk.decide = lambda record: now if record.value == b"2" else to("a.v1")
        await desk.comes(1)
        assert desk.counts.outcomes == {"routed": 1, outcome: 1}
        assert desk.copies(topic)[-1:] == (["2"] if outcome == "unroutable" else ["1"])


async def test_held_record_that_cannot_be_decided_by_then_is_a_dead_letter() -> None:
    """A later schema may ask for more than it has."""
    async with running() as desk:
        await desk.comes(2)

        def decide(record: Record) -> Decision:
            if record.value == b"2":
                raise Unreadable(field="x", position=-1, problem="it is not there")
            return to("a.v1")

        desk.decide = decide
        await desk.comes(1, 3)
        assert (desk.copies(), desk.dead) == (["1", "3"], [("2", "unreadable")])


async def test_failed_condition_is_told_once() -> None:
    """Of a record that is held: when it is released, unless it is of a topic that does not wait."""
    place = Place("r.yaml", 1, 1)
    bindings = tuple(
        Binding(
            exchange="orders",
            key=None,
            destination=Destination(DestinationKind.TOPIC, topic),
            place=place,
            team="t",
            where="x",
            on_error=OnError.DEAD_LETTER,
        )
        for topic in ("b.v1", "now.v1")
    )

    def decide(_: Record) -> Decision:
        whole = to("a.v1").walks[0]
        return Decision((Walk(whole.exchange, "x", (Step("orders", (), None, bindings),), whole.deliveries),))

    async with running(decide=decide, at_once={"now.v1"}) as desk:
        await desk.comes(2)
        assert desk.dead == [("2", "condition-failed")]
        await desk.comes(1)
        assert desk.dead == [("2", "condition-failed")] + [("1", "condition-failed")] * 2 + [("2", "condition-failed")]


# --- what is set aside -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "key", "reason", "said"),
    [
        pytest.param("many", b"k", "order-unknown", "'n' is 'many', which is no whole number", id="no-number"),
        pytest.param("0", b"k", "order-unknown", "below 1", id="before-the-start"),
        pytest.param("?", b"k", "unreadable", "it is a question", id="unreadable"),
        pytest.param("1", None, "order-unknown", "'id' is None, which is null, and no key", id="no-key"),
    ],
)
async def test_record_without_a_place_is_a_dead_letter(value: str, key: bytes | None, reason: str, said: str) -> None:
    """Its key goes on without it; whoever does not wait has it."""
    async with running(decide=lambda _: to("a.v1", "now.v1"), at_once={"now.v1"}) as desk:
        await desk.comes(value, key=key)
        await desk.comes(1, 2)
        assert desk.dead == [(value, reason)]
        (letter,) = desk.broker.records(DEAD)
        assert said in header(letter, ERROR)
        assert (desk.copies("a.v1"), desk.copies("now.v1")) == (["1", "2"], [value, "1", "2"])
        assert desk.counts.outcomes == {"aside": 1, "routed": 2}


async def test_record_that_cannot_be_decided_takes_no_place() -> None:
    """It is a dead letter as in any lane, and what it is the first of waits for another."""

    def decide(record: Record) -> Decision:
        if record.headers:
            raise Unreadable(field="", position=0, problem="damaged")
        return to("a.v1")

    async with running(decide=decide) as desk:
        desk.come(1, headers=[("bad", None)])
        await desk.comes(2, 1)
        assert (desk.dead, desk.copies()) == ([("1", "unreadable")], ["1", "2"])


@pytest.mark.parametrize(
    ("on_duplicate", "copies"), [(OnDuplicate.DROP, ["1", "2"]), (OnDuplicate.RELEASE, ["1", "1", "2", "2"])]
)
async def test_duplicates_go_by_the_policy(on_duplicate: OnDuplicate, copies: list[str]) -> None:
    """Of what was sent, and of what is held; counted either way."""
    async with running(ordering(on_duplicate=on_duplicate)) as desk:
        await desk.comes(2, 2, 1, 1)
        assert sorted(desk.copies()) == copies
        assert desk.counts.order.duplicates == 2 - (on_duplicate is OnDuplicate.RELEASE)
        assert sum(desk.counts.outcomes.values()) == 4


@pytest.mark.parametrize(
    ("on_late", "copies", "dead"),
    [
        (OnLate.DEAD_LETTER, ["2"], [("1", "late")]),
        (OnLate.RELEASE, ["2", "1"], []),
        (OnLate.DROP, ["2"], []),
    ],
)
async def test_late_records_go_by_the_policy(on_late: OnLate, copies: list[str], dead: list[tuple[str, str]]) -> None:
    """A place that was given up is not taken again."""
    async with running(ordering(on_late=on_late)) as desk:
        await desk.comes(2)
        await desk.passes(WAIT + 1)
        await desk.comes(1)
        assert (desk.copies(), desk.dead) == (copies, dead)
        assert (desk.counts.order.late, desk.counts.order.gaps) == (1, 1)
        assert sum(desk.counts.outcomes.values()) == 2


@pytest.mark.parametrize(
    ("on_gap", "copies", "dead"),
    [
        (OnGap.RELEASE, ["1", "3", "4", "5"], []),
        (OnGap.DEAD_LETTER, ["1", "5"], [("3", "order-gap"), ("4", "order-gap")]),
    ],
)
async def test_gap_is_given_up_after_the_wait(on_gap: OnGap, copies: list[str], dead: list[tuple[str, str]]) -> None:
    """What waited behind it goes by the policy, and the key goes on."""
    async with running(ordering(on_gap=on_gap)) as desk:
        await desk.comes(1, 4, 3)
        await desk.passes(WAIT - 1)
        assert desk.copies() == ["1"]
        await desk.passes(2)
        await desk.comes(5)
        assert (desk.copies(), desk.dead) == (copies, dead)
        assert desk.counts.order.gaps == 1
        assert desk.ordering.waiting.held == 0


async def test_parked_key_waits_on_for_what_is_missing() -> None:
    """Its wait has run out, and nothing passes; when what is missing comes, all go in order."""
    async with running(ordering(on_gap=OnGap.PARK, park_for_ms=int(100 * WAIT * 1000))) as desk:
        await desk.comes(1, 4, 3)
        await desk.passes(50 * WAIT)
        assert (desk.copies(), desk.dead, desk.ordering.waiting.held) == (["1"], [], 2)
        await desk.comes(2)
        assert (desk.copies(), desk.ordering.waiting.held) == (["1", "2", "3", "4"], 0)
        assert desk.counts.order.gaps == 0


@pytest.mark.parametrize(
    ("on_expiry", "copies", "dead"), [(OnGap.RELEASE, ["1", "3"], []), (OnGap.DEAD_LETTER, ["1"], [("3", "order-gap")])]
)
async def test_parked_key_is_given_up_when_it_was_parked_for_long(
    on_expiry: OnGap, copies: list[str], dead: list[tuple[str, str]]
) -> None:
    """As its exchange says, and not before."""
    order = ordering(on_gap=OnGap.PARK, park_for_ms=int(2 * WAIT * 1000), on_expiry=on_expiry)
    async with running(order) as desk:
        await desk.comes(1, 3)
        await desk.passes(3 * WAIT - 1)
        assert desk.copies() == ["1"]
        await desk.passes(2)
        assert (desk.copies(), desk.dead) == (copies, dead)
        assert desk.ordering.waiting.held == 0


async def test_full_key_gives_up_its_first_gap() -> None:
    """So that no key grows without bounds."""
    async with running(ordering(hold_at_most=2)) as desk:
        await desk.comes(3, 5, 7)
        assert desk.copies() == ["3"]
        assert desk.counts.order.released == {"full": 1}
        assert (desk.counts.order.gaps, desk.ordering.waiting.held) == (1, 2)


async def test_newcomer_that_fills_a_key_can_be_the_one_that_goes() -> None:
    """It is before all that is held."""
    async with running(ordering(hold_at_most=1)) as desk:
        await desk.comes(5, 3)
        assert (desk.copies(), desk.ordering.waiting.held) == (["3"], 1)


async def test_illegal_transition_shows_its_path() -> None:
    """A dead letter that says what the key went through, and what could have come."""
    async with running(ordering(kind=States("n", SHOP, ("created",)))) as desk:
        await desk.comes("created", "canceled", "shipped")
        assert (desk.copies(), desk.dead) == (["created", "canceled"], [("shipped", "illegal-transition")])
        (letter,) = desk.broker.records(DEAD)
        assert header(letter, ERROR).startswith("'n' went created → canceled → shipped")
        assert desk.counts.order.illegal == 1


async def test_held_records_are_judged_anew_when_their_key_moves() -> None:
    """One that never can be is set aside, one that came meanwhile was a duplicate."""
    circle = States("n", {"a": ("b", "c"), "b": ("a",)}, ("a",))
    async with running(ordering(kind=States("n", SHOP, ("created",)))) as desk:
        await desk.comes("created", "shipped", "canceled")
        assert desk.dead == [("shipped", "illegal-transition")]
    async with running(ordering(kind=circle), decide=lambda _: to("a.v1", "now.v1"), at_once={"now.v1"}) as desk:
        await desk.comes("a", "a")
        await desk.passes(WAIT + 1)
        assert (desk.copies(), desk.copies("now.v1")) == (["a"], ["a", "a"])
        assert desk.counts.order.duplicates == 1
        assert desk.counts.outcomes == {"routed": 2}


async def test_order_by_time_waits_and_then_goes_by_time() -> None:
    """Nothing is missing where nothing says so: no gaps are counted."""
    async with running(ordering(kind=ByTime("n"))) as desk:
        await desk.comes(30, 10)
        await desk.passes(10)
        await desk.comes(20)
        assert desk.copies() == []
        await desk.passes(WAIT - 9)
        assert desk.copies() == ["10", "20", "30"]
        assert (desk.counts.order.released, desk.counts.order.gaps) == ({"waited": 3}, 0)


async def test_tombstone_goes_behind_what_is_held() -> None:
    """And ends its key where nothing is held: what comes then begins anew."""
    async with running() as desk:
        await desk.comes(1, 3, None)
        assert desk.copies() == ["1"]
        await desk.comes(2)
        assert desk.copies() == ["1", "2", "3", ""]
        assert set(desk.table) == {LOG_ENTRY}
        await desk.comes(1, None)
        assert desk.copies()[4:] == ["1", ""]


# --- time --------------------------------------------------------------------------------------------------------------------


async def test_idle_partition_times_out() -> None:
    """Though no record ever comes again, and the offset stays where it is."""
    async with running() as desk:
        await desk.comes(2)
        before = desk.lane.protocol.committed
        await desk.passes(WAIT + 1)
        assert desk.copies() == ["2"]
        assert (desk.lane.protocol.committed, desk.worker.consumer.committed(SOURCE)) == (before, before)


async def test_no_wait_runs_out_before_the_backlog_is_read() -> None:
    """After an outage what was missing may lie in the log, and counts as in time."""
    async with running(fetch_records=1) as desk:
        await desk.comes(2)
        await desk.worker.stop(finish=False)
        desk.come(*range(1, 40), key=b"other")
        desk.come(1)
        desk.broker.clock.advance(10 * WAIT)
        await desk.restart()
        await desk.worker.run()
        assert desk.copies(key=b"k") == ["1", "2"]
        assert desk.counts.order.gaps == 0


async def test_wait_runs_out_for_what_came_after_the_deadline() -> None:
    """The end of the log is asked for after the deadline, so that what came in time was read."""
    async with running() as desk:
        await desk.comes(2)
        await desk.passes(WAIT + 1)
        await desk.comes(1)
        assert (desk.copies(), desk.dead) == (["2"], [("1", "late")])


async def test_many_waits_that_run_out_together_do_so_in_turns() -> None:
    """All of them, and the lane goes on meanwhile."""
    async with running() as desk:
        for key in range(450):
            desk.come(2, key=b"%d" % key)
        await desk.worker.run()
        await desk.passes(WAIT + 1)
        assert len(desk.copies()) == 450
        assert desk.ordering.waiting.held == 0


async def test_deadline_survives_its_worker() -> None:
    """Also where the next one has nothing on its disk: the changelog has it all."""
    async with running() as desk:
        await desk.comes(2)
        await desk.passes(WAIT / 2)
        await desk.restart()
        assert desk.ordering.waiting.held == 1
        await desk.passes(WAIT / 2 - 1)
        assert desk.copies() == []
        await desk.passes(2)
        assert desk.copies() == ["2"]


async def test_who_does_not_say_where_the_log_ends_is_asked_again() -> None:
    """Nothing is lost by it: what waits, waits longer."""
    async with running() as desk:
        await desk.comes(2)
        asked = desk.worker.consumer.end
        answers: list[Exception | None] = [BrokerUnavailable(brokers="b", problem="away"), ValueError("odd"), None]

        async def end(source: Any) -> int:
            if (answer := answers.pop(0)) is not None:
                raise answer
            return await asked(source)

        desk.worker.consumer.end = end  # type: ignore[method-assign]
        await desk.passes(WAIT + 1)
        await desk.worker.settle()
        assert desk.copies() == []
        await desk.passes(1.0)
        await desk.passes(1.0)
        assert (desk.copies(), answers, desk.counts.errors) == (["2"], [], [])


async def test_answer_that_comes_while_the_lane_commits_is_not_missed() -> None:
    """Where the log's end is where the lane stands, nothing else will ever wake it."""
    async with running() as desk:
        await desk.comes(2)
        ordering = desk.ordering
        desk.broker.clock.advance(WAIT + 1)
        at = ordering.asks()
        assert at is not None
        ordering.end_seen(at=at, end=desk.lane.protocol.position)
        assert ordering.looks_in() == 0


async def test_time_of_the_log_survives_and_never_goes_back() -> None:
    """It is what forgetting goes by; a record that is dated next year moves it no further than the clock."""
    async with running() as desk:
        now = int(desk.broker.clock.wall() * 1000)
        await desk.comes(1, timestamp=now - 5_000)
        assert decode_log(desk.table[LOG_ENTRY]) == now - 5_000
        await desk.comes(2, timestamp=now + 10**9)
        reached = decode_log(desk.table[LOG_ENTRY])
        assert now - 5_000 < reached <= int(desk.broker.clock.wall() * 1000)
        await desk.comes(3, timestamp=-1)
        await desk.restart()
        await desk.comes(4, timestamp=now - 9_000)
        assert decode_log(desk.table[LOG_ENTRY]) == reached


async def test_forgotten_keys_leave_the_table_and_its_changelog() -> None:
    """Once the log has gone on by so much; one that holds something stays."""
    day = 86_400
    async with running(ordering(forget_after_ms=10 * day * 1000, wait_ms=20 * day * 1000)) as desk:
        for key in range(30):
            desk.come(1, key=b"%02d" % key)
        await desk.comes(2, key=b"holds")
        assert len(desk.table) == 33
        for _ in range(6):
            desk.broker.clock.advance(2 * day)
            await desk.comes(1, 2, key=b"busy")
        for number in range(3, 9):
            await desk.comes(number, key=b"busy")
        left = set(desk.table)
        assert left == {state_key(b"busy"), state_key(b"holds"), record_key(b"holds", 30), LOG_ENTRY}
        assert any(each.value is None for each in desk.broker.records(CHANGELOG))


async def test_forgotten_keys_are_looked_for_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the lane's work, and where the lane is opened again and again, too."""
    monkeypatch.setattr(module, "_SWEEP_EVERY", 2)
    day = 86_400
    async with running(ordering(forget_after_ms=10 * day * 1000)) as desk:
        for key in range(30):
            desk.come(1, key=b"%02d" % key)
        await desk.worker.run()
        desk.broker.clock.advance(11 * day)
        lengths = []
        for number in range(1, 50, 2):
            await desk.comes(number, number + 1, key=b"busy")
            await desk.restart(desk.worker.disks[SOURCE], finish=True)
            lengths.append(len(desk.table))
        assert lengths[0] > 20
        assert set(desk.table) == {state_key(b"busy"), LOG_ENTRY}


async def test_keys_are_kept_for_ever_where_routes_say_so() -> None:
    """Nothing is looked through for them then."""
    async with running(ordering(forget_after_ms=None)) as desk:
        await desk.comes(1)
        await desk.passes(10**9)
        await desk.comes(1, key=b"other")
        assert {state_key(b"k"), state_key(b"other")} < set(desk.table)


# --- what goes wrong ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        pytest.param(DeliveryLost("a.v1", times=2), DeliveryFailed, id="delivery-lost"),
        pytest.param(DeliveryLost(CHANGELOG, times=2), DeliveryFailed, id="change-lost"),
        pytest.param(CommitRefused(BROAD, times=2), CommitFailed, id="commit-refused"),
    ],
)
async def test_failed_commit_takes_the_table_back(fault: Any, error: type[Exception]) -> None:
    """Copies, changes and offset are one: they are made again, and nothing is counted twice."""
    async with running(pace=Pace(first_backoff=0.01)) as desk:
        await desk.comes(2)
        desk.broker.suffer(fault)
        await desk.comes(1, 3)
        assert [type(each) for each in desk.counts.errors] == [error] * 2
        assert desk.copies() == ["1", "2", "3"]
        assert desk.lane.protocol.state is LaneState.CARRYING


async def test_former_owner_changes_nothing() -> None:
    """What it had begun is undone before the next one restores the table."""
    async with running() as desk:
        await desk.comes(2)
        former = desk.worker
        desk.come(1)
        desk.worker = desk._new_worker()
        await desk.worker.start()
        former.fetch()
        await former.settle()
        await desk.worker.run()
        assert desk.copies() == ["1", "2"]
        assert Fenced in map(type, desk.counts.errors)
        await former.stop(finish=False)


async def test_release_by_time_is_made_again_where_its_commit_failed() -> None:
    """At once: what was read before a lane was reopened stays read."""
    async with running(pace=Pace(first_backoff=0.01)) as desk:
        await desk.comes(2)
        desk.broker.suffer(CommitRefused(BROAD, times=2))
        await desk.passes(WAIT + 1)
        assert desk.copies() == ["2"]
        assert len(desk.counts.errors) == 2


@pytest.mark.parametrize("by_time", [True, False], ids=["by-time", "by-what-was-missing"])
async def test_refused_copy_of_a_held_record_is_set_aside(by_time: bool) -> None:
    """The broker says which by refusing ever smaller batches; all others are sent."""
    async with running(pace=Pace(first_backoff=0.01)) as desk:
        desk.broker.suffer(CopyRefused("a.v1", key=b"bad"))
        for key in (b"a", b"bad", b"c"):
            desk.come(2, key=key)
        await desk.worker.run()
        if by_time:
            await desk.passes(WAIT + 1)
        else:
            for key in (b"a", b"bad", b"c"):
                desk.come(1, key=key)
            await desk.worker.run()
        assert {each.key for each in desk.broker.records("a.v1")} == {b"a", b"c"}
        assert [reason for _, reason in desk.dead] == ["refused"] * (1 if by_time else 2)
        assert desk.ordering.waiting.held == 0


async def test_change_that_its_changelog_refuses_stops_the_lane() -> None:
    """There is nowhere else to put it: it stands still, and says so, until the topic takes it."""
    async with running(pace=Pace(first_backoff=0.01)) as desk:
        refused = desk.broker.suffer(CopyRefused(CHANGELOG, key=state_key(b"k")))
        desk.come(1)
        for _ in range(40):
            await desk.worker.step(0.2)
        assert desk.copies() == []
        error = desk.lane.protocol.error
        assert isinstance(error, DeliveryRefused)
        assert error.topic == CHANGELOG
        desk.broker.heal(refused)
        await desk.worker.run()
        assert desk.copies() == ["1"]


async def test_changes_leave_in_as_many_batches_as_they_need() -> None:
    """Batches have a size; none of it is left out."""
    async with running() as desk:
        desk.worker.destinations.shrink(CHANGELOG, 2_048)
        for key in range(200):
            desk.come(1, key=b"%03d" % key)
        await desk.worker.run()
        assert len(desk.table) == 201


async def test_damaged_table_ends_the_worker() -> None:
    """To guess would lose records."""
    fatal: list[BaseException] = []
    async with running() as desk:
        desk.counts.fatal = fatal.append  # type: ignore[method-assign]
        await desk.comes(2)
        desk.broker.publish(CHANGELOG, key=state_key(b"k"), value=b"\x09")
        await desk.restart()
        assert [type(each) for each in fatal] == [UnreadableState]


@pytest.mark.parametrize(
    ("lost", "what"),
    [
        pytest.param(state_key(b"k"), "a key's state", id="state"),
        pytest.param(record_key(b"k", 0), "a held record", id="record"),
    ],
)
async def test_table_that_lacks_something_ends_the_worker(lost: bytes, what: str) -> None:
    """A state and what it holds are written together, or not at all."""
    fatal: list[BaseException] = []
    async with running() as desk:
        desk.counts.fatal = fatal.append  # type: ignore[method-assign]
        await desk.comes(2, 3)
        desk.broker.publish(CHANGELOG, key=lost, value=None)
        await desk.restart()
        desk.come(1)
        await desk.worker.step()
        (error,) = fatal[:1]
        assert isinstance(error, UnreadableState)
        assert error.what == what


async def test_key_of_another_kind_of_order_is_let_go_when_the_lane_opens() -> None:
    """Routes have changed meanwhile: what was held for the former kind goes in its order."""
    async with running() as desk:
        await desk.comes(3, 2)
        await desk.worker.stop()
        desk.policy = ordering(kind=ByTime("n"))
        await desk.restart()
        await desk.worker.run()
        await desk.passes(0.2)
        assert desk.copies() == ["2", "3"]
        assert desk.counts.order.released == {"abandoned": 2}


def test_source_that_is_to_be_repartitioned_is_refused() -> None:
    """Its records' keys are not those that they are ordered by."""
    order = SourceOrder("orders", policy(repartition=True), ("n", "id"), frozenset())
    reader = FieldReader(("n", "id"), lambda _: (1, "k"), lambda facts: facts)
    table = MemoryTable(MemoryBroker(), changelog=CHANGELOG, partition=0)
    with pytest.raises(InvariantError, match="repartitioned"):
        Ordering(SOURCE, order, copier=None, reader=reader, table=table)  # type: ignore[arg-type]


# --- whatever happens --------------------------------------------------------------------------------------------------------

ARRIVALS = st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.integers(1, 6)), max_size=18)
TROUBLE = st.sampled_from(
    [
        "carry",
        "carry",
        "lost",
        "change lost",
        "refused",
        "killed",
        "killed, disk lost",
        "killed, old disk",
        "restarted",
        "away",
    ]
)


@settings(max_examples=60, deadline=None)
@given(arrivals=ARRIVALS, troubles=st.lists(TROUBLE, max_size=6), data=st.data())
async def test_trouble_changes_nothing(
    arrivals: list[tuple[bytes, int]], troubles: list[str], data: st.DataObject
) -> None:
    """Whatever comes in whatever order, and whatever breaks in between: each topic gets of each key what it gets undisturbed."""
    undisturbed = await _carried(arrivals, {})
    at = {data.draw(st.integers(0, len(arrivals))): trouble for trouble in troubles}
    disturbed = await _carried(arrivals, at)
    assert disturbed == undisturbed


async def _carried(arrivals: list[tuple[bytes, int]], troubles: dict[int, str]) -> Any:
    decide = {b"%d" % place: to("a.v1", "now.v1", other=["other.v1"][: place % 2]) for place in range(9)}
    settings = {"at_once": {"now.v1"}, "pace": Pace(first_backoff=0.01), "fetch_records": 3}
    async with running(ordering(), decide=lambda record: decide[record.value or b""], **settings) as desk:
        old = None
        for number, (key, place) in enumerate(arrivals):
            await _suffer(desk, troubles.get(number, ""), old)
            old = desk.worker.disks[SOURCE].copy()
            desk.come(place, key=key)
            if number % 3 == 0:
                await desk.worker.step(0.01)
        await _suffer(desk, troubles.get(len(arrivals), ""), old)
        await desk.worker.run()
        await desk.passes(2 * WAIT)
        assert desk.ordering.waiting.held == 0
        assert not [entry for entry in desk.table if entry.startswith(RECORD_PREFIX)]
        topics = ("a.v1", "now.v1", "other.v1", DEAD)
        return {
            (topic, key): [(each.value, origin(each)) for each in desk.broker.records(topic) if each.key == key]
            for topic in topics
            for key in (b"a", b"b")
        }


async def _suffer(desk: Desk, trouble: str, old: Any) -> None:
    match trouble:
        case "carry":
            await desk.worker.run()
        case "lost":
            desk.broker.suffer(DeliveryLost("a.v1", times=1))
        case "change lost":
            desk.broker.suffer(DeliveryLost(CHANGELOG, times=1))
        case "refused":
            desk.broker.suffer(CommitRefused(BROAD, times=1))
        case "away":
            desk.broker.suffer(BrokerAway(0.5))
        case "killed":
            await desk.restart(desk.worker.disks[SOURCE])
        case "killed, disk lost":
            await desk.restart()
        case "killed, old disk":
            await desk.restart(old)
        case "restarted":
            await desk.restart(desk.worker.disks[SOURCE], finish=True)


@settings(max_examples=40, deadline=None)
@given(numbers=st.permutations(range(1, 8)), again=st.lists(st.integers(0, 6), max_size=4))
async def test_any_arrival_leaves_in_sequence(numbers: list[int], again: list[int]) -> None:
    """Every number once, in order, where each came at least once before its wait ran out."""
    arrivals = [*numbers]
    for number in again:
        arrivals.insert(number, numbers[number])
    async with running(ordering()) as desk:
        await desk.comes(*arrivals)
        assert desk.copies() == ["1", "2", "3", "4", "5", "6", "7"]
        assert desk.counts.order.duplicates == len(again)


def test_origin_of_a_record_is_its_own() -> None:
    """The helper that these tests rest on reads what the router writes."""
    assert origin(PlainRecord(topic="a.v1", headers=(("router-origin", b"x/0/7"),))) == "x/0/7"
