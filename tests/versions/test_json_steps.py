"""How each property of an object is made of another version's: the language of Avro's conversions."""

from __future__ import annotations

from typing import Any

import pytest
from versions.json_converting import (
    LINE,
    MAYBE,
    NEXT_LINE,
    NEXT_STATUS,
    NUMBER,
    STATUS,
    TEXT,
    brief,
    closed,
    conversion_of,
    converted,
)


@pytest.mark.parametrize(
    ("source", "target", "text", "value", "expected"),
    [
        pytest.param(closed("a", a=TEXT, b=NUMBER), closed("a", b=NUMBER, a=TEXT), None, {"a": "x"}, {"a": "x"}, id="carried"),
        pytest.param(closed("a", a=NUMBER), closed("a", a={"type": "number"}), None, {"a": 5}, {"a": 5}, id="widened"),
        pytest.param(closed("a", a=TEXT), closed("b", b=TEXT), "fields: {b: a}", {"a": "x"}, {"b": "x"}, id="renamed"),
        pytest.param(closed(a=TEXT), closed(b=TEXT), "fields: {b: a}", {}, {}, id="what is absent stays so"),
        pytest.param(
            closed("f l", f=TEXT, l=TEXT), closed("n", n=TEXT), "fields: {n: 'f + \" \" + l'}",
            {"f": "A", "l": "B"}, {"n": "A B"}, id="merged",
        ),
        pytest.param(
            closed("n", n=TEXT), closed("f l", f=TEXT, l=TEXT),
            """fields: {f: 'n.split(" ")[0]', l: 'n.split(" ")[1]'}""", {"n": "A B"}, {"f": "A", "l": "B"}, id="split",
        ),
        pytest.param(
            closed("s", s=STATUS), closed("s", s=NEXT_STATUS),
            "fields: {s: {from: s, symbols: {money_refunded: refunded, item_cancelled: changed}}}",
            {"s": "money_refunded"}, {"s": "refunded"}, id="symbols",
        ),
        pytest.param(
            closed("s", s=TEXT), closed("s", s=NEXT_STATUS),
            "fields: {s: {from: s, symbols: {a: refunded}, otherwise: new}}\nloses: [s]",
            {"s": "b"}, {"s": "new"}, id="symbols of a text",
        ),
        pytest.param(
            closed("s", s=TEXT), closed("s", s=TEXT), "fields: {s: {from: s, symbols: {a: b}}}",
            {"s": "c"}, {"s": "c"}, id="a text that is not listed",
        ),
        pytest.param(
            closed("o", o=closed("s", s=MAYBE)), closed(t=MAYBE),
            "fields: {t: {from: o.s, symbols: {a: b}}}", {"o": {"s": None}}, {"t": None}, id="null has no symbol",
        ),
        pytest.param(
            closed("items", items={"type": "array", "items": LINE}), closed("lines", lines={"type": "array", "items": NEXT_LINE}),
            "fields: {lines: {each: items, fields: {quantity: qty}}}",
            {"items": [{"sku": "a", "qty": 1}, {"sku": "b", "qty": 2}]},
            {"lines": [{"sku": "a", "quantity": 1}, {"sku": "b", "quantity": 2}]}, id="a list of objects",
        ),
        pytest.param(
            closed("m", m={"type": "object", "additionalProperties": LINE}),
            closed("m", m={"type": "object", "additionalProperties": NEXT_LINE}),
            "fields: {m: {each: m, fields: {quantity: qty + 1}}}",
            {"m": {"k": {"sku": "a", "qty": 1}}}, {"m": {"k": {"sku": "a", "quantity": 2}}}, id="a map of objects",
        ),
        pytest.param(
            closed("c", c={"anyOf": [{"type": "null"}, closed("id", id=NUMBER)]}),
            closed("c", c={"anyOf": [{"type": "null"}, closed("no", no=NUMBER)]}),
            "fields: {c: {from: c, fields: {no: id}}}", {"c": None}, {"c": None}, id="an object behind null, null",
        ),
        pytest.param(
            closed("c", c={"anyOf": [{"type": "null"}, closed("id", id=NUMBER)]}),
            closed("c", c={"anyOf": [{"type": "null"}, closed("no", no=NUMBER)]}),
            "fields: {c: {from: c, fields: {no: id}}}", {"c": {"id": 4}}, {"c": {"no": 4}}, id="an object behind null",
        ),
        pytest.param(
            closed("amount currency", amount=NUMBER, currency=TEXT),
            closed("total", total=closed("amount currency", amount={"type": "number"}, currency=TEXT)),
            "fields: {total: {fields: {amount: double(amount) / 100.0}}}",
            {"amount": 1250, "currency": "RUB"}, {"total": {"amount": 12.5, "currency": "RUB"}}, id="a new object",
        ),
        pytest.param(closed("a", a=TEXT), closed("a v", a=TEXT, v=NUMBER), "fields: {v: {value: 2}}", {"a": "x"}, {"a": "x", "v": 2}, id="a constant"),
        pytest.param(
            closed("a", a=TEXT), closed("a v", a=TEXT, v={"type": "integer", "default": 7}), None, {"a": "x"}, {"a": "x", "v": 7}, id="a default",
        ),
        pytest.param(
            closed(a=TEXT), closed("a", a={"type": "string", "default": "?"}), None, {}, {"a": "?"}, id="a default of what is absent",
        ),
        pytest.param(
            closed(e=TEXT), closed("e", e=TEXT), "fields: {e: 'e != null ? e : \"\"'}", {}, {"e": ""}, id="what stands for nothing",
        ),
        pytest.param(closed(e=MAYBE), closed(f=TEXT), "fields: {f: e}", {"e": None}, {}, id="null that is no value is left out"),
        pytest.param(
            {"properties": {"a": TEXT}}, {"properties": {"b": TEXT}}, "fields: {b: a}", {"a": "x", "more": [1]}, {"b": "x", "more": [1]},
            id="what is not declared is carried",
        ),
        pytest.param(
            {"properties": {"a": TEXT}}, closed(a=TEXT), "loses: ['*']", {"a": "x", "more": [1]}, {"a": "x"},
            id="what is not declared is declared lost",
        ),
        pytest.param(
            closed("t", t={"type": "array", "items": TEXT}), closed("n t", n=NUMBER, t={"type": "array", "items": TEXT}),
            "fields: {n: size(t)}", {"t": ["a", "b"]}, {"n": 2, "t": ["a", "b"]}, id="of a whole list",
        ),
        pytest.param(
            closed("a", a={"type": "string", "pattern": "x+"}), closed("a", a={"type": "string", "pattern": "x"}),
            None, {"a": "x"}, {"a": "x"}, id="what is beyond comparing is asked of the value",
        ),
        pytest.param(
            closed("o", o={"type": "array", "items": LINE}), closed("n", n={"type": "array", "items": NUMBER}),
            "fields:\n  n: |\n    o.map(i,\n      i.qty + 1)", {"o": [{"sku": "a", "qty": 1}]}, {"n": [2]}, id="over several lines",
        ),
        pytest.param(
            closed("a b", a=NUMBER, b=NUMBER), closed("n", n=NUMBER), "fields: {n: 'size([record])'}", {"a": 1, "b": 2}, {"n": 1}, id="of the whole record",
        ),
        pytest.param(closed("a", a=NUMBER), closed("b", b=NUMBER), "fields: {b: record.a + 1}", {"a": 1.0}, {"b": 2}, id="1.0 is whole"),
    ],
)  # fmt: skip
def test_objects_are_converted(source: Any, target: Any, text: str | None, value: Any, expected: Any) -> None:
    """By each way in which a property can be made."""
    assert converted(source, target, text, value) == expected


