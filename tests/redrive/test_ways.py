"""Where a dead letter goes that is sent again, and as what."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.language import ORDER, STOCK, TEXTS, load

from router.failure.ledger import DEATH, Ledger
from router.language.repartition import with_internal_topics
from router.records.avro import encode_whole
from router.records.headers import HOP, Origin
from router.records.record import Headers, PlainRecord
from router.records.schema import parse_avro
from router.redrive.selection import read_letter
from router.redrive.ways import Left, Sending, Ways, retentions
from router.versions.catalogue import new_catalogue

ROUTES = """
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}"}
  stocks: {type: fanout, sources: [stock.v1]}
  payments: {type: fanout, sources: [payment.v1]}
  notes: {type: fanout, sources: [note.v1]}
  customers:
    type: topic
    sources: [c.order.status.v1]
    routing-key: "{country}"
    order: {by: customer.tier, sequence: amount, repartition: true}
  keyed:
    type: fanout
    sources: [k.order.status.v1]
    key: order_id
    order: {by: order_id, sequence: amount, repartition: true}
topics:
  keyed.order.status.v1: {failure: {then: dead-letter}, from: [{exchange: keyed}]}
  all.order.status.v1: {from: [{exchange: orders, binding-key: "RU.*"}]}
  vip.order.status.v1:
    retention: 1d
    failure: {then: dead-letter}
    from: [{exchange: orders, binding-key: "RU.paid"}]
  new.payment.v2: {retention: 7d, from: [{exchange: payments}]}
  halls.stock.v1: {from: [{exchange: stocks}]}
  tiers.order.status.v1: {from: [{exchange: customers}]}
  short.note.v1: {from: [{exchange: notes}]}
