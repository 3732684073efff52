"""From the front end's tree to ours."""

from decimal import Decimal

import pytest
from support.expressions import ORDERS, tree

from router.language.cel.environment import Environment
from router.language.cel.front_end import parse
from router.language.cel.lower import free_names, lower
from router.language.cel.problems import InvalidWhere
from router.language.cel.tree import Call, Field, ListOf, Literal, MapOf, Name, Node, walk
from router.language.cel.types import DYN, CelType, Tag
from router.language.cel.values import TypeValue


def order(text: str) -> Node:
    return lower(parse(text, ORDERS), ORDERS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("true", True),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551615u", 2**64 - 1),
        ("1.5", 1.5),
        ("'é'", "é"),
        ("b'\\xff'", b"\xff"),
        ("int", TypeValue("int")),
        ("google.protobuf.Timestamp", TypeValue("google.protobuf.Timestamp")),
    ],
)
def test_literals_are_their_values(text: str, expected: object) -> None:
    """A constant of the text, and a type's name, is its value."""
    found = tree(text)
    assert isinstance(found, Literal)
    assert found.value == expected


def test_names_with_dots_are_the_longest_that_there_is() -> None:
    """A declared name with dots comes before the field of a shorter one."""
    found = tree("a.b.c", **{"a.b": CelType(Tag.MAP), "a": DYN})
    assert isinstance(found, Field)
    assert found.operand == Name("a.b", type=CelType(Tag.MAP), at=found.operand.at)
    assert isinstance(tree("a.b.c", check=False, **{"a.b.c": DYN}), Name)


def test_variables_of_macros_hide_others() -> None:
    """Within a macro its variable is meant, outside of it the field."""
    names = [
        each
        for each in walk(order("tags.exists(id, id == 'x') && id == 'y'"))
        if isinstance(each, Name) and each.name == "id"
    ]
    assert sorted(each.local for each in names) == [False, True]


def test_doubles_of_the_text_are_decimals_beside_decimals() -> None:
    """What meets a decimal is taken as it is spelt."""
    compared = order("price == 0.1")
    assert isinstance(compared, Call)
    assert compared.arguments[1] == Literal(Decimal("0.1"), type=CelType(Tag.DECIMAL), at=compared.arguments[1].at)
    listed = order("price in [0.1, 2.0]")
    assert isinstance(listed, Call)
    assert isinstance(listed.arguments[1], ListOf)
    assert [each.value for each in listed.arguments[1].items if isinstance(each, Literal)] == [
        Decimal("0.1"),
        Decimal("2.0"),
    ]


def test_types_of_fields_are_the_schema_s() -> None:
    """The schema knows more of a field than the checker: what cannot be null, symbols, lists that can be null."""
    assert order("at").type == CelType(Tag.TIMESTAMP)
    assert order("country").type.symbols == ("RU", "KZ")
    assert str(order("notes").type) == "map(string, string) or null"
    assert str(order("customer.name").type) == "string or null"
    assert order("duration('1s')").type == CelType(Tag.DURATION)


def test_types_are_not_believed_beside_a_map_of_several() -> None:
    """The checker takes such a map's values to be all of the first one's type."""
    assert order("{'a': 1, 'b': dyn('x')}['b']").type == DYN
    assert order("{'a': 1, 'b': 2}['b']").type == CelType(Tag.INT)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a.b > 1 && c", {"a", "c"}),
        ("a.all(x, x > y)", {"a", "y"}),
        ("cel.bind(x, a, x)", {"a"}),
        ("{a: b}[c][0] == [d]", {"a", "b", "c", "d"}),
        ("math.abs(a) + int(b) + google.protobuf.x", {"a", "b"}),
        ("type == 'x' && has(a.b)", {"type", "a"}),
    ],
)
def test_free_names_are_those_of_fields(text: str, names: set[str]) -> None:
    """Names that are no variables of macros, no types and no namespaces."""
    assert free_names(parse(text, Environment(variables={}), check=False)) == names


def test_unknown_names_fail_only_when_they_are_evaluated() -> None:
    """Unchecked, what is not there fails where it is asked for; checked, it is a mistake."""
    for text in ("x", "x.y", "x.f()", "f(1)"):
        assert any(isinstance(each, Call) and each.function == "@fail" for each in walk(tree(text, check=False)))
        with pytest.raises(InvalidWhere):
            tree(text)


@pytest.mark.parametrize("text", ["Message{a: 1}", "int.foo", "a{}"])
def test_what_no_value_can_come_of_is_refused(text: str) -> None:
    """Messages cannot be made, and types have no fields."""
    with pytest.raises(InvalidWhere):
        tree(text, check=False)


def test_optional_parts_are_marked() -> None:
    """Items and entries after a question mark may be absent."""
    listed = tree("[?optional.of(1), 2]")
    assert isinstance(listed, ListOf)
    assert listed.optional == {0}
    mapped = tree("{?'a': optional.of(1)}")
    assert isinstance(mapped, MapOf)
    assert mapped.entries[0].optional
    chosen = tree("{'a': 1}.?b")
    assert isinstance(chosen, Field)
    assert chosen.optional
