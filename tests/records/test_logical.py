"""Logical types' values and limits."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from router.records.logical import RANGES, date_of, decimal_bytes, decimal_of, instant_of, local_of, time_of


@pytest.mark.parametrize(
    ("unscaled", "scale", "text"),
    [
        pytest.param(b"", 2, "0.00", id="no-bytes"),
        pytest.param(b"\x04\xd2", 2, "12.34", id="positive"),
        pytest.param(b"\xff", 0, "-1", id="negative"),
        pytest.param(b"\xff\xff\xff\xff\xff", 3, "-0.001", id="sign-extended"),
        pytest.param((10**60 + 1).to_bytes(26, "big"), 0, str(10**60 + 1), id="beyond-any-context"),
    ],
)
def test_decimal_is_exact(unscaled: bytes, scale: int, text: str) -> None:
    """No digit is rounded, and the scale is kept."""
    assert str(decimal_of(unscaled, scale)) == text


@pytest.mark.parametrize("precision", [1, 38, 153, 1000])
def test_every_decimal_of_its_precision_fits(precision: int) -> None:
    """The limit of bytes never refuses what the schema allows."""
    most = Decimal(10) ** 0 * (10**precision - 1)
    assert decimal_bytes(precision) * 8 > int(most).bit_length()
    assert decimal_bytes(precision) >= 64


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(date_of(0), date(1970, 1, 1), id="first-day"),
        pytest.param(date_of(RANGES["date"][0]), date.min, id="least-date"),
        pytest.param(date_of(RANGES["date"][1]), date.max, id="most-date"),
        pytest.param(time_of(0), time(0), id="midnight"),
        pytest.param(time_of(RANGES["time-micros"][1]), time.max, id="end-of-day"),
        pytest.param(time_of(RANGES["time-millis"][1] * 1000), time(23, 59, 59, 999000), id="end-of-day-in-millis"),
        pytest.param(time_of(45_296_000_007), time(12, 34, 56, 7), id="time"),
        pytest.param(instant_of(-1), datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), id="before-the-epoch"),
        pytest.param(instant_of(RANGES["timestamp-micros"][0]), datetime.min.replace(tzinfo=UTC), id="least-instant"),
        pytest.param(instant_of(RANGES["timestamp-micros"][1]), datetime.max.replace(tzinfo=UTC), id="most-instant"),
        pytest.param(local_of(RANGES["local-timestamp-micros"][0]), datetime.min, id="least-local"),  # noqa: DTZ901 # local
        pytest.param(local_of(RANGES["local-timestamp-micros"][1]), datetime.max, id="most-local"),  # noqa: DTZ901 # local
        pytest.param(
            instant_of(RANGES["timestamp-millis"][0] * 1000),
            datetime.min.replace(tzinfo=UTC),
            id="least-instant-in-millis",
        ),
        pytest.param(
            instant_of(RANGES["timestamp-millis"][1] * 1000),
            datetime.max.replace(microsecond=999000, tzinfo=UTC),
            id="most-instant-in-millis",
        ),
    ],
)
def test_value_of(value: object, expected: object) -> None:
    """Values reach to the very ends of their ranges, and the ranges to those of Python's types."""
    assert value == expected
