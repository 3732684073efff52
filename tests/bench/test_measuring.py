"""What is counted is what happened while a contender was in full flow."""

from __future__ import annotations

from random import Random
from statistics import fmean, pstdev

import pytest

from bench.measuring import Reading, measurement


def reading(at: float, records: int, *, cpu: float, broker: float | None = None) -> Reading:
    return Reading(at=at, committed=(records // 2, records - records // 2), cpu=cpu, broker=broker)


def test_start_and_end_are_not_counted() -> None:
    """From the first commit to the last one before 85 % of the records: what came before and after costs nothing."""
    readings = [
        reading(10.0, 100, cpu=5.0, broker=1.0),
        reading(11.0, 300, cpu=5.5, broker=1.2),
        reading(12.0, 500, cpu=6.0, broker=1.4),
        reading(13.0, 840, cpu=7.0, broker=2.0),
        reading(20.0, 1000, cpu=30.0, broker=9.0),
    ]
    found = measurement(readings, total=1000, peak=7)
    assert found is not None
    assert (found.rate.records, found.rate.seconds, found.rate.cpu) == (740, 3.0, 2.0)
    assert found.rate.broker_microseconds == pytest.approx(1.0 / 740 * 1e6)
    assert (found.warm.records, found.warm.seconds, found.warm.cpu) == (340, 1.0, 1.0)
    assert found.committed == (500, 500)
    assert found.peak_bytes == 7


def test_two_readings_are_enough() -> None:
    """Then the warm part is all of it."""
    found = measurement([reading(1.0, 10, cpu=1.0), reading(2.0, 80, cpu=2.0)], total=100, peak=0)
    assert found is not None
    assert found.rate == found.warm
    assert found.rate.broker_microseconds is None


@pytest.mark.parametrize("records", [[], [100], [10, 100]], ids=["none", "the end only", "one in flow"])
def test_too_few_readings_say_nothing(records: list[int]) -> None:
    """A contender that was done at once has no rate."""
    assert measurement([reading(float(one), one, cpu=1.0) for one in records], total=100, peak=0) is None


def test_line_through_all_readings_is_less_off_than_its_ends() -> None:
    """Lanes commit in jumps: here a record costs 10 µs, and a fifth of a second's work is never committed yet."""
    random = Random(4)
    ends, lines = [], []
    for _ in range(100):
        phases = [random.random() * 0.2 for _ in range(4)]
        readings = []
        for step in range(60):
            at = step * 0.05
            committed = tuple(int(((at + phase) // 0.2 * 0.2 - phase + 0.2) * 25_000) for phase in phases)
            readings.append(Reading(at=at, committed=committed, cpu=at, broker=None))
        found = measurement(readings, total=400_000, peak=0)
        assert found is not None
        ends.append(found.rate.cpu / found.rate.records * 1e6)
        lines.append(found.rate.cpu_a_record * 1e6)
    assert fmean(lines) == pytest.approx(10, rel=0.02)
    assert pstdev(lines) < pstdev(ends) / 2


def test_few_readings_have_no_line() -> None:
    """Then the ends have to do."""
    found = measurement([reading(1.0, 10, cpu=1.0), reading(2.0, 80, cpu=2.4)], total=100, peak=0)
    assert found is not None
    assert (found.rate.fitted, found.rate.cpu_a_record) == (None, pytest.approx(1.4 / 70))
