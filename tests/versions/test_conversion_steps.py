"""The steps of a conversion: each way of making a field."""

from decimal import Decimal
from typing import Any

import pytest
from versions.converting import brief, converted, field, load, record

STATUS = {"type": "enum", "name": "Status", "symbols": ["new", "paid", "sent", "lost"]}
STATE = {"type": "enum", "name": "State", "symbols": ["open", "paid", "closed"]}
PERSON = record(field("first", "string"), field("age", ["null", "int"]), name="Person")
CENTS = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}


@pytest.mark.parametrize(
    ("source", "target", "text", "value", "expected"),
    [
        pytest.param([field("a", "int")], [field("b", "long")], "fields: {b: a}", {"a": 1}, {"b": 1}, id="renamed and widened"),
        pytest.param([field("a", "int")], [field("b", "int", aliases=["a"])], None, {"a": 1}, {"b": 1}, id="renamed by an alias"),
        pytest.param([field("a", "int")], [field("a", "int"), field("n", "int", default=7)], None, {"a": 1}, {"a": 1, "n": 7}, id="a default"),
        pytest.param([field("a", "int")], [field("a", "int"), field("n", ["null", "string"])], "fields: {n: {value: null}}", {"a": 1}, {"a": 1, "n": None}, id="a constant that is null"),
        pytest.param([field("a", "int")], [field("a", "int"), field("n", "string")], "fields: {n: {value: x}}", {"a": 1}, {"a": 1, "n": "x"}, id="a constant"),
        pytest.param([field("a", "string"), field("b", "string")], [field("ab", "string")], """fields: {ab: a + " " + b}""", {"a": "x", "b": "y"}, {"ab": "x y"}, id="merged"),
        pytest.param([field("ab", "string")], [field("a", "string"), field("b", "string")], """
            fields:
              a: ab.split(" ")[0]
              b: ab.split(" ")[1]
            """, {"ab": "x y"}, {"a": "x", "b": "y"}, id="split"),
        pytest.param([field("a", "long")], [field("a", CENTS)], "fields: {a: decimal(a) * 0.01}", {"a": 1250}, {"a": Decimal("12.50")}, id="a decimal"),
        pytest.param([field("s", STATUS)], [field("s", STATE)], "{fields: {s: {from: s, symbols: {new: open}, otherwise: closed}}, loses: [s]}", {"s": "lost"}, {"s": "closed"}, id="symbols and otherwise"),
        pytest.param([field("s", STATUS)], [field("s", "string")], "fields: {s: {from: s, symbols: {lost: gone}}}", {"s": "lost"}, {"s": "gone"}, id="symbols to texts"),
        pytest.param([field("s", "string")], [field("s", STATE)], "{fields: {s: {from: s, symbols: {x: open}, otherwise: closed}}, loses: [s]}", {"s": "zzz"}, {"s": "closed"}, id="texts to symbols"),
        pytest.param([field("s", "string")], [field("s", "string")], "fields: {s: {from: s, symbols: {x: y}}}", {"s": "zzz"}, {"s": "zzz"}, id="texts that keep their name"),
        pytest.param([field("s", ["null", STATUS])], [field("s", ["null", STATE])], "{fields: {s: {from: s, symbols: {new: open, sent: closed, lost: closed}}}, loses: [s]}", {"s": None}, {"s": None}, id="symbols and null"),
        pytest.param([field("p", PERSON)], [field("q", record(field("name", "string"), field("age", ["null", "int"]), name="Q"))], "fields: {q: {from: p, fields: {name: first}}}", {"p": {"first": "x", "age": 3}}, {"q": {"name": "x", "age": 3}}, id="a nested record"),
        pytest.param([field("p", ["null", PERSON])], [field("p", ["null", record(field("name", "string"), field("age", ["null", "int"]), name="Q")])], "fields: {p: {from: p, fields: {name: first}}}", {"p": {"first": "x", "age": None}}, {"p": {"name": "x", "age": None}}, id="a nested record behind null"),
        pytest.param([field("l", {"type": "array", "items": PERSON})], [field("m", {"type": "array", "items": record(field("name", "string"), field("age", ["null", "int"]), name="Q")})], "fields: {m: {each: l, fields: {name: first + '!'}}}", {"l": [{"first": "x", "age": 1}]}, {"m": [{"name": "x!", "age": 1}]}, id="each of a list"),
        pytest.param([field("l", {"type": "map", "values": PERSON})], [field("l", {"type": "map", "values": record(field("name", "string"), field("age", ["null", "int"]), name="Q")})], "fields: {l: {each: l, fields: {name: first}}}", {"l": {"k": {"first": "x", "age": 1}}}, {"l": {"k": {"name": "x", "age": 1}}}, id="each of a map"),
        pytest.param([field("a", "int"), field("c", "string")], [field("m", record(field("x", "int"), field("c", "string"), name="M"))], "fields: {m: {fields: {x: a}}}", {"a": 1, "c": "y"}, {"m": {"x": 1, "c": "y"}}, id="a new record"),
        pytest.param([field("a", "int")], [field("m", ["null", record(field("a", "int"), name="M")])], "fields: {m: {fields: {}}}", {"a": 1}, {"m": {"a": 1}}, id="a new record behind null"),
        pytest.param([field("p", PERSON)], [field("name", "string"), field("age", "int")], """
            fields:
              name: p.first
              age: "p.age != null ? p.age : 0"
            """, {"p": {"first": "x", "age": None}}, {"name": "x", "age": 0}, id="out of a record"),
        pytest.param([field("p", ["null", PERSON])], [field("name", ["null", "string"]), field("age", ["null", "int"])], "fields: {name: p.first, age: p.age}", {"p": None}, {"name": None, "age": None}, id="out of a record behind null"),
        pytest.param([field("p", ["null", PERSON])], [field("name", ["null", "string"]), field("age", ["null", "int"])], "fields: {name: p.first, age: p.age}", {"p": {"first": "x", "age": 4}}, {"name": "x", "age": 4}, id="out of a record that is there"),
        pytest.param([field("l", {"type": "array", "items": "int"})], [field("n", "int"), field("l", {"type": "array", "items": "int"})], "fields: {n: l.size(), l: 'l.filter(i, i > 1)'}", {"l": [1, 2]}, {"n": 2, "l": [2]}, id="a list as a whole"),
        pytest.param([field("p", PERSON)], [field("p", {"type": "map", "values": "string"})], """fields: {p: '{"name": p.first, "all": string(record.p.age == null)}'}""", {"p": {"first": "x", "age": None}}, {"p": {"name": "x", "all": "true"}}, id="a map of what a record has"),
        pytest.param([field("a", "int"), field("s", "string")], [field("n", {"type": "map", "values": ["int", "string"]})], "fields: {n: record}", {"a": 1, "s": "x"}, {"n": {"a": 1, "s": "x"}}, id="the record as a map"),
        pytest.param([field("p", PERSON)], [field("p", record(field("age", ["null", "int"]), field("first", "string"), name="Person"))], None, {"p": {"first": "x", "age": 2}}, {"p": {"first": "x", "age": 2}}, id="a record in another order"),
    ],
)  # fmt: skip
def test_fields_are_made(source: Any, target: Any, text: str | None, value: Any, expected: Any) -> None:
    """Each way of making a field gives the field."""
    assert converted(record(*source), record(*target), text, value) == expected


