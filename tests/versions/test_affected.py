"""Whom a change would break."""

from support.language import OWNER, catalogue

from router.language.load import load_routes
from router.language.routes import RouteSet
from router.versions.affected import affected_topics, reading_routes

TEAM = """\
version: 1
team: team
exchanges:
  further:
    type: fanout
    from: [{exchange: orders}]
    alternate: {topic: rest.order.status.v1}
topics:
  vip.order.status.v1:
    from:
      - {exchange: orders, where: "customer.email != null && amount > 5"}
      - {exchange: further, where: "items.size() > 1"}
"""


def routes() -> RouteSet:
    owner = OWNER.replace("    routing-key", "    key: order_id\n    routing-key")
    route_set, findings = load_routes({"owner.yaml": owner, "team.yaml": TEAM}, catalogue())
    assert route_set is not None, findings
    return route_set


def readers(field: str, version: int = 1) -> list[str]:
    found = reading_routes(routes(), catalogue(), subject="order.status", version=version, field=field)
    return [each.partition(" (")[0] for each in found]


def test_routes_that_read_a_field_are_named() -> None:
    """Routing keys, keys and conditions, directly or through other exchanges."""
    assert readers("country") == ["exchange 'orders' makes its routing key of it"]
    assert readers("order_id") == ["exchange 'orders' takes it for the record's key"]
    binding = "the binding to topic 'vip.order.status.v1' of team asks for it in 'where'"
    assert readers("amount") == [binding]
    assert readers("items") == [binding]
    assert readers("customer") == [binding]
    assert readers("customer.email") == [binding]
    assert readers("customer.tier") == []
    assert readers("country", version=2) == []


def test_consumers_topics_are_named() -> None:
    """Every topic that a version's records can reach."""
    topics = affected_topics(routes(), catalogue(), subject="order.status", version=1)
    assert topics == ("all.order.status.v1", "rest.order.status.v1", "vip.order.status.v1")
    assert affected_topics(routes(), catalogue(), subject="payment", version=1) == ()
