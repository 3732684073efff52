"""Checks of routing keys against the schemas of their sources."""

from __future__ import annotations

import pytest
from support.language import brief, catalogue, load

from router.language.field_checks import has_faulty_schema, schema_file

HEAD = "version: 1\nteam: t\n"
TAIL = "topics: {a.v1: {from: [{exchange: e}]}}\n"


def exchange(said: str) -> str:
    """Return a file with an exchange that says this; it is all in line 3 from column 17 on."""
    return HEAD + f"exchanges: {{e: {{{said}}}}}\n" + TAIL


CASES = [
    pytest.param('type: topic, sources: [order.status.v1], routing-key: "{contry}.x"', [("unknown-field", 72, "did you mean 'country'?")], id="a misspelt field"),
    pytest.param('type: topic, sources: [order.status.v1], routing-key: "x.{a}.{b}"', [("unknown-field", 74, "'a'"), ("unknown-field", 78, "'b'")], id="each at its column"),
    pytest.param("type: topic, sources: [order.status.v1], routing-key: 'x.{zzz}'", [("unknown-field", 74, "it has order_id, country")], id="nothing near"),
    pytest.param('type: topic, sources: [order.status.v1], routing-key: "{customer}"', [("field-not-scalar", 72, "'customer.tier'")], id="a record"),
    pytest.param('type: topic, sources: [order.status.v1], routing-key: "{items}"', [("field-not-scalar", 72, "is an array")], id="a list"),
    pytest.param('type: topic, sources: [order.status.v1], routing-key: "{customer.tier}", key: order_id', [], id="good fields"),
    pytest.param("type: topic, sources: [order.status.v1], key: orderid", [("unknown-field", 63, "did you mean 'order_id'?")], id="a misspelt key"),
    pytest.param('type: topic, sources: [order.status.v1], routing-key: "{header:x}.{key}.{topic}"', [], id="no fields"),
    pytest.param('type: topic, sources: [order.status.v1], routing-key: "x.{header:}"', [("malformed-routing-key", 74, "names no header")], id="a header without a name"),
    pytest.param('type: topic, sources: [order.status.v1], routing-key: "}"', [("malformed-routing-key", 72, "closes nothing")], id="a brace too many"),
    pytest.param('type: topic, sources: [order.status.v1, payment.v1], routing-key: "{country}"', [("unknown-field", 84, "'payment.v1' has no field 'country'")], id="a field of one source only"),
    pytest.param('type: topic, sources: [refund.v3], routing-key: "{a}.{b}", key: a', [("no-schema", 40, "its fields 'a', 'b': add schemas/refund/v3.avsc")], id="no schema"),
    pytest.param('type: topic, sources: [order.status.v9], routing-key: "{a}"', [("no-schema", 40, "add schemas/order.status/v9.avsc; there is v1, v2")], id="no such version"),
    pytest.param('type: topic, sources: [order.statsu.v1], routing-key: "{a}"', [("no-schema", 40, "did you mean 'order.status'?")], id="a misspelt source"),
    pytest.param("type: topic, sources: [order.status.v9], validate: whole", [("no-schema", 40, "to validate whole records by")], id="whole records of no schema"),
    pytest.param("type: topic, sources: [clicks]", [("no-subject", 40, "add schemas/clicks/v1.avsc")], id="no schema, and none needed"),
    pytest.param('type: topic, sources: [order.status], routing-key: "{nobody}"', [("unknown-field", 69, "'order.status.v1' has no field 'nobody'"), ("unknown-field", 69, "'order.status.v2' has no field 'nobody'")], id="a subject for its topics"),
    pytest.param('type: topic, sources: ["no name"], routing-key: "{a}"', [("invalid-topic-name", 40, "' '")], id="no name, and no echo of it"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "expected"), CASES)
def test_a_field_is_checked_against_every_source(said: str, expected: list[tuple[str, int, str]]) -> None:
    """At the column of the placeholder inside the text."""
    _, findings = load(exchange(said))
    ours = [finding for finding in findings if finding.place.line == 3]
    assert brief(ours) == [(kind, 3, column) for kind, column, _ in expected]
    for finding, (*_, words) in zip(ours, expected, strict=True):
        assert words in str(finding)


def test_the_fields_of_an_order_are_among_those_that_are_needed() -> None:
    """Each at its own place, beside what order itself asks of them."""
    text = exchange("type: topic, sources: [order.status.v1], key: order_id, order: {by: orderid, sequence: items}")
    _, findings = load(text)
    assert {("unknown-field", 3, 85), ("field-not-scalar", 3, 104)} <= set(brief(findings))


def test_a_json_topic_wants_a_json_schema() -> None:
    """The file to add has the ending of the format that the owner declares."""
    text = exchange('type: topic, sources: [b.v1], routing-key: "{a}"') + "  b.v1: {format: json}\n"
    _, findings = load(text.replace(TAIL, "topics:\n"))
    assert any("add schemas/b/v1.schema.json" in str(finding) for finding in findings)


def test_a_faulty_schema_is_told_once() -> None:
    """What needs it is not told that it is missing."""
    schemas = catalogue(**{"broken/v1.avsc": "{", "other/v2.schema.json": "["})
    text = exchange('type: topic, sources: [eu.broken.v1, other.v2], routing-key: "{a}"').replace("a.v1", "x.broken.v1")
    _, findings = load(text, schemas=schemas)
    assert [(str(finding.kind), finding.place.file) for finding in findings] == [
        ("invalid-schema", "schemas/broken/v1.avsc"),
        ("invalid-schema", "schemas/other/v2.schema.json"),
    ]
    assert has_faulty_schema("other.v2", schemas)
    assert not has_faulty_schema("broken.v2", schemas)
    assert not has_faulty_schema("unbroken.v1", schemas)


def test_a_topic_names_its_schemas_file() -> None:
    """Subject and version, as far as the name has them."""
    assert schema_file("a.b.v12", extension="avsc") == "a.b/v12.avsc"
    assert schema_file("clicks", extension="avsc") == "clicks/v1.avsc"
