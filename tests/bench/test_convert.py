"""What the bench of conversions compares does the same work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.convert import ORDER, converted_by_hand, example, json_conversion
from router.records.avro import decode_whole, encode_whole


def test_both_ways_make_the_same_record() -> None:
    """Ours, and what a team would write by hand."""
    conversions, (old, new) = example()
    body = encode_whole(old, ORDER)
    ours, by_hand = conversions[1, 2].convert(body), converted_by_hand(body, old.parsed, new.parsed)
    assert decode_whole(new, ours) == decode_whole(new, by_hand)
    assert decode_whole(old, conversions[2, 1].convert(ours)) == decode_whole(old, body)


def test_json_is_converted_by_the_same_steps() -> None:
    """Into what Avro's record is, as far as JSON has words for it."""
    made: dict[str, Any] = json.loads(json_conversion()(json.dumps(ORDER).encode()))
    assert made["status"] == "refunded"
    assert made["total"] == {"amount": pytest.approx(ORDER["amount"] / 100), "currency": "RUB"}
    assert made["customer"]["customer_id"] == ORDER["customer"]["id"]
    assert [each["quantity"] for each in made["lines"]] == [1, 2]
