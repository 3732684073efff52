"""What Prometheus sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from router.observe.metrics import OUTCOMES, Metrics, metrics_table

PAGE = Path(__file__).parents[2] / "docs" / "operating.md"
SOURCE = "order.status.v1"


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of a worker that has done nothing yet."""
    return Metrics(CollectorRegistry())


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The values of one series by their labels' values, as a scrape reads them."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
        if sample.name == name
    }


def test_batch_is_counted_by_source_destination_outcome_and_reason(metrics: Metrics) -> None:
    """One call a batch moves every counter that the batch touches."""
    for _ in range(2):
        metrics.batch_routed(
            SOURCE,
            records=10,
            copies={"a.v1": 7, "b.v1": 4},
            outcomes={"copied": 8, "unroutable": 1, "dead-letter": 1},
            dead_letters={"unreadable": 1},
            condition_failures=3,
            seconds=0.25,
        )
    assert samples(metrics, "router_records_in_total") == {(SOURCE,): 20}
    assert samples(metrics, "router_batches_total") == {(SOURCE,): 2}
    assert samples(metrics, "router_routing_seconds_total") == {(SOURCE,): 0.5}
    assert samples(metrics, "router_copies_total") == {("a.v1", SOURCE): 14, ("b.v1", SOURCE): 8}
    assert samples(metrics, "router_outcomes_total") == {
        ("copied", SOURCE): 16,
        ("unroutable", SOURCE): 2,
        ("dead-letter", SOURCE): 2,
    }
    assert samples(metrics, "router_dead_letters_total") == {("unreadable", SOURCE): 2}
    assert samples(metrics, "router_condition_failures_total") == {(SOURCE,): 6}
    assert samples(metrics, "router_batch_records_sum") == {(): 20}


def test_clock_set_back_does_not_break_a_counter(metrics: Metrics) -> None:
    """A negative duration counts as none: counters only grow."""
    metrics.batch_routed(SOURCE, records=0, copies={}, outcomes={}, seconds=-1.0)
    assert samples(metrics, "router_routing_seconds_total") == {(SOURCE,): 0}


def test_declared_source_starts_at_zero(metrics: Metrics) -> None:
    """An alert on an increase sees the first record, because the series was there before it."""
    metrics.declare(SOURCE, ["a.v1"])
    assert samples(metrics, "router_records_in_total") == {(SOURCE,): 0}
    assert samples(metrics, "router_copies_total") == {("a.v1", SOURCE): 0}
    assert samples(metrics, "router_condition_failures_total") == {(SOURCE,): 0}
    assert samples(metrics, "router_outcomes_total") == {(outcome, SOURCE): 0 for outcome in OUTCOMES}


def test_commits_are_observed(metrics: Metrics) -> None:
    """Commit latency is a histogram."""
    metrics.committed(0.03)
    buckets = samples(metrics, "router_commit_seconds_bucket")
    assert (buckets["0.025",], buckets["0.05",]) == (0, 1)


def test_lanes_are_counted_by_state(metrics: Metrics) -> None:
    """A lane is in one state; a lane given back is in none, and its lag is no longer told."""
    metrics.lane_changed(SOURCE, 0, "opening")
    metrics.lane_changed(SOURCE, 1, "opening")
    metrics.lane_changed("other.v1", 0, "opening")
    metrics.lane_changed(SOURCE, 0, "carrying")
    metrics.lag(SOURCE, 0, 12)
    metrics.lag(SOURCE, 1, 5)
    assert samples(metrics, "router_lanes") == {
        (SOURCE, "opening"): 1,
        (SOURCE, "carrying"): 1,
        ("other.v1", "opening"): 1,
    }
    metrics.lane_changed(SOURCE, 0, None)
    assert samples(metrics, "router_lanes")[SOURCE, "carrying"] == 0
    assert samples(metrics, "router_lag_records") == {("1", SOURCE): 5}


def test_lane_never_told_can_be_given_back(metrics: Metrics) -> None:
    """Giving back what was never reported, or has no lag yet, is harmless."""
    metrics.lane_changed(SOURCE, 0, None)
    metrics.lane_changed(SOURCE, 1, "opening")
    metrics.lane_changed(SOURCE, 1, None)
    assert samples(metrics, "router_lag_records") == {}


def test_lane_that_stays_in_its_state_counts_once(metrics: Metrics) -> None:
    """Saying the same state again changes nothing."""
    metrics.lane_changed(SOURCE, 0, "carrying")
    metrics.lane_changed(SOURCE, 0, "carrying")
    assert samples(metrics, "router_lanes") == {(SOURCE, "carrying"): 1}


def test_trouble_is_counted(metrics: Metrics) -> None:
    """Errors by reason, waiting lanes by topic, rebalances, readiness."""
    metrics.lane_error(SOURCE, "destination-unavailable")
    metrics.destination_unavailable("a.v1", lanes=2)
    metrics.destination_unavailable("b.v1", lanes=0)
    metrics.rebalanced()
    metrics.ready(True)
    assert samples(metrics, "router_lane_errors_total") == {("destination-unavailable", SOURCE): 1}
    assert samples(metrics, "router_destination_unavailable") == {("a.v1",): 2, ("b.v1",): 0}
    assert samples(metrics, "router_rebalances_total") == {(): 1}
    assert samples(metrics, "router_ready") == {(): 1}


