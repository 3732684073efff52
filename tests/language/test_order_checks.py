"""Checks of order: snippets, and what is found in each."""

from __future__ import annotations

import json

import pytest
from language.ordering import EVENT, GOOD, STATES, load_order, ordering
from support.language import brief, catalogue, load

from router.language.order_checks import first_states
from router.language.shapes import OrderShape

CASES = [
    pytest.param(GOOD, [], id="a sequence"),
    pytest.param("by: id, time: at", [], id="a timestamp"),
    pytest.param("by: id, time: day", [], id="a date"),
    pytest.param("by: id, time: n", [], id="a number as time"),
    pytest.param("by: id, time: id", [], id="a text as time"),
    pytest.param(STATES, [], id="states"),
    pytest.param(f"{STATES}, start: paid", [("dead-state", "'created'")], id="a state before the start"),
    pytest.param(f"{STATES}, start: first-seen", [], id="states from anywhere"),
    pytest.param(f"{GOOD}, start: 0, on-gap: dead-letter, on-late: drop, on-duplicate: release, forget-after: forever", [], id="every option"),
    pytest.param("by: id", [("wrong-value", "is by one of sequence, time and states: say which")], id="no kind"),
    pytest.param("by: id, sequence: n, time: at", [("wrong-value", "not by sequence and time")], id="two kinds"),
    pytest.param("by: id, states: {created: paid}", [("missing-key", "has no 'state'")], id="no field of the state"),
    pytest.param(
        "by: id, time: at, start: 1, on-gap: release, on-duplicate: drop, state: state",
        [("ignored-key", f"'{key}' means nothing with 'time'") for key in ("start", "on-gap", "on-duplicate", "state")],
        id="what means nothing with time",
    ),
    pytest.param(f"{GOOD}, state: state", [("ignored-key", "'state' means nothing with 'sequence'")], id="a state of a sequence"),
    pytest.param(f"{GOOD}, start: first-sean", [("wrong-value", "a number or first-seen: did you mean 'first-seen'?")], id="a sequence that starts with a text"),
    pytest.param(f"{GOOD}, start: -1", [("wrong-value", "'start': it is a whole number from 0 on")], id="a negative start"),
    pytest.param(f"{GOOD}, start: 1.5", [("wrong-value", "'start': it is a whole number from 0 on")], id="half a start"),
    pytest.param(f"{STATES}, start: 1", [("wrong-value", "'start' of states is a state")], id="states that start with a number"),
    pytest.param(f"{STATES}, start: [created, payd]", [("wrong-value", "a state 'payd' that is not among the states: did you mean 'paid'?")], id="an unknown start"),
    pytest.param(
        "by: id, state: state, states: {created: paid, paid: [created, shipped]}",
        [("wrong-value", "nobody knows where a key begins: add 'start' with a state")],
        id="a circle without a start",
    ),
    pytest.param("by: id, state: state, states: {created: [paid, payd], paid: shipped, shiped: [created]}, start: created", [
        ("unknown-symbol", "no symbol 'payd': did you mean 'paid'?"),
        ("dead-state", "no key can get to state 'shiped'"),
        ("unknown-symbol", "no symbol 'shiped': did you mean 'shipped'?"),
    ], id="states that the schema does not have"),
    pytest.param(
        "by: id, state: state, states: {created: []}",
        [("dead-state", "records of source 'event.v1' whose 'state' is 'paid', 'shipped' will all be illegal transitions")],
        id="states that are left out",
    ),
    pytest.param("by: id, state: id, states: {a: b}", [], id="states of a text"),
    pytest.param(f"{GOOD}, on-gap: park, park-for: forever, on-expiry: release", [], id="parking"),
    pytest.param(
        f"{GOOD}, park-for: 1d, on-expiry: release",
        [("ignored-key", "'park-for' means nothing without 'on-gap: park'"), ("ignored-key", "'on-expiry' means nothing")],
        id="parking without park",
    ),
    pytest.param(f"{GOOD}, wait: 1h, forget-after: 60m", [("wrong-value", "a key that is forgotten after 60m cannot know what came 1h ago: forget later, or wait less")], id="forgotten while it waits"),
    pytest.param(f"{GOOD}, wait: 30d", [("wrong-value", "forgotten after 30d cannot know what came 30d ago")], id="a wait as long as the default memory"),
    pytest.param(f"{GOOD}, wait: forever", [("invalid-duration", "'forever' is no time to wait: what is missing may never come")], id="an endless wait"),
    pytest.param(f"{GOOD}, hold-at-most: 0", [("wrong-value", "it is at least 1")], id="no room"),
    pytest.param("by: other, sequence: n", [("needs-repartition", "the records' keys are 'id', and they are to be ordered by 'other': order by 'id', or say 'repartition: true'")], id="by another field"),
    pytest.param("by: other, sequence: n, repartition: true", [], id="by another field, keyed anew"),
    pytest.param("by: id, sequence: half", [("order-field", "field 'half' of source 'event.v1' is a double: a sequence counts in whole numbers")], id="halves"),
    pytest.param("by: id, sequence: at", [("order-field", "is a timestamp-millis")], id="a sequence of times"),
    pytest.param("by: id, time: clock", [("order-field", "is a time-millis: a time is a timestamp, a date, a text or a whole number")], id="a time of day"),
    pytest.param("by: id, time: state", [("order-field", "is an enum")], id="a time of an enum"),
    pytest.param("by: id, sequence: m", [("unknown-field", "source 'event.v1' has no field 'm'")], id="a field that is not there"),
    pytest.param("by: id, sequence: items", [("field-not-scalar", "field 'items' of source 'event.v1' is an array")], id="a field of parts"),
    pytest.param("by: id, sequense: n", [("unknown-key", "did you mean 'sequence'?")], id="a misspelt kind"),
]  # fmt: skip


