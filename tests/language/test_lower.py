"""From declarations to the compiled route set."""

from __future__ import annotations

from textwrap import dedent

import pytest
from support.language import OWNER, load

from router.exchange.header_values import HeaderTest, Operator
from router.exchange.model import (
    Destination,
    DestinationKind,
    ExchangeType,
    HeaderCondition,
    HeadersMatch,
    OnError,
    Place,
    Tombstones,
    XMatch,
)
from router.language.routes import Format, RouteSet, Team
from router.records.schema import AvroSchema, JsonSchema

TEXT = """\
version: 1
team: t
contact: "#t"
exchanges:
  a: {type: topic, sources: [order.status.v1, order.status.v1], routing-key: "{country}.{customer.tier}", key: order_id,
      alternate: {exchange: b}, tombstones: drop}
  b: {type: fanout, sources: [order.status.v1, stock.v1], alternate: {topic: rest}, validate: whole}
  c: {type: direct, sources: [clicks]}
topics:
  x.order.status.v1:
    partitions: 3
    retention: 7d
    from:
      - {exchange: a, binding-key: ["RU.*", 'KZ.#']}
      - {exchange: a}
  clicks: {format: json, retention: forever}
  mine: {from: [{exchange: c, binding-key: ""}, {exchange: b}]}
"""


def lowered(text: str) -> RouteSet:
    """Load what has warnings at most."""
    route_set, findings = load(text)
    assert route_set is not None, findings
    return route_set


@pytest.fixture
def route_set() -> RouteSet:
    """Return the set that TEXT makes, but for the topic that gets what it should not."""
    return lowered(TEXT.replace(", {exchange: b}]", "]"))


def test_a_binding_knows_its_key_place_and_team(route_set: RouteSet) -> None:
    """One a key, in the order of the file; without a key at the place of the item."""
    bindings = route_set.exchanges["a"].bindings
    assert [(each.key, each.place, each.team) for each in bindings] == [
        ("RU.*", Place("t.yaml", 14, 37), "t"),
        ("KZ.#", Place("t.yaml", 14, 45), "t"),
        (None, Place("t.yaml", 15, 9), "t"),
    ]
    assert {each.destination for each in bindings} == {Destination(DestinationKind.TOPIC, "x.order.status.v1")}


def test_an_exchange_has_its_type_and_alternate(route_set: RouteSet) -> None:
    """A topic, an exchange, or none."""
    exchanges = route_set.exchanges
    assert [(name, each.type, each.place.line) for name, each in exchanges.items()] == [
        ("a", ExchangeType.TOPIC, 5),
        ("b", ExchangeType.FANOUT, 7),
        ("c", ExchangeType.DIRECT, 8),
    ]
    assert exchanges["a"].alternate == Destination(DestinationKind.EXCHANGE, "b")
    assert exchanges["b"].alternate == Destination(DestinationKind.TOPIC, "rest")
    assert exchanges["c"].alternate is None


def test_a_source_enters_each_exchange_that_reads_it_once(route_set: RouteSet) -> None:
    """With the routing key, the key's field and the way of tombstones of that exchange."""
    source = route_set.sources["order.status.v1"]
    first, second = source.entries
    assert (first.exchange, first.key_field, first.tombstones) == ("a", "order_id", Tombstones.DROP)
    assert first.routing_key is not None
    assert [each.name for each in first.routing_key.placeholders] == ["country", "customer.tier"]
    assert (second.exchange, second.routing_key, second.key_field) == ("b", None, None)


def test_a_source_has_the_format_and_schema_of_its_name(route_set: RouteSet) -> None:
    """Without a schema its owner's word counts; whole is whole for all that read it."""
    facts = {name: (each.format, type(each.schema), each.validate_whole) for name, each in route_set.sources.items()}
    assert facts == {
        "clicks": (Format.JSON, type(None), False),
        "order.status.v1": (Format.AVRO, AvroSchema, True),
        "stock.v1": (Format.JSON, JsonSchema, True),
    }


def test_a_topic_has_what_its_team_declares(route_set: RouteSet) -> None:
    """What it does not declare is None, but for the format, which follows from the name or from what feeds it."""
    facts = {name: (each.partitions, each.retention_ms, each.format) for name, each in route_set.topics.items()}
    assert facts == {
        "x.order.status.v1": (3, 604_800_000, Format.AVRO),
        "clicks": (None, -1, Format.JSON),
        "mine": (None, None, Format.JSON),
    }
    assert route_set.topics["clicks"].place == Place("t.yaml", 16, 3)
    assert route_set.teams == {"t": Team("t", "#t", "t.yaml")}


