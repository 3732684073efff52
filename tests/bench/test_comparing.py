"""Small differences are told with how sure they are."""

from __future__ import annotations

import pytest

from bench.comparing import Comparison, comparison, interval, table
from bench.measuring import Measurement, Rate


@pytest.mark.parametrize(
    ("count", "cut"), [(1, 0), (2, 0), (5, 0), (6, 0), (8, 0), (9, 1), (11, 1), (12, 2), (15, 3), (25, 7)]
)
def test_interval_is_of_order_statistics(count: int, cut: int) -> None:
    """As the tables of the sign test have it: of nine values the second and the second last, with 96 %."""
    values = [float(number) for number in range(count)]
    assert interval(list(reversed(values))) == (float(cut), float(count - 1 - cut))


def measured(per_cpu_second: float, warm: float, *, seconds: float = 5.0) -> Measurement:
    def rate(records: float) -> Rate:
        return Rate(records=int(records * 10), seconds=seconds, cpu=10.0, broker=None)

    return Measurement(rate=rate(per_cpu_second), warm=rate(warm), peak_bytes=0, committed=())


@pytest.mark.parametrize(("warm", "ratio"), [(False, 2.0), (True, 4.0)])
def test_ratio_is_of_cost(warm: bool, ratio: float) -> None:
    """A record that costs the first twice as much CPU time makes 2, of the part of the turn that was asked for."""
    found = comparison([(measured(50_000, 30_000), measured(100_000, 120_000))], warm=warm)
    assert found.ratios == [ratio]


def test_rate_is_by_the_clock_on_the_wall() -> None:
    """As many records for as much CPU time, in twice the time: half the rate."""
    found = comparison([(measured(50_000, 0, seconds=10.0), measured(50_000, 0))], warm=False)
    assert (found.ratios, found.rates) == ([1.0], [0.5])


def test_table_shows_median_interval_and_all() -> None:
    """A reader sees every ratio, in order."""
    last = table([("a", "b", Comparison([1.3, 1.1, 1.2], [0.8, 0.9, 0.85]))]).splitlines()[-1]
    assert last == "| `a` | `b` | 3 | 1.200 | 1.100 to 1.300 | 1.10 1.20 1.30 | 0.85 |"
