"""What compiled expressions find around them."""

from datetime import UTC, datetime, time
from uuid import UUID

import pytest

from router.language.cel.failure import WhereFailed
from router.language.cel.runtime import RUNTIME, Failing, converted
from router.language.cel.types import DYN, CelType, Tag
from router.language.cel.values import NONE, Duration, Optional, Timestamp


def test_null_stays_null() -> None:
    """No conversion makes a value of null."""
    for name in ("double", "duration", "timestamp", "uuid", "scalar"):
        assert RUNTIME[name](None) is None
    assert RUNTIME["optional"](None) is NONE


def test_values_are_converted() -> None:
    """What readers give becomes what expressions reckon with."""
    assert RUNTIME["double"](5) == 5.0
    assert RUNTIME["duration"](time(0, 0, 1)) == Duration(1_000_000_000)
    assert RUNTIME["timestamp"](datetime(1970, 1, 1, tzinfo=UTC)) == Timestamp(0)
    assert RUNTIME["uuid"](UUID(int=0)).endswith("0")
    assert RUNTIME["optional"](5) == Optional(present=True, value=5)
    assert list(RUNTIME["entries"]({"a": 1})) == [("a", 1)]
    with pytest.raises(WhereFailed):
        RUNTIME["double"](10**400)


def test_what_is_not_as_it_must_be_fails() -> None:
    """A condition is a bool, and what may be absent an optional."""
    with pytest.raises(WhereFailed):
        RUNTIME["truth"](1)
    with pytest.raises(WhereFailed):
        RUNTIME["present"](1)
    assert RUNTIME["present"](NONE) == ()
    assert RUNTIME["present"](Optional(present=True, value=5)) == (5,)


def test_a_bound_failure_waits_until_it_is_asked_for() -> None:
    """What could not be computed fails where it is used."""
    assert RUNTIME["now"](5) == 5
    with pytest.raises(WhereFailed, match="no"):
        RUNTIME["now"](Failing(WhereFailed("no")))


@pytest.mark.parametrize(
    ("of", "code"),
    [
        (CelType(Tag.INT), "x"),
        (CelType(Tag.STRING), "x"),
        (CelType(Tag.STRING, name="uuid"), "uuid(x)"),
        (CelType(Tag.DOUBLE), "double(x)"),
        (CelType(Tag.TIMESTAMP, name="nanos"), "timestamp(x)"),
        (CelType(Tag.DURATION), "duration(x)"),
        (DYN, "scalar(x)"),
    ],
)
def test_only_what_needs_it_is_converted(of: CelType, code: str) -> None:
    """Most plain values are what expressions reckon with; in JSON without a schema all scalars are."""
    assert converted("x", of, open_environment=False) == code
    assert converted("x", DYN, open_environment=True) == "x"
