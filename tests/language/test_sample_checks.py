"""Conditions against real records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.language import ORDER, brief, load

from router.language.case_values import encode_value
from router.language.findings import Level
from router.language.routes import RouteSet
from router.language.sample_checks import check_sample, sample
from router.records.record import PlainRecord
from router.records.schema import parse_avro

SCHEMA = parse_avro(json.dumps(ORDER), file="v1.avsc")
HEAD = """\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}"}
  behind: {type: fanout, from: [{exchange: orders}]}
  stock: {type: fanout, sources: [stock.v1]}
  raw: {type: fanout, sources: [clicks]}
topics:
  clicks: {format: json}
  a.clicks: {format: json, from: [{exchange: raw, where: "record.user.id != null"}]}
  a.stock.v1: {from: [{exchange: stock, where: "hall != null"}]}
  a.order.status.v1:
    from:
"""


def routes(*items: str) -> RouteSet:
    """Routes with these bindings to one topic, from line 14 on."""
    route_set, findings = load(HEAD + "".join(f"      - {item}\n" for item in items))
    assert route_set is not None, findings
    return route_set


def order(**stated: Any) -> bytes:
    """An order that states this; who ordered has no address unless it says so."""
    return encode_value(SCHEMA, {"customer": {"tier": "plain", "email": None}, **stated})


def found(route_set: RouteSet, topic: str, *values: bytes | None) -> list[tuple[str, int, int]]:
    """What records with these values show: kind, line and column."""
    sampled = sample(route_set.sources[topic], [PlainRecord(topic=topic, value=value) for value in values])
    return brief(check_sample(route_set, sampled))


@pytest.mark.parametrize(
    ("item", "column"),
    [
        pytest.param("{exchange: orders, where: customer.email != null && amount > 1}", 9, id="inside-a-record"),
        pytest.param("{exchange: behind, where: customer.email == 'a'}", 9, id="behind-another-exchange"),
        pytest.param("{exchange: orders, binding-key: [a.b, c.d], where: customer.email == 'a'}", 42, id="once-for-all-keys"),
    ],
)  # fmt: skip
def test_field_that_is_null_in_all_records_is_found(item: str, column: int) -> None:
    """Where the binding stands, once."""
    assert found(routes(item), "order.status.v1", order(), order(amount=5)) == [("null-in-sample", 14, column)]


@pytest.mark.parametrize(
    ("item", "values"),
    [
        pytest.param("{exchange: orders, where: customer.email != null}", [order(), order(customer={"email": "a@b"})], id="one-has-it"),
        pytest.param("{exchange: orders, where: amount > 1}", [order()], id="zero-is-not-null"),
        pytest.param("{exchange: orders, where: size(items) > 1}", [order(items=[])], id="empty-is-not-null"),
        pytest.param("{exchange: orders}", [order()], id="no-condition"),
        pytest.param("{exchange: orders, where: \"headers['a'] == 'b' && key == 'k'\"}", [order()], id="no-field"),
        pytest.param("{exchange: orders, where: customer.email != null}", [], id="no-records"),
        pytest.param("{exchange: orders, where: customer.email != null}", [None, b"\x05"], id="none-to-be-read"),
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_records_have(item: str, values: list[bytes | None]) -> None:
    """Nor of what no record could show."""
    assert found(routes(item), "order.status.v1", *values) == []


def test_only_the_sources_own_conditions_are_held_to_it() -> None:
    """Each source is judged by its own records, whatever its format; where a record has no such field, it is null."""
    route_set = routes("{exchange: orders, where: customer.email != null}")
    assert found(route_set, "stock.v1", b'{"sku": "a", "level": 1}') == [("null-in-sample", 11, 23)]
    assert found(route_set, "stock.v1", b'{"sku": "a", "level": 1, "hall": "B"}') == []
    assert found(route_set, "clicks", b'{"user": 5}', b'{"user": {}}', b"[]") == [("null-in-sample", 10, 35)]
    assert found(route_set, "clicks", b'{"user": {"id": 7}}') == []


def test_words_name_field_records_and_condition() -> None:
    """And it is a warning: the next record may have the field."""
    route_set = routes("{exchange: orders, where: customer.email != null}")
    source = route_set.sources["order.status.v1"]
    records = [PlainRecord(topic=source.topic, value=order()) for _ in range(1_200)]
    (told,) = check_sample(route_set, sample(source, records))
    assert told.message == (
        "'customer.email' is null in all 1,200 sampled records of 'order.status.v1': `customer.email != null`"
    )
    assert told.level is Level.WARNING
    (alone,) = check_sample(route_set, sample(source, records[:1]))
    assert "is null in the one sampled record of" in alone.message


def test_several_fields_are_told_together() -> None:
    """Of one condition; a whole list is a field as well."""
    both = HEAD.replace("record.user.id != null", "record.user.id != null && size(record.tags) > 1 && record.here == 1")
    route_set, _ = load(both + "      - {exchange: orders}\n")
    assert route_set is not None
    clicks = route_set.sources["clicks"]
    (told,) = check_sample(route_set, sample(clicks, [PlainRecord(topic="clicks", value=b'{"here": 1}')]))
    assert told.message.startswith("'user.id' and 'tags' are null in the one sampled record of 'clicks'")


def test_what_could_not_be_read_is_counted() -> None:
    """Tombstones, and values that are not what the schema says."""
    source = routes("{exchange: orders}").sources["order.status.v1"]
    values = [order(), None, b"\x05", None]
    sampled = sample(source, [PlainRecord(topic=source.topic, value=value) for value in values])
    assert (len(sampled.values), sampled.tombstones, sampled.unreadable) == (1, 2, 1)
