"""The router in memory, as a team uses it in its own tests."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from router.failure.notes import REASON
from router.language.findings import InvalidRoutes
from router.records.avro import decode_whole, encode_whole
from router.records.headers import ORIGIN
from router.records.record import PlainRecord
from router.records.schema import AvroSchema
from router.testing import DeliveryLost, RouterDouble, StandsStill
from router.versions.subjects import Revision, read_subjects
from router.versions.writer import SCHEMA_HEADER, Writers, encode_schema_header, with_prefix

ROUTES = {
    "orders.yaml": """
version: 1
team: orders
contact: "#orders"
exchanges:
  orders:
    type: topic
    sources: [order.v1]
    routing-key: "{country}.{status}"
topics:
  order.v1: {partitions: 3}
""",
    "mail.yaml": """
version: 1
team: mail
contact: "#mail"
topics:
  mail.order.v1:
    from: [{exchange: orders, binding-key: "*.paid"}]
  small.order.v1:
    partitions: 2
    from: [{exchange: orders, binding-key: "ES.#"}]
""",
}
SCHEMAS = {
    "order/v1.avsc": """
{"type": "record", "name": "Order", "fields": [
  {"name": "country", "type": "string"}, {"name": "status", "type": "string"}, {"name": "amount", "type": "long"}]}
"""
}


@pytest.fixture
def router() -> Iterator[RouterDouble]:
    with RouterDouble(ROUTES, SCHEMAS) as double:
        yield double


def test_published_fields_are_read_where_the_routes_send_them(router: RouterDouble) -> None:
    """What is left out of a value is filled in; key, headers and time pass through."""
    original = router.publish(
        "order.v1", {"country": "RU", "status": "paid"}, key="ord-1", headers={"trace": "7", "flag": None}, timestamp=5
    )
    (copy,) = router.read("mail.order.v1")
    assert (copy.key, copy.value, copy.timestamp) == (b"ord-1", original.value, 5)
    assert copy.partition == original.partition
    assert copy.headers[:2] == (("trace", b"7"), ("flag", None))
    assert router.read("small.order.v1") == ()


def test_topics_have_the_partitions_that_they_would_have(router: RouterDouble) -> None:
    """Declared ones, or the source's."""
    counts = {name: len(topic.logs) for name, topic in router.broker.topics.items()}
    assert counts == {
        "order.v1": 3,
        "mail.order.v1": 3,
        "small.order.v1": 2,
        "order.v1.unroutable": 3,
        "order.v1.dead-letters": 3,
    }


def test_records_of_a_key_keep_their_order(router: RouterDouble) -> None:
    """Over all that was published, whenever it is read."""
    for amount in range(5):
        router.publish("order.v1", {"country": "ES", "status": "paid", "amount": amount}, key="ord-1")
        router.carry()
    (partition,) = {copy.partition for copy in router.read("small.order.v1")}
    origins = [dict(copy.headers)[ORIGIN] for copy in router.read("small.order.v1", partition)]
    assert [int((each or b"").rpartition(b"/")[2]) for each in origins] == [0, 1, 2, 3, 4]


def test_what_is_set_aside_can_be_read_too(router: RouterDouble) -> None:
    """Bytes are published as they are, and a tombstone without any."""
    router.publish("order.v1", b"\xff", key=b"broken")
    router.publish("order.v1", {"country": "RU", "status": "new"}, key="nowhere")
    router.publish("order.v1", None, key="gone", partition=2)
    assert [each.key for each in router.read("order.v1.dead-letters")] == [b"broken"]
    assert [each.key for each in router.read("order.v1.unroutable")] == [b"nowhere"]
    assert [(each.key, each.value, each.partition) for each in router.read("mail.order.v1")] == [(b"gone", None, 2)]


def test_faults_can_be_asked_for(router: RouterDouble) -> None:
    """A team sees that its consumer sees nothing of it."""
    lost = router.broker.suffer(DeliveryLost("mail.order.v1", written=True))
    router.publish("order.v1", {"country": "RU", "status": "paid"}, key="ord-1")
    assert [copy.key for copy in router.read("mail.order.v1")] == [b"ord-1"]
    assert lost.fired == 1


