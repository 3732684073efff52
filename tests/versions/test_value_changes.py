"""What is compatible and still changes values."""

from typing import Any

import pytest

from router.versions.avro_nodes import parse_avro_value
from router.versions.value_changes import meaning_of, value_changes


def logical(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **more}


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return logical("bytes", "decimal", precision=precision, scale=scale)


def changes(reader: Any, writer: Any) -> list[tuple[str, str, str]]:
    found = value_changes(parse_avro_value(reader, file="r"), parse_avro_value(writer, file="w"))
    return [(each.type, each.location, each.field) for each in found]


@pytest.mark.parametrize(
    ("reader", "writer", "expected"),
    [
        pytest.param(decimal(9, 3), decimal(9, 2), ["LOGICAL_SCALE_CHANGED"], id="more digits behind the point"),
        pytest.param(decimal(9, 1), decimal(9, 2), ["LOGICAL_SCALE_CHANGED"], id="fewer digits behind the point"),
        pytest.param(decimal(8, 2), decimal(9, 2), ["LOGICAL_PRECISION_LOWERED"], id="fewer digits"),
        pytest.param(decimal(10, 2), decimal(9, 2), [], id="more digits"),
        pytest.param("bytes", decimal(9, 2), ["LOGICAL_TYPE_CHANGED"], id="a decimal becomes bytes"),
        pytest.param(decimal(9, 2), "string", ["LOGICAL_TYPE_CHANGED"], id="a text becomes a decimal"),
        pytest.param(
            logical("long", "timestamp-micros"),
            logical("long", "timestamp-millis"),
            ["LOGICAL_UNIT_CHANGED"],
            id="another unit",
        ),
        pytest.param(
            logical("long", "time-micros"),
            logical("int", "time-millis"),
            ["LOGICAL_UNIT_CHANGED"],
            id="a unit over a promotion",
        ),
        pytest.param(
            logical("long", "local-timestamp-millis"),
            logical("long", "timestamp-millis"),
            ["LOGICAL_TYPE_CHANGED"],
            id="a zone is lost",
        ),
        pytest.param(
            logical("int", "date"), logical("int", "time-millis"), ["LOGICAL_TYPE_CHANGED"], id="a day and a time"
        ),
        pytest.param(logical("string", "uuid"), "string", [], id="a uuid is its text"),
        pytest.param(logical("int", "made-up"), "int", [], id="an unknown logical type is none"),
        pytest.param(decimal(2, 3), "bytes", [], id="an unsound decimal is none"),
        pytest.param("int", "string", [], id="what is incompatible is told elsewhere"),
    ],
)
def test_meanings_are_compared(reader: Any, writer: Any, expected: list[str]) -> None:
    """A change of scale, precision, unit or kind of a logical type is told, and nothing else."""
    assert [each[0] for each in changes(reader, writer)] == expected


def test_places_are_paths_into_the_reader() -> None:
    """Through records, unions, lists, maps and recursion each place is told once."""

    def schema(scale: int, null_first: bool) -> Any:
        of: Any = decimal(9, scale)
        union = ["null", of] if null_first else [of, "null"]
        fields = [
            {"name": "a", "type": union},
            {"name": "l", "type": {"type": "array", "items": of}},
            {"name": "m", "type": {"type": "map", "values": of}},
            {
                "name": "in",
                "type": {
                    "type": "record",
                    "name": "I",
                    "fields": [{"name": "x", "type": of}, {"name": "up", "type": ["null", "R"]}],
                },
            },
        ]
        return {"type": "record", "name": "R", "fields": fields}

    assert changes(schema(3, True), schema(2, False)) == [
        ("LOGICAL_SCALE_CHANGED", "/fields/0/type/1", "a"),
        ("LOGICAL_SCALE_CHANGED", "/fields/1/type/items", "l"),
        ("LOGICAL_SCALE_CHANGED", "/fields/2/type/values", "m"),
        ("LOGICAL_SCALE_CHANGED", "/fields/3/type/fields/0/type", "in.x"),
    ]


def test_branches_without_a_reader_and_new_fields_are_passed_over() -> None:
    """What a union does not take, and what the writer does not have, has no value that could change."""
    assert changes(["null", "int"], "string") == []
    new = {"type": "record", "name": "R", "fields": [{"name": "n", "type": decimal(9, 2), "default": ""}]}
    assert changes(new, {"type": "record", "name": "R", "fields": []}) == []


def test_messages_say_by_how_much() -> None:
    """A scale's change says what becomes of every value."""
    found = value_changes(parse_avro_value(decimal(9, 4), file="r"), parse_avro_value(decimal(9, 2), file="w"))
    assert found[0].message == "scale 2 is read as scale 4: every value becomes 1/100 of what it was"
    assert meaning_of(parse_avro_value(decimal(9, 4), file="r")) == ("decimal", 9, 4)
