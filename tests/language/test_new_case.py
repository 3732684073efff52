"""Cases from real records."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from support.language import catalogue, load

from router.language.cases import run_cases
from router.language.masking import UnknownField
from router.language.new_case import NewCase, Unstatable, new_case, with_new_case
from router.language.routes import RouteSet
from router.records.avro import encode_whole
from router.records.record import PlainRecord
from router.records.schema import AvroSchema

SALE = {
    "type": "record",
    "name": "Sale",
    "fields": [
        {"name": "sale_id", "type": "string"},
        {"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["web", "shop"]}},
        {"name": "email", "type": ["null", "string"]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "on", "type": {"type": "int", "logicalType": "date"}},
        {"name": "sum", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "mark", "type": "bytes"},
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "lines", "type": {"type": "array", "items": "string"}},
    ],
}
VALUE = {
    "sale_id": "s-1",
    "kind": "shop",
    "email": "ann@mail.example",
    "at": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
    "on": date(2024, 5, 6),
    "sum": Decimal("12.50"),
    "mark": b"x",
    "id": UUID(int=7),
    "lines": ["a"],
}
ROUTES = """\
version: 1
team: t
exchanges:
  sales: {type: topic, sources: [sale.v1], routing-key: "{kind}", key: sale_id}
  stock: {type: topic, sources: [stock.v1], routing-key: "{hall}"}
  clicks: {type: topic, sources: [clicks], routing-key: "{header:kind}"}
topics:
  clicks: {format: json}
  shop.sale.v1: {from: [{exchange: sales, binding-key: shop}]}
  all.sale.v1: {from: [{exchange: sales}]}
  here.stock.v1: {from: [{exchange: stock, binding-key: here}]}
  view.clicks: {format: json, from: [{exchange: clicks, binding-key: view}]}