def test_what_cannot_be_carried_is_said(router: RouterDouble) -> None:
    """A test that waits for nothing ends with the reason, and by the double's clock."""
    router.broker.delete_topic("mail.order.v1")
    router.publish("order.v1", {"country": "RU", "status": "paid"}, key="ord-1")
    with pytest.raises(StandsStill, match=r"'mail\.order\.v1' does not exist"):
        router.carry(within=2.0)
    assert router.clock.now() < 10.0


def test_broken_routes_never_take_effect() -> None:
    """The findings are those that `router check` would print."""
    broken = {"mail.yaml": ROUTES["mail.yaml"]}
    with pytest.raises(InvalidRoutes, match=r"mail\.yaml:7"):
        RouterDouble(broken, SCHEMAS)


def origin(copy: PlainRecord) -> int:
    """Return the source offset of a copy."""
    return int((dict(copy.headers)[ORIGIN] or b"").rpartition(b"/")[2])


def test_folders_are_read_as_a_worker_reads_them() -> None:
    """The example shop's own routes run in memory."""
    with RouterDouble.from_folders("routes", "schemas", partitions=2) as router:
        for sequence, status in ((2, "paid"), (1, "created"), (4, "shipped")):
            order = {"sequence": sequence, "country": "RU", "status": status}
            router.publish("order.status.v1", order, key="ord-1")
        assert len(router.read("notifications.order.status.v1")) == 1
        assert [origin(copy) for copy in router.read("bob-ru.order.status.v1")] == [1, 0]
        router.clock.advance(11)
        assert [origin(copy) for copy in router.read("bob-ru.order.status.v1")] == [1, 0, 2]
        assert router.read("order.status.v1.dead-letters") == ()


def test_consumers_get_their_own_version() -> None:
    """By the conversion that stands beside the schemas; what cannot be converted is a dead letter for them alone."""
    routes = """
version: 1
team: t
exchanges:
  orders: {type: fanout, sources: [order.v1]}
topics:
  old.order.v1: {from: [{exchange: orders}]}
  new.order.v2: {from: [{exchange: orders}]}
  newer.order.v2: {from: [{exchange: orders}]}
"""
    schemas = SCHEMAS | {
        "order/v2.avsc": SCHEMAS["order/v1.avsc"].replace('"amount", "type": "long"', '"units", "type": "int"'),
        "order/v1_to_v2.yaml": "fields: {units: amount / 100}\nloses: [amount]\n",
    }
    with RouterDouble({"t.yaml": routes}, schemas) as double:
        double.publish("order.v1", {"country": "RU", "status": "paid", "amount": 1200}, key="a")
        double.publish("order.v1", {"country": "RU", "status": "paid", "amount": 1 << 62}, key="b")
        double.publish("order.v1", None, key="a")
        assert [each.key for each in double.read("old.order.v1")] == [b"a", b"b", b"a"]
        for topic in ("new.order.v2", "newer.order.v2"):
            converted, tombstone = double.read(topic)
            # The same two texts, and 12 in place of 1,200.
            assert converted.value == b"\x04RU\x08paid\x18"
            assert tombstone.value is None
        letters = double.read("order.v1.dead-letters")
        assert [dict(each.headers)["router-destination"] for each in letters] == [b"new.order.v2", b"newer.order.v2"]
        assert {dict(each.headers)["router-reason"] for each in letters} == {b"not-converted"}


OLD_EVENT = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "n", "type": "long"},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["new", "paid"]}},
    ],
}
STATE = {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["new", "refunded", "paid"]}}
EVENT = OLD_EVENT | {
    "fields": [
        {"name": "country", "type": "string", "default": "RU"},
        STATE,
        {"name": "id", "type": "string"},
        {"name": "n", "type": "long"},
        {"name": "tags", "type": {"type": "array", "items": "string"}, "default": ["a"]},
    ]
}
NEXT_EVENT = OLD_EVENT | {"fields": [STATE, {"name": "number", "type": "long"}]}
REVISIONED = """
version: 1
team: t
exchanges:
  events:
    type: topic
    sources: [event.v1]
    key: id
    routing-key: "{country}.{state}"
    order: {by: id, sequence: n, wait: 1m}
topics:
  event.v1: {partitions: 1}
  paid.event.v1: {from: [{exchange: events, binding-key: "RU.paid"}]}
  tagged.event.v1: {from: [{exchange: events, where: "'a' in tags"}]}
  new.event.v2: {from: [{exchange: events, binding-key: "#"}]}
"""


