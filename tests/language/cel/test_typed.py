"""The typed JSON form of values, and types by their names."""

from decimal import Decimal
from ipaddress import IPv4Address
from typing import Any

import pytest

from router.language.cel.network import Ip
from router.language.cel.typed import from_typed, to_typed, type_of
from router.language.cel.values import NONE, Duration, Optional, Timestamp, Uint

ADDRESS = Ip(IPv4Address("10.0.0.1"))

TYPED: list[dict[str, Any]] = [
    {"t": "null", "v": None},
    {"t": "bool", "v": True},
    {"t": "int", "v": -(2**63)},
    {"t": "uint", "v": 2**64 - 1},
    {"t": "double", "v": 1.5},
    {"t": "double", "v": "-Infinity"},
    {"t": "string", "v": "é"},
    {"t": "bytes", "v": "/w=="},
    {"t": "decimal", "v": "1.50"},
    {"t": "list", "v": [{"t": "int", "v": 1}]},
    {
        "t": "map",
        "v": [[{"t": "bool", "v": True}, {"t": "int", "v": 1}], [{"t": "int", "v": 1}, {"t": "null", "v": None}]],
    },
    {"t": "timestamp", "v": {"s": -1, "ns": 999_999_999}},
    {"t": "duration", "v": {"s": -1, "ns": -5}},
    {"t": "type", "v": "int"},
]


@pytest.mark.parametrize("typed", TYPED, ids=lambda typed: typed["t"])
def test_typed_values_come_back(typed: dict[str, Any]) -> None:
    """A typed form read and written is the same."""
    assert to_typed(from_typed(typed)) == typed


@pytest.mark.parametrize(
    "typed",
    [
        {"t": "int", "v": "x"},
        {"t": "int", "v": None},
        {"t": "list", "v": 5},
        {"t": "map", "v": [1]},
        {"t": "timestamp", "v": {}},
        {"t": "double", "v": "much"},
        {"t": "decimal", "v": "x"},
        {"t": "odd", "v": 1},
        {},
    ],
    ids=str,
)
def test_what_is_no_typed_value_is_refused(typed: dict[str, Any]) -> None:
    """A form that is none is a ValueError, whatever is wrong with it."""
    with pytest.raises(ValueError, match=r"no |invalid"):
        from_typed(typed)


def test_values_without_a_way_back_are_shown() -> None:
    """Optionals and an extension's values have a form to be shown in."""
    assert to_typed(NONE) == {"t": "optional", "v": None}
    assert to_typed(Optional(present=True, value=1)) == {"t": "optional", "v": {"t": "int", "v": 1}}
    assert to_typed(from_typed({"t": "duration", "v": {"s": 1, "ns": 5}}))["v"] == {"s": 1, "ns": 5}
    assert to_typed(ADDRESS) == {"t": "net.IP", "v": "10.0.0.1"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (True, "bool"),
        (Uint(1), "uint"),
        ([], "list(dyn)"),
        ({}, "map(dyn, dyn)"),
        (Decimal(1), "decimal"),
        (Timestamp(0), "timestamp"),
        (Duration(0), "duration"),
        (None, "null"),
        (ADDRESS, "dyn"),
    ],
    ids=str,
)
def test_a_value_has_a_type_to_declare(value: object, shown: str) -> None:
    """A binding without a declared type has that of its value."""
    assert str(type_of(value)) == shown