def test_references_are_followed() -> None:
    """Also where a schema contains itself."""
    node = closed("n", n=NUMBER, children={"type": "array", "items": {"$ref": "#/$defs/node"}})
    other = closed("n", n={"type": "number"}, m=NUMBER, children={"type": "array", "items": {"$ref": "#/$defs/node"}})
    one = closed("root", root={"$ref": "#/$defs/node"}) | {"$defs": {"node": node}}
    two = closed("root", root={"$ref": "#/$defs/node"}) | {"$defs": {"node": other}}
    value = {"root": {"n": 1, "children": [{"n": 2, "children": []}]}}
    assert converted(one, two, None, value) == value
    more = other | {"properties": other["properties"] | {"v": {"type": "integer", "default": 3}}}
    three = two | {"$defs": {"node": more}}
    deeper = {"root": {"n": 1, "v": 3, "children": [{"n": 2, "v": 3, "children": []}]}}
    renamed = node | {"properties": node["properties"] | {"gone": TEXT}}
    lost = "loses: [root.gone]"
    assert converted(one | {"$defs": {"node": renamed}}, three, lost, value) == deeper
    changed = "fields: {root: {from: root, fields: {m: n * 2}}}"
    assert converted(one, two, changed, value) == {"root": {**value["root"], "m": 2}}