@pytest.mark.parametrize("encoding", ["single-object", "header", "confluent"])
def test_records_that_say_their_revision_are_routed_ordered_and_converted(encoding: str) -> None:
    """Each is read as the revision that wrote it; one that nobody knows is a dead letter and stops nobody."""
    schemas = {
        "event/v1.r1.avsc": json.dumps(OLD_EVENT),
        "event/v1.avsc": json.dumps(EVENT),
        "event/v2.avsc": json.dumps(NEXT_EVENT),
        "event/v1_to_v2.yaml": "fields: {number: n}\nloses: [country, id, tags]",
        "event/subject.yaml": f"encoding: {encoding}\ncompatibility: none\nconfluent-ids: {{'1': v1.r1, '2': v1, '3': v2}}",
    }
    subject = read_subjects(schemas)[0]["event"]
    old, newest, other = subject.revisions

    def wrote(revision: Revision, **value: object) -> PlainRecord:
        assert isinstance(revision.schema, AvroSchema)
        value_of = with_prefix(subject, revision, encode_whole(revision.schema.types, value))
        headers = {"x": b"y"} | ({SCHEMA_HEADER: encode_schema_header(revision)} if encoding == "header" else {})
        return double.publish("event.v1", value_of, key="k", headers=headers)

    with RouterDouble({"t.yaml": REVISIONED}, schemas) as double:
        first = wrote(old, id="k", n=1, state="paid")
        third = double.publish("event.v1", {"n": 3, "state": "paid", "tags": []}, key="k")
        second = wrote(newest, id="k", n=2, state="refunded", country="RU", tags=["a", "b"])
        strange = double.publish("event.v1", b"\xc3\x01" + bytes(20), key="k", headers={SCHEMA_HEADER: b"f" * 16})
        copies = {
            name: double.read(f"{name}.event.{of}") for name, of in (("paid", "v1"), ("tagged", "v1"), ("new", "v2"))
        }
        letters = double.read("event.v1.dead-letters")
    assert [each.value for each in copies["paid"]] == [first.value, third.value]
    assert [each.value for each in copies["tagged"]] == [first.value, second.value]
    assert isinstance(other.schema, AvroSchema)
    bodies = [Writers(subject, 2).written(each.value or b"", each.headers) for each in copies["new"]]
    assert [(each.revision, decode_whole(other.schema.types, each.body)) for each in bodies] == [
        (other, {"state": state, "number": number}) for number, state in ((1, "paid"), (2, "refunded"), (3, "paid"))
    ]
    assert [(each.value, dict(each.headers)[REASON]) for each in letters] == [(strange.value, b"unknown-revision")]


def test_rejected_copies_are_retried_and_their_keys_wait() -> None:
    """As the topic's `failure:` says, when time passes; at last they are dead letters, and their keys go on."""
    mail = ROUTES["mail.yaml"].replace("  mail.order.v1:\n", "  mail.order.v1:\n    failure: {retry: [10s]}\n")
    with RouterDouble({**ROUTES, "mail.yaml": mail}, SCHEMAS) as router:
        fields = {"country": "ES", "status": "paid"}
        router.publish("order.v1", {**fields, "amount": 1}, key="k")
        (first,) = router.read("mail.order.v1")
        router.reject(first, error="out of range", place="value:amount")
        router.carry()
        router.publish("order.v1", {**fields, "amount": 2}, key="k")
        assert len(router.read("mail.order.v1")) == 1
        assert len(router.read("small.order.v1")) == 2
        router.clock.advance(11)
        _, again, second = router.read("mail.order.v1")
        assert (again.value, second.value != first.value) == (first.value, True)
        router.reject(again)
        (letter,) = router.read("mail.order.v1.dead-letters")
        assert dict(letter.headers)[REASON] == b"failed"


def test_topic_without_failure_rejects_nothing(router: RouterDouble) -> None:
    """Nobody would read it."""
    copy = PlainRecord(topic="mail.order.v1")
    with pytest.raises(ValueError, match="nobody reads what its consumer rejects"):
        router.reject(copy)
