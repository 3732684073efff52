"""Plain values as readers give them, and what expressions reckon with."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pytest

from router.language.cel.failure import WhereFailed
from router.language.cel.plain import header_texts, scalar_plain, to_cel
from router.language.cel.types import DYN, CelType, Struct, Tag, list_of, map_of
from router.language.cel.values import Duration, Timestamp

STRUCTS = {"s": Struct("s", {"a": CelType(Tag.DOUBLE), "b": CelType(Tag.STRING).or_null()})}


@pytest.mark.parametrize(
    ("value", "of", "expected"),
    [
        (None, CelType(Tag.INT), None),
        (True, CelType(Tag.BOOL), True),
        (5, CelType(Tag.DOUBLE), 5.0),
        (Decimal("1.50"), CelType(Tag.DECIMAL), Decimal("1.50")),
        (UUID(int=1), CelType(Tag.STRING), "00000000-0000-0000-0000-000000000001"),
        (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), CelType(Tag.TIMESTAMP), Timestamp(1_000_000_000)),
        (date(1970, 1, 2), CelType(Tag.TIMESTAMP), Timestamp(86_400_000_000_000)),
        (5, CelType(Tag.TIMESTAMP), Timestamp(5)),
        (time(0, 0, 0, 1), CelType(Tag.DURATION), Duration(1_000)),
        ([1, None], list_of(CelType(Tag.DOUBLE)), [1.0, None]),
        ({"a": time(0)}, map_of(CelType(Tag.STRING), CelType(Tag.DURATION)), {"a": Duration(0)}),
        ({"a": 1}, CelType(Tag.STRUCT, name="s"), {"a": 1.0, "b": None}),
        ({"a": [date(1970, 1, 1)]}, DYN, {"a": [Timestamp(0)]}),
    ],
    ids=str,
)
def test_plain_values_have_their_meaning(value: object, of: CelType, expected: object) -> None:
    """Each plain value becomes the one that its schema's type has in expressions."""
    found = to_cel(value, of, STRUCTS)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("value", "of"),
    [("x", Tag.INT), (1, Tag.STRING), (True, Tag.INT), (1, Tag.LIST), ([], Tag.MAP), (10**400, Tag.DOUBLE)],
    ids=str,
)
def test_value_against_its_schema_fails(value: object, of: Tag) -> None:
    """A plain value that is not what its schema says is a failure, not a surprise."""
    with pytest.raises(WhereFailed):
        to_cel(value, CelType(of), {})


def test_scalars_without_a_schema_have_their_natural_meaning() -> None:
    """Times become timestamps and durations, identifiers texts; the rest stays."""
    plain = [datetime(1970, 1, 1, tzinfo=UTC), time(0, 0, 1), UUID(int=0), None, 1.5]
    assert [type(scalar_plain(each)).__name__ for each in plain] == [
        "Timestamp",
        "Duration",
        "str",
        "NoneType",
        "float",
    ]


def test_headers_become_texts() -> None:
    """Of a repeated header the last counts; a null one is empty; what is not UTF-8 stays apart from all text."""
    assert header_texts([("a", b"1"), ("a", b"2"), ("b", None), ("c", b"\xff")]) == {"a": "2", "b": "", "c": "\udcff"}
