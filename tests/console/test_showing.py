"""Records as they are shown: decoded, masked, cut."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import pytest
from support.console import SCHEMA, today

from router.console.showing import LONGEST, Shower, jsonable, place_of
from router.records.record import PlainRecord

SHOWER: Shower = today().shower


def order(**value: Any) -> bytes:
    """An order's bytes."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(
        buffer, fastavro.parse_schema(json.loads(SCHEMA)), {"id": "ord-1", "n": 1, "status": "paid"} | value
    )
    return buffer.getvalue()


def test_a_value_is_decoded_by_its_topics_schema() -> None:
    """With its place, its time, and what it is."""
    shown = SHOWER.show(PlainRecord(topic="paid.order.v1", offset=4, timestamp=0, key=b"ord-1", value=order()))
    assert shown["value"] == {"id": "ord-1", "n": 1, "status": "paid", "email": None}
    assert (shown["schema"], shown["at"], shown["key"], shown["problem"]) == (
        "order.v1",
        "1970-01-01T00:00:00.000Z",
        {"text": "ord-1"},
        "",
    )
    assert place_of(PlainRecord(topic="t", partition=2, offset=4)) == "t/2/4"


@pytest.mark.parametrize("topic", ["order.v1.dead-letters", "order.v1.unroutable", "order.v1.rejected"])
def test_what_was_set_aside_is_what_it_was(topic: str) -> None:
    """Its schema and its masks are those of the topic that it came from."""
    shown = SHOWER.show(PlainRecord(topic=topic, value=order(email="ann@x.org")))
    assert shown["value"]["email"] == "someone@example.com"


def test_a_mask_holds_in_headers_and_words_too() -> None:
    """What was masked is in no header, as text or within bytes; a masked header is masked whole."""
    headers = (("to", b"ann@x.org!"), ("raw", b"\xffann@x.org"), ("Secret", b"s"), ("none", None), ("other", b"\xff"))
    shown = SHOWER.show(PlainRecord(topic="order.v1", value=order(email="ann@x.org"), headers=headers))
    assert [each["value"] for each in shown["headers"]] == [
        {"text": "masked!"}, {"text": "masked"}, {"text": "masked"}, None, {"base64": "/w=="},
    ]  # fmt: skip
    assert "ann@x.org" not in json.dumps(shown)


def test_what_cannot_be_decoded_is_hidden_where_there_are_masks() -> None:
    """Its bytes may hold anything, and so may what is said about them."""
    headers = (("router-error", b"it has ann@x.org"), ("router-reason", b"unreadable"))
    record = PlainRecord(topic="order.v1", value=b"\xff ann@x.org", headers=headers)
    shown = SHOWER.show(record)
    assert (shown["value"], shown["problem"], shown["masked"]) == (None, "masked", True)
    assert [each["value"]["text"] for each in shown["headers"]] == ["masked", "unreadable"]
    assert SHOWER.deaths(record)[0]["message"] == "masked"


def test_what_cannot_be_decoded_is_shown_as_bytes_elsewhere() -> None:
    """With why it could not be."""
    shown = SHOWER.show(PlainRecord(topic="anything", value=b"\xff"))
    assert (shown["value"], shown["schema"], shown["masked"]) == ({"base64": "/w=="}, None, False)
    assert shown["problem"].startswith("not JSON")
    assert SHOWER.show(PlainRecord(topic="anything", value=b'{"a": 1}'))["value"] == {"a": 1}
    assert SHOWER.show(PlainRecord(topic="anything", value=b"[" * 100_000))["problem"].startswith("not JSON")


def test_a_tombstone_is_said_to_be_one() -> None:
    """A record without a value and without a time."""
    shown = SHOWER.show(PlainRecord(topic="order.v1", value=None, timestamp=-1))
    assert (shown["tombstone"], shown["value"], shown["size"], shown["at"], shown["key"]) == (
        True,
        None,
        None,
        None,
        None,
    )


def test_large_things_are_cut_unless_all_is_asked_for() -> None:
    """And say how long they are."""
    record = PlainRecord(topic="x", key=b"k" * (LONGEST + 1), value=json.dumps("v" * 1_000_000).encode())
    shown, whole = SHOWER.show(record), SHOWER.show(record, whole=True)
    assert (shown["key"]["cut"], shown["value"]["cut"]) == (LONGEST + 1, 1_000_002)
    assert (len(shown["value"]["text"]), whole["value"]) == (LONGEST, "v" * 1_000_000)
    assert "cut" not in whole["key"]


def test_the_path_and_the_deaths_are_told() -> None:
    """As the record's headers have them."""
    headers = (("router-origin", b"order.v1/0/7"), ("router-reason", b"key-mismatch"), ("router-error", b"they differ"))
    record = PlainRecord(topic="order.v1.dead-letters", value=order(), headers=headers)
    assert SHOWER.path(record)["path"][0]["origin"] == "order.v1/0/7"
    (death,) = SHOWER.deaths(record)
    assert (death["reason"], death["message"], death["origin"]) == ("key-mismatch", "they differ", "order.v1/0/7")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        pytest.param({1: (None, True, 2.5)}, {"1": [None, True, 2.5]}, id="nested"),
        pytest.param(float("nan"), "nan", id="not a number"),
        pytest.param(float("-inf"), "-inf", id="without end"),
        pytest.param(b"\xff", {"base64": "/w=="}, id="bytes"),
        pytest.param(datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00:00.000Z", id="instant"),
        pytest.param(date(2026, 3, 1), "2026-03-01", id="day"),
        pytest.param(time(1, 2), "01:02:00", id="time"),
        pytest.param(Decimal("1.50"), "1.50", id="decimal"),
        pytest.param(UUID(int=0), "00000000-0000-0000-0000-000000000000", id="uuid"),
    ],
)
def test_a_value_becomes_what_json_can_carry(value: Any, plain: Any) -> None:
    """And json.dumps takes it."""
    assert jsonable(value) == plain
    json.dumps(jsonable(value), allow_nan=False)
