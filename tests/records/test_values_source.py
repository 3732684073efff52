"""The generated text that makes values of facts."""

from __future__ import annotations

from typing import Any

import pytest

from router.records.avro import AvroType
from router.records.field_type import Kind
from router.records.values_source import Leaf, values_source

LONG = AvroType(kind=Kind.LONG)
STRING = AvroType(kind=Kind.STRING)
ENUM = AvroType(kind=Kind.ENUM, symbols=("it's", 'a "b"'))
NULL = AvroType(kind=Kind.NULL)


def values(leaves: list[Leaf], order: list[int], facts: tuple[Any, ...]) -> tuple[Any, ...]:
    """Run the text; functions of logical types answer with their name and arguments."""
    scope: dict[str, Any] = {
        name: lambda *arguments, name=name: (name, *arguments)
        for name in ("decimal_of", "date_of", "time_of", "instant_of", "local_of", "uuid_of")
    }
    scope |= {"float_of": lambda fact: (("float", fact),), "double_of": lambda fact: (("double", fact),)}
    exec("\n".join(values_source(leaves, order)), scope)
    result: tuple[Any, ...] = scope["values"](facts)
    return result


@pytest.mark.parametrize(
    ("of", "fact", "expected"),
    [
        pytest.param(AvroType(kind=Kind.BOOLEAN), 1, True, id="true"),
        pytest.param(AvroType(kind=Kind.BOOLEAN), 0, False, id="false"),
        pytest.param(LONG, 7, -4, id="negative"),
        pytest.param(AvroType(kind=Kind.INT), 8, 4, id="positive"),
        pytest.param(AvroType(kind=Kind.FLOAT), b"1234", ("float", b"1234"), id="float"),
        pytest.param(AvroType(kind=Kind.DOUBLE), b"12345678", ("double", b"12345678"), id="double"),
        pytest.param(STRING, "x", "x", id="string"),
        pytest.param(ENUM, 2, 'a "b"', id="enum"),
        pytest.param(AvroType(kind=Kind.FIXED, size=2), b"ab", b"ab", id="fixed"),
        pytest.param(
            AvroType(kind=Kind.BYTES, logical="decimal", scale=3), b"\1", ("decimal_of", b"\1", 3), id="decimal"
        ),
        pytest.param(AvroType(kind=Kind.FIXED, logical="uuid"), b"16", ("uuid_of", b"16"), id="uuid-on-fixed"),
        pytest.param(AvroType(kind=Kind.STRING, logical="uuid"), "u", "u", id="uuid-on-string"),
        pytest.param(AvroType(kind=Kind.INT, logical="date"), 8, ("date_of", 4), id="date"),
        pytest.param(AvroType(kind=Kind.INT, logical="time-millis"), 8, ("time_of", 4000), id="time-millis"),
        pytest.param(AvroType(kind=Kind.LONG, logical="time-micros"), 8, ("time_of", 4), id="time-micros"),
        pytest.param(
            AvroType(kind=Kind.LONG, logical="timestamp-millis"), 8, ("instant_of", 4000), id="timestamp-millis"
        ),
        pytest.param(AvroType(kind=Kind.LONG, logical="timestamp-micros"), 8, ("instant_of", 4), id="timestamp-micros"),
        pytest.param(AvroType(kind=Kind.LONG, logical="timestamp-nanos"), 8, 4, id="timestamp-nanos"),
        pytest.param(
            AvroType(kind=Kind.LONG, logical="local-timestamp-millis"), 8, ("local_of", 4000), id="local-millis"
        ),
        pytest.param(AvroType(kind=Kind.LONG, logical="local-timestamp-micros"), 8, ("local_of", 4), id="local-micros"),
    ],
)
def test_value_of_a_fact(of: AvroType, fact: object, expected: object) -> None:
    """Each type's fact has one value; a nullable field's absent fact is None."""
    assert values([Leaf(0, of, nullable=False)], [0], (fact,)) == (expected,)
    assert values([Leaf(0, of, nullable=True)], [0], (fact,)) == (expected,)
    assert values([Leaf(0, of, nullable=True)], [0], (None,)) == (None,)


def test_a_union_is_told_by_its_branch() -> None:
    """A fact of several types bears the code of its own."""
    union = AvroType(kind=Kind.UNION, branches=(NULL, LONG, ENUM))
    leaves = [Leaf(0, union, nullable=True)]
    assert [values(leaves, [0], (fact,)) for fact in (None, (2, 2), (4, 2))] == [(None,), (1,), ('a "b"',)]


def test_values_come_in_the_order_of_the_facts() -> None:
    """A field that is wanted twice is one leaf."""
    leaves = [Leaf(0, LONG, nullable=False), Leaf(1, STRING, nullable=False)]
    assert values(leaves, [1, 0, 1], ("a", 4, "a")) == ("a", 2, "a")


def test_no_facts_have_no_values() -> None:
    """A source may be routed without its fields."""
    assert values([], [], ()) == ()
