"""The front end, behind its adapter."""

import pytest
from support.expressions import ORDERS

from router.language.cel.environment import Environment
from router.language.cel.front_end import parse
from router.language.cel.problems import InvalidWhere
from router.language.cel.types import CelType, Tag, list_of, map_of


def result(text: str, environment: Environment = ORDERS) -> str:
    """The type that the checker gives to the whole of a text."""
    parsed = parse(text, environment)
    return str(parsed.types[parsed.expression.one(2)])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amount", "int"),
        ("status", "string or null"),
        ("price", "decimal or null"),
        ("at", "timestamp or null"),
        ("lines", "list(Line or null)"),
        ("notes", "dyn"),
        ("tags", "list(string)"),
        ("headers", "map(string, string)"),
        ("null", "null"),
        ("1u", "uint"),
        ("type(1)", "type"),
        ("optional.of(1)", "optional"),
        ("ip('1.1.1.1')", "net.IP"),
        ("[]", "list(dyn)"),
        ("duration('1s')", "duration or null"),
    ],
)
def test_types_come_back_as_ours(text: str, shown: str) -> None:
    """The checker's types are ours; what messages stand for may be null for all that it knows."""
    assert result(text) == shown


@pytest.mark.parametrize(
    "of",
    [CelType(tag) for tag in (Tag.NULL, Tag.BOOL, Tag.UINT, Tag.DOUBLE, Tag.BYTES, Tag.DYN)]
    + [list_of(CelType(Tag.INT)), map_of(CelType(Tag.INT), CelType(Tag.BOOL)), CelType(Tag.INT).or_null()],
    ids=str,
)
def test_declared_types_are_those_of_variables(of: CelType) -> None:
    """A variable has the type that the environment declares."""
    assert result("x", Environment(variables={"x": of})) == str(of)


def test_containers_of_anything_are_declared_as_such() -> None:
    """A map whose types are not said has keys and values of any."""
    assert result("x", Environment(variables={"x": CelType(Tag.MAP)})) == "map(dyn, dyn)"
    assert result("x", Environment(variables={"x": list_of(CelType(Tag.INT)).or_null()})) == "dyn"


def test_positions_count_code_points() -> None:
    """An offset counts characters, and not the bytes that they take."""
    parsed = parse("'é😀' == id", ORDERS)
    assert parsed.positions[parsed.expression.one(2)] == 5


def test_unchecked_text_has_no_types() -> None:
    """Without checking, only the syntax can be wrong."""
    assert not parse("nothing > 1", ORDERS, check=False).types
    with pytest.raises(InvalidWhere):
        parse("nothing >", ORDERS, check=False)


@pytest.mark.parametrize("name", ["type", "int", "string", "list", "map", "duration", "size", "math", "net", "google"])
def test_fields_may_have_the_names_of_types(name: str) -> None:
    """A field hides a type of its name, and takes no function away."""
    environment = Environment(variables={name: CelType(Tag.STRING)})
    assert result(f"{name} == 'x' && size({name}) > int('1') && math.abs(1) > 0", environment) == "bool"
