"""What single bindings ask, and whether their exchange looks at it."""

from __future__ import annotations

import pytest
from support.language import brief, load

HEAD = """\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}"}
  heads: {type: headers, sources: [order.status.v1]}
  ring: {type: consistent-hash, sources: [order.status.v1]}
topics:
  all.order.status.v1: {from: [{exchange: orders}, {exchange: heads}, {exchange: ring}]}
  a.order.status.v1:
    from:
"""
CASES = [
    pytest.param("{exchange: heads, headers: {type: pdf, size: {gt: 5}, ok: null}}", [], id="headers"),
    pytest.param("{exchange: ring, weight: 3}", [], id="a weight"),
    pytest.param("{exchange: orders, where: amount > 1, on-error: dead-letter}", [], id="a condition"),
    pytest.param("{exchange: orders, headers: {type: pdf}}", [("misplaced-headers", 11, 28, "does not look at headers")], id="headers elsewhere"),
    pytest.param("{exchange: ring, headers: {x-match: any}}", [("misplaced-headers", 11, 26, "does not look at headers")], id="a mode alone elsewhere"),
    pytest.param("{exchange: heads, binding-key: a.b}", [("ignored-key", 11, 40, "plays no part")], id="a key for headers"),
    pytest.param("{exchange: ring, binding-key: [a, b]}", [("ignored-key", 11, 40, "'a' plays no part"), ("ignored-key", 11, 43, "'b' plays no part")], id="keys for a ring"),
    pytest.param("{exchange: orders, weight: 2}", [("ignored-key", 11, 28, "only a consistent-hash exchange")], id="a weight elsewhere"),
    pytest.param("{exchange: orders, binding-key: [a.paid, b.paid], on-error: no-match}", [("ignored-key", 11, 59, "there is none")], id="an end for no condition, told once"),
    pytest.param("{exchange: heads, headers: {x-a: 1, b: 2}}", [("ignored-key", 11, 37, "'x-a' does not count")], id="a name in x-"),
    pytest.param("{exchange: heads, headers: {x-match: all-with-x, x-a: 1}}", [], id="a name in x- that counts"),
    pytest.param("{exchange: heads, headers: {a: {im: [1]}}}", [("unknown-key", 11, 41, "unknown operator 'im'")], id="an unknown operator"),
    pytest.param("{exchange: heads, headers: {a: {in: [x, {}]}}}", [("wrong-type", 11, 49, "is a value")], id="an item"),
    pytest.param("{exchange: heads, headers: {a: {matches: 'ab(?=x)'}}}", [("invalid-pattern", 11, 53, "invalid perl operator")], id="a pattern"),
    pytest.param("{exchange: heads, headers: {x-match: some}}", [("wrong-value", 11, 46, "all, any, all-with-x or any-with-x")], id="a mode"),
    pytest.param("{exchange: heads, headers: {a: 007}}", [("yaml-trap", 11, 40, "headers are compared by their text")], id="a number with zeros"),
    pytest.param("{exchange: heads, headers: {a: {in: [1, 1.50]}}}", [("yaml-trap", 11, 49, "'1.50' without quotes is the value 1.5")], id="a number in a list"),
    pytest.param("{exchange: heads, headers: {a: True}}", [("yaml-trap", 11, 40, "is the value true")], id="a boolean in capitals"),
    pytest.param("{exchange: heads, headers: {a: {gt: 007, lt: 1e3}}}", [], id="numbers that are compared as numbers"),
    pytest.param("{exchange: head, headers: {a: {}}}", [("unknown-exchange", 11, 20, "did you mean 'heads'?"), ("wrong-value", 11, 39, "says no operator")], id="an unknown exchange hides nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("item", "expected"), CASES)
def test_a_binding_is_told_what_is_wrong_with_it(item: str, expected: list[tuple[str, int, int, str]]) -> None:
    """By kind, line, column, and words that name it."""
    _, findings = load(f"{HEAD}      - {item}\n")
    assert brief(findings) == [each[:3] for each in expected]
    for finding, (*_, words) in zip(findings, expected, strict=True):
        assert words in f"{finding.message}: {finding.suggestion}"


def test_equal_bindings_are_told_and_others_are_not() -> None:
    """Those that differ in a condition are two; in a ring two bindings add up."""
    items = [
        "{exchange: heads, headers: {a: 1}}",
        "{exchange: heads, headers: {a: 1, x-match: all}}",
        "{exchange: heads, headers: {x-match: any, a: 1}}",
        "{exchange: orders, where: amount > 1}",
        "{exchange: orders, where: amount > 2}",
        "{exchange: ring}",
        "{exchange: ring}",
    ]
    _, findings = load(HEAD + "".join(f"      - {item}\n" for item in items))
    assert brief(findings) == [("duplicate-binding", 12, 9)]


def test_exchanges_have_bindings_like_topics() -> None:
    """Their items are checked in the same way."""
    _, findings = load(
        HEAD.replace("ring: {", "ring: {from: [{exchange: orders, headers: {a: {}}, weight: 1}], ")
        + "      - {exchange: ring}\n"
    )
    assert [kind for kind, *_ in brief(findings)] == ["misplaced-headers", "wrong-value", "ignored-key"]


def test_weights_have_a_limit() -> None:
    """A ring of too many points would not fit: that is told once."""
    items = "".join("      - {exchange: ring, weight: 1000}\n" for _ in range(30))
    _, findings = load(HEAD + items)
    assert brief(findings) == [("wrong-value", 30, 34)]
