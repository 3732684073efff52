"""Values while an expression is evaluated."""

from decimal import Decimal

import pytest

from router.language.cel.failure import WhereFailed
from router.language.cel.values import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Uint,
    from_key,
    is_number,
    make_map,
    to_int,
    to_key,
    to_uint,
    type_name,
)


def test_integers_have_64_bits() -> None:
    """What does not fit is a failure."""
    assert (to_int(INT_MAX), to_int(INT_MIN), to_uint(UINT_MAX)) == (INT_MAX, INT_MIN, UINT_MAX)
    assert type(to_uint(1)) is Uint
    for refused in (
        lambda: to_int(INT_MAX + 1),
        lambda: to_int(INT_MIN - 1),
        lambda: to_uint(-1),
        lambda: to_uint(UINT_MAX + 1),
    ):
        with pytest.raises(WhereFailed, match="overflow"):
            refused()


def test_keys_tell_true_from_one() -> None:
    """Python takes true and 1 for the same key; numbers of the same value are one key, NaN is none."""
    made = make_map([(True, "bool"), (1, "int")])
    assert (made[to_key(True)], made[to_key(1)], made[to_key(Uint(1))], made[to_key(1.0)]) == (
        "bool",
        "int",
        "int",
        "int",
    )
    assert [from_key(key) for key in made] == [True, 1]
    assert to_key(float("nan")) not in made
    assert to_key(None) not in made


def test_types_have_their_names() -> None:
    """A value's type has the specification's name; a number is a number whatever its type."""
    assert [type_name(each) for each in (None, True, 1, Uint(1), 1.0, "", b"", [], {}, Decimal(1))] == [
        *("null_type", "bool", "int", "uint", "double", "string", "bytes", "list", "map", "decimal")
    ]
    assert type_name(object()) == "object"
    assert [is_number(each) for each in (1, Uint(1), 1.0, Decimal(1), True, "1")] == [True] * 4 + [False] * 2
