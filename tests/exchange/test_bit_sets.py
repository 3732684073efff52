"""Sets of numbers as bits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.exchange.bit_sets import BLOCK, bit_set, members, select


@given(st.sets(st.integers(0, 3 * BLOCK)), st.sets(st.integers(0, 40)))
def test_members_are_what_went_in(sparse: set[int], dense: set[int]) -> None:
    """In ascending order, be they few or many, and however large."""
    for numbers in (sparse, dense, sparse | dense):
        assert members(bit_set(numbers)) == sorted(numbers)


@pytest.mark.parametrize("step", [1, 7, 40, 1_000], ids="every-{}".format)
def test_select_picks_by_index(step: int) -> None:
    """In their order."""
    items = [f"item {number}" for number in range(BLOCK)]
    assert select(items, bit_set(range(0, BLOCK, step))) == items[::step]


def test_nothing_has_no_members() -> None:
    """The empty set is 0."""
    assert bit_set([]) == 0
    assert members(0) == []
    assert select([], 0) == []
