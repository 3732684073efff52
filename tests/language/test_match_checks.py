"""Bindings that can never match, and those that another one covers."""

from __future__ import annotations

import pytest
from support.language import brief, load

HEAD = """\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country|lower}.{status}"}
  whole: {type: direct, sources: [order.status.v1], routing-key: "{status}"}
  heads: {type: headers, from: [{exchange: orders}]}
  first: {type: topic, limit: first, from: [{exchange: orders}]}
  fan: {type: fanout, from: [{exchange: orders}]}
  keyed: {type: topic, sources: [order.status.v1]}
  further: {type: topic, sources: [order.status.v1], routing-key: "{status}", cc: true}
  unknown: {type: topic, sources: [nobody.v1], routing-key: "{header:x}.y"}
  ring: {type: consistent-hash, from: [{exchange: orders}]}
  pair: {type: topic, sources: [order.status.v1], routing-key: "{status}.x"}
topics:
  all.order.status.v1:
    from: [{exchange: whole}, {exchange: heads}, {exchange: fan}, {exchange: keyed}, {exchange: further}, {exchange: ring}, {exchange: pair}]
  nobody: {from: [{exchange: unknown}]}
  a.order.status.v1:
    from:
"""
CASES = [
    pytest.param('{exchange: orders, binding-key: ["*.payed"]}', [("never-matches", 19, 45, "`status` is never 'payed': did you mean 'paid'?")], id="a misspelt symbol"),
    pytest.param('{exchange: orders, binding-key: ["RU.paid"]}', [("never-matches", 19, 45, "`country` is never 'RU'")], id="against a filter"),
    pytest.param('{exchange: orders, binding-key: ["a.b.c"]}', [("never-matches", 19, 45, 'it has 3 words, and routing keys made by "{country|lower}.{status}" have 2 words')], id="too many words"),
    pytest.param("{exchange: orders, binding-key: [paid]}", [("never-matches", 19, 45, "it has 1 word")], id="too few words"),
    pytest.param('{exchange: orders, binding-key: ["a.*.#.paid"]}', [("never-matches", 19, 45, "it has 3 words")], id="too many words beside a hash"),
    pytest.param('{exchange: orders, binding-key: ["#.payed"]}', [("never-matches", 19, 45, "did you mean 'paid'?")], id="the last word"),
    pytest.param('{exchange: orders, binding-key: ["#.RU.#.paid"]}', [("never-matches", 19, 45, "a word there is never 'RU'")], id="a word between hashes"),
    pytest.param('{exchange: orders, binding-key: ["#.created.#.created.#.paid"]}', [("never-matches", 19, 45, "it has 3 words")], id="words between hashes"),
    pytest.param('{exchange: pair, binding-key: ["#.x.paid.#"]}', [("never-matches", 19, 43, 'no routing key made by "{status}.x" is like that')], id="words in another order"),
    pytest.param('{exchange: orders, binding-key: ["kz*.paid"]}', [("literal-wildcard", 19, 45, "plain text")], id="a wildcard that is none is told as that"),
    pytest.param("{exchange: whole, binding-key: [payed]}", [("never-matches", 19, 44, "did you mean 'paid'?")], id="in a direct exchange"),
    pytest.param('{exchange: whole, binding-key: ["*"]}', [("literal-wildcard", 19, 44, ""), ("never-matches", 19, 44, "`status` is never '*'")], id="a star in a direct exchange"),
    pytest.param('{exchange: first, binding-key: ["*.payed"]}', [("never-matches", 19, 44, "did you mean 'paid'?")], id="over another exchange"),
    pytest.param('{exchange: keyed, binding-key: ["a.b.payed"]}', [], id="a key can be anything"),
    pytest.param('{exchange: further, binding-key: ["a.b.payed"]}', [], id="further keys can be anything"),
    pytest.param('{exchange: unknown, binding-key: ["a.b.payed", "a.y"]}', [("never-matches", 19, 46, "it has 3 words")], id="without a schema"),
    pytest.param('{exchange: unknown, binding-key: ["a.z"]}', [("never-matches", 19, 46, "a word there is never 'z'")], id="a literal of the template"),
    pytest.param("{exchange: heads, headers: {x-match: any}}", [("never-matches", 19, 39, "any of none is never met")], id="any of none"),
    pytest.param("{exchange: heads, headers: {a: {gt: 5, lt: 5}}}", [("never-matches", 19, 40, "nothing is both gt 5 and lt 5")], id="an empty span"),
    pytest.param("{exchange: heads, headers: {a: {gte: 5, lte: 5}}}", [], id="a span of one"),
    pytest.param("{exchange: heads, headers: {a: {gte: b, lte: a}}}", [("never-matches", 19, 40, "nothing is both")], id="an empty span of texts"),
    pytest.param("{exchange: heads, headers: {a: {gte: 1, lte: a}}}", [("never-matches", 19, 40, "compares numbers, and lte a compares texts")], id="numbers and texts"),
    pytest.param("{exchange: heads, headers: {a: {exists: false, prefix: a}}}", [("never-matches", 19, 40, "has no value")], id="absent with a value"),
    pytest.param("{exchange: heads, headers: {a: {exists: false, not: b}}}", [], id="absent, and not b"),
    pytest.param('{exchange: orders, binding-key: ["*.paid", "kz.paid"]}', [("covered-binding", 19, 55, "'*.paid' in line 19 matches all that it does")], id="under a wildcard"),
    pytest.param('{exchange: orders, binding-key: ["kz.paid", "#"]}', [("covered-binding", 19, 45, "'#' in line 19")], id="under everything"),
    pytest.param("{exchange: whole, binding-key: paid}, {exchange: whole}", [("covered-binding", 19, 43, "the binding in line 19")], id="under a binding without a key"),
    pytest.param("{exchange: orders, binding-key: '*.paid'}, {exchange: orders, binding-key: '*.paid', where: amount > 1}", [("covered-binding", 19, 87, "'*.paid' in line 19")], id="with a condition under one without"),
    pytest.param("{exchange: orders, binding-key: '*.paid', where: amount > 2}, {exchange: orders, binding-key: '*.paid', where: amount > 1}", [], id="both with a condition"),
    pytest.param("{exchange: fan}, {exchange: fan, where: amount > 1}", [("covered-binding", 19, 29, "this binding of")], id="in a fanout"),
    pytest.param("{exchange: heads, headers: {a: 1}}, {exchange: heads, headers: {b: 2, a: 1}}", [("covered-binding", 19, 48, "the binding in line 19")], id="more headers"),
    pytest.param("{exchange: heads, headers: {a: 1}}, {exchange: heads, headers: {a: 1}, where: amount > 1}", [("covered-binding", 19, 48, "the binding in line 19")], id="the same headers and a condition"),
    pytest.param("{exchange: heads, headers: {a: 1}}, {exchange: heads, headers: {x-match: any, a: 1, b: 2}}", [], id="any is wider"),
    pytest.param("{exchange: heads, headers: {a: 1}}, {exchange: heads}", [("covered-binding", 19, 12, "the binding in line 19")], id="headers under none"),
    pytest.param("{exchange: ring}, {exchange: ring, weight: 2}", [], id="weights of a ring"),
    pytest.param('{exchange: first, binding-key: ["kz.*", "*.paid", "kz.paid"]}', [("never-matches", 19, 62, "comes first")], id="behind a wider one where the first wins"),
    pytest.param('{exchange: first, binding-key: ["kz.paid", "kz.*"]}', [], id="before a wider one where the first wins"),
]  # fmt: skip


