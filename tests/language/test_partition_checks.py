"""Partitions of a topic beside those of its sources."""

from __future__ import annotations

import pytest
from support.language import brief, load

ROUTES = """\
version: 1
team: t
exchanges:
  orders: {{type: topic, sources: [order.status.v1]{key}}}
  fed: {{type: fanout, from: [{{exchange: orders}}]}}
topics:
  order.status.v1: {{partitions: 4}}
  a.order.status.v1: {{{own} from: [{{exchange: {exchange}}}, {{exchange: fed, where: amount > 1}}]}}
"""


@pytest.mark.parametrize(
    ("key", "own", "exchange", "findings"),
    [
        pytest.param("", "partitions: 2,", "orders", [("unequal-partitions", 8, 35)], id="another number"),
        pytest.param("", "partitions: 2,", "fed", [("unequal-partitions", 8, 35)], id="over another exchange"),
        pytest.param("", "partitions: 4,", "orders", [], id="the same number"),
        pytest.param("", "", "orders", [], id="none declared"),
        pytest.param(", key: order_id", "partitions: 2,", "orders", [], id="keys that are verified"),
    ],
)
def test_another_number_needs_keys_that_are_verified(
    key: str, own: str, exchange: str, findings: list[tuple[str, int, int]]
) -> None:
    """Told once, with both ways out."""
    _, found = load(ROUTES.format(key=key, own=own, exchange=exchange))
    unequal = [finding for finding in found if finding.kind == "unequal-partitions"]
    assert brief(unequal) == findings
    for finding in unequal:
        assert "has 2 partitions and its source 'order.status.v1' 4" in finding.message
        assert "declare 4 here, or 'key:' on exchange 'orders'" in finding.suggestion


def test_a_source_that_declares_none_suits_any() -> None:
    """Nothing is known of it."""
    _, found = load(
        ROUTES.format(key="", own="partitions: 2,", exchange="orders").replace("{partitions: 4}", "{retention: 1d}")
    )
    assert "unequal-partitions" not in {str(finding.kind) for finding in found}
