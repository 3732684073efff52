"""How fast records are converted to another version, and what it costs to read those that say their revision: on one core, no broker.

    python -m bench convert [--write]

The shop's `order.status` of two lines, decoded, converted and encoded; beside it the same conversion as a team would write it,
with fastavro at both ends. Times are of this thread's CPU, the least of several rounds.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import click
import fastavro

from bench.report import between_markers, conditions
from router.language.deciders import deciders
from router.language.load import load_routes
from router.records.avro import AvroTypes, encode_whole
from router.records.catalogue_files import read_catalogue_texts
from router.records.json_schema import JsonSchema
from router.records.record import PlainRecord
from router.records.schema import AvroSchema
from router.versions.catalogue import new_catalogue
from router.versions.conversion import Conversion
from router.versions.json_conversion import load_json_conversion
from router.versions.subjects import load_conversions, read_subjects
from router.versions.writer import SCHEMA_HEADER, encode_schema_header, with_prefix

__all__ = ["ORDER", "convert", "converted_by_hand", "converting", "example", "json_conversion", "reading"]

_PAGE = Path(__file__).parent.parent / "docs" / "bench.md"
_SCHEMAS = Path(__file__).parent.parent / "schemas"
_SUBJECT = "order.status"
_COUNT = 5_000
_ROUNDS = 9
ORDER: Mapping[str, Any] = {
    "event_id": "8a2c9a51-5c0e-5d8f-9f2e-6b1f0d4c7e13",
    "order_id": "ord-123456",
    "sequence": 3,
    "country": "RU",
    "status": "money_refunded",
    "amount": 123_400,
    "currency": "RUB",
    "updated_at": 1_700_000_000_000,
    "customer": {"id": 77, "email": "a@b.example", "phone": None},
    "comment": None,
    "items": [{"sku": "s1", "qty": 1, "price": 100}, {"sku": "s2", "qty": 2, "price": 200}],
}
_ROUTES = """
version: 1
team: bench
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}"}
topics:
  ru.order.status.v1: {from: [{exchange: orders, binding-key: "RU.*", where: amount > 1000}]}
"""


def _microseconds(work: Callable[[], object]) -> float:
    """Of one turn: the least of several rounds."""
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.thread_time()
        for _ in range(_COUNT):
            work()
        best = min(best, time.thread_time() - began)
    return best / _COUNT * 1e6


def converted_by_hand(value: bytes, *schemas: Any) -> bytes:
    """What `v1_to_v2.yaml` says, in Python between a decoder and an encoder; `schemas` are those of v1 and v2."""
    order: Any = fastavro.schemaless_reader(io.BytesIO(value), schemas[0], None)
    status = {"item_cancelled": "changed", "money_refunded": "refunded"}
    made = {
        **{name: order[name] for name in ("event_id", "order_id", "sequence", "country")},
        "status": status.get(order["status"], order["status"]),
        "total": {"amount": Decimal(order["amount"]).scaleb(-2), "currency": order["currency"]},
        "changed_at": order["updated_at"],
        "customer": {**order["customer"], "customer_id": order["customer"]["id"]},
        "note": order["comment"],
        "lines": [{**line, "quantity": line["qty"]} for line in order["items"]],
    }
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schemas[1], made)
    return out.getvalue()


def example() -> tuple[dict[tuple[int, int], Conversion], tuple[AvroTypes, AvroTypes]]:
    """The shop's conversions, and the types of both versions."""
    texts = read_catalogue_texts(_SCHEMAS)
    subject = read_subjects(texts)[0][_SUBJECT]
    conversions, _ = load_conversions(subject, texts)
    first, second = (subject.newest(version) for version in (1, 2))
    assert first is not None
    assert second is not None
    assert isinstance(first.schema, AvroSchema)
    assert isinstance(second.schema, AvroSchema)
    return conversions, (first.schema.types, second.schema.types)


def converting() -> list[tuple[str, float]]:
    """Microseconds a record of each way."""
    conversions, (old, new) = example()
    body = encode_whole(old, ORDER)
    bodies = {1: body, 2: conversions[1, 2].convert(body)}
    rows = [
        (f"`{each.file}`", _microseconds(lambda each=each: each.convert(bodies[each.source])))  # type: ignore[misc] # bound at once
        for each in conversions.values()
    ]
    there = bodies[2]
    order = json.dumps(ORDER, separators=(",", ":")).encode()
    return [
        *rows,
        ("the same order in JSON, by the first's steps", _microseconds(partial(json_conversion(), order))),
        ("the first by hand, with fastavro", _microseconds(lambda: converted_by_hand(body, old.parsed, new.parsed))),
        (
            "decoded and encoded again with fastavro, without converting",
            _microseconds(lambda: _again(there, new.parsed)),
        ),
    ]


