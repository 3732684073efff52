"""Findings as values and as lines."""

from __future__ import annotations

from router.exchange.model import Place
from router.language.findings import Finding, InvalidRoutes, Kind, Level

FIRST = Finding(Place("a.yaml", 2, 9), Level.ERROR, Kind.UNKNOWN_EXCHANGE, "unknown exchange 'x'", "did you mean 'y'?")
SECOND = Finding(Place("a.yaml", 10, 1), Level.WARNING, Kind.UNUSED_EXCHANGE, "nothing is bound to exchange 'z'")


def test_a_finding_is_one_line() -> None:
    """`file:line:column kind message`, and the suggestion behind it where there is one."""
    assert str(FIRST) == "a.yaml:2:9 unknown-exchange unknown exchange 'x': did you mean 'y'?"
    assert str(SECOND) == "a.yaml:10:1 unused-exchange nothing is bound to exchange 'z'"


def test_the_error_has_all_findings_in_order_of_place() -> None:
    """Lines count as numbers: 10 comes after 2."""
    error = InvalidRoutes([SECOND, FIRST])
    assert error.findings == (FIRST, SECOND)
    assert str(error) == f"{FIRST}\n{SECOND}"
    assert error.reason == "invalid-routes"