"""
STEPS = {
    "note/v1.avsc": json.dumps({"type": "record", "name": "N", "fields": [{"name": "text", "type": "string"}]}),
    "note/subject.yaml": "encoding: confluent\nconfluent-ids: {'7': v1}",
    "memo/v1.avsc": json.dumps({"type": "record", "name": "M", "fields": [{"name": "text", "type": "string"}]}),
    "memo/subject.yaml": "encoding: confluent",
    "payment/v2.avsc": json.dumps({"type": "record", "name": "P", "fields": [{"name": "phase", "type": "string"}]}),
    "payment/v1_to_v2.yaml": "fields: {phase: 'state.matches(\"x+\") ? string(int(state)) : state'}",
    "payment/v3.avsc": json.dumps({"type": "record", "name": "P", "fields": [{"name": "other", "type": "int"}]}),
}
CATALOGUE = new_catalogue(TEXTS | STEPS)
SCHEMA = parse_avro(json.dumps(ORDER), file="t")
PAID = encode_whole(
    SCHEMA.types,
    {
        "order_id": "ord-1",
        "country": "RU",
        "status": "paid",
        "amount": 5,
        "customer": {"tier": "plain", "email": None},
        "items": [],
    },
)
PAYMENT = parse_avro(TEXTS["payment/v1.avsc"], file="p")
OURS: Headers = (("router-origin", b"order.status.v1/1/7"), (HOP, b"1;r"))
VIP, ALL = "vip.order.status.v1", "all.order.status.v1"


def ways(*, to: str | None = None, without: str = "") -> Ways:
    """Return the ways of the routes, or of those without one topic."""
    lines = [line for line in ROUTES.splitlines() if not without or not line.startswith(f"  {without}:")]
    route_set, findings = load("\n".join(lines), schemas=CATALOGUE)
    assert route_set is not None, findings
    return Ways(with_internal_topics(route_set, "router"), CATALOGUE, to=to)


WAYS = ways()


def letter(
    *, topic: str = f"{VIP}.dead-letters", value: bytes | None = PAID, headers: Headers = OURS, **notes: str
) -> Any:
    """Return a dead letter with these notes."""
    told = tuple((f"router-{name.replace('_', '-')}", text.encode()) for name, text in notes.items())
    return read_letter(
        PlainRecord(topic=topic, partition=1, offset=3, key=b"k", value=value, headers=(("own", b"1"), *headers, *told))
    )


def sent(way: Sending | Left) -> list[tuple[str, bool]]:
    """Return the topics that get it, and whether by their lanes."""
    assert isinstance(way, Sending), way
    return [(each.topic, each.lane is not None) for each in way.ways]


def test_rejected_record_goes_to_its_consumer_alone_by_its_lane() -> None:
    """As it was: what told of its death is taken off, and the ledger stays."""
    death = Ledger().died(VIP, "failed", 5).headers()
    dead = letter(
        headers=(*OURS, *death, ("kafka_dlt-exception-fqcn", b"E"), ("router-rejects", f"{VIP}/1/9".encode())),
        reason="failed", error="no", error_class="E", place="value:n", destination=VIP, redriven="c0",
    )  # fmt: skip
    found = WAYS.of(dead)
    assert sent(found) == [(VIP, True)]
    assert isinstance(found, Sending)
    assert (found.copy, found.origin) == (Origin(VIP, 1, 9), Origin("order.status.v1", 1, 7))
    (way,) = found.ways
    assert way.lane == Origin("order.status.v1", 1, 7)
    assert [name for name, _ in way.record.headers] == ["own", "router-origin", HOP, DEATH]
    assert (way.record.value, way.converted) == (PAID, False)


def test_whole_record_goes_where_routes_of_today_say() -> None:
    """To all of them, each in its way: nobody had a copy."""
    whole: dict[str, Any] = {"topic": "order.status.v1.dead-letters", "reason": "unreadable"}
    assert sent(WAYS.of(letter(**whole))) == [(ALL, False), (VIP, True)]
    assert sent(WAYS.of(letter(topic="order.status.v1.unroutable", reason="unroutable"))) == [(ALL, False), (VIP, True)]
    assert sent(ways(without=ALL).of(letter(**whole))) == [(VIP, True)]


def test_copy_that_failed_goes_to_its_destination_alone() -> None:
    """Though other topics want the event: they have theirs."""
    dead = letter(topic="order.status.v1.dead-letters", reason="too-large", destination=ALL)
    assert sent(WAYS.of(dead)) == [(ALL, False)]
    assert WAYS.topics(dead) == (ALL,)


def test_what_others_set_aside_goes_to_the_narrow_topic_that_it_names() -> None:
    """By the headers of their dialect."""
    place = (("kafka_dlt-original-topic", ALL.encode()), ("kafka_dlt-original-partition", b"0"))
    spring = (*place, ("kafka_dlt-original-offset", b"5"), ("kafka_dlt-exception-fqcn", b"E"))
    assert sent(WAYS.of(letter(topic="orders-dlt", headers=spring))) == [(ALL, False)]


def test_somebody_may_name_the_topic() -> None:
    """Instead of those that failed, one that the routes know."""
    there = ways(to=ALL)
    assert sent(there.of(letter(reason="failed", destination=VIP))) == [(ALL, False)]
    assert (there.knows(ALL), there.knows("elsewhere")) == (True, False)
    assert sent(there.to(None).of(letter(reason="failed", destination=VIP))) == [(VIP, True)]


@pytest.mark.parametrize(
    ("dead", "reason"),
    [
        pytest.param(letter(reason="failed", destination="gone.v1"), "destination-gone", id="no such topic any more"),
        pytest.param(letter(headers=()), "destination-unknown", id="nothing is told"),
        pytest.param(letter(headers=(), reason="failed", destination=VIP), "origin-unknown", id="no original"),
        pytest.param(
            letter(headers=(("router-origin", b"stock.v1/0/1"),), reason="failed", destination=VIP),
            "origin-unknown",
            id="an original elsewhere",
        ),
        pytest.param(letter(reason="offsets-lost"), "no-record", id="lost offsets"),
        pytest.param(letter(reason="malformed-rejection", destination=VIP), "no-record", id="a rejection of nothing"),
        pytest.param(
            letter(headers=(("router-origin", b"old.v1/0/1"),), reason="unreadable"), "not-routed", id="no such source"
        ),
        pytest.param(letter(value=b"\xff", reason="unreadable"), "not-routed", id="still unreadable"),
        pytest.param(
            letter(value=PAID.replace(b"RU", b"KZ"), reason="key-mismatch"), "not-routed", id="wanted by nobody"
        ),
        pytest.param(
            letter(headers=(("router-origin", b"c.order.status.v1/0/1"),), reason="late"), "internal", id="keyed anew"
        ),
        pytest.param(letter(value=b"\x02", reason="failed", destination=VIP), "unfit", id="other bytes"),
    ],
)
def test_what_cannot_be_sent_is_left_and_says_why(dead: Any, reason: str) -> None:
    """As a slug, and in words."""
    found = WAYS.of(dead)
    assert isinstance(found, Left)
    assert (found.reason, bool(found.message)) == (reason, True)


def payment(state: str, destination: str) -> Any:
    """Return a dead letter that has a payment's bytes of version 1."""
    headers = (("router-origin", b"payment.v1/1/7"), (HOP, b"1;r"))
    value = encode_whole(PAYMENT.types, {"state": state})
    return letter(
        topic="payment.v1.dead-letters", value=value, headers=headers, reason="failed", destination=destination
    )


def test_dead_letter_is_converted_to_the_version_of_its_topic() -> None:
    """One with its source's bytes; a tombstone is the same in every version."""
    found = WAYS.of(payment("paid", "new.payment.v2"))
    assert isinstance(found, Sending)
    assert [(each.record.value, each.converted) for each in found.ways] == [(b"\x08paid", True)]
    headers = (("router-origin", b"payment.v1/1/7"),)
    gone = letter(
        topic="payment.v1.dead-letters", value=None, headers=headers, reason="x", destination="new.payment.v2"
    )
    assert sent(WAYS.of(gone)) == [("new.payment.v2", False)]