def test_the_fingerprint_is_of_what_was_compiled() -> None:
    """Comments, layout, contacts and the files' names leave it as it is."""
    first, _ = load({"a.yaml": OWNER})
    second, _ = load({"z.yaml": "# why\n" + OWNER.replace("team: owner", "team: owner\ncontact: me")})
    assert first is not None
    assert second is not None
    assert len(first.fingerprint) == 8
    assert int(first.fingerprint, 16) >= 0
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{exchange: orders}", "{exchange: orders, binding-key: RU.paid}"),
        ("type: topic", "type: direct"),
        ("{country}.{status}", "{status}.{country}"),
        ("sources: [order.status.v1]", "sources: [order.status.v1]\n    tombstones: drop"),
        ("sources: [order.status.v1]", "sources: [order.status.v1]\n    key: order_id"),
        ("sources: [order.status.v1]", "sources: [order.status.v1]\n    validate: whole"),
        ("sources: [order.status.v1]", "sources: [order.status.v1]\n    alternate: {topic: rest}"),
        ("from:", "retention: 1d\n    from:"),
        ("sources: [order.status.v1]", "sources: [order.status.v1]\n    cc: true"),
        ("sources: [order.status.v1]", "sources: [order.status.v1]\n    limit: first"),
        ("sources: [order.status.v1]", "sources: [order.status.v1]\n    from: [{exchange: orders}]"),
        ("type: topic", "type: consistent-hash\n    hash-on: {header: x}"),
        ("{exchange: orders}", "{exchange: orders, where: amount > 1}"),
        ("{exchange: orders}", "{exchange: orders, weight: 2}"),
    ],
)
def test_the_fingerprint_changes_with_what_is_compiled(old: str, new: str) -> None:
    """Whatever decides where a record goes, or how it is kept."""
    assert lowered(OWNER).fingerprint != lowered(dedent(OWNER.replace(old, new))).fingerprint


def test_every_part_of_a_binding_is_part_of_the_fingerprint() -> None:
    """Headers, their mode, conditions and what becomes of their failures; the order only where the first match wins."""
    head = "version: 1\nteam: t\nexchanges: {{h: {{type: headers, sources: [order.status.v1]{0}}}}}\ntopics: {{a.order.status.v1: {{from: [{1}]}}}}\n"
    items = [
        "{exchange: h}",
        "{exchange: h, headers: {a: 1}}",
        "{exchange: h, headers: {a: '1'}}",
        "{exchange: h, headers: {a: 1, x-match: any}}",
        "{exchange: h, where: amount > 1}",
        "{exchange: h, where: amount > 1, on-error: dead-letter}",
    ]
    fingerprints = [lowered(head.format("", item)).fingerprint for item in items]
    assert len(set(fingerprints)) == len(items)
    both = [
        "{exchange: h, headers: {a: 1}}, {exchange: h, headers: {b: 1}}",
        "{exchange: h, headers: {b: 1}}, {exchange: h, headers: {a: 1}}",
    ]
    assert len({lowered(head.format("", each)).fingerprint for each in both}) == 1
    assert len({lowered(head.format(", limit: first", each)).fingerprint for each in both}) == 2


def test_what_exchanges_say_is_lowered() -> None:
    """Each option to its own, bindings of exchanges among those of topics, and a condition without the space around it."""
    route_set = lowered("""\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}", cc: true}
  ring: {type: consistent-hash, hash-on: {header: tenant}, from: [{exchange: orders, binding-key: "*.paid"}]}
  first: {type: headers, limit: first, from: [{exchange: orders}]}
topics:
  a.order.status.v1:
    from:
      - {exchange: ring, weight: 3}
      - exchange: first
        headers: {x-match: any, a: 1}
        where: |
          amount > 1
        on-error: dead-letter
""")
    exchanges = route_set.exchanges
    assert (exchanges["orders"].cc, exchanges["ring"].cc) == (True, False)
    assert (exchanges["ring"].hash_header, exchanges["first"].first_only) == ("tenant", True)
    assert [(str(each.destination), each.key) for each in exchanges["orders"].bindings] == [
        ("exchange 'ring'", "*.paid"),
        ("exchange 'first'", None),
    ]
    (ring,), (first,) = exchanges["ring"].bindings, exchanges["first"].bindings
    assert (ring.weight, ring.headers, ring.where) == (3, None, None)
    assert first.headers == HeadersMatch(XMatch.ANY, (HeaderCondition("a", HeaderTest(Operator.EQUALS, 1)),))
    assert (first.where, first.on_error) == ("amount > 1", OnError.DEAD_LETTER)