A = record(field("a", "int"), field("n", ["null", "string"]), field("p", PERSON), field("s", STATUS))


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        pytest.param([field("x", "int")], "fields:\n  x: b + 1\n", [("invalid-expression", 2, 6)], id="an unknown field in an expression"),
        pytest.param([field("x", "int")], "fields:\n  y: a\n", [("unknown-field", 2, 3), ("missing-field", 1, 1)], id="an unknown field of the target"),
        pytest.param([field("x", "int")], "fields:\n  x: n\n", [("misfit", 2, 6)], id="another type"),
        pytest.param([field("x", "string")], "fields:\n  x: n\n", [("misfit", 2, 6)], id="null where none can be"),
        pytest.param([field("x", "string")], "fields:\n  x: key\n", [("misfit", 2, 6)], id="the key"),
        pytest.param([field("a", "string")], None, [("misfit", 1, 1)], id="a namesake of another type"),
        pytest.param([field("x", "int")], "fields:\n  x: {value: z}\n", [("misfit", 2, 6)], id="a constant of another type"),
        pytest.param([field("x", "int")], "fields:\n  x: {cel: a, from: a}\n", [("invalid-step", 2, 6)], id="two ways"),
        pytest.param([field("x", "int")], "fields:\n  x: {value: 1, fields: {}}\n", [("invalid-step", 2, 6)], id="fields of a constant"),
        pytest.param([field("x", "int")], "fields:\n  x: {each: p}\n", [("invalid-step", 2, 6)], id="each without fields"),
        pytest.param([field("x", "int")], "fields:\n  x: {value: 1, otherwise: b}\n", [("invalid-step", 2, 6)], id="otherwise of a constant"),
        pytest.param([field("x", "int")], "fields:\n  x: {fields: {}}\n", [("invalid-step", 2, 6)], id="fields of an int"),
        pytest.param([field("x", "int")], "fields:\n  x: {from: z}\n", [("unknown-field", 2, 13)], id="from nothing"),
        pytest.param([field("x", "int")], "fields:\n  x: {each: p, fields: {}}\n", [("invalid-step", 2, 6)], id="each of a record"),
        pytest.param([field("x", "int")], "fields:\n  x: {from: a, fields: {y: a}}\n", [("invalid-step", 2, 6)], id="fields of what is no record"),
        pytest.param([field("x", "int")], "fields:\n  x: {from: p, fields: {y: first}}\n", [("invalid-step", 2, 6)], id="fields for what is no record"),
        pytest.param([field("x", STATE)], "fields:\n  x: {from: z.y, symbols: {}}\n", [("unknown-field", 2, 13)], id="symbols of nothing"),
        pytest.param([field("x", STATE)], "fields:\n  x: {from: a, symbols: {}}\n", [("invalid-step", 2, 13)], id="symbols of a number"),
        pytest.param([field("x", STATE)], "fields:\n  x: {from: s, symbols: {nwe: open}, otherwise: closed}\n", [("unknown-symbol", 2, 26)], id="a symbol of nobody"),
        pytest.param([field("x", STATE)], "fields:\n  x: {from: s, symbols: {new: opne}, otherwise: closed}\n", [("unknown-symbol", 2, 31)], id="a symbol that the target lacks"),
        pytest.param([field("x", STATE)], "fields:\n  x: {from: s, otherwise: close}\n", [("unknown-symbol", 2, 27)], id="an otherwise that the target lacks"),
        pytest.param([field("x", STATE)], "fields:\n  x: {from: s, symbols: {new: open}}\n", [("unknown-symbol", 2, 25)] * 2, id="symbols that are not said"),
        pytest.param([field("x", record(field("y", "int"), name="X"))], "fields:\n  x: {from: p, fields: {z: age}}\n", [("unknown-field", 2, 25), ("missing-field", 2, 16)], id="an unknown field inside"),
        pytest.param([field("x", record(field("y", "int"), name="X"))], "fields:\n  x: {fields: {z: a}}\n", [("unknown-field", 2, 16), ("missing-field", 2, 7)], id="an unknown field of a new record"),
    ],
)  # fmt: skip
def test_faults_are_found_at_their_place(target: Any, text: str | None, expected: list[tuple[str, int, int]]) -> None:
    """What is wrong is a finding with line and column, all of them at once."""
    assert sorted(brief(A, record(*target), text)) == sorted(expected)


def test_records_that_contain_themselves_are_converted() -> None:
    """A tree is carried to its leaves, each record by the same function."""

    def tree(of: str) -> dict[str, Any]:
        return record(field("n", of), field("next", ["null", "R"]))

    value = {"n": 1, "next": {"n": 2, "next": None}}
    assert converted(tree("int"), tree("double"), None, value) == {"n": 1.0, "next": {"n": 2.0, "next": None}}


def test_steps_are_told_in_the_target_s_order() -> None:
    """What `convert` shows: every field with how it was made, a record before what is in it."""
    target = record(
        field("q", record(field("name", "string"), field("age", ["null", "int"]), name="Q")), field("b", "int")
    )
    text = "{fields: {b: a, q: {from: p, fields: {name: first}}}, loses: [n, s]}"
    conversion, _ = load(A, target, text)
    assert conversion is not None
    assert [(each.path, str(each.how)) for each in conversion.steps] == [
        ("q", "nested"),
        ("q.name", "renamed"),
        ("q.age", "carried over"),
        ("b", "renamed"),
    ]
