"""From a route set to what decides for each source."""

from __future__ import annotations

import pytest
from language.ordering import load_order, ordering
from support.language import catalogue, load

from router.errors import KeyMismatch, UnknownRevision, Unreadable
from router.exchange.deciding import Decider
from router.language.cases import message_record
from router.language.deciders import deciders, gathered_readers, order_reader, relay_reader
from router.language.repartition import with_internal_topics
from router.language.routes import RouteSet
from router.records.record import PlainRecord

TEXT = """\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}", key: order_id}
  stock: {type: direct, sources: [stock.v1], routing-key: "{level}", validate: whole}
  clicks: {type: topic, sources: [clicks]}
  whole: {type: fanout, sources: [payment.v1], validate: whole}
topics:
  a.order.status.v1: {from: [{exchange: orders, binding-key: "RU.*"}]}
  a.stock.v1: {from: [{exchange: stock, binding-key: "5"}]}
  a.clicks: {from: [{exchange: clicks, binding-key: "#.b"}]}
  a.payment.v1: {from: [{exchange: whole}]}
"""


@pytest.fixture(scope="module")
def route_set() -> RouteSet:
    """Return the set that TEXT makes."""
    found, findings = load(TEXT)
    assert found is not None, findings
    return found


@pytest.fixture(scope="module")
def by_source(route_set: RouteSet) -> dict[str, Decider]:
    """Return a decider for each source."""
    return deciders(route_set)


@pytest.mark.parametrize(
    ("message", "topics"),
    [
        (("order.status.v1", "o-1", {"country": "RU"}), ("a.order.status.v1",)),
        (("order.status.v1", "o-1", {"country": "KZ"}), ()),
        (("stock.v1", None, {"level": 5}), ("a.stock.v1",)),
        (("clicks", "a.b", None), ("a.clicks",)),
        (("payment.v1", None, {}), ("a.payment.v1",)),
    ],
)
def test_each_source_is_decided_by_its_own_fields(
    route_set: RouteSet, by_source: dict[str, Decider], message: tuple[str, str | None, object], topics: tuple[str]
) -> None:
    """Avro and JSON, with a schema and without."""
    source, key, value = message
    record = message_record(route_set.sources[source], key=key, value=value, headers={})
    assert by_source[source].decide(record).topics == topics


def test_a_source_without_fields_reads_no_value(by_source: dict[str, Decider]) -> None:
    """The record's key is the routing key, whatever the value is."""
    record = PlainRecord(topic="clicks", key=b"a.b", value=b"\xff\xff")
    assert by_source["clicks"].decide(record).topics == ("a.clicks",)


@pytest.mark.parametrize(
    ("source", "value"), [("payment.v1", b"\x02"), ("stock.v1", b'{"sku": "x", "level": 5'), ("order.status.v1", b"")]
)
def test_what_cannot_be_read_is_unreadable(by_source: dict[str, Decider], source: str, value: bytes) -> None:
    """Whole where the exchange says so, even if no field is needed."""
    with pytest.raises(Unreadable):
        by_source[source].decide(PlainRecord(topic=source, key=b"k", value=value))


def test_the_key_is_verified_where_an_exchange_says_which_field_it_is(
    route_set: RouteSet, by_source: dict[str, Decider]
) -> None:
    """A record whose key is another is no record of that key."""
    good = message_record(route_set.sources["order.status.v1"], key="o-1", value={}, headers={})
    with pytest.raises(KeyMismatch):
        by_source["order.status.v1"].decide(PlainRecord(topic=good.topic, key=b"o-2", value=good.value))


def test_order_reads_its_own_fields() -> None:
    """Only those, and not the whole value, whatever the exchange validates."""
    route_set, findings = load_order(ordering("by: id, sequence: n", more="key: id\n    validate: whole"))
    assert route_set is not None, findings
    source = route_set.sources["event.v1"]
    reader = order_reader(source)
    record = message_record(source, key="k", value={"n": 7}, headers={})
    assert record.value is not None
    assert (reader.paths, reader.values(reader.read(record.value + b"more"))) == (("n", "id"), (7, "k"))


def test_lanes_that_order_verify_their_keys_themselves(by_source: dict[str, Decider]) -> None:
    """Their deciders leave to them what they read anyway, and verify other keys."""
    route_set, findings = load_order(ordering("by: id, sequence: n"))
    assert route_set is not None, findings
    record = message_record(route_set.sources["event.v1"], key="k", value={}, headers={})
    wrong = PlainRecord(topic=record.topic, key=b"other", value=record.value)
    assert deciders(route_set, in_lanes=True)["event.v1"].decide(wrong).topics == ("a.event.v1",)
    with pytest.raises(KeyMismatch):
        deciders(route_set)["event.v1"].decide(wrong)


def test_what_keys_records_anew_verifies_their_keys() -> None:
    """So their deciders need not, on either side of the internal topic, which has none of its own."""
    text = ordering(
        "by: other, sequence: n, repartition: true", exchanges="f: {type: topic, sources: [event.v1], key: id}"
    )
    loaded, findings = load_order(text)
    assert loaded is not None, findings
    route_set = with_internal_topics(loaded, "shop")
    source = route_set.sources["event.v1"]
    assert relay_reader(source).paths == ("other", "id")
    record = message_record(source, key="k", value={"other": "o"}, headers={})
    wrong = PlainRecord(topic=record.topic, key=b"else", value=record.value)
    found = deciders(route_set, in_lanes=True)
    assert list(found) == ["event.v1"]
    assert found["event.v1"].decide(wrong).topics == ("a.event.v1",)
    with pytest.raises(KeyMismatch):
        deciders(loaded)["event.v1"].decide(wrong)


def test_what_is_gathered_is_read_as_of_its_source() -> None:
    """For the place in its key's order, and the key itself."""
    loaded, findings = load_order(ordering("by: other, sequence: n, repartition: true"))
    assert loaded is not None, findings
    route_set = with_internal_topics(loaded, "shop")
    readers = gathered_readers(route_set, route_set.sources["shop-e-repartition"])
    assert {name: reader.paths for name, reader in readers.items()} == {"event.v1": ("n", "other")}


@pytest.mark.parametrize(
    ("binding", "needs"),
    [
        pytest.param("{exchange: e}", False, id="nothing is read"),
        pytest.param("{exchange: e, where: \"headers['x'] == 'y'\"}", False, id="only headers are"),
        pytest.param("{exchange: e, where: \"'a' in items\"}", True, id="a list is"),
        pytest.param("{exchange: e, where: amount > 0}", True, id="a field is"),
    ],
)
def test_records_say_their_revision_where_they_are_read(binding: str, needs: bool) -> None:
    """What nobody reads need not say anything."""
    schemas = catalogue(**{"order.status/subject.yaml": "encoding: header"})
    routes = f"""
version: 1
team: t
exchanges:
  e: {{type: fanout, sources: [order.status.v1]}}
topics:
  a.order.status.v1:
    from: [{binding}]
"""
    route_set, findings = load(routes, schemas=schemas)
    assert route_set is not None, findings
    source = route_set.sources["order.status.v1"]
    stated = message_record(source, key=None, value={"amount": 1, "items": ["a"]}, headers={"x": "y"})
    decide = deciders(route_set)["order.status.v1"].decide
    assert decide(stated).topics == ("a.order.status.v1",)
    silent = PlainRecord(topic=source.topic, value=stated.value, headers=[("x", b"y")])
    if needs:
        with pytest.raises(UnknownRevision):
            decide(silent)
    else:
        assert decide(silent).topics == ("a.order.status.v1",)
