"""What viewers cost, from figures that are made up."""

from __future__ import annotations

import pytest

from bench.viewers import Cost, Stretch, table


def test_what_counts_is_the_ratio_within_a_pair() -> None:
    """Of CPU time a record, whatever both took."""
    pairs = [(Stretch(1_000, 0.102), Stretch(1_000, 0.1)), (Stretch(2_000, 0.404), Stretch(1_000, 0.2))]
    found = Cost(50, pairs, look=2.0, told=700)
    assert found.ratios == pytest.approx([1.02, 1.01])
    shown = table(found)
    assert "| 50 | 2 | 1.015 | 1.010 to 1.020 |" in shown
    assert "0.10% of one core" in shown
    assert "told of 700 looks" in shown