@pytest.mark.parametrize(("order", "expected"), CASES)
def test_what_is_wrong_with_an_order_is_found(order: str, expected: list[tuple[str, str]]) -> None:
    """Each once, with words that name it and a way out."""
    _, findings = load_order(ordering(order))
    assert [str(each.kind) for each in findings] == [kind for kind, _ in expected]
    for finding, (_, words) in zip(findings, expected, strict=True):
        assert words in str(finding)
        assert finding.place.line == 7


def test_findings_stand_where_they_can_be_mended() -> None:
    """At the key or the value in question, inside a list too."""
    text = ordering(
        "by: other, state: state, states: {created: [paid, x], lost: [paid]}, start: [created, z], on-gap: park, time: at"
    )
    _, findings = load_order(text)
    line = text.splitlines()[6]
    spots = {
        "needs-repartition": "other",
        "dead-state": "lost:",
        "unknown-symbol": "x]",
    }
    for kind, spot in spots.items():
        columns = [each.place.column for each in findings if each.kind == kind]
        assert line.index(spot) + 1 in columns, kind


def test_the_records_keys_must_be_known() -> None:
    """By `key:`, unless they are keyed anew."""
    _, findings = load_order(ordering(GOOD, more="tombstones: all"))
    (finding,) = findings
    assert str(finding).startswith("t.yaml:7:17 needs-repartition nothing says that the records' keys are 'id'")
    assert finding.suggestion == "declare 'key: id' on 'e' if they are; else say 'repartition: true'"
    _, findings = load_order(ordering(f"{GOOD}, repartition: true", more="tombstones: all"))
    assert findings == ()


@pytest.mark.parametrize(
    ("sources", "order", "kinds"),
    [
        pytest.param("[event.v1, event.v1]", GOOD, [], id="the same twice is one"),
        pytest.param("[event.v1, other.v1]", GOOD, ["needs-repartition"], id="two"),
        pytest.param("[event.v1, other.v1]", f"{GOOD}, repartition: true", [], id="two that are keyed anew"),
    ],
)
def test_several_sources_need_to_be_keyed_anew(sources: str, order: str, kinds: list[str]) -> None:
    """Records of one key would lie in partitions of different topics."""
    schemas = catalogue(**{"event/v1.avsc": json.dumps(EVENT), "other/v1.avsc": json.dumps(EVENT)})
    text = ordering(order, topics="plain: {from: [{exchange: e}]}").replace("[event.v1]", sources)
    _, findings = load(text, schemas=schemas)
    assert [str(each.kind) for each in findings if each.kind != "no-subject"] == kinds


