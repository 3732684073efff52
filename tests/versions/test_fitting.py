"""Whether an expression's type fits an Avro type."""

from typing import Any

import pytest

from router.language.cel.types import DYN, CelType, Tag, list_of, map_of
from router.versions.avro_nodes import parse_avro_value
from router.versions.fitting import misfit

ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
INT, TEXT, DOUBLE = CelType(Tag.INT), CelType(Tag.STRING), CelType(Tag.DOUBLE)


@pytest.mark.parametrize(
    ("of", "target", "problem"),
    [
        (INT, "int", ""),
        (INT, "double", ""),
        (DOUBLE, "long", "it is double, and the field is long"),
        (TEXT, ENUM, ""),
        (CelType(Tag.STRING, symbols=("A",)), ENUM, ""),
        (CelType(Tag.STRING, symbols=("A", "X")), ENUM, "it can be X, which 'E' does not have"),
        (INT, ENUM, "it is int, and the field is enum 'E'"),
        (DYN, "int", ""),
        (CelType(Tag.OPTIONAL), "int", "it is an optional: say what stands for an absent value, with orValue(…)"),
        (TEXT, ["null", "string"], ""),
        (INT, ["null", "string"], "it is int, and the union takes no such value"),
        (CelType(Tag.NULL), ["null", "string"], ""),
        (list_of(INT), {"type": "array", "items": "long"}, ""),
        (list_of(TEXT), {"type": "array", "items": "long"}, "of what it holds, it is string, and the field is long"),
        (map_of(TEXT, INT), {"type": "map", "values": "int"}, ""),
        (map_of(TEXT, DYN), {"type": "record", "name": "R", "fields": []}, ""),
        (CelType(Tag.STRUCT, name="s"), {"type": "map", "values": "int"}, ""),
        (CelType(Tag.TIMESTAMP), {"type": "long", "logicalType": "timestamp-millis"}, ""),
        (INT, {"type": "long", "logicalType": "timestamp-millis"}, "it is int, and the field is timestamp-millis"),
        (CelType(Tag.DURATION), {"type": "int", "logicalType": "time-millis"}, ""),
        (CelType(Tag.DECIMAL), {"type": "bytes", "logicalType": "decimal", "precision": 4}, ""),
        (CelType(Tag.BYTES), {"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"}, ""),
        (TEXT, {"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}, ""),
    ],
)
def test_types_are_compared(of: CelType, target: Any, problem: str) -> None:
    """A type that can never fit is told; where only a value can tell, nothing is."""
    assert misfit(of, parse_avro_value(target, file="t")) == problem