@pytest.mark.parametrize(
    ("source", "target", "text", "expected"),
    [
        pytest.param(closed(a=TEXT), closed(a=NUMBER), None, [("misfit", 1, 1)], id="another type"),
        pytest.param(closed(a=TEXT), closed("a", a=TEXT), "fields: {}", [("misfit", 1, 9)], id="it may be absent"),
        pytest.param(closed("a", a=MAYBE), closed("a", a=TEXT), None, [("misfit", 1, 1)], id="it may be null"),
        pytest.param(closed("a", a=MAYBE), closed("a", a=TEXT), "fields: {a: a}", [("misfit", 1, 13)], id="said, and may be null"),
        pytest.param(closed("a", a=TEXT), closed("b", b=TEXT), "loses: [a]", [("missing-field", 1, 1)], id="nothing for it"),
        pytest.param(closed("a", a=TEXT), closed("a b", a=TEXT), None, [("missing-field", 1, 1)], id="required, and not declared"),
        pytest.param(closed(a=TEXT), closed(b=TEXT), None, [("undeclared-loss", 1, 1)], id="lost without a file"),
        pytest.param(closed(a=TEXT, b=TEXT), closed(a=TEXT), "fields: {}", [("undeclared-loss", 1, 1)], id="lost"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "loses: [c]", [("unknown-field", 1, 9)], id="nothing to lose"),
        pytest.param({"properties": {"a": TEXT}}, closed(a=TEXT), None, [("undeclared-loss", 1, 1)], id="what is not declared is lost"),
        pytest.param(
            closed(o=closed(a=TEXT, b=TEXT)), closed(o=closed(a=TEXT)), "loses: [o.a]", [("undeclared-loss", 1, 1)], id="lost inside",
        ),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {c: a}", [("unknown-field", 1, 10)], id="no such target"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {from: c}}", [("unknown-field", 1, 20)], id="no such source"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {from: c, symbols: {}}}", [("unknown-field", 1, 20)], id="no such text"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: nothing}", [("invalid-expression", 1, 13)], id="no such name"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields:\n  a: |\n    a +\n      nothing", [("invalid-expression", 4, 7)], id="on another line"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: size(a)}", [("misfit", 1, 13)], id="an expression of another type"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: key}", [("misfit", 1, 13)], id="the key"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {}}", [("invalid-step", 1, 13)], id="no way"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {value: x, from: a}}", [("invalid-step", 1, 13)], id="two ways"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {value: x, fields: {}}}", [("invalid-step", 1, 13)], id="fields of a value"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {each: a}}", [("invalid-step", 1, 13)], id="each without fields"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {value: x, symbols: {}}}", [("invalid-step", 1, 13)], id="symbols of a value"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {fields: {b: a}}}", [("invalid-step", 1, 13)], id="fields of a text"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {each: a, fields: {b: a}}}", [("invalid-step", 1, 13)], id="each of a text"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: {a: {from: a, fields: {b: a}}}", [("invalid-step", 1, 13)], id="from a text"),
        pytest.param(closed(a=LINE), closed(a=TEXT), "fields: {a: {from: a, fields: {b: sku}}}", [("invalid-step", 1, 13)], id="into a text"),
        pytest.param(
            closed(a={"type": "array", "items": LINE}), closed(a={"type": "array", "items": LINE}),
            "fields: {a: {from: a, fields: {sku: sku}}}", [("invalid-step", 1, 13)], id="from a list",
        ),
        pytest.param(closed(a=NUMBER), closed(a=TEXT), "fields: {a: {from: a, symbols: {}}}", [("invalid-step", 1, 20)], id="symbols of a number"),
        pytest.param(closed(a=STATUS), closed(a=STATUS), "fields: {a: {from: a, symbols: {old: new}}}", [("unknown-symbol", 1, 33)], id="no such symbol"),
        pytest.param(closed(a=STATUS), closed(a=STATUS), "fields: {a: {from: a, symbols: {new: old}}}", [("unknown-symbol", 1, 38)], id="no such target symbol"),
        pytest.param(closed(a=STATUS), closed(a=STATUS), "fields: {a: {from: a, otherwise: old}}", [("unknown-symbol", 1, 34)], id="no such other"),
        pytest.param(closed(a=TEXT), closed(a=TEXT, b=NUMBER), "fields: {b: {value: x}}", [("misfit", 1, 13)], id="a constant of another type"),
        pytest.param(
            closed(a={"type": "array", "items": TEXT}), closed(a={"type": "array", "items": NUMBER}), None, [("misfit", 1, 1)], id="items",
        ),
        pytest.param(
            closed(a={"type": "object", "additionalProperties": TEXT}), closed(a={"type": "object", "additionalProperties": NUMBER}),
            None, [("misfit", 1, 1)], id="values",
        ),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "fields: [", [("yaml-syntax", 1, 10)], id="no yaml"),
        pytest.param(closed(a=TEXT), closed(a=TEXT), "feilds: {}", [("unknown-key", 1, 1)], id="no such key"),
        pytest.param(TEXT, closed(a=TEXT), None, [("invalid-step", 1, 1)], id="no object"),
        pytest.param(closed(a=TEXT), {}, None, [("invalid-step", 1, 1)], id="no properties"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_place(
    source: Any, target: Any, text: str | None, expected: list[tuple[str, int, int]]
) -> None:
    """In the kinds of Avro's conversions."""
    assert brief(source, target, text) == expected


def test_merged_symbols_are_lost() -> None:
    """As in Avro's."""
    both = "fields: {s: {from: s, symbols: {money_refunded: changed, item_cancelled: changed}}}"
    assert brief(closed("s", s=STATUS), closed("s", s=NEXT_STATUS), both) == [("undeclared-loss", 1, 1)]
    assert conversion_of(closed("s", s=STATUS), closed("s", s=NEXT_STATUS), both + "\nloses: [s]").loses == ("s",)
