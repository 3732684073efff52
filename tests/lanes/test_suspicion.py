"""Which record ends processes, found by halves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.lanes.suspicion import Part, Suspicion, after_death, parts


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(None, Suspicion(10, 20, 1), id="the first death"),
        pytest.param(Suspicion(5, 12, 2), Suspicion(10, 12, 3), id="those of both"),
        pytest.param(Suspicion(0, 9, 4), Suspicion(10, 20, 1), id="others than before"),
        pytest.param(Suspicion(21, 30, 4), Suspicion(10, 20, 1), id="others than behind"),
    ],
)
def test_who_was_worked_on_at_a_death_is_suspected(before: Suspicion | None, expected: Suspicion) -> None:
    """Of earlier suspects, those that were there again."""
    assert after_death(10, 20, before) == expected


@pytest.mark.parametrize(
    ("suspicion", "expected"),
    [
        pytest.param(None, [Part(10, 20)], id="nobody"),
        pytest.param(Suspicion(10, 20, 1), [Part(10, 20)], id="one death may be anything"),
        pytest.param(Suspicion(10, 20, 2), [Part(10, 15), Part(16, 20)], id="halves"),
        pytest.param(
            Suspicion(12, 15, 2), [Part(10, 11), Part(12, 13), Part(14, 15), Part(16, 20)], id="halves of some"
        ),
        pytest.param(Suspicion(0, 12, 3), [Part(10, 11), Part(12, 12), Part(13, 20)], id="begun before"),
        pytest.param(Suspicion(20, 30, 3), [Part(10, 19), Part(20, 20)], id="the last may be one of many"),
        pytest.param(Suspicion(14, 14, 2), [Part(10, 13), Part(14, 14, deadly=True), Part(15, 20)], id="it is known"),
        pytest.param(Suspicion(1, 9, 5), [Part(10, 20)], id="they are past"),
        pytest.param(Suspicion(21, 30, 5), [Part(10, 20)], id="they are to come"),
    ],
)
def test_suspects_are_worked_on_apart(suspicion: Suspicion | None, expected: list[Part]) -> None:
    """In halves, each with a note of its own; the one that is left is not worked on at all."""
    assert list(parts(10, 20, suspicion)) == expected


@given(st.integers(0, 5_000), st.integers(1, 4_000), st.integers(1, 4_000), st.data())
def test_the_one_is_found_however_batches_come(first: int, count: int, most: int, data: st.DataObject) -> None:
    """No other is ever set aside, and it takes one death for each halving, and two more."""
    last = first + count - 1
    deadly = data.draw(st.integers(first, last))
    suspicion: Suspicion | None = None
    deaths = 0
    while True:
        assert deaths <= 4 + most.bit_length()
        died = None
        for begin in range(first, last + 1, most):
            for part in parts(begin, min(begin + most - 1, last), suspicion):
                if part.deadly:
                    assert part == Part(deadly, deadly, deadly=True)
                elif part.first <= deadly <= part.last:
                    died = part
                    break
            if died is not None:
                break
        if died is None:
            return
        deaths += 1
        suspicion = after_death(died.first, died.last, suspicion)
