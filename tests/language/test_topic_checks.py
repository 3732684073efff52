"""Checks of topics: names, subjects and versions, formats, and that nothing goes round."""

from __future__ import annotations

import json

import pytest
from support.language import OWNER, brief, catalogue, load

from router.language.findings import Kind

HEAD = "version: 1\nteam: t\n"
LONG = "x" * 250
NEARLY = "x" * 237

CASES = [
    pytest.param("topics: {'a b.v1': {retention: 7d}}", [("invalid-topic-name", 3, 10, "' '")], id="a blank"),
    pytest.param("topics: {'..': {retention: 7d}}", [("invalid-topic-name", 3, 10, "'..'")], id="two dots"),
    pytest.param("topics: {'': {retention: 7d}}", [("invalid-topic-name", 3, 10, "needs a name")], id="no name"),
    pytest.param(f"topics: {{? {LONG} : {{retention: 7d}}}}", [("invalid-topic-name", 3, 12, "250 characters")], id="a long name"),
    pytest.param(
        f"exchanges: {{e: {{type: fanout, sources: [{NEARLY}], alternate: {{topic: 'ä'}}}}}}\ntopics: {{a: {{from: [{{exchange: e}}]}}}}",
        [("invalid-topic-name", 3, 41, "'.dead-letters' fits behind"), ("no-subject", 3, 41, ""), ("invalid-topic-name", 3, 300, "'ä'")],
        id="no room behind a source",
    ),
    pytest.param("topics: {a.order.status.v2: {from: [{exchange: orders}]}}", [], id="another version that is converted"),
    pytest.param("topics: {a.order.status.v7: {from: [{exchange: orders}]}}", [("unknown-subject", 3, 10, "'order.status' has no version 7")], id="no such version"),
    pytest.param("topics: {a.order.status.v1.g2: {from: [{exchange: orders}]}}", [], id="a generation"),
    pytest.param("topics: {a.order.status.v7.g2: {from: [{exchange: orders}]}}", [("unknown-subject", 3, 10, "'order.status' has no version 7")], id="a generation of no such version"),
    pytest.param("topics: {a.order.statos.v1: {from: [{exchange: orders}]}}", [("unknown-subject", 3, 10, "did you mean 'order.status'?")], id="a misspelt subject"),
    pytest.param("topics: {a.zzz.v1: {from: [{exchange: orders}]}}", [("unknown-subject", 3, 10, "name it '<prefix>.order.status.v1'")], id="no subject"),
    pytest.param("topics: {mine: {from: [{exchange: orders, binding-key: b.paid}, {exchange: orders, binding-key: a.paid}]}}", [("no-subject", 3, 10, "name it")], id="no version"),
    pytest.param("topics: {a.payment.v1: {from: [{exchange: orders}]}}", [("other-subject", 3, 43, "of 'order.status.v1'")], id="another subject"),
    pytest.param("topics: {a.order.status.v1: {format: json, from: [{exchange: orders}]}}", [("format-mismatch", 3, 38, "is avro by its schema")], id="another format than its schema's"),
    pytest.param("topics: {mine: {format: json, from: [{exchange: orders}]}}", [("no-subject", 3, 10, ""), ("format-mismatch", 3, 25, "gets avro from source 'order.status.v1'")], id="another format than its source's"),
    pytest.param("topics: {a.stock.v1: {format: json}, a.order.status.v1: {format: avro, from: [{exchange: orders}]}}", [], id="the right formats"),
    pytest.param("topics: {order.status.v1.unroutable: {from: [{exchange: orders}]}}", [("no-subject", 3, 10, ""), ("reserved-topic", 3, 57, "what the router writes")], id="a reserved topic"),
    pytest.param("topics: {order.status.v1.dead-letters: {retention: 7d}}", [], id="a reserved topic may be declared"),
    pytest.param(
        "exchanges: {e: {type: fanout, sources: [order.status.v1.dead-letters]}}\ntopics: {x.order.status.v1: {from: [{exchange: e}]}}",
        [("reserved-topic", 3, 41, "cannot be a source"), ("no-subject", 3, 41, "")],
        id="a reserved topic as a source",
    ),
    pytest.param("topics: {order.status.v1: {from: [{exchange: orders}]}}", [("topic-cycle", 3, 46, "order.status.v1 → exchange 'orders' → order.status.v1")], id="a topic feeds itself"),
    pytest.param(
        "exchanges: {e: {type: fanout, sources: [eu.order.status.v1]}}\n"
        "topics: {eu.order.status.v1: {from: [{exchange: orders}]}, x.order.status.v1: {from: [{exchange: e}]}}",
        [("fed-source", 4, 49, "'eu.order.status.v1' is a source of exchange 'e'")],
        id="a narrow topic is a source",
    ),
    pytest.param(
        "exchanges: {e: {type: fanout, sources: [eu.order.status.v1], alternate: {exchange: f}}, f: {type: fanout, alternate: {topic: order.status.v1}}}\n"
        "topics: {eu.order.status.v1: {from: [{exchange: orders}]}, x.order.status.v1: {from: [{exchange: e}, {exchange: f}]}}",
        [
            ("topic-cycle", 3, 126, "order.status.v1 → exchange 'orders' → eu.order.status.v1 → exchange 'e' → exchange 'f' → order.status.v1"),
            ("topic-cycle", 4, 49, "eu.order.status.v1 → exchange 'e' → exchange 'f' → order.status.v1 → exchange 'orders' → eu.order.status.v1"),
        ],
        id="a circle over two topics and an alternate",
    ),
    pytest.param("topics: {order.status.v1: {from: [{exchange: nobody}]}}", [("unknown-exchange", 3, 46, "")], id="an unknown exchange feeds nothing"),
    pytest.param("topics: {order.status.v1: {from: [{exchange: orders, binding-key: [a.paid, b.paid]}, {exchange: orders, binding-key: c.paid}]}}", [("topic-cycle", 3, 46, "")], id="a circle is told once"),
]  # fmt: skip

