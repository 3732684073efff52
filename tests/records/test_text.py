"""How values become words."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest

from router.records.text import Value, as_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("BY.x", "BY.x", id="text"),
        pytest.param("", "", id="empty-text"),
        pytest.param(None, "", id="null"),
        pytest.param(True, "true", id="true"),
        pytest.param(False, "false", id="false"),
        pytest.param(1, "1", id="one"),
        pytest.param(-(2**63), "-9223372036854775808", id="smallest-long"),
        pytest.param(0.1, "0.1", id="double"),
        pytest.param(1e16, "1e+16", id="large-double"),
        pytest.param(float("nan"), "nan", id="nan"),
        pytest.param(Decimal("12.50"), "12.50", id="decimal"),
        pytest.param(Decimal("1E+5"), "100000", id="decimal-exponent"),
        pytest.param(Decimal("-0.00000001"), "-0.00000001", id="small-decimal"),
        pytest.param("é".encode(), "é", id="bytes"),
        pytest.param(b"\xff.", "\udcff.", id="bytes-not-utf8"),
        pytest.param(date(2026, 3, 1), "2026-03-01", id="date"),
        pytest.param(time(9, 30), "09:30:00", id="time"),
        pytest.param(datetime(2026, 3, 1, 9, 30, tzinfo=UTC), "2026-03-01T09:30:00+00:00", id="timestamp"),
        pytest.param(UUID(int=10), "00000000-0000-0000-0000-00000000000a", id="uuid"),
    ],
)
def test_text_of(value: Value, text: str) -> None:
    """Each kind of value has one text."""
    assert as_text(value) == text
