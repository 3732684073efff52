"""Masked fields."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from support.language import ORDER

from router.language.masking import UnknownField, mask
from router.records.schema import parse_avro


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        pytest.param("Ann", "masked", id="text"),
        pytest.param("", "masked", id="empty-text"),
        pytest.param("4111111111111111", "0" * 16, id="digits"),
        pytest.param("ann@mail.example", "someone@example.com", id="mail"),
        pytest.param("+7 (900) 123-45-67", "+10000000000", id="telephone"),
        pytest.param(str(uuid4()), str(UUID(int=0)), id="uuid-as-text"),
        pytest.param("2024-05-06T07:08:09.1Z", "2000-01-01T00:00:00Z", id="moment-as-text"),
        pytest.param("2024-05-06", "2000-01-01", id="date-as-text"),
        pytest.param("https://shop.example/ann", "https://example.com/", id="address"),
        pytest.param(b"\xff\x00\x01", b"xxx", id="bytes-keep-their-length"),
        pytest.param(5, 0, id="whole"),
        pytest.param(5.5, 0.0, id="float"),
        pytest.param(True, False, id="boolean"),
        pytest.param(Decimal("12.50"), Decimal("0.00"), id="decimal-keeps-its-scale"),
        pytest.param(Decimal("NaN"), Decimal(0), id="no-number"),
        pytest.param(datetime(2024, 5, 6, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), id="moment"),
        pytest.param(date(2024, 5, 6), date(2000, 1, 1), id="date"),
        pytest.param(time(7), time(0), id="time"),
        pytest.param(uuid4(), UUID(int=0), id="uuid"),
        pytest.param(None, None, id="null"),
        pytest.param(["Ann", "12"], ["masked", "00"], id="list"),
        pytest.param({"a": ["Ann", 1], "b": {"c": None}}, {"a": ["masked", 0], "b": {"c": None}}, id="mapping"),
    ],
)
def test_a_masked_value_keeps_its_type(value: object, masked: object) -> None:
    """And tells nothing."""
    found: Any = mask({"field": value, "other": "stays"}, ["field"], schema=None)
    assert found == {"field": masked, "other": "stays"}
    assert type(found["field"]) is type(masked)


def test_paths_go_through_mappings_and_each_item_of_lists() -> None:
    """The value that was given stays as it was."""
    value = {"items": [{"name": "a", "sku": "b"}, {"name": "c", "sku": "d"}], "customer": None}
    found = mask(value, ["items.name", "customer.email"], schema=None)
    assert found == {"items": [{"name": "masked", "sku": "b"}, {"name": "masked", "sku": "d"}], "customer": None}
    assert value["items"] == [{"name": "a", "sku": "b"}, {"name": "c", "sku": "d"}]


def test_an_enum_gets_its_first_symbol() -> None:
    """Any other text would not fit; a field that the schema does not know is a text like others."""
    schema = parse_avro(json.dumps(ORDER), file="v1.avsc")
    found = mask({"status": "paid", "extra": "x"}, ["status", "extra"], schema=schema)
    assert found == {"status": "created", "extra": "masked"}


@pytest.mark.parametrize(
    ("field", "said"),
    [
        pytest.param("contry", "the record has no field 'contry': did you mean 'country'?", id="typo"),
        pytest.param("customer.emial", "did you mean 'customer.email'?", id="inner-typo"),
        pytest.param("country.name", "the record has no field 'country.name'", id="below-a-text"),
    ],
)
def test_a_field_that_is_not_there_is_refused(field: str, said: str) -> None:
    """A typo would show what should be hidden."""
    with pytest.raises(UnknownField) as error:
        mask({"country": "RU", "customer": {"email": "x"}}, [field], schema=None)
    assert said in str(error.value)
