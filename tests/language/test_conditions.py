"""Conditions over one record, for one source."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.language import ORDER, load

from router.errors import Unreadable
from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, Place
from router.language.case_values import encode_value
from router.language.conditions import CompiledConditions, compile_conditions, condition_texts
from router.language.deciders import deciders
from router.records.json_reader import json_reader
from router.records.reader import compile_avro_reader
from router.records.record import PlainRecord
from router.records.schema import AvroSchema, parse_avro

SCHEMA = parse_avro(json.dumps(ORDER), file="order")
PLACE = Place("f", 1, 1)


def conditions(*texts: str, schema: AvroSchema | None = SCHEMA, before: tuple[str, ...] = ()) -> CompiledConditions:
    """Compile some."""
    compiled = compile_conditions(texts, schema, before=before)
    assert compiled is not None
    return compiled


def truths(compiled: CompiledConditions, value: bytes, **more: Any) -> tuple[bool | None, ...]:
    """Evaluate them over a record, as a decider does."""
    record = PlainRecord(topic="t", value=value, **more)
    reader = compile_avro_reader(SCHEMA, compiled.paths)
    return compiled.truths(record, reader.values(reader.read(value)))


def order(**stated: Any) -> bytes:
    """Return an order's bytes."""
    return encode_value(SCHEMA, stated)


def test_fields_are_read_once_for_all() -> None:
    """Behind those that are read anyway, each once."""
    compiled = conditions("amount > 5", "customer.email != null && amount < 9", before=("status", "amount"))
    assert compiled.texts == ("amount > 5", "customer.email != null && amount < 9")
    assert compiled.paths == ("status", "amount", "customer.email")
    assert truths(compiled, order(amount=7)) == (True, False)
    assert truths(compiled, order(amount=7, customer={"email": "x"})) == (True, True)


def test_headers_and_the_key_are_texts() -> None:
    """Of a repeated header the last counts; only those that are asked for are decoded."""
    compiled = conditions("headers['a'] == 'ä'", "key == 'k'")
    given = (("a", b"z"), ("a", "ä".encode()), ("other", b"\xff"))
    assert truths(compiled, order(), key=b"k", headers=given) == (True, True)
    assert truths(compiled, order(), key=None) == (None, False)


def test_all_headers_can_be_asked_for() -> None:
    """Where a name is not constant."""
    assert truths(conditions("size(headers) == 2"), order(), headers=(("a", b"1"), ("b", None))) == (True,)
    assert truths(conditions("headers[country] == '1'"), order(country="a"), headers=(("a", b"1"),)) == (True,)


def test_lists_and_records_have_the_value_decoded() -> None:
    """Whole, once for all conditions."""
    compiled = conditions("items.exists(item, item == 'x')", "'x' in record.items", "amount == 1")
    assert truths(compiled, order(items=["x"], amount=1)) == (True, True, True)
    assert truths(compiled, order(items=["y"])) == (False, False, False)


def test_a_failure_is_no_truth() -> None:
    """Beside it the others count."""
    assert truths(conditions("1 / amount > 0", "amount == 0"), order(amount=0)) == (None, True)


def test_without_a_schema_a_value_is_json() -> None:
    """Whole only where it has to be; what is no JSON is unreadable."""
    compiled = compile_conditions(["a > 1 && b.all(x, x > 0)"], None)
    assert compiled is not None
    reader = json_reader(compiled.paths)

    def truths_of(value: bytes) -> tuple[bool | None, ...]:
        return compiled.truths(PlainRecord(topic="t", value=value), reader.values(reader.read(value)))

    assert truths_of(b'{"a": 2, "b": [1]}') == (True,)
    assert truths_of(b'{"a": 2, "b": [0]}') == (False,)
    assert truths_of(b'{"a": 2}') == (None,)
    with pytest.raises(Unreadable):
        compiled.truths(PlainRecord(topic="t", value=b"["), (2,))
    assert compiled.truths(PlainRecord(topic="t", value=b"[1]"), (2,)) == (None,)
    assert compiled.truths(PlainRecord(topic="t", value=None), (2,)) == (None,)


def test_no_condition_needs_nothing() -> None:
    """No reader, no function."""
    assert compile_conditions([], SCHEMA) is None


def exchange(name: str, *bindings: tuple[str, str | None], alternate: str = "") -> Exchange:
    """Return an exchange with bindings to exchanges (or a topic, t), each with its condition."""
    made = tuple(
        Binding(
            name,
            None,
            Destination(DestinationKind.TOPIC if to == "t" else DestinationKind.EXCHANGE, to),
            PLACE,
            "x",
            where=where,
        )
        for to, where in bindings
    )
    other = Destination(DestinationKind.EXCHANGE, alternate) if alternate else None
    return Exchange(name, ExchangeType.FANOUT, made, other, PLACE, "x")


def test_the_conditions_on_all_ways_are_found() -> None:
    """Over exchanges and alternates, in a circle too, each once; not those that cannot be met."""
    exchanges = {
        each.name: each
        for each in (
            exchange("a", ("t", "1"), ("b", "2"), ("t", None)),
            exchange("b", ("a", "3"), ("t", "1"), alternate="c"),
            exchange("c", ("t", "4"), alternate="nowhere"),
            exchange("d", ("t", "5")),
        )
    }
    assert condition_texts(exchanges, ["a"]) == ("1", "2", "3", "4")
    assert condition_texts(exchanges, ["d", "c"]) == ("5", "4")


def test_a_decider_obeys_them() -> None:
    """From files to decisions: the truth is part of what is remembered, the amount is not."""
    route_set, findings = load("""\
        version: 1
        team: t
        exchanges: {orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}"}}
        topics:
          vip.order.status.v1: {from: [{exchange: orders, binding-key: "*.paid", where: amount > 1000000}]}
          odd.order.status.v1: {from: [{exchange: orders, binding-key: "*.paid", where: " 1 / amount > 0 ", on-error: dead-letter}]}
    """)
    assert findings == ()
    assert route_set is not None
    decider = deciders(route_set)["order.status.v1"]
    decided = {
        amount: decider.decide(PlainRecord(topic="order.status.v1", value=order(status="paid", amount=amount)))
        for amount in (0, 1, 5, 7, 2_000_000)
    }
    assert {amount: decision.topics for amount, decision in decided.items()} == {
        0: (),
        1: ("odd.order.status.v1",),
        5: (),
        7: (),
        2_000_000: ("vip.order.status.v1",),
    }
    assert decided[5] is decided[7]
    assert [binding.where for binding in decided[0].failed] == ["1 / amount > 0"]
    assert [decision.plain for decision in decided.values()] == [False, True, True, True, True]
