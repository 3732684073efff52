"""Changing the value of one dead letter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from redrive.test_ways import ALL, CATALOGUE, SCHEMA, VIP, WAYS, letter, ways

from router.records.avro import decode_whole
from router.redrive.editing import edited, goes_to, shown
from router.redrive.selection import WrongSelection

TOLD = {"reason": "failed", "error": "no", "destination": VIP}
ORDER: dict[str, Any] = {
    "order_id": "ord-1",
    "country": "RU",
    "status": "paid",
    "amount": 7,
    "customer": {"tier": "plain", "email": None},
    "items": [],
}


def test_value_is_shown_as_it_can_be_changed() -> None:
    """As JSON, whose change is what is sent."""
    text = shown(letter(**TOLD), CATALOGUE)
    told = json.loads(text)
    assert told["amount"] == 5
    record = edited(letter(**TOLD), json.dumps(told | {"amount": 7}), WAYS, CATALOGUE)
    assert record.value is not None
    assert decode_whole(SCHEMA.types, record.value)["amount"] == 7
    assert "router-reason" not in dict(record.headers)


def test_what_cannot_be_shown_is_told() -> None:
    """Then somebody has to give the new one."""
    with pytest.raises(WrongSelection, match=r"vip\.order\.status\.v1\.dead-letters/1/3 cannot be shown as JSON"):
        shown(letter(value=b"\xff\xff", **TOLD), CATALOGUE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the value is not JSON"),
        ("[" * 100_000, "the value is not JSON"),
        (json.dumps(ORDER | {"amount": "x"}), f"does not fit the schema of {VIP}"),
        (json.dumps(ORDER | {"amuont": 5}), "amount"),
    ],
    ids=["no JSON", "too deep", "another type", "a field that is none"],
)
def test_value_that_does_not_fit_is_told(text: str, said: str) -> None:
    """With its place, and what was meant perhaps."""
    with pytest.raises(WrongSelection, match=said):
        edited(letter(**TOLD), text, WAYS, CATALOGUE)


def test_where_it_goes_is_told_before_anybody_changes_it() -> None:
    """One topic, or several of one schema; else it cannot be said what to write."""
    assert goes_to(letter(**TOLD), WAYS, CATALOGUE)[0] == VIP
    assert goes_to(letter(reason="late"), WAYS, CATALOGUE)[0] in {VIP, ALL}
    with pytest.raises(WrongSelection, match=r"cannot be sent: no route leads to 'gone\.v1'"):
        goes_to(letter(reason="failed", destination="gone.v1"), WAYS, CATALOGUE)


def test_record_of_a_registry_that_nobody_named_cannot_be_written() -> None:
    """Its schema has no id to write before it."""
    confluent = ways(to="short.note.v1")
    record = edited(letter(value=b"\x00", reason="failed"), json.dumps({"text": "x"}), confluent, CATALOGUE)
    assert record.value == b"\x00\x00\x00\x00\x07\x02x"
