"""Checks of exchanges over all files: snippets, and what is found in each."""

from __future__ import annotations

import pytest
from support.language import OWNER, brief, load

HEAD = "version: 1\nteam: t\n"
BOUND = HEAD + "topics:\n  {topic}: {{from: [{{exchange: {exchange}{key}}}]}}\n"

CASES = [
    pytest.param(
        HEAD + "topics: {a.order.status.v1: {from: [{exchange: order}]}}\n",
        [("unknown-exchange", 3, 48, "did you mean 'orders'?")],
        id="an exchange that is not there",
    ),
    pytest.param(
        HEAD + "topics: {a.order.status.v1: {from: [{exchange: orde, binding-key: [a, b]}]}}\n",
        [("unknown-exchange", 3, 48, "")],
        id="once, however many keys",
    ),
    pytest.param(
        HEAD + "exchanges: {f: {type: fanout, sources: [order.status.v1]}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: f, binding-key: k}]}}\n",
        [("ignored-key", 4, 64, "'k'")],
        id="a key for a fanout",
    ),
    pytest.param(
        HEAD + "exchanges: {d: {type: direct, sources: [order.status.v1]}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: d, binding-key: ['a.*', 'a*']}]}}\n",
        [("literal-wildcard", 4, 65, "plain characters")],
        id="a wildcard for a direct exchange",
    ),
    pytest.param(
        HEAD + "topics: {a.order.status.v1: {from: [{exchange: orders, binding-key: ['a*.#', 'b.#', 'a.##']}]}}\n",
        [("literal-wildcard", 3, 70, "'a*' in"), ("literal-wildcard", 3, 85, "'##' in")],
        id="a wildcard inside a word",
    ),
    pytest.param(
        HEAD
        + "topics: {a.order.status.v1: {from: [{exchange: orders, binding-key: [k.#, k.#]}, {exchange: orders}, {exchange: orders}]}}\n",
        [("duplicate-binding", 3, 75, "binding key 'k.#'"), ("duplicate-binding", 3, 102, "without a key")],
        id="the same binding twice",
    ),
    pytest.param(
        HEAD
        + "exchanges: {a: {type: topic, from: [{exchange: orders}]}, b: {type: fanout, from: [{exchange: a}, {exchange: c}]},\n"
        " c: {type: fanout, from: [{exchange: b}, {exchange: c}]}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: a}, {exchange: b}, {exchange: c}]}}\n",
        [("exchange-cycle", 3, 110, "b → c → b"), ("exchange-cycle", 4, 53, "c → c")],
        id="exchanges in circles, each told once",
    ),
    pytest.param(
        HEAD
        + "exchanges: {a: {type: topic, sources: [order.status.v1], alternate: {exchange: b}}, b: {type: fanout}, c: {type: fanout, from: [{exchange: d}]}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: a}, {exchange: b}, {exchange: c}]}}\n",
        [("unreachable-exchange", 3, 104, "nothing reaches exchange 'c'"), ("unknown-exchange", 3, 140, "'d'")],
        id="an exchange that only an unknown one feeds",
    ),
    pytest.param(
        HEAD + "exchanges: {a: {type: topic, sources: [order.status.v1], hash-on: {header: x}}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: a}]}}\n",
        [("ignored-key", 3, 58, "only a consistent-hash exchange hashes")],
        id="what to hash in an exchange that does not",
    ),
    pytest.param(
        HEAD + "exchanges: {e: {type: topic, sources: [order.status.v1], alternate: {exchange: ordres}}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: e}]}}\n",
        [("unknown-exchange", 3, 80, "did you mean 'orders'?")],
        id="an alternate that is not there",
    ),
    pytest.param(
        HEAD + "exchanges: {e: {type: topic, sources: [order.status.v1], alternate: {}}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: e}]}}\n",
        [("wrong-value", 3, 69, "either a topic or an exchange")],
        id="an alternate that is nothing",
    ),
    pytest.param(
        HEAD + "exchanges: {e: {type: topic, sources: [order.status.v1], alternate: {topic: x, exchange: orders}}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: e}]}}\n",
        [("wrong-value", 3, 69, "either a topic or an exchange")],
        id="an alternate that is both",
    ),
    pytest.param(
        HEAD + "exchanges:\n  a: {type: fanout, sources: [order.status.v1], alternate: {exchange: b}}\n"
        "  b: {type: fanout, alternate: {exchange: a}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: a}, {exchange: b}]}}\n",
        [("alternate-loop", 5, 43, "a → b → a")],
        id="alternates in a loop",
    ),
    pytest.param(
        HEAD + "exchanges:\n  a: {type: fanout, sources: [order.status.v1], alternate: {exchange: a}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: a}]}}\n",
        [("alternate-loop", 4, 71, "a → a")],
        id="an alternate of itself",
    ),
    pytest.param(
        HEAD + "exchanges:\n  a: {type: fanout, sources: [order.status.v1]}\n"
        "  b: {type: fanout, sources: [order.status.v1], alternate: {topic: rest}}\n",
        [("unused-exchange", 4, 3, "go to the unroutable topic"), ("unused-exchange", 5, 3, "go to its alternate")],
        id="exchanges that nobody binds to",
    ),
    pytest.param(
        HEAD + "exchanges: {a: {type: fanout}}\ntopics: {b.order.status.v1: {from: [{exchange: a}]}}\n",
        [("unreachable-exchange", 3, 13, "nothing reaches exchange 'a'")],
        id="an exchange that nothing enters",
    ),
]

