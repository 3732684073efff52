"""Rates and lags from what was read at several times."""

from __future__ import annotations

import pytest

from router.console.measuring import Counted, Lag, Past, Sample, counters_of

AT = ("t", 0)


def past(*ends: tuple[float, int], committed: dict[str, int] | None = None) -> Past:
    """Samples of one partition."""
    made = Past()
    for time, end in ends:
        groups = {group: {AT: offset} for group, offset in (committed or {}).items()}
        made.add(Sample(time, {AT: end}, {AT: 0}, groups))
    return made


def test_without_two_looks_there_is_no_rate() -> None:
    """Neither of offsets nor of counters."""
    assert (Past().latest, Past().rates(), Past().lags("t"), Past().read_rates()) == (None, {}, (), {})
    one = past((0, 5))
    assert (one.rate("t"), one.rates(), one.copy_rates()) == (None, {}, {})


def test_a_rate_is_what_the_ends_grew_by() -> None:
    """Over the last seconds; a topic that is new has none yet, and one that was made anew none below zero."""
    made = past((0, 0), (4, 40), (8, 80))
    assert (made.rate("t"), made.rates(), made.rate("other")) == (10.0, {"t": 10.0}, None)
    assert past((0, 50), (5, 10)).rate("t") == 0
    made.add(Sample(10, {AT: 100, ("new", 0): 5}))
    assert made.rates() == {"t": 10.0}


def test_old_looks_are_forgotten() -> None:
    """A rate is of the last ten seconds."""
    assert past((0, 0), (100, 1_000), (105, 1_010)).rate("t") == 2.0


def test_counters_are_told_apart_by_worker() -> None:
    """A worker that began anew counts from where it was seen first, and one that is gone not at all."""
    made = Past()
    ways = ("a", "x")
    made.add(Sample(0, {}, counted={"w1": Counted({"a": 10}, {ways: 5}), "w2": Counted({"a": 1})}))
    made.add(Sample(5, {}, counted={"w1": Counted({"a": 60}, {ways: 15}), "w3": Counted({"a": 9})}))
    assert (made.read_rates(), made.copy_rates()) == ({"a": 10.0}, {ways: 2.0})
    made.add(Sample(6, {}, counted={"w1": Counted({"a": 3})}))
    assert made.read_rates() == {"a": 0.0}


def test_what_a_worker_counts_only_after_its_start_has_a_rate_from_there() -> None:
    """It tells of a source once it has lanes of it: to look only at what it told first would show none for ten seconds."""
    made = Past()
    made.add(Sample(0, {}, counted={"w": Counted()}))
    made.add(Sample(2, {}, counted={"w": Counted({"a": 10}, {("a", "x"): 20})}))
    assert (made.read_rates(), made.copy_rates()) == ({}, {})
    made.add(Sample(4, {}, counted={"w": Counted({"a": 20}, {("a", "x"): 50})}))
    assert (made.read_rates(), made.copy_rates()) == ({"a": 5.0}, {("a", "x"): 15.0})


@pytest.mark.parametrize(
    ("ends", "offset", "lag"),
    [
        pytest.param([(0, 10), (10, 20)], 20, Lag("g", 0, 0.0), id="nothing is left"),
        pytest.param([(0, 10), (10, 20), (30, 20)], 10, Lag("g", 10, 20.0), id="as long as it stood"),
        pytest.param(
            [(0, 10), (10, 20), (20, 20), (30, 20), (40, 30)], 15, Lag("g", 15, 30.0), id="since the end went past"
        ),
        pytest.param([(0, 10), (10, 20)], 5, Lag("g", 15, None, 10.0), id="longer than was watched"),
    ],
)
def test_a_lag_in_seconds_is_how_long_ago_the_end_was_there(
    ends: list[tuple[float, int]], offset: int, lag: Lag
) -> None:
    """As far as it was seen; else at least for as long as it was watched."""
    assert past(*ends, committed={"g": offset}).lags("t") == (lag,)


def test_the_furthest_behind_comes_first() -> None:
    """And groups of other topics do not come at all."""
    made = past((0, 10), committed={"near": 9, "far": 1})
    made.add(
        Sample(1, {AT: 10}, committed={"near": {AT: 9}, "far": {AT: 1}, "other": {("u", 0): 5}, "gone": {("t", 7): 1}})
    )
    assert [each.group for each in made.lags("t")] == ["far", "near"]


def test_a_topic_that_was_made_anew_is_watched_anew() -> None:
    """Its end fell, so nothing that was seen before says anything; one that is gone is forgotten."""
    made = past((0, 100), (10, 5), (20, 9), committed={"g": 6})
    assert made.lags("t") == (Lag("g", 3, 0.0),)
    made.add(Sample(30, {}))
    assert made._times == {}


def test_only_a_quarter_of_an_hour_is_kept() -> None:
    """Of what changes all the time, too."""
    made = past(*((number * 10.0, number) for number in range(200)))
    assert len(made._times[AT][0]) <= 92


def test_a_workers_metrics_are_added_up() -> None:
    """By source, and by source and destination; what is not understood is left out."""
    told = counters_of(
        'router_records_in_total{source="a"} 5.0\nrouter_records_in_total{source="b"} 1e3\nnonsense\n# HELP x\n'
        'router_copies_total{destination="x",source="a"} 7.0\nrouter_order_waiting{partition="0",source="a"} 2\n'
        'router_order_waiting{partition="1",source="a"} 3\nrouter_order_oldest_seconds{partition="0",source="a"} 9\n'
        'router_order_oldest_seconds{partition="1",source="a"} 4\nrouter_ready{} 1\n'
    )
    assert told == Counted({"a": 5.0, "b": 1000.0}, {("a", "x"): 7.0}, {"a": 5.0}, {"a": 9.0})
