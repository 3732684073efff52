"""Which bindings the cases exercise."""

from __future__ import annotations

import pytest
from support.graphs import shop

from router.language.case_coverage import Coverage, coverage_of
from router.language.cases import run_cases

PAID = "  - {name: n, to: [], message: {topic: order.status.v1, value: {country: RU, status: paid, amount: 1}}}\n"
TOMBSTONE = "  - {name: n, to: [], message: {topic: order.status.v1, key: k, value: null}}\n"


def covered(*cases: str) -> Coverage:
    results, findings = run_cases({"selling_test.yaml": "cases:\n" + "".join(cases)}, shop())
    assert not findings
    return coverage_of(shop(), results)


def test_what_took_a_message_is_exercised() -> None:
    """Over all exchanges on the way; what is missed stands in the order of the files."""
    found = covered(PAID)
    assert [(binding.place.file, binding.place.line, binding.key, binding.where) for binding in found.missed] == [
        ("reading.yaml", 10, None, "amount > 5"),
        ("reading.yaml", 11, None, None),
        ("reading.yaml", 12, None, None),
        ("reading.yaml", 14, None, None),
    ]
    assert len(found.bindings) == 7
    assert found.percent == 42


def test_a_tombstone_exercises_nothing() -> None:
    """It goes everywhere without being compared."""
    assert covered(TOMBSTONE).missed == covered(TOMBSTONE).bindings


@pytest.mark.parametrize(
    ("bindings", "missed", "percent"), [(0, 0, 100), (1, 0, 100), (1, 1, 0), (1000, 1, 99)], ids=str
)
def test_the_share_is_rounded_down(bindings: int, missed: int, percent: int) -> None:
    """So that 100 means all."""
    binding = covered(PAID).bindings[0]
    assert Coverage((binding,) * bindings, (binding,) * missed).percent == percent