def test_order_is_made_where_records_enter_and_once() -> None:
    """Not in an exchange that others feed, nor in two of one source."""
    fed = "f: {type: topic, from: [{exchange: e}], key: id, order: {by: id, sequence: n}}"
    _, findings = load_order(ordering(GOOD, exchanges=fed, topics="a.event.v1: {from: [{exchange: e}, {exchange: f}]}"))
    assert brief(findings) == [("misplaced-order", 9, 52)]
    twice = "f: {type: topic, sources: [event.v1], key: id, order: {by: id, sequence: n}}"
    _, findings = load_order(
        ordering(GOOD, exchanges=twice, topics="a.event.v1: {from: [{exchange: e}, {exchange: f}]}")
    )
    assert brief(findings) == [("misplaced-order", 9, 50)]
    assert "by 'e' already, at t.yaml:4:3: feed 'f' from there: from: [{exchange: e}]" in str(findings[0])


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        pytest.param("ordered: false, from: [{exchange: e}]", [], id="of an exchange with order"),
        pytest.param("ordered: false, from: [{exchange: h}]", [], id="of one that is fed by one with order"),
        pytest.param("ordered: false, from: [{exchange: f}, {exchange: g}]", ["ignored-key"], id="of those without"),
        pytest.param("ordered: true, from: [{exchange: f}]", [], id="true changes nothing"),
    ],
)
def test_a_topic_can_choose_only_where_there_is_order(said: str, kinds: list[str]) -> None:
    """Otherwise it never waits."""
    others = """f: {type: topic, sources: [event.v1]}
  g: {type: topic, from: [{exchange: f}]}
  h: {type: topic, from: [{exchange: e}]}"""
    every = "b.event.v1: {from: [{exchange: e}, {exchange: f}, {exchange: g}, {exchange: h}]}"
    _, findings = load_order(ordering(GOOD, exchanges=others, topics=f"a.event.v1: {{{said}}}\n  {every}"))
    assert brief(findings) == [(kind, 13, 16) for kind in kinds]


def test_what_a_source_without_a_schema_cannot_tell_is_found_once() -> None:
    """With the fields of order among those that routes need."""
    _, findings = load_order(
        ordering("by: id, sequence: n").replace("[event.v1]", "[clicks]").replace("a.event.v1", "a")
    )
    assert [str(each.kind) for each in findings] == ["no-schema"]
    assert "routes need its fields 'id', 'n'" in str(findings[0])


def test_keys_begin_with_the_states_that_no_other_leads_to() -> None:
    """A state may lead to itself."""

    def first(**states: list[str]) -> tuple[str, ...]:
        return first_states(OrderShape.model_validate({"by": "id", "state": "s", "states": states}))

    assert first(a=["b"], b=["c"], d=["c"]) == ("a", "d")
    assert first(a=["a", "b"]) == ("a",)
    assert first(a=["b"], b=["a"]) == ()
    assert first_states(OrderShape.model_validate({"by": "id", "time": "at"})) == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("'e f'", "has its name in it: 'e f' has ' ' in it", id="no topic's name"),
        pytest.param("e" * 81, "the name has 81 characters: such an exchange may have 80", id="a long name"),
        pytest.param("e" * 80, "", id="as long as can be"),
    ],
)
def test_exchange_with_an_internal_topic_has_a_name_that_kafka_takes(name: str, words: str) -> None:
    """It is a part of that topic's."""
    text = (
        ordering(f"{GOOD}, repartition: true")
        .replace("  e:\n", f"  {name}:\n")
        .replace("exchange: e}", f"exchange: {name}}}")
    )
    _, findings = load_order(text)
    assert [str(each.kind) for each in findings] == (["invalid-topic-name"] if words else [])
    assert all(words in str(each) for each in findings)


def test_versions_of_a_subject_are_not_put_in_one_order() -> None:
    """Their records would have to be converted each by its own version."""
    schemas = catalogue(**{"event/v1.avsc": json.dumps(EVENT), "event/v2.avsc": json.dumps(EVENT)})
    text = ordering(f"{GOOD}, repartition: true", topics="plain: {format: avro, from: [{exchange: e}]}")
    _, findings = load(text.replace("[event.v1]", "[event.v1, event.v2]"), schemas=schemas)
    (finding,) = [each for each in findings if str(each.kind) == "not-yet-supported"]
    assert "'event.v1' and 'event.v2' are of one subject" in str(finding)