"""


@pytest.fixture(scope="module")
def route_set() -> RouteSet:
    found, findings = load(ROUTES, schemas=catalogue(**{"sale/v1.avsc": json.dumps(SALE)}))
    assert found is not None, findings
    return found


def sale(route_set: RouteSet, **more: object) -> PlainRecord:
    schema = route_set.sources["sale.v1"].schema
    assert isinstance(schema, AvroSchema)
    value = encode_whole(schema.types, VALUE | more)
    headers = (("trace", b"t-1"), ("void", None), ("router-origin", b"x/0/1"))
    return PlainRecord(topic="sale.v1", key=b"s-1", value=value, headers=headers)


def test_a_case_states_the_record_and_where_it_goes(route_set: RouteSet) -> None:
    """Times, decimals and bytes as cases state them; our own headers are left out."""
    found = new_case(sale(route_set), route_set, name="a sale")
    assert found == NewCase(
        {
            "name": "a sale",
            "message": {
                "topic": "sale.v1",
                "key": "s-1",
                "headers": {"trace": "t-1", "void": None},
                "value": {
                    "sale_id": "s-1",
                    "kind": "shop",
                    "email": "ann@mail.example",
                    "at": "2024-05-06T07:08:09+00:00",
                    "on": "2024-05-06",
                    "sum": "12.50",
                    "mark": "x",
                    "id": "00000000-0000-0000-0000-000000000007",
                    "lines": ["a"],
                },
            },
            "to": ["shop.sale.v1", "all.sale.v1"],
        },
        ("shop.sale.v1", "all.sale.v1"),
        ("shop.sale.v1", "all.sale.v1"),
    )


def test_masked_fields_take_the_key_with_them(route_set: RouteSet) -> None:
    """Else the key would betray what the field hides."""
    masked = ["sale_id", "email", "at", "sum", "header:trace", "header:void"]
    message = new_case(sale(route_set), route_set, name="n", masked=masked).case["message"]
    assert message["key"] == message["value"]["sale_id"] == "masked"
    assert message["headers"] == {"trace": "masked", "void": None}
    assert message["value"]["email"] == "someone@example.com"
    assert message["value"]["sum"] == "0.00"
    other = new_case(sale(route_set), route_set, name="n", masked=["email"]).case["message"]
    assert other["key"] == "s-1"


def test_a_case_says_where_its_own_message_goes(route_set: RouteSet) -> None:
    """Masking what routes read changes it, and whoever asked can tell."""
    found = new_case(sale(route_set), route_set, name="n", masked=["kind"])
    assert (found.goes, found.went) == (("all.sale.v1",), ("shop.sale.v1", "all.sale.v1"))
    assert found.case["to"] == ["all.sale.v1"]


@pytest.mark.parametrize(
    ("record", "to", "unroutable"),
    [
        pytest.param(
            PlainRecord(topic="stock.v1", value=b'{"sku": "a", "level": 5, "hall": "x"}'), [], True, id="unroutable"
        ),
        pytest.param(PlainRecord(topic="stock.v1", key=b"k"), ["here.stock.v1"], None, id="tombstone"),
        pytest.param(
            PlainRecord(topic="clicks", value=b'{"any": 1}', headers=(("kind", b"view"),)),
            ["view.clicks"],
            None,
            id="without-schema",
        ),
    ],
)
def test_other_records_become_cases_too(
    route_set: RouteSet, record: PlainRecord, to: list[str], unroutable: bool | None
) -> None:
    """And each passes in a file of cases."""
    found = new_case(record, route_set, name="n")
    assert (found.case["to"], found.case.get("unroutable")) == (to, unroutable)
    text = with_new_case("", found.case, route_set, file="t_test.yaml")
    results, findings = run_cases({"t_test.yaml": text}, route_set)
    assert ([result.passed for result in results], findings) == ([True], ())


def test_a_dead_letter_becomes_a_case(route_set: RouteSet) -> None:
    """Its key is not what the exchange demands."""
    record = sale(route_set, sale_id="s-2")
    found = new_case(record, route_set, name="n")
    assert found.case["to"] == list(found.went) == ["sale.v1.dead-letters"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        pytest.param(PlainRecord(topic="stock.v1", value=b"{"), "the value is not JSON", id="no-json"),
        pytest.param(PlainRecord(topic="stock.v1", key=b"\xff"), "the key is not text", id="key"),
        pytest.param(PlainRecord(topic="stock.v1", headers=(("h", b"\xff"),)), "header 'h' is not text", id="header"),
        pytest.param(
            PlainRecord(topic="stock.v1", value=b'{"sku": 5, "level": 1}'), "the record fits no case", id="other-schema"
        ),
    ],
)
def test_what_a_case_cannot_state_is_refused(route_set: RouteSet, record: PlainRecord, said: str) -> None:
    """With what it is."""
    with pytest.raises(Unstatable) as error:
        new_case(record, route_set, name="n")
    assert said in str(error.value)


def test_bytes_that_are_no_text_can_be_masked(route_set: RouteSet) -> None:
    """A case could not state them."""
    record = sale(route_set, mark=b"\xff\xfe")
    with pytest.raises(Unstatable, match="field 'mark' is not text"):
        new_case(record, route_set, name="n")
    assert new_case(record, route_set, name="n", masked=["mark"]).case["message"]["value"]["mark"] == "xx"


def test_an_unknown_field_is_refused(route_set: RouteSet) -> None:
    """As everywhere, with the nearest."""
    with pytest.raises(UnknownField, match="did you mean 'email'"):
        new_case(sale(route_set), route_set, name="n", masked=["emial"])


def test_a_case_is_appended_to_those_that_are_there(route_set: RouteSet) -> None:
    """Which stay as they are."""
    case = new_case(sale(route_set), route_set, name="n").case
    once = with_new_case("", case, route_set, file="t_test.yaml")
    twice = with_new_case(f"{once}  # the end\n", case, route_set, file="t_test.yaml")
    assert twice.startswith(once)
    assert len(run_cases({"t_test.yaml": twice}, route_set)[0]) == 2


@pytest.mark.parametrize("text", ["cases: []\n", "other: 1\n", "cases: [{name: n}]\n"])
def test_a_file_that_it_does_not_fit_into_is_left_alone(route_set: RouteSet, text: str) -> None:
    """Somebody has to look at it."""
    case = new_case(sale(route_set), route_set, name="n").case
    with pytest.raises(Unstatable, match="append by hand"):
        with_new_case(text, case, route_set, file="t_test.yaml")
