"""What may be replayed, and how a record is asked."""

import pytest

from router.language.load import load_routes
from router.language.routes import RouteSet
from router.records.record import PlainRecord
from router.redrive.selection import WrongSelection
from router.replay.asking import asked_of, can_replay, why_not
from router.replay.plan import Replay
from router.versions.catalogue import new_catalogue

SCHEMA = (
    '{"type": "record", "name": "order", "fields": [{"name": "id", "type": "string"}, {"name": "n", "type": "long"}]}'
)
CATALOGUE = new_catalogue({"order/v1.avsc": SCHEMA, "order/v2.avsc": SCHEMA})
ROUTES = """
version: 1
team: shop
exchanges:
  orders: {{type: fanout, sources: [{}]{}}}
topics:
  all.order.v1: {{from: [{{exchange: orders}}]}}
"""


def routes(source: str = "order.v1", more: str = "") -> RouteSet:
    route_set, findings = load_routes({"shop.yaml": ROUTES.format(source, more)}, CATALOGUE)
    assert route_set is not None, findings
    return route_set


def test_what_comes_as_it_stands_can_be_sent_again() -> None:
    """What has places in an order cannot, and neither can what is taken from several topics."""
    assert can_replay(routes(), "order.v1")
    ordered = routes(more=", key: id, order: {by: id, sequence: n}")
    assert "is put in order" in why_not(ordered, "order.v1")
    assert "name the topic itself" in why_not(routes("order"), "order.v1")


def asked(where: str) -> Replay:
    return Replay(
        id="a", group="g", topic="all.order.v1", source="order.v1", starts={}, at=0, by="", reason="", where=where
    )


def test_a_record_that_cannot_tell_is_not_meant() -> None:
    """One whose value is broken, or of which the expression has no value."""
    value = b"\x02a\x06"
    holds = asked_of(CATALOGUE, asked("n == 3 && 6 / n == 2"))
    assert holds(PlainRecord(topic="order.v1", value=value))
    assert not holds(PlainRecord(topic="order.v1", value=b"\xff"))
    assert not holds(PlainRecord(topic="order.v1", value=b"\x02a\x00"))
    assert asked_of(CATALOGUE, asked(""))(PlainRecord(topic="order.v1"))


def test_an_expression_that_does_not_fit_is_refused_before_anything_is_read() -> None:
    """With what is wrong with it."""
    with pytest.raises(WrongSelection, match="nobody"):
        asked_of(CATALOGUE, asked("nobody == 1"))
