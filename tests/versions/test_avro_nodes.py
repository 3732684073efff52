"""Avro schemas as trees: what is taken, and what is refused."""

from typing import Any

import pytest

from router.errors import InvalidSchema
from router.records.field_type import Kind
from router.versions.avro_nodes import is_valid_default, nodes_of, parse_avro_nodes, parse_avro_value


def record(*fields: Any, **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields), **more}


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("{", "it is not JSON", id="no JSON"),
        pytest.param("[" * 3000, "deeper than 64", id="brackets without end"),
        pytest.param('{"type": ' * 2 + '"int"}}', "lacks its 'type', or it is no text", id="a type in a type"),
        pytest.param("5", "5 is no type", id="a number"),
        pytest.param('"Unknown"', "names the type 'Unknown', which it does not define", id="an unknown root"),
        pytest.param('["null", "Unknown"]', "names the type 'Unknown'", id="an unknown branch"),
        pytest.param('{"type": "array"}', "lacks its 'items'", id="an array of nothing"),
        pytest.param('{"type": "map"}', "lacks its 'values'", id="a map of nothing"),
        pytest.param('["int", "int"]', "a union has a type twice", id="a branch twice"),
        pytest.param('["int", ["null"]]', "a union stands directly in a union", id="a union in a union"),
        pytest.param('{"type": "enum", "symbols": []}', "has no name", id="no name"),
        pytest.param('{"type": "enum", "name": "9", "symbols": []}', "'9' is no name", id="a digit for a name"),
        pytest.param('{"type": "fixed", "name": "int", "size": 1}', "named after 'int'", id="a primitive's name"),
        pytest.param('{"type": "fixed", "name": "F", "size": -1}', "has the size -1", id="a negative size"),
        pytest.param('{"type": "fixed", "name": "F", "size": true}', "has the size true", id="a size that is none"),
        pytest.param('{"type": "enum", "name": "E"}', "has no list of symbols", id="no symbols"),
        pytest.param('{"type": "enum", "name": "E", "symbols": ["A", "A"]}', "has a symbol twice", id="a symbol twice"),
        pytest.param(
            '{"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}',
            "none of its symbols",
            id="a default that is none",
        ),
        pytest.param('{"type": "record", "name": "R"}', "has no list of fields", id="no fields"),
        pytest.param(
            '{"type": "record", "name": "R", "fields": [1]}', "a field with the name None", id="a field that is none"
        ),
        pytest.param(
            '{"type": "record", "name": "R", "fields": [{"name": "a"}]}',
            "'a' of 'R' has no type",
            id="a field without a type",
        ),
        pytest.param(
            '{"type": "record", "name": "R", "aliases": 5, "fields": []}',
            "aliases of 'R' are no list",
            id="aliases that are none",
        ),
    ],
)
def test_faults_are_told(text: str, problem: str) -> None:
    """What is no schema is refused with the file and the reason."""
    with pytest.raises(InvalidSchema, match=r"^v1\.avsc: ") as raised:
        parse_avro_nodes(text, file="v1.avsc")
    assert problem in raised.value.problem


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        pytest.param(
            record({"name": "a", "type": "int"}, {"name": "a", "type": "int"}),
            "the field 'a' twice",
            id="a field twice",
        ),
        pytest.param(
            record({"name": "a", "type": "int", "default": "x"}),
            "default of field 'a' of 'R' is \"x\", no int",
            id="a default of another type",
        ),
        pytest.param([record(), {"type": "fixed", "name": "R", "size": 1}], "'R' is defined twice", id="a name twice"),
        pytest.param("x" * 0 + "x" * 90, "does not define", id="a long unknown name"),
    ],
)
def test_faults_of_parsed_json_are_told(schema: Any, problem: str) -> None:
    """The same where the JSON is there already."""
    with pytest.raises(InvalidSchema, match=problem):
        parse_avro_value(schema, file="f")