@pytest.mark.parametrize(
    ("dead", "to", "reason"),
    [
        pytest.param(payment("xx", "new.payment.v2"), None, "not-converted", id="no counterpart"),
        pytest.param(payment("paid", "?"), "new.payment.v9", "schema-gone", id="no such version any more"),
        pytest.param(payment("paid", "?"), "new.payment.v3", "not-converted", id="no conversion"),
        pytest.param(payment("paid", "?"), "new.order.status.v2", "not-converted", id="another subject"),
    ],
)
def test_what_has_no_counterpart_is_left(dead: Any, to: str | None, reason: str) -> None:
    """Also where the catalogue has lost a version."""
    found = ways(to=to).of(dead)
    assert isinstance(found, Left)
    assert found.reason == reason


def test_topics_of_json_and_of_no_schema_are_checked_as_far_as_goes() -> None:
    """A JSON Schema's fields are; a topic of no subject takes all bytes."""
    headers = (("router-origin", b"stock.v1/0/1"),)
    dead: dict[str, Any] = {
        "topic": "stock.v1.dead-letters",
        "headers": headers,
        "reason": "failed",
        "destination": "halls.stock.v1",
    }
    assert STOCK["required"] == ["sku", "level"]
    assert sent(WAYS.of(letter(value=b'{"sku": "a", "level": 1}', **dead))) == [("halls.stock.v1", False)]
    found = WAYS.of(letter(value=b'{"sku": "a"}', **dead))
    assert isinstance(found, Left)
    assert found.reason == "unfit"
    assert sent(ways(to="plain").of(letter(value=b"?", **dead))) == [("plain", False)]


def test_changed_record_goes_as_its_topic_has_it() -> None:
    """Its new bytes are not converted; they are checked all the same."""
    dead = payment("paid", "new.payment.v2")
    changed = WAYS.edited("new.payment.v2", dead.record, b"\x08sent")
    assert isinstance(changed, PlainRecord)
    found = WAYS.of(dead, changed)
    assert isinstance(found, Sending)
    assert [(each.record.value, each.converted) for each in found.ways] == [(b"\x08sent", False)]
    wrong = WAYS.of(dead, WAYS.edited("new.payment.v2", dead.record, b"\xff"))  # type: ignore[arg-type]
    assert isinstance(wrong, Left)


def test_records_that_say_their_revision_are_read_by_it() -> None:
    """And written so, when they are changed; where nobody knows how, nothing is sent."""
    headers = (("router-origin", b"note.v1/0/1"),)
    dead = {"topic": "note.v1.dead-letters", "headers": headers, "reason": "failed", "destination": "short.note.v1"}
    assert sent(WAYS.of(letter(value=b"\0\0\0\0\x07\x02a", **dead))) == [("short.note.v1", False)]  # type: ignore[arg-type]
    found = WAYS.of(letter(value=b"\0\0\0\0\x05\x02a", **dead))  # type: ignore[arg-type]
    assert isinstance(found, Left)
    assert found.reason == "unfit"
    record = letter(**dead).record  # type: ignore[arg-type]
    changed = WAYS.edited("short.note.v1", record, b"\x02b")
    assert isinstance(changed, PlainRecord)
    assert changed.value == b"\0\0\0\0\x07\x02b"
    nobody = WAYS.edited("short.memo.v1", record, b"\x02b")
    assert isinstance(nobody, Left)
    assert "no id of a registry" in nobody.message


def test_record_without_a_hop_is_decided_all_the_same() -> None:
    """Whoever stripped it."""
    dead = letter(topic="order.status.v1.dead-letters", headers=OURS[:1], reason="unreadable")
    assert sent(WAYS.of(dead)) == [(ALL, False), (VIP, True)]


def test_what_comes_from_behind_an_internal_topic_goes_by_its_lanes_and_by_no_others() -> None:
    """A lane of the source reads nothing of what is told of the topic: what it was told would be done by nobody."""
    topic, internal = "keyed.order.status.v1", "router-keyed-repartition"
    told = (("router-reason", b"failed"), ("router-destination", topic.encode()))
    for origin, lane in ((internal, Origin(internal, 2, 5)), ("k.order.status.v1", None)):
        headers = (("router-origin", f"{origin}/2/5".encode()), (HOP, b"1;r"), *told)
        dead = read_letter(PlainRecord(topic=f"{topic}.dead-letters", key=b"ord-1", value=PAID, headers=headers))
        for each in (WAYS, ways(to=topic)):
            found = each.of(dead)
            if lane is None:
                assert isinstance(found, Left)
                assert found.reason == "origin-unknown"
            else:
                assert isinstance(found, Sending)
                assert [way.lane for way in found.ways] == [lane]
    usual = WAYS.usual(f"{topic}.dead-letters", topic)
    assert usual is not None
    assert usual.sources == (internal,)


def test_retentions_are_those_of_the_routes() -> None:
    """Only where they are known."""
    route_set, _ = load(ROUTES, schemas=CATALOGUE)
    assert route_set is not None
    found = retentions(route_set)
    assert (found[VIP], found["new.payment.v2"]) == (86_400_000, 604_800_000)
    assert ALL not in found
