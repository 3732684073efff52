"""Checks of failure: snippets, and what is found in each."""

from __future__ import annotations

import pytest
from support.language import brief, load

EXCHANGES = """\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1]}
  more: {type: topic, sources: [order.status.v1, order.status.v2], from: [{exchange: orders}]}
  ordered: {type: topic, key: order_id, sources: [order.status.v1], order: {by: order_id, sequence: amount, repartition: true}}
  other-keys: {type: topic, sources: [order.status.v1], order: {by: order_id, sequence: amount, repartition: true}}
topics:
"""
TOPIC = "a.order.status.v1"


def text(failure: str, *, exchange: str = "orders", name: str = TOPIC, more: str = "") -> str:
    """Return a file with one topic that says this of failure."""
    return f"{EXCHANGES}  {name}:\n    failure: {failure}\n    from: [{{exchange: {exchange}}}]\n{more}"


def kinds(text: str) -> list[tuple[str, str]]:
    """Return each finding that is about failure, by its kind and its words."""
    _, findings = load(text)
    return [
        (str(each.kind), f"{each.message}: {each.suggestion}" if each.suggestion else each.message)
        for each in findings
        if each.place.line >= 9
    ]


def places(failure: str) -> list[tuple[str, int, int]]:
    """Return kind, line and column of each finding that is about failure."""
    _, findings = load(text(failure))
    return [each for each in brief(findings) if each[1] >= 9]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        pytest.param("{}", [], id="all defaults"),
        pytest.param("{retry: [10s, 1m], then: park, park-for: 7d, on-expiry: release, keep: key}", [], id="parking"),
        pytest.param("{retry: [], then: skip, dialect: spring, keep: nothing}", [], id="no retries"),
        pytest.param("{then: park, park-for: forever}", [], id="parked for ever"),
        pytest.param(
            "{park-for: 1d, on-expiry: release}",
            [
                ("ignored-key", "'park-for' means nothing without 'then: park': remove it, or add 'then: park'"),
                ("ignored-key", "'on-expiry' means nothing without 'then: park': remove it, or add 'then: park'"),
            ],
            id="parking without park",
        ),
        pytest.param("{then: perk}", [("wrong-value", "did you mean 'park'?")], id="misspelt value"),
        pytest.param("{retries: [1s]}", [("unknown-key", "did you mean 'retry'?")], id="misspelt key"),
        pytest.param("{dialect: sprung}", [("wrong-value", "did you mean 'spring'?")], id="misspelt dialect"),
        pytest.param("{retry: [10]}", [("invalid-duration", "write 10ms, 10s")], id="a retry without a unit"),
        pytest.param(
            "{retry: [forever]}", [("invalid-duration", "'forever' is no time to wait")], id="an endless retry"
        ),
        pytest.param("{retry: 10s}", [("wrong-type", "'retry'")], id="no list"),
    ],
)
def test_what_is_said_of_failure_is_checked(failure: str, expected: list[tuple[str, str]]) -> None:
    """By kind and words."""
    told = kinds(text(failure))
    assert [kind for kind, _ in told] == [kind for kind, _ in expected]
    for (_, words), (_, wanted) in zip(told, expected, strict=True):
        assert wanted in words


def test_findings_stand_where_the_fault_is() -> None:
    """Line and column of the key, or of the value."""
    assert places("{then: park, retry: [1x]}") == [("invalid-duration", 10, 35)]
    assert places("{then: dead-letter, park-for: 1d}") == [("ignored-key", 10, 34)]


def test_a_broad_topic_rejects_nothing() -> None:
    """Its records do not come from the router."""
    told = kinds(f"{EXCHANGES}  order.status.v1: {{failure: {{}}}}\n")
    assert [(kind, words.partition(",")[0]) for kind, words in told] == [
        ("ignored-key", "no route feeds 'order.status.v1'")
    ]