OWN = {
    "invalid-topic-name",
    "no-conversion",
    "unknown-subject",
    "no-subject",
    "other-subject",
    "format-mismatch",
    "reserved-topic",
    "topic-cycle",
    "fed-source",
    "unknown-exchange",
}
"""What these checks find; what others find in the same snippets is theirs to test."""


@pytest.mark.parametrize(("said", "expected"), CASES)
def test_it_is_found_at_its_place(said: str, expected: list[tuple[str, int, int, str]]) -> None:
    """By kind, line, column, and words that name it."""
    _, all_findings = load({"owner.yaml": OWNER, "t.yaml": HEAD + said + "\n"})
    findings = [finding for finding in all_findings if finding.kind in OWN]
    assert brief(findings) == [each[:3] for each in expected]
    for finding, (*_, words) in zip(findings, expected, strict=True):
        assert words in str(finding)


def test_a_source_has_the_format_that_its_owner_declares() -> None:
    """Where it has no schema; its copies have the same."""
    text = HEAD + (
        "exchanges: {e: {type: fanout, sources: [clicks]}}\n"
        "topics: {clicks: {format: json}, mine: {from: [{exchange: e}]}, yours: {format: avro, from: [{exchange: e}]}}\n"
    )
    _, findings = load(text)
    assert brief(findings) == [("no-subject", 3, 41), ("format-mismatch", 4, 81)]


def test_version_without_a_conversion_is_told() -> None:
    """With the file to write."""
    other = json.dumps({"type": "record", "name": "P", "fields": [{"name": "phase", "type": "string"}]})
    routes = f"{HEAD}exchanges: {{e: {{type: fanout, sources: [payment.v1]}}}}\ntopics: {{a.payment.v2: {{from: [{{exchange: e}}]}}}}"
    _, findings = load(routes, schemas=catalogue(**{"payment/v2.avsc": other}))
    (finding,) = (each for each in findings if each.kind is Kind.NO_CONVERSION)
    assert (finding.place.line, finding.place.column) == (4, 43)
    assert finding.message.endswith("from v1 of 'payment' to v2: write schemas/payment/v1_to_v2.yaml")


def test_records_that_nobody_can_read_are_told() -> None:
    """Before every one of them becomes a dead letter."""
    routes = f"{HEAD}exchanges: {{e: {{type: fanout, sources: [payment.v1]}}}}\ntopics: {{a.payment.v1: {{from: [{{exchange: e}}]}}}}"
    schemas = {"payment/subject.yaml": "encoding: confluent"}
    _, findings = load(routes, schemas=catalogue(**schemas))
    assert [(str(each.kind), each.place.line, each.place.column) for each in findings] == [("invalid-schema", 3, 41)]
    schemas["payment/subject.yaml"] += "\nconfluent-ids: {'1': v1}"
    route_set, findings = load(routes, schemas=catalogue(**schemas))
    assert findings == ()
    assert route_set is not None
    assert route_set.fingerprint != load(routes)[0].fingerprint