def test_order_is_counted_without_a_label_for_its_keys(metrics: Metrics) -> None:
    """What was held, sent later by cause, and what was wrong with others; what waits now goes with its lane."""
    metrics.ordered(SOURCE, held=3, released={"filled": 2, "gap": 1}, gaps=1, late=4, duplicates=5, illegal=6)
    metrics.ordered(SOURCE, held=1, released={}, gaps=0, late=0, duplicates=0, illegal=0)
    names = {"held": 4, "gaps": 1, "late": 4, "duplicates": 5, "illegal_transitions": 6}
    assert {name: samples(metrics, f"router_order_{name}_total") for name in names} == {
        name: {(SOURCE,): count} for name, count in names.items()
    }
    assert samples(metrics, "router_order_released_total") == {("filled", SOURCE): 2, ("gap", SOURCE): 1}
    metrics.lane_changed(SOURCE, 1, "carrying")
    metrics.waiting(SOURCE, 1, held=7, oldest=2.5)
    assert samples(metrics, "router_order_waiting") == {("1", SOURCE): 7}
    assert samples(metrics, "router_order_oldest_seconds") == {("1", SOURCE): 2.5}
    metrics.lane_changed(SOURCE, 1, None)
    assert samples(metrics, "router_order_waiting") == samples(metrics, "router_order_oldest_seconds") == {}


def failures(metrics: Metrics, **more: Any) -> None:
    """Report what came of rejections: nothing, but for this."""
    names = ("rejected", "held", "released", "retried", "parked", "dead", "skipped")
    nothing: dict[str, Any] = {name: {} for name in names}
    metrics.failures(**nothing | more)


def test_rejections_are_counted_by_destination(metrics: Metrics) -> None:
    """Each thing that can become of one; zeros from the start."""
    metrics.failing(["vip.v1"])
    names = ("held", "released", "retried", "parked", "skipped")
    counted = {name: samples(metrics, f"router_failure_{name}_total") for name in names}
    assert counted == {name: {("vip.v1",): 0} for name in names}
    numbers = {name: {"vip.v1": number} for number, name in enumerate(names, start=1)}
    failures(metrics, rejected={("vip.v1", "failed"): 7}, dead={("vip.v1", "failed"): 8}, **numbers)
    counted = {name: samples(metrics, f"router_failure_{name}_total") for name in names}
    assert counted == {name: {("vip.v1",): number} for number, name in enumerate(names, start=1)}
    assert samples(metrics, "router_failure_rejected_total") == {("vip.v1", "failed"): 7}
    assert samples(metrics, "router_failure_dead_total") == {("vip.v1", "failed"): 8}


def test_reasons_that_clients_write_are_few_labels(metrics: Metrics) -> None:
    """The first 20 of each destination; rejections and dead letters have the same ones."""
    failures(metrics, rejected={("vip.v1", f"reason-{number}"): 1 for number in range(25)})
    failures(metrics, dead={("vip.v1", "reason-3"): 1, ("vip.v1", "reason-24"): 1, ("other.v1", "reason-24"): 1})
    rejected = samples(metrics, "router_failure_rejected_total")
    assert len(rejected) == 21
    assert rejected["vip.v1", "other"] == 5
    assert samples(metrics, "router_failure_dead_total") == {
        ("vip.v1", "reason-3"): 1,
        ("vip.v1", "other"): 1,
        ("other.v1", "reason-24"): 1,
    }


def test_what_waits_for_consumers_goes_with_its_lane(metrics: Metrics) -> None:
    """By destination; a lane that says nothing of one any more has none there."""
    metrics.lane_changed(SOURCE, 1, "carrying")
    metrics.kept_back(SOURCE, 1, {"vip.v1": (2, 9), "other.v1": (0, 0)})
    assert samples(metrics, "router_failure_waiting") == {("vip.v1", "1", SOURCE): 9, ("other.v1", "1", SOURCE): 0}
    metrics.kept_back(SOURCE, 1, {"vip.v1": (1, 3)})
    assert samples(metrics, "router_failure_waiting_keys") == {("vip.v1", "1", SOURCE): 1}
    metrics.lane_changed(SOURCE, 1, None)
    assert samples(metrics, "router_failure_waiting") == samples(metrics, "router_failure_waiting_keys") == {}


def test_one_build_is_told_at_a_time(metrics: Metrics) -> None:
    """A new route set replaces the one before."""
    metrics.running(version="0.1.0", routes="aaaaaaaa")
    metrics.running(version="0.1.0", routes="bbbbbbbb")
    assert samples(metrics, "router_build_info") == {("bbbbbbbb", "0.1.0"): 1}


def test_page_has_no_creation_times_and_says_its_type(metrics: Metrics) -> None:
    """The page holds what is asked for, not a second series for each."""
    metrics.declare(SOURCE)
    page = metrics.render()
    assert b"_created" not in page
    assert b"process_cpu_seconds_total" in page
    assert metrics.content_type.startswith("text/plain")


def test_workers_in_one_process_stay_apart() -> None:
    """Nothing is global: each registry has its own numbers."""
    one, other = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.rebalanced()
    assert samples(other, "router_rebalances_total") == {(): 0}


def test_documented_table_is_up_to_date() -> None:
    """docs/operating.md has the table that `python -c "…metrics_table()"` prints."""
    assert metrics_table() in PAGE.read_text(encoding="utf-8")