def test_types_that_stand_too_deep_are_refused() -> None:
    """Sixty-five types in each other are an accident."""
    schema: Any = "int"
    for _ in range(70):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidSchema, match="deeper than 64"):
        parse_avro_value(schema, file="f")


def test_names_are_resolved_from_the_inside_out() -> None:
    """A short name is first one of its namespace, then one without; it may be defined further on, or again word for word."""
    inner = {"type": "enum", "name": "E", "symbols": ["X"]}
    schema = record(
        {"name": "a", "type": "Later"},
        {"name": "b", "type": {"type": "array", "items": "Later"}},
        {"name": "c", "type": {"type": "fixed", "name": "Later", "size": 2}},
        {"name": "d", "type": {"type": "fixed", "name": "Later", "size": 2}},
        {"name": "e", "type": {"type": "map", "values": inner}},
        {"name": "f", "type": "E"},
        namespace="n",
    )
    root = parse_avro_value(["null", {"type": "fixed", "name": "Bare", "size": 1}, schema], file="f")
    fields = {each.name: each.type for each in root.branches[2].fields}
    assert fields["a"] is fields["c"] is fields["d"] is fields["b"].items
    assert fields["f"] is fields["e"].items
    assert (fields["a"].name, fields["a"].short_name) == ("n.Later", "Later")
    assert len(list(nodes_of(root))) == len({id(each) for each in nodes_of(root)})


def test_a_name_without_namespace_is_found_from_within_one() -> None:
    """What the namespace does not have is looked for without one, as Java does."""
    fixed = {"type": "fixed", "name": "Bare", "size": 1}
    root = parse_avro_value([fixed, record({"name": "a", "type": "Bare"}, namespace="n")], file="f")
    assert root.branches[1].fields[0].type is root.branches[0]


def test_kinds_keep_what_comparing_needs() -> None:
    """Aliases become full names, an error is a record, properties and logical types are kept."""
    root = parse_avro_value(
        {
            "type": "error",
            "name": "x.R",
            "aliases": ["A", "y.B", ".C"],
            "fields": [{"name": "t", "type": {"type": "long", "logicalType": "timestamp-millis"}}],
        },
        file="f",
    )
    assert root.kind is Kind.RECORD
    assert root.aliases == ("x.A", "y.B", ".C")
    assert root.fields[0].type.logical == "timestamp-millis"
    assert root.logical is None
    assert parse_avro_value({"type": "int"}, file="f").kind is parse_avro_value("int", file="f").kind


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ("null", [None], [0]),
        ("boolean", [True], [1]),
        ("int", [0, -(1 << 31)], [1 << 31, 1.0, True]),
        ("long", [1 << 62], [1 << 63]),
        ("double", [1, 0.5, "NaN"], ["x", True, None]),
        ("string", ["x"], [1]),
        (ENUM, ["A"], [None]),
        ({"type": "array", "items": "int"}, [[], [1]], [["x"], {}]),
        ({"type": "map", "values": "int"}, [{}, {"a": 1}], [{"a": "x"}, []]),
        (["int", "null"], [None, 1], ["x"]),
        (
            record({"name": "a", "type": "int"}, {"name": "b", "type": "int", "default": 1}),
            [{"a": 1}],
            [{}, {"a": "x"}, 5],
        ),
    ],
    ids=str,
)
def test_defaults_are_of_their_types(schema: Any, good: list[Any], bad: list[Any]) -> None:
    """A default is valid as Java has it: a union's may be of any branch."""
    node = parse_avro_value(schema, file="f")
    assert [is_valid_default(node, each) for each in good] == [True] * len(good)
    assert [is_valid_default(node, each) for each in bad] == [False] * len(bad)


def test_a_default_that_contains_itself_is_refused() -> None:
    """A record whose field's default is that record again has no end."""
    schema = record({"name": "a", "type": "R", "default": {}})
    with pytest.raises(InvalidSchema, match="the default of field 'a'"):
        parse_avro_value(schema, file="f")
