"""Conditions against the schemas of the sources that can reach them."""

from __future__ import annotations

import json

import pytest
from support.language import ORDER, brief, catalogue, load

HEAD = """\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}", alternate: {exchange: rest}}
  rest: {type: fanout, from: [{exchange: next}]}
  next: {type: fanout}
  stock: {type: fanout, sources: [stock.v1]}
  both: {type: fanout, sources: [order.status.v1, order.status.v2]}
topics:
  all.order.status.v1: {from: [{exchange: orders}]}
  b.order.status.v1: {from: [{exchange: next}]}
  c.stock.v1: {from: [{exchange: stock}]}
  x.order.status.v1:
    from:
"""
CASES = [
    pytest.param("{exchange: orders, where: amount > 1 && customer.email != null}", [], id="right"),
    pytest.param("{exchange: orders, where: amont > 1}", [("invalid-where", 15, 35, "did you mean 'amount'?")], id="plain"),
    pytest.param('{exchange: orders, where: "1 < 2 && \\"a\\" == 5"}', [("invalid-where", 15, 51, "'==' cannot be used with string and int")], id="in quotes, behind escapes"),
    pytest.param("{exchange: orders, where: 'amount <'}", [("invalid-where", 15, 44, "missing at the end")], id="syntax"),
    pytest.param("{exchange: orders, where: amount}", [("invalid-where", 15, 35, "it is int, and not true or false")], id="no condition"),
    pytest.param("{exchange: orders, binding-key: [a.paid, b.paid], where: amont > 1}", [("invalid-where", 15, 66, "'amont' (source 'order.status.v1')")], id="once for all keys"),
    pytest.param("{exchange: rest, where: amont > 1}", [("invalid-where", 15, 33, "(source 'order.status.v1')")], id="by an alternate"),
    pytest.param("{exchange: orders, where: 1 < 2}", [("constant-where", 15, 35, "always true")], id="always"),
    pytest.param("{exchange: orders, where: amount > 1 && false}", [("constant-where", 15, 35, "this binding never matches")], id="never"),
    pytest.param("{exchange: orders, where: status == 'payed'}", [("unknown-symbol", 15, 45, "did you mean 'paid'?")], id="no symbol"),
    pytest.param("{exchange: orders, where: \"'payed' != status\"}", [("unknown-symbol", 15, 36, "did you mean 'paid'?")], id="no symbol on the left"),
    pytest.param("{exchange: orders, where: \"status in ['paid', 'zzz']\"}", [("unknown-symbol", 15, 46, "there are created, paid")], id="no symbol in a list"),
    pytest.param("{exchange: orders, where: \"status in ['paid'] || country == 'zzz' || amount + 1 == 2\"}", [], id="symbols and texts"),
    pytest.param("{exchange: orders, where: status.startsWith('zzz') && status < 'zzz'}", [], id="other functions than equality"),
    pytest.param("{exchange: orders, where: \"status in ['paid', country] || status == country\"}", [], id="a symbol or another field"),
    pytest.param("{exchange: nobody, where: amount < 1}", [("unknown-exchange", 15, 20, "")], id="right as far as can be told"),
    pytest.param("{exchange: orders, where: amont > 1}\n      - {exchange: orders, binding-key: '*.paid', where: amont > 1}", [("invalid-where", 15, 35, ""), ("invalid-where", 16, 58, "")], id="the same twice"),
    pytest.param("{exchange: nobody, where: amount <}", [("unknown-exchange", 15, 20, ""), ("invalid-where", 15, 43, "missing")], id="syntax, where nothing is known of fields"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "expected"), CASES)
def test_a_condition_is_told_what_is_wrong_with_it(item: str, expected: list[tuple[str, int, int, str]]) -> None:
    """By kind, line, column inside the text, and words that name it."""
    _, findings = load(f"{HEAD}      - {item}\n")
    own = [finding for finding in findings if not (finding.place.line < 15 or finding.kind == "covered-binding")]
    own = [finding for finding in own if finding.kind not in {"unreachable-exchange", "other-subject"}]
    assert brief(own) == [each[:3] for each in expected]
    for finding, (*_, words) in zip(own, expected, strict=True):
        assert words in f"{finding.message}: {finding.suggestion}"


def test_a_fault_in_a_block_is_found_in_its_line() -> None:
    """Where lines are folded, too."""
    for style in ("|", ">-"):
        item = f"- exchange: orders\n        where: {style}\n          amount > 1\n            && amont < 5\n"
        _, findings = load(f"{HEAD}      {item}")
        assert [each for each in brief(findings) if each[0] == "invalid-where"] == [("invalid-where", 18, 16)]


def test_sources_that_differ_are_named() -> None:
    """A field that one of several sources lacks is told with its name, and a constant only where it is one for all."""
    other = '{"type": "record", "name": "O", "fields": [{"name": "total", "type": "long"}]}'
    schemas = catalogue(**{"order.status/v2.avsc": other})
    _, findings = load(f"{HEAD}      - {{exchange: both, where: amount > 1}}\n", schemas=schemas)
    (finding,) = [each for each in findings if each.kind == "invalid-where"]
    assert "(source 'order.status.v2')" in finding.message


def test_many_sources_are_counted() -> None:
    """Only some are named."""
    names = ", ".join(f"p{number}.order.status.v1" for number in range(5))
    text = HEAD.replace(
        "both: {type: fanout, sources: [order.status.v1, order.status.v2]}",
        f"both: {{type: fanout, sources: [{names}]}}",
    )
    _, findings = load(f"{text}      - {{exchange: both, where: amont > 1}}\n")
    (finding,) = [each for each in findings if each.kind == "invalid-where"]
    assert "'p1.order.status.v1', 'p2.order.status.v1' and 2 more)" in finding.message


@pytest.mark.parametrize(
    ("declared", "where", "kinds"),
    [
        pytest.param("", "amount > 1", ["no-schema"], id="fields of Avro"),
        pytest.param("", "key == 'a'", [], id="the key"),
        pytest.param("nobody.v1: {format: json}", "amount > 1 && a.b == 'x'", [], id="fields of JSON"),
    ],
)
def test_fields_need_a_schema(declared: str, where: str, kinds: list[str]) -> None:
    """Unless the values are JSON, which say themselves what they are."""
    _, findings = load(f"""\
version: 1
team: t
exchanges: {{e: {{type: fanout, sources: [nobody.v1]}}}}
topics:
  {declared}
  a.nobody.v1: {{from: [{{exchange: e, where: "{where}"}}], format: {"json" if declared else "avro"}}}
""")
    assert [kind for kind, *_ in brief(findings) if kind != "no-subject"] == kinds


def test_a_symbol_that_one_source_has_is_none_too_many() -> None:
    """Only what no source has is misspelt; what else there is of the same sources is checked all the same."""
    newer = json.dumps(ORDER).replace('"delivered"', '"delivered", "parked"')
    schemas = catalogue(**{"order.status/v2.avsc": newer})
    items = "      - {exchange: both, where: status == 'parked'}\n      - {exchange: both, where: status == 'packed'}\n"
    _, findings = load(HEAD + items, schemas=schemas)
    assert [each for each in brief(findings) if each[0] == "unknown-symbol"] == [("unknown-symbol", 16, 43)]