@pytest.mark.parametrize(
    ("exchange", "failure", "expected"),
    [
        pytest.param("orders", "{}", [], id="one source"),
        pytest.param("more", "{}", ["needs-repartition"], id="two sources"),
        pytest.param("more", "{keep: nothing}", [], id="two sources and no key kept"),
        pytest.param("ordered", "{}", [], id="keyed anew by what they have as their key"),
        pytest.param("other-keys", "{}", ["not-yet-supported"], id="keyed anew"),
        pytest.param("other-keys", "{keep: nothing}", ["not-yet-supported"], id="keyed anew, and no key kept"),
    ],
)
def test_a_key_is_kept_in_one_lane(exchange: str, failure: str, expected: list[str]) -> None:
    """Records of another source would pass those that wait."""
    told = kinds(text(failure, exchange=exchange))
    assert [kind for kind, _ in told if kind in {"needs-repartition", "not-yet-supported"}] == expected


def test_what_does_not_wait_for_order_comes_from_each_source_by_itself() -> None:
    """Two sources that are keyed anew are one, but for a topic that says `ordered: false`."""
    both = text("{}", exchange="ordered").replace(
        "sources: [order.status.v1], order: {", "sources: [order.status.v1, more.v1], order: {"
    )
    assert [kind for kind, _ in kinds(both) if kind == "needs-repartition"] == []
    at_once = both.replace("    failure:", "    ordered: false\n    failure:")
    assert [kind for kind, _ in kinds(at_once) if kind == "needs-repartition"] == ["needs-repartition"]
    # Of one source as well: what lay in the internal topic when that was said comes from behind it.
    one = text("{}", exchange="ordered").replace("    failure:", "    ordered: false\n    failure:")
    assert [kind for kind, _ in kinds(one) if kind == "needs-repartition"] == ["needs-repartition"]
    assert [kind for kind, _ in kinds(one.replace("{}", "{keep: nothing}")) if kind == "needs-repartition"] == []


def test_topics_beside_a_topic_with_failure_are_not_free() -> None:
    """Consumers and the router write them."""
    more = "".join(f"  {TOPIC}.{ending}: {{format: avro}}\n" for ending in ("rejected", "parked", "dead-letters"))
    assert [kind for kind, _ in kinds(text("{}", more=more))].count("reserved-topic") == 3


def test_topics_beside_are_nobody_s_alternate() -> None:
    """What no route wants would be taken for rejections."""
    said = text("{}").replace(
        "  orders: {type: topic, ", f"  orders: {{type: topic, alternate: {{topic: {TOPIC}.rejected}}, "
    )
    _, findings = load(said)
    assert [str(each.kind) for each in findings if "is what consumers" in each.message] == ["reserved-topic"]


def test_a_topic_that_an_alternate_feeds_may_reject() -> None:
    """Its records come from the router; of two sources' records no key can be kept."""
    exchanges = EXCHANGES.replace("  more: {type: topic, ", f"  more: {{type: topic, alternate: {{topic: {TOPIC}}}, ")
    alone = f"{exchanges.replace(', order.status.v2', '')}  {TOPIC}: {{failure: {{}}}}\n"
    both = f"{exchanges}  {TOPIC}: {{failure: {{}}}}\n"
    assert [kind for kind, _ in kinds(alone) if kind in {"ignored-key", "needs-repartition"}] == []
    assert [kind for kind, _ in kinds(both) if kind in {"ignored-key", "needs-repartition"}] == ["needs-repartition"]


def test_a_compacted_topic_rejects_nothing() -> None:
    """Release marks have no key: no topic can be declared as compacted, let alone one with failure."""
    told = kinds(text("{}", more="    compacted: true\n"))
    assert [kind for kind, _ in told] == ["not-yet-supported"]


def test_a_name_leaves_room_for_the_topics_beside_it() -> None:
    """13 characters for `.dead-letters`."""
    name = "a" * (249 - 12 - len(".order.status.v1")) + ".order.status.v1"
    told = kinds(text("{}", name=name))
    assert [kind for kind, _ in told] == ["invalid-topic-name"]
    assert "237 characters: a topic with 'failure' may have 236" in told[0][1]
    assert kinds(text("{}", name=name[1:])) == []
