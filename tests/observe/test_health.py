"""What the health pages answer, and when."""

from __future__ import annotations

import json

import pytest

from router.errors import (
    BrokerUnavailable,
    DeliveryFailed,
    DeliveryRefused,
    DestinationUnavailable,
    InvariantError,
    OffsetOutOfRange,
)
from router.observe.health import Health, LaneStatus, Problem

STARTED = 1_700_000_000.0
NOW = STARTED + 90


def lane(partition: int = 0, state: str = "carrying", **facts: object) -> LaneStatus:
    """A lane of one source."""
    return LaneStatus("order.status.v1", partition, state, **facts)  # type: ignore[arg-type]


@pytest.fixture
def health() -> Health:
    """The health of a worker that has just begun."""
    return Health({"instance": "worker-1", "routes": "1a2b3c4d"}, since=STARTED)


@pytest.fixture
def running(health: Health) -> Health:
    """The health of a worker that a broker answers and that knows its partitions."""
    health.broker_connected()
    health.assigned()
    return health


def test_worker_that_begins_is_live_and_not_ready(health: Health) -> None:
    """An orchestrator leaves it alone and sends it no traffic yet."""
    assert health.liveness(now=NOW).live
    readiness = health.readiness([], now=NOW)
    assert (readiness.ready, readiness.status) == (False, 503)
    assert [problem.reason for problem in readiness.problems] == ["starting", "assignment-unknown"]


def test_worker_whose_lanes_all_carry_is_ready(running: Health) -> None:
    """Ready means that all of its work is done."""
    readiness = running.readiness([lane(0), lane(1)], now=NOW)
    assert (readiness.ready, readiness.status) == (True, 200)
    assert readiness.to_json() == {
        "ready": True,
        "instance": "worker-1",
        "routes": "1a2b3c4d",
        "lanes": 2,
        "carrying": 2,
        "problems": [],
    }


def test_spare_worker_is_ready(running: Health) -> None:
    """More workers than partitions is no fault."""
    assert running.readiness([], now=NOW).ready


def test_lane_that_does_not_carry_is_listed_with_all_that_is_known(running: Health) -> None:
    """Why, since when and what to do: the body is what the person on call reads."""
    error = DestinationUnavailable(
        topic="x.v1", problem="does not exist", route="routes/x.yaml:7", origin="order.status.v1/1/12"
    )
    stuck = lane(1, "waiting", reason=error.reason, message=str(error), since=STARTED + 30)
    readiness = running.readiness([stuck, lane(0)], now=NOW)
    assert (readiness.lanes, readiness.carrying) == (2, 1)
    (entry,) = readiness.to_json()["problems"]
    assert entry.pop("what_to_do").startswith("create the topic")
    assert entry == {
        "topic": "order.status.v1",
        "partition": 1,
        "state": "waiting",
        "reason": "destination-unavailable",
        "message": "topic 'x.v1' does not exist, bound at routes/x.yaml:7, needed by record order.status.v1/1/12",
        "since": "2023-11-14T22:13:50.000Z",
        "for_seconds": 60,
    }


def test_lane_on_its_way_is_listed_by_its_state(running: Health) -> None:
    """A lane that only opens has no error; its state is the reason."""
    (problem,) = running.readiness([lane(0, "opening", since=NOW)], now=NOW).problems
    assert (problem.reason, problem.message) == ("opening", "the lane is opening")


def test_problems_stand_in_order(running: Health) -> None:
    """The worker's own come first, then the lanes' by topic and partition: two answers can be compared."""
    running.broker_lost("no answer", since=STARTED)
    lanes = [lane(10, "opening"), lane(2, "opening"), LaneStatus("a.v1", 5, "opening")]
    problems = running.readiness(lanes, now=NOW).problems
    assert [(p.lane.topic, p.lane.partition) if p.lane else p.reason for p in problems] == [
        "broker-unavailable",
        ("a.v1", 5),
        ("order.status.v1", 2),
        ("order.status.v1", 10),
    ]


def test_lost_broker_makes_not_ready_but_stays_live(running: Health) -> None:
    """Restarting a worker does not bring a broker back."""
    running.broker_lost("no answer from b:9092", since=STARTED + 10)
    assert running.liveness(now=NOW).live
    (problem,) = running.readiness([], now=NOW).problems
    assert problem.message == "no answer from b:9092"
    assert running.waits
    running.broker_connected()
    assert not running.waits
    assert running.readiness([], now=NOW).ready


def test_lost_broker_is_told_since_it_was_first_missed(running: Health) -> None:
    """Each failed attempt has newer words; the time is that of the first."""
    running.broker_lost("first", since=STARTED + 10)
    running.broker_lost("second", since=STARTED + 20)
    (problem,) = running.readiness([], now=NOW).problems
    assert (problem.message, problem.since) == ("second", STARTED + 10)


