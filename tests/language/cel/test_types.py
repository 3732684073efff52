"""Types, and their names."""

import pytest

from router.language.cel.types import CelType, Struct, Tag, parse_type


@pytest.mark.parametrize("text", ["int", "list(int)", "map(string, list(dyn))", "timestamp", "decimal"])
def test_types_are_read_and_written(text: str) -> None:
    """A type's name read and written is the same."""
    assert str(parse_type(text)) == text


@pytest.mark.parametrize("text", ["", "integer", "list(", "map(string,x)"])
def test_what_names_no_type_is_refused(text: str) -> None:
    """An unknown name of a type is a ValueError."""
    with pytest.raises(ValueError, match="names no type"):
        parse_type(text)


def test_types_are_shown_to_people() -> None:
    """A record has its own name, an extension's type its full one; what can be null says so."""
    assert str(CelType(Tag.STRUCT, name="router.sound_0.rOrder")) == "Order"
    assert str(CelType(Tag.OPAQUE, name="net.IP")) == "net.IP"
    assert str(CelType(Tag.INT).or_null()) == "int or null"
    assert CelType(Tag.DYN).or_null() == CelType(Tag.DYN)
    assert CelType(Tag.LIST).element == CelType(Tag.DYN)
    assert Struct("x", {}).fields == {}
