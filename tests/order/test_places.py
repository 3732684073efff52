"""From a field's value to a place."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from order.driving import SHOP, policy

from router.errors import KeyMismatch
from router.order.places import LARGEST, event_instant, key_of, place_reader, places, sequence_number, state_name
from router.order.policy import ByTime, Sequence, States
from router.records.order_errors import OrderUnknown
from router.records.reader import FieldReader

NOON = 1_772_366_400_000_000


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "is null, and no whole number"),
        (-1, "is negative"),
        (LARGEST + 1, "is more than 9,223,372,036,854,775,807"),
        (True, "is no whole number"),
        (1.0, "is no whole number"),
        ("1", "is no whole number"),
    ],
)
def test_a_sequence_counts_in_whole_numbers(value: Any, problem: str) -> None:
    """Anything else has no place, and says so."""
    with pytest.raises(OrderUnknown) as raised:
        sequence_number(value, field="n")
    assert (raised.value.field, raised.value.value, raised.value.problem) == ("n", value, problem)
    assert str(raised.value) == f"field 'n' is {value!r}, which {problem}: the record has no place in its key's order"
    assert [sequence_number(each, field="n") for each in (0, LARGEST)] == [0, LARGEST]


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (7, 7),
        (-LARGEST, -LARGEST),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), NOON),
        (datetime(2026, 3, 1, 12), NOON),  # noqa: DTZ001 # what a local timestamp reads as
        (datetime(2026, 3, 1, 14, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))), NOON + 5),
        (date(2026, 3, 1), NOON - 43_200_000_000),
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01 13:00:00.000001+01:00", NOON + 1),
        ("2026-03-01T12:00", NOON),
        ("0001-01-01T00:00+23:00", -62_135_679_600_000_000),
    ],
)
def test_a_time_grows_with_time(value: Any, instant: int) -> None:
    """Timestamps, dates and ISO 8601 texts in microseconds, whole numbers as they stand."""
    assert event_instant(value, field="at") == instant


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "is null, and no time"),
        (False, "is no time"),
        (1.5, "is no time"),
        (Decimal(1), "is no time"),
        (time(12), "is no time"),
        ("noon", "is no ISO 8601 time"),
        (LARGEST + 1, "is beyond 9,223,372,036,854,775,807"),
        (-LARGEST - 1, "is beyond 9,223,372,036,854,775,807"),
    ],
)
def test_what_is_no_time_has_no_place(value: Any, problem: str) -> None:
    """A time of day among it."""
    with pytest.raises(OrderUnknown) as raised:
        event_instant(value, field="at")
    assert raised.value.problem == problem


def test_a_state_is_a_text() -> None:
    """As a routing key has it; nothing is no state."""
    assert [state_name(each, field="s") for each in ("paid", 7, True)] == ["paid", "7", "true"]
    for value in (None, ""):
        with pytest.raises(OrderUnknown, match="no state"):
            state_name(value, field="s")


def test_a_record_without_a_key_belongs_to_no_key() -> None:
    """The empty key is one like any other."""
    assert key_of(b"", field="id") == b""
    with pytest.raises(OrderUnknown, match="field 'id' is None, which is null, and no key"):
        key_of(None, field="id")


@pytest.mark.parametrize(
    ("kind", "value", "place"),
    [
        (Sequence("n"), 3, 3),
        (ByTime("at"), "1970-01-01T00:00:01", 1_000_000),
        (States("s", SHOP, None), "paid", "paid"),
    ],
)
def test_each_kind_reads_its_field(kind: Any, value: Any, place: int | str) -> None:
    """And names it where the value says no place."""
    read = place_reader(policy(kind))
    assert read(value) == place
    with pytest.raises(OrderUnknown) as raised:
        read(None)
    assert raised.value.field == kind.field


ANYTHING = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.decimals()),
    *(st.datetimes(timezones=st.none() | st.timezones()), st.dates(), st.times(), st.uuids()),
)


@given(ANYTHING, st.sampled_from([Sequence("n"), ByTime("at"), States("s", SHOP, None)]))
def test_every_value_is_a_place_or_the_record_s_own_fault(value: Any, kind: Any) -> None:
    """No value stops a lane, and every number fits into what the table keeps."""
    try:
        place = place_reader(policy(kind))(value)
    except OrderUnknown:
        return
    assert isinstance(place, str) or -LARGEST <= place <= LARGEST


@pytest.mark.parametrize(
    ("kind", "given_", "place"),
    [
        pytest.param(Sequence("n"), 7, 7, id="sequence"),
        pytest.param(ByTime("n"), "2026-03-01T12:00:00Z", NOON, id="time"),
        pytest.param(States("n", SHOP, None), "paid", "paid", id="states"),
    ],
)
def test_place_is_read_out_of_a_value(kind: Any, given_: Any, place: Any) -> None:
    """By the reader's plain value, of the first field that it reads."""
    reader = FieldReader(("n", "id"), lambda value: (value, b"k"), lambda facts: (given_, facts[1]))
    assert places(policy(kind), reader)(b"...", b"k") == place


@pytest.mark.parametrize(
    "kind", [Sequence("n"), ByTime("n"), States("n", SHOP, None)], ids=["sequence", "time", "states"]
)
@pytest.mark.parametrize("value", [None, True, -(2**64)])
def test_value_without_a_place_is_refused(kind: Any, value: Any) -> None:
    """As by the policy's own reading of it."""
    reader = FieldReader(("n",), lambda _: (value,), lambda facts: facts)
    try:
        expected = place_reader(policy(kind))(value)
    except OrderUnknown:
        with pytest.raises(OrderUnknown):
            places(policy(kind), reader)(b"", b"k")
    else:
        assert places(policy(kind), reader)(b"", b"k") == expected


@pytest.mark.parametrize(
    ("key", "declared", "error"),
    [
        pytest.param(b"k", "k", None, id="right"),
        pytest.param(b"7", 7, None, id="a-number"),
        pytest.param(b"", None, None, id="empty-for-null"),
        pytest.param(b"\xff", "\udcff", None, id="no-utf-8"),
        pytest.param(b"other", "k", KeyMismatch, id="another"),
        pytest.param(b"8", 7, KeyMismatch, id="another-number"),
        pytest.param(None, "k", KeyMismatch, id="none"),
        pytest.param(None, None, OrderUnknown, id="none-for-null"),
    ],
)
def test_key_is_what_its_field_says(key: bytes | None, declared: Any, error: type[Exception] | None) -> None:
    """By its text, as wherever an exchange declares its key; a record without one belongs to no order."""
    place = places(policy(), FieldReader(("n", "id"), lambda _: (3, declared), lambda facts: facts))
    if error is None:
        assert place(b"", key) == 3
    else:
        with pytest.raises(error):
            place(b"", key)


def test_key_that_is_not_read_is_not_verified() -> None:
    """Whoever reads the place only knows it to be right; but there must be one."""
    place = places(policy(), FieldReader(("n",), lambda _: (3,), lambda facts: facts))
    assert place(b"", b"whatever") == 3
    with pytest.raises(OrderUnknown):
        place(b"", None)
