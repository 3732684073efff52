"""All checks in one call."""

from __future__ import annotations

from support.language import OWNER, catalogue

from router.language.checks import check
from router.language.declarations import gather
from router.language.reading import read_shape
from router.language.shapes import RouteFile


def test_findings_of_all_checks_come_in_order_of_place_and_once() -> None:
    """Of exchanges, of fields and of topics."""
    text = OWNER.replace("{country}", "{contry}") + "  b.payment.v1: {from: [{exchange: ordres}, {exchange: orders}]}\n"
    parsed, _ = read_shape(text, RouteFile, file="t.yaml", fallback={})
    assert parsed is not None
    declarations, _ = gather([parsed], whole=True, all_readable=True)
    findings = check(declarations, catalogue())
    assert [str(finding.kind) for finding in findings] == ["unknown-field", "unknown-exchange", "other-subject"]
    assert list(findings) == sorted(set(findings))