OWN = {
    "exchange-cycle",
    "foreign-binding",
    "unknown-exchange",
    "ignored-key",
    "literal-wildcard",
    "duplicate-binding",
    "wrong-value",
    "alternate-loop",
    "unused-exchange",
    "unreachable-exchange",
}
"""What these checks find; what others find in the same snippets is theirs to test."""


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_it_is_found_at_its_place(text: str, expected: list[tuple[str, int, int, str]]) -> None:
    """By kind, line, column, and words that name it."""
    _, all_findings = load({"owner.yaml": OWNER, "t.yaml": text})
    findings = [finding for finding in all_findings if finding.kind in OWN]
    assert brief(findings) == [each[:3] for each in expected]
    for finding, (*_, words) in zip(findings, expected, strict=True):
        assert words in str(finding)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("a: [", id="a file that is no YAML"),
        pytest.param(HEAD + "exchanges: {order: {}}\n", id="a faulty exchange of that name"),
    ],
)
def test_what_may_be_declared_is_not_called_unknown(other: str) -> None:
    """A fault in one file has no echo in another."""
    text = HEAD.replace("team: t", "team: u") + (
        "exchanges: {e: {type: topic, sources: [order.status.v1], alternate: {exchange: order}}}\n"
        "topics: {a.order.status.v1: {from: [{exchange: order}, {exchange: e}]}}\n"
    )
    _, findings = load({"other.yaml": other, "t.yaml": text})
    assert {finding.place.file for finding in findings} == {"other.yaml"}


def test_a_faulty_binding_does_not_make_its_exchange_look_unused() -> None:
    """Nor unreachable: what was meant is not known."""
    text = HEAD + "exchanges: {a: {type: topic}}\ntopics: {b.order.status.v1: {from: [{exchange: a, bindng-key: x}]}}\n"
    _, findings = load(text)
    assert brief(findings) == [("unknown-key", 4, 51)]


def test_where_the_first_match_wins_all_bindings_stand_in_one_file() -> None:
    """That of the exchange's owner: elsewhere they would have no place in the order."""
    owner = OWNER.replace("type: topic", "type: topic\n    limit: first")
    text = HEAD + "topics: {a.order.status.v1: {from: [{exchange: orders, binding-key: [a.paid, b.paid]}]}}\n"
    _, findings = load({"owner.yaml": owner, "t.yaml": text})
    (finding,) = [each for each in findings if each.kind == "foreign-binding"]
    assert (finding.place.file, finding.place.line, finding.place.column) == ("t.yaml", 3, 48)
    assert "all its bindings stand in owner.yaml" in finding.message
    assert "ask team 'owner'" in finding.suggestion


def test_records_that_exchanges_bring_back_are_a_circle_of_topics() -> None:
    """Over an exchange that another feeds, too."""
    text = (
        HEAD
        + "exchanges: {far: {type: fanout, from: [{exchange: orders}]}}\ntopics: {order.status.v1: {from: [{exchange: far}]}}\n"
    )
    _, findings = load({"owner.yaml": OWNER, "t.yaml": text})
    (finding,) = [each for each in findings if each.kind == "topic-cycle"]
    assert "order.status.v1 → exchange 'orders' → exchange 'far' → order.status.v1" in finding.message