@pytest.mark.parametrize(("items", "expected"), CASES)
def test_a_binding_that_changes_nothing_is_found(items: str, expected: list[tuple[str, int, int, str]]) -> None:
    """By kind, line, column, and words that say why."""
    _, findings = load(f"{HEAD.rstrip()} [{items}]\n")
    own = [finding for finding in findings if finding.place.line >= 19 and finding.kind != "other-subject"]
    assert brief(own) == [each[:3] for each in expected]
    for finding, (*_, words) in zip(own, expected, strict=True):
        assert words in f"{finding.message}: {finding.suggestion}"


def test_very_many_headers_bindings_are_not_compared() -> None:
    """With each other, that is: it would take too long."""
    items = ", ".join(f"{{exchange: heads, headers: {{a: 1, b{number}: 2}}}}" for number in range(210))
    _, findings = load(f"{HEAD.rstrip()} [{{exchange: heads, headers: {{a: 1}}}}, {items}]\n")
    assert "covered-binding" not in {str(finding.kind) for finding in findings}


def test_a_template_that_cannot_be_read_is_told_as_that() -> None:
    """Nothing is said of the keys that it would make."""
    _, findings = load(f"{HEAD.rstrip()} [{{exchange: pair, binding-key: a.b.c}}]\n".replace("{status}.x", "{status.x"))
    assert [kind for kind, *_ in brief(findings) if kind not in {"no-subject", "unused-exchange"}] == [
        "malformed-routing-key"
    ]
