"""The kinds of fields."""

from __future__ import annotations

from fastavro.const import AVRO_TYPES

from router.records.field_type import SCALARS, FieldType, Kind


def test_kinds_are_named_as_avro_names_them() -> None:
    """Findings and documentation may print a kind as it is."""
    assert {str(kind) for kind in Kind} <= set(AVRO_TYPES)


def test_what_has_parts_is_no_scalar() -> None:
    """A word of a routing key is one value; a union is judged by its branches."""
    assert set(Kind) - SCALARS == {Kind.NULL, Kind.ARRAY, Kind.MAP, Kind.RECORD, Kind.UNION}


def test_a_field_is_neither_nullable_nor_scalar_unless_said() -> None:
    """The defaults promise nothing."""
    assert FieldType(kind=Kind.RECORD) == FieldType(
        kind=Kind.RECORD, nullable=False, symbols=(), logical=None, scalar=False
    )
