"""Did you mean …?"""

from __future__ import annotations

import pytest

from router.language.suggestions import did_you_mean


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("order", "did you mean 'orders'?", id="near"),
        pytest.param("ORDERS", "did you mean 'orders'?", id="only the case differs"),
        pytest.param("zebra", "known: orders", id="nothing near"),
        pytest.param("x" * 100_000, "known: orders", id="absurdly long"),
    ],
)
def test_the_nearest_known_name_is_suggested(name: str, expected: str) -> None:
    """Otherwise the caller's own words stand."""
    assert did_you_mean(name, ["orders", "payments"], otherwise="known: orders") == expected


def test_nothing_is_suggested_of_nothing() -> None:
    """Without known names there is no suggestion."""
    assert did_you_mean("order", []) == ""
