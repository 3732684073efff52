"""Sources that name a subject: the topics of its versions, at the place where the subject was written."""

from __future__ import annotations

import pytest
from support.language import TEXTS, catalogue, load

from router.language.subject_sources import versions_named, with_versions
from router.testing import RouterDouble

HEAD = "version: 1\nteam: t\nexchanges:\n"
BOUND = "topics:\n  a.order.status.v1: {from: [{exchange: e}]}\n"


@pytest.mark.parametrize(
    ("name", "topics"),
    [
        pytest.param("order.status", ("order.status.v1", "order.status.v2"), id="a subject"),
        pytest.param("shop.order.status", ("shop.order.status.v1", "shop.order.status.v2"), id="with a prefix"),
        pytest.param("payment", ("payment.v1",), id="one version"),
        pytest.param("order.status.v2", (), id="a version"),
        pytest.param("order", (), id="no subject"),
        pytest.param("", (), id="nothing"),
    ],
)
def test_a_subject_is_its_versions(name: str, topics: tuple[str, ...]) -> None:
    """Lowest first, with whatever prefix; a name with a version is that topic."""
    assert versions_named(name, catalogue()) == topics


def test_ten_follows_nine() -> None:
    """Versions are numbers, and not texts."""
    many = catalogue(**{f"order.status/v{number}.avsc": TEXTS["order.status/v1.avsc"] for number in range(3, 11)})
    assert versions_named("order.status", many)[-2:] == ("order.status.v9", "order.status.v10")


def test_routes_have_a_source_for_each_version() -> None:
    """Each knows by which subject it was named; others know of none."""
    route_set, findings = load(HEAD + "  e: {type: fanout, sources: [stock.v1, shop.order.status]}\n")
    assert route_set is not None, findings
    assert {name: each.subject for name, each in route_set.sources.items()} == {
        "stock.v1": None,
        "shop.order.status.v1": "shop.order.status",
        "shop.order.status.v2": "shop.order.status",
    }


def test_files_without_subjects_stay_as_they_are() -> None:
    """The very same, so that nothing has to be looked at again."""
    assert with_versions([], catalogue()) == ([], {})
    by_name, _ = load(HEAD + "  e: {type: fanout, sources: [order.status.v1]}\n" + BOUND)
    by_subject, _ = load(HEAD + "  e: {type: fanout, sources: [order.status]}\n" + BOUND)
    assert by_name is not None
    assert by_subject is not None
    assert by_name.fingerprint != by_subject.fingerprint


CASES = [
    pytest.param(
        "  e: {type: fanout, sources: [order.status.v1, order.status]}\n",
        [("mixed-source", 4, 31)],
        id="by its version and by its subject",
    ),
    pytest.param(
        "  e: {type: fanout, sources: [payment.v1, order.status]}\n  f: {type: fanout, sources: [order.status.v2]}\n",
        [("mixed-source", 5, 31)],
        id="by the subject in another exchange",
    ),
    pytest.param(
        "  e: {type: topic, sources: [order.status], routing-key: '{country}', key: order_id, "
        "order: {by: order_id, sequence: amount}}\n",
        [("mixed-source", 4, 30)] * 2,
        id="order over several topics",
    ),
    pytest.param(
        "  e: {type: topic, sources: [order.status, payment.v1], routing-key: '{country}'}\n",
        [("unknown-field", 4, 71)],
        id="what stands behind a subject keeps its place",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_findings_stand_where_the_subject_does(text: str, expected: list[tuple[str, int, int]]) -> None:
    """However many topics it is."""
    _, findings = load(HEAD + text + BOUND)
    wanted = {kind for kind, _, _ in expected}
    found = [(str(each.kind), each.place.line, each.place.column) for each in findings if str(each.kind) in wanted]
    assert found == expected


def test_the_way_out_is_named() -> None:
    """What to write, and where."""
    _, findings = load(HEAD + "  e: {type: fanout, sources: [order.status.v1, order.status]}\n" + BOUND)
    (found,) = (each for each in findings if str(each.kind) == "mixed-source")
    assert "'order.status.v1' is a version of 'order.status', by which another exchange reads it" in str(found)
    assert "write 'order.status' here" in str(found)


def test_an_ordered_subject_is_not_told_to_repartition() -> None:
    """That would be refused as well: the one finding says what helps."""
    order = "order: {by: state, sequence: state, states: [a, b]}"
    text = f"  e: {{type: topic, sources: [order.status], routing-key: '{{state}}', key: state, {order}}}\n"
    _, findings = load(HEAD + text + BOUND)
    kinds = {str(each.kind) for each in findings}
    assert "mixed-source" in kinds
    assert "needs-repartition" not in kinds
    _, findings = load(HEAD + text.replace("[order.status]", "[order.status, payment]") + BOUND)
    assert "needs-repartition" in {str(each.kind) for each in findings}


def test_a_subject_of_one_version_may_be_in_order() -> None:
    """It is one topic."""
    text = (
        "  e: {type: topic, sources: [payment], routing-key: '{state}', key: state, "
        "order: {by: state, sequence: state, states: [a, b]}}\n"
    )
    _, findings = load(HEAD + text + BOUND.replace("order.status", "payment"))
    assert "mixed-source" not in {str(each.kind) for each in findings}


def test_the_double_routes_whichever_version_a_producer_writes() -> None:
    """Teams test with it that they need not change when producers move."""
    routes = HEAD + "  e: {type: topic, sources: [order.status], routing-key: '{country}'}\n" + BOUND
    schemas = catalogue(**{"order.status/v2_to_v1.yaml": "{}\n"})
    value = {
        "order_id": "7", "country": "RU", "status": "paid", "amount": 1,
        "customer": {"tier": "plain", "email": None}, "items": [],
    }  # fmt: skip
    with RouterDouble({"t.yaml": routes}, schemas) as double:
        for version in (1, 2):
            double.publish(f"order.status.v{version}", value, key="7")
        assert len(double.read("a.order.status.v1")) == 2