def json_conversion() -> Callable[[bytes], bytes]:
    """`v1_to_v2.yaml` once more, between JSON Schemas of the same orders."""

    def closed(**properties: Any) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": False, "required": [*properties], "properties": properties}

    text, number, maybe = {"type": "string"}, {"type": "integer"}, {"type": ["string", "null"]}
    carried = {"event_id": text, "order_id": text, "sequence": number, "country": text}
    states = [{"type": "string", "enum": ["paid", each]} for each in ("money_refunded", "refunded")]
    customer = {"email": maybe, "phone": maybe}
    line = {"sku": text, "price": number}
    old = closed(
        **carried,
        status=states[0],
        amount=number,
        currency=text,
        updated_at=number,
        customer=closed(id=number, **customer),
        comment=maybe,
        items={"type": "array", "items": closed(**line, qty=number)},
    )
    new = closed(
        **carried,
        status=states[1],
        total=closed(amount={"type": "number"}, currency=text),
        changed_at=number,
        customer=closed(customer_id=number, **customer),
        note=maybe,
        lines={"type": "array", "items": closed(**line, quantity=number)},
    )
    steps = (_SCHEMAS / _SUBJECT / "v1_to_v2.yaml").read_text(encoding="utf-8")
    steps = steps.replace("item_cancelled: changed, ", "").replace("decimal(amount) * 0.01", "double(amount) / 100.0")
    one, other = (JsonSchema(file="bench", document=each) for each in (old, new))
    conversion, findings = load_json_conversion(
        steps, subject=_SUBJECT, file="bench", source=(1, one), target=(2, other)
    )
    assert conversion is not None, findings
    return conversion.convert


def _again(value: bytes, schema: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, fastavro.schemaless_reader(io.BytesIO(value), schema, None))
    return out.getvalue()


def reading() -> list[tuple[str, float]]:
    """Microseconds a record to decide where it goes, by what tells the revision that wrote it."""
    texts = read_catalogue_texts(_SCHEMAS)
    file = f"{_SUBJECT}/v1.avsc"
    newest = json.loads(texts[file])
    newest["fields"] = [{"name": "channel", "type": "string", "default": "web"}, *newest["fields"]]
    rows = [("bare", _deciding(texts, "bare", 0))]
    for encoding in ("single-object", "confluent", "header"):
        told = {
            **texts,
            file: json.dumps(newest),
            f"{_SUBJECT}/v1.r1.avsc": texts[file],
            f"{_SUBJECT}/subject.yaml": f"encoding: {encoding}\nconfluent-ids: {{'7': v1.r1, '8': v1}}",
        }
        rows.append((f"{encoding}, the newest revision", _deciding(told, encoding, -1)))
        rows.append((f"{encoding}, the one before", _deciding(told, encoding, 0)))
    return rows


def _deciding(texts: Mapping[str, str], encoding: str, number: int) -> float:
    subject = read_subjects(texts)[0][_SUBJECT]
    subject = replace(subject, revisions=subject.of_version(1))
    revision = subject.revisions[number]
    assert isinstance(revision.schema, AvroSchema)
    route_set, findings = load_routes({"bench.yaml": _ROUTES}, new_catalogue(texts))
    assert route_set is not None, findings
    value = with_prefix(subject, revision, encode_whole(revision.schema.types, ORDER))
    headers = [("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("source", b"bob")]
    if encoding == "header":
        headers.append((SCHEMA_HEADER, encode_schema_header(revision)))
    record = PlainRecord(topic="order.status.v1", key=b"ord-123456", value=value, headers=headers)
    decide = deciders(route_set)["order.status.v1"].decide
    assert decide(record).topics == ("ru.order.status.v1",)
    return _microseconds(lambda: decide(record))


@click.command()
@click.option("--write/--no-write", default=False, help="Put the tables into docs/bench.md.")
def convert(*, write: bool) -> None:
    """Records a second converted to another version, and what reading a record's revision costs."""
    lines = [
        "| `order.status` of two lines, decoded, converted and encoded | µs a record | records a second |",
        "|---|--:|--:|",
        *(f"| {name} | {each:.2f} | {1e6 / each:,.0f} |" for name, each in converting()),
        "",
        "| deciding by three fields, where the revision is told by | µs a record |",
        "|---|--:|",
        *(f"| {name} | {each:.2f} |" for name, each in reading()),
        "",
        conditions(f"{_ROUNDS} rounds of {_COUNT:,} records each", kafka="", load=os.getloadavg()[0]),
    ]
    table = "\n".join(lines)
    click.echo(table)
    if write:
        between_markers(_PAGE, "convert", table)