def test_broker_never_reached_is_told_as_unavailable(health: Health) -> None:
    """`starting` ends with the first failed attempt."""
    health.broker_lost("refused", since=STARTED + 1)
    assert health.readiness([], now=NOW).problems[0] == Problem("broker-unavailable", "refused", STARTED + 1)


def test_rebalance_makes_not_ready_until_it_is_over(running: Health) -> None:
    """While partitions are dealt out, nobody knows what is whose."""
    running.unassigned(since=NOW)
    assert [problem.reason for problem in running.readiness([], now=NOW).problems] == ["assignment-unknown"]
    running.assigned()
    assert running.readiness([], now=NOW).ready


def test_stalled_worker_is_neither_live_nor_ready(running: Health) -> None:
    """The watchdog's verdict is the one reason to be restarted."""
    running.progress("lane order.status.v1/3 has had records for 120 s and committed none", since=STARTED)
    liveness = running.liveness(now=NOW)
    assert (liveness.live, liveness.status) == (False, 503)
    (entry,) = liveness.to_json()["problems"]
    assert (entry["reason"], entry["for_seconds"]) == ("no-progress", 90)
    assert not running.readiness([], now=NOW).ready
    running.progress()
    assert running.liveness(now=NOW).to_json() == {"live": True, "problems": []}
    assert running.liveness(now=NOW).status == 200


def test_broad_topic_that_is_missing_is_named_since_it_is(running: Health) -> None:
    """A worker that waits for its sources has no lanes, and would pass for a spare."""
    assert running.sources_missing(["b.v1", "a.v1"], since=STARTED)
    assert not running.sources_missing(["a.v1", "b.v1"], since=NOW)
    (problem,) = running.readiness([], now=NOW).problems
    assert (problem.reason, problem.since) == ("source-unavailable", STARTED)
    assert "'a.v1', 'b.v1'" in problem.message
    assert running.sources_missing(["b.v1"], since=NOW)
    (problem,) = running.readiness([], now=NOW).problems
    assert ("a.v1" in problem.message, problem.since) == (False, NOW)
    assert running.sources_missing([], since=NOW)
    assert not running.sources_missing([], since=NOW)
    assert running.readiness([], now=NOW).ready


def test_worker_whose_fetches_fail_is_not_ready(running: Health) -> None:
    """Its lanes carry, but nothing comes."""
    running.fetching("no library for lz4", since=STARTED)
    (problem,) = running.readiness([lane()], now=NOW).problems
    assert (problem.reason, problem.message) == ("fetch-failed", "no library for lz4")
    running.fetching()
    assert running.readiness([lane()], now=NOW).ready


def test_time_unknown_is_left_out() -> None:
    """Nobody reads 1970."""
    entry = Problem("no-progress", "stuck", None).to_json(NOW)
    assert set(entry) == {"reason", "message", "what_to_do"}


def test_clock_set_back_is_no_negative_duration() -> None:
    """A problem never lasts less than nothing."""
    assert Problem("opening", "opening", NOW + 5).to_json(NOW)["for_seconds"] == 0


@pytest.mark.parametrize(
    "error",
    [BrokerUnavailable, DestinationUnavailable, DeliveryFailed, DeliveryRefused, OffsetOutOfRange, InvariantError],
)
def test_error_that_stops_a_lane_comes_with_advice(error: type) -> None:
    """Each error that keeps a lane from carrying has words of its own about what to do."""
    assert Problem(error.reason, "", None).what_to_do != Problem("unheard-of", "", None).what_to_do


def test_body_is_plain_json(running: Health) -> None:
    """The answers can be dumped as they are."""
    running.progress("stuck", since=STARTED)
    assert json.dumps([running.readiness([lane(0, "opening")], now=NOW).to_json(), running.liveness(now=NOW).to_json()])


def test_rejections_that_nobody_reads_make_not_ready(running: Health) -> None:
    """Until they are read again."""
    running.rejections("what consumers reject cannot be read: TopicAuthorizationFailed", since=STARTED)
    (problem,) = running.readiness([], now=NOW).problems
    assert (problem.reason, problem.since) == ("rejections-unread", STARTED)
    assert "topics of rejections" in problem.what_to_do
    running.rejections()
    assert running.readiness([], now=NOW).ready


def test_what_waits_for_consumers_is_told_and_no_problem(running: Health) -> None:
    """A consumer's trouble is its own; a topic of which nothing waits is not in the answer."""
    told = running.readiness([], now=NOW, kept_back={"vip.v1": (2, 9), "other.v1": (0, 0)})
    assert told.ready
    assert told.to_json()["kept_back"] == {"vip.v1": {"keys": 2, "copies": 9}}
    assert "kept_back" not in running.readiness([], now=NOW, kept_back={"other.v1": (0, 0)}).to_json()
