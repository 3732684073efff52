"""Teams' cases: messages, and where they should go."""

from __future__ import annotations

import pytest
from support.language import brief, catalogue, load

from router.errors import Unreadable
from router.language.case_values import Misfit
from router.language.cases import CaseResult, message_record, run_cases
from router.language.findings import Finding
from router.language.routes import RouteSet, Source
from router.records.avro import decode_whole
from router.records.marks import SCHEMA_HEADER
from router.records.schema import AvroSchema

OWNER = """\
version: 1
team: owner
exchanges:
  orders:
    type: topic
    sources: [order.status.v1]
    routing-key: "{country}.{status}"
    key: order_id
    alternate: {topic: rest}
  stock: {type: direct, sources: [stock.v1], routing-key: "{level}", key: level}
  clicks: {type: topic, sources: [clicks], routing-key: "{header:kind}"}
"""
TEAM = """\
version: 1
team: team
topics:
  paid.order.status.v1: {from: [{exchange: orders, binding-key: "*.paid"}]}
  ru.order.status.v1: {from: [{exchange: orders, binding-key: "RU.#"}]}
  five.stock.v1: {from: [{exchange: stock, binding-key: "5"}]}
"""
OTHER = """\
version: 1
team: other
topics:
  other.order.status.v1: {from: [{exchange: orders, binding-key: ["RU.*", "KZ.paid"]}]}
  other.clicks: {from: [{exchange: clicks, binding-key: view}]}
"""


@pytest.fixture(scope="module")
def route_set() -> RouteSet:
    """Return the routes of three teams."""
    found, findings = load({"r/owner.yaml": OWNER, "r/team.yaml": TEAM, "r/other.yaml": OTHER})
    assert found is not None, findings
    return found


def run(
    route_set: RouteSet, *cases: str, file: str = "r/team_test.yaml"
) -> tuple[tuple[CaseResult, ...], tuple[Finding, ...]]:
    """Run cases, one a line from line 2 on."""
    text = "cases:\n" + "".join(f"  - {{name: n, {case}}}\n" for case in cases)
    return run_cases({file: text}, route_set)


def run_one(route_set: RouteSet, case: str, *, file: str = "r/team_test.yaml") -> CaseResult:
    """Run a case that has no findings."""
    results, findings = run(route_set, case, file=file)
    assert findings == ()
    return results[0]


RU_PAID = "message: {topic: order.status.v1, value: {country: RU, status: paid}}"
KZ_PAID = "message: {topic: order.status.v1, value: {country: KZ, status: paid}}"
BY_CREATED = "message: {topic: order.status.v1, value: {country: BY}}"
PASSING = [
    pytest.param(f"{RU_PAID}, to: [ru.order.status.v1, paid.order.status.v1]", id="in any order"),
    pytest.param(f"{RU_PAID}, to: [ru.order.status.v1, paid.order.status.v1, other.order.status.v1]", id="with another team's"),
    pytest.param(f"{KZ_PAID}, to: [paid.order.status.v1]", id="without another team's"),
    pytest.param(f"{BY_CREATED}, to: []", id="nothing of ours"),
    pytest.param(f"{BY_CREATED}, to: [rest]", id="an alternate"),
    pytest.param(f"{RU_PAID}, to: [ru.order.status.v1, paid.order.status.v1], unroutable: false", id="not unroutable"),
    pytest.param("message: {topic: stock.v1, value: {level: 7}}, to: [], unroutable: true", id="unroutable in a word"),
    pytest.param("message: {topic: stock.v1, value: {level: 7}}, to: [stock.v1.unroutable]", id="unroutable by its topic"),
    pytest.param("message: {topic: stock.v1, key: '5'}, to: [five.stock.v1]", id="a field from the key"),
    pytest.param("message: {topic: stock.v1, key: '6', value: {level: 5}}, to: [stock.v1.dead-letters]", id="a dead letter"),
    pytest.param("message: {topic: stock.v1, value: null}, to: [five.stock.v1]", id="a tombstone"),
    pytest.param("message: {topic: order.status.v1, key: o-1, value: {country: RU}}, to: [ru.order.status.v1]", id="a key"),
    pytest.param("message: {topic: clicks, headers: {kind: view}}, to: [other.clicks]", id="a header"),
    pytest.param("message: {topic: clicks, headers: {kind: null}}, to: [], unroutable: true", id="a null header"),
]  # fmt: skip


@pytest.mark.parametrize("case", PASSING)
def test_a_promise_that_is_kept_passes(route_set: RouteSet, case: str) -> None:
    """What the case names gets a copy, and nothing else of the team's does."""
    result = run_one(route_set, case)
    assert result.passed, result


FAILING = [
    pytest.param(f"{KZ_PAID}, to: [ru.order.status.v1]", ["ru.order.status.v1"], ["paid.order.status.v1"], id="elsewhere"),
    pytest.param(f"{KZ_PAID}, to: []", [], ["paid.order.status.v1"], id="one too much"),
    pytest.param(f"{BY_CREATED}, to: [other.order.status.v1]", ["other.order.status.v1"], [], id="another team's is missing"),
    pytest.param("message: {topic: stock.v1, value: {level: 7}}, to: [], unroutable: false", [], ["stock.v1.unroutable"], id="unroutable after all"),
    pytest.param(f"{KZ_PAID}, to: [paid.order.status.v1], unroutable: true", ["order.status.v1.unroutable"], [], id="routable after all"),
    pytest.param("message: {topic: stock.v1, key: '6', value: {level: 5}}, to: [five.stock.v1]", ["five.stock.v1"], ["stock.v1.dead-letters"], id="a dead letter"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "missing", "unexpected"), FAILING)
def test_a_promise_that_is_broken_says_how(
    route_set: RouteSet, case: str, missing: list[str], unexpected: list[str]
) -> None:
    """What is missing, what is too much, and why, at the case's own line."""
    result = run_one(route_set, case)
    assert not result.passed
    assert (list(result.missing), list(result.unexpected)) == (missing, unexpected)
    assert result.place.line == 2
    assert result.why


def test_the_reason_names_the_binding_and_what_kept_it() -> None:
    """As `router explain` does."""
    found, _ = load({"r/owner.yaml": OWNER, "r/team.yaml": TEAM})
    assert found is not None
    why = "\n".join(run_one(found, f"{KZ_PAID}, to: []").why)
    assert "r/team.yaml:4" in why
    assert "`country` is `KZ`; this binding wants `RU`" in why


def test_the_reason_says_what_order_does() -> None:
    """A copy that waits is one that the case promises all the same."""
    ordered = OWNER.replace("    key: order_id\n", "    key: order_id\n    order: {by: order_id, sequence: amount}\n")
    found, findings = load({"r/owner.yaml": ordered, "r/team.yaml": TEAM})
    assert found is not None, findings
    why = run_one(found, f"{KZ_PAID}, to: []").why
    assert "  waits for what comes before it: paid.order.status.v1" in why


def test_a_file_of_no_team_promises_for_all(route_set: RouteSet) -> None:
    """Then each topic that gets a copy must be named."""
    result = run_one(route_set, f"{KZ_PAID}, to: [paid.order.status.v1]", file="r/all_test.yaml")
    assert result.unexpected == ("other.order.status.v1",)


def test_an_alternate_is_the_exchanges_teams(route_set: RouteSet) -> None:
    """Its owner's case must name it."""
    result = run_one(route_set, f"{BY_CREATED}, to: []", file="r/owner_test.yaml")
    assert result.unexpected == ("rest",)


FAULTY = [
    pytest.param("message: {topic: order.statsu.v1}, to: []", ("unknown-source", 30, "did you mean 'order.status.v1'?"), id="a topic that nobody reads"),
    pytest.param(f"{KZ_PAID}, to: [pad.order.status.v1]", ("unknown-destination", 89, "did you mean 'paid.order.status.v1'?"), id="a topic that nobody feeds"),
    pytest.param("message: {topic: order.status.v1, value: {country: 5}}, to: []", ("invalid-value", 64, "'country' does not fit"), id="a value that does not fit"),
    pytest.param("message: {topic: order.status.v1, value: {cuntry: x}}, to: []", ("invalid-value", 63, "did you mean 'country'?"), id="a field that is not there"),
    pytest.param("message: {topic: order.status.v1, value: 5}, to: []", ("invalid-value", 54, "the value does not fit"), id="a value that is no record"),
    pytest.param("message: {topic: order.status.v1}", ("missing-key", 5, "has no 'to'"), id="no promise"),
    pytest.param("message: {topic: null}, to: []", ("wrong-type", 30, "'topic' has no value"), id="no topic"),
]  # fmt: skip


@pytest.mark.parametrize(("case", "expected"), FAULTY)
def test_a_case_that_makes_no_sense_is_a_finding(
    route_set: RouteSet, case: str, expected: tuple[str, int, str]
) -> None:
    """And the cases beside it run all the same."""
    good = f"{KZ_PAID}, to: [paid.order.status.v1]"
    results, findings = run(route_set, case, good, good)
    assert [kind for kind, _, _ in brief(findings)] == [expected[0]]
    assert findings[0].place.line == 2
    assert expected[2] in str(findings[0])
    assert [(result.place.line, result.passed) for result in results] == [(3, True), (4, True)]


def test_a_file_that_is_no_yaml_is_a_finding(route_set: RouteSet) -> None:
    """The others run."""
    results, findings = run_cases({"a_test.yaml": "cases: [", "b_test.yaml": "cases: []\n"}, route_set)
    assert (results, [finding.place.file for finding in findings]) == ((), ["a_test.yaml"])


def test_a_message_is_the_record_that_a_producer_would_have_written(route_set: RouteSet) -> None:
    """Field and key are filled in from each other; headers and key are UTF-8."""
    source = route_set.sources["order.status.v1"]
    assert isinstance(source.schema, AvroSchema)
    record = message_record(source, key="ö", value={}, headers={"h": "ö", "n": None})
    assert (record.topic, record.key, list(record.headers)) == (
        "order.status.v1",
        "ö".encode(),
        [("h", "ö".encode()), ("n", None)],
    )
    assert record.value is not None
    value = decode_whole(source.schema.types, record.value)
    assert isinstance(value, dict)
    assert value["order_id"] == "ö"
    assert message_record(source, key=None, value={"order_id": "o-1"}, headers={}).key == b"o-1"
    assert message_record(source, key=None, value=None, headers={}).value is None


def test_a_message_without_a_schema_is_json_or_nothing() -> None:
    """JSON as it stands; of Avro no byte is ever read."""
    text = OWNER.replace("sources: [clicks]", "sources: [clicks, views]") + "topics: {views: {format: json}}\n"
    found, findings = load(text)
    assert found is not None, findings
    assert message_record(found.sources["clicks"], key=None, value={"a": 1}, headers={}).value == b""
    assert message_record(found.sources["views"], key=None, value={"a": 1}, headers={}).value == b'{"a":1}'


def test_a_nested_key_field_is_filled_in_from_the_key() -> None:
    """Through records that the case does not mention; what stands in its way stays."""
    found, findings = load(OWNER.replace("key: order_id", "key: customer.tier"))
    assert found is not None, findings
    source = found.sources["order.status.v1"]
    assert isinstance(source.schema, AvroSchema)
    for stated in ({}, {"customer": {}}):
        record = message_record(source, key="gold", value=stated, headers={})
        assert record.value is not None
        value = decode_whole(source.schema.types, record.value)
        assert isinstance(value, dict)
        assert value["customer"] == {"tier": "gold", "email": None}
    with pytest.raises(ValueError, match="a mapping, not 'x'"):
        message_record(source, key="gold", value={"customer": "x"}, headers={})


def test_a_key_that_cannot_be_read_is_left_to_deciding(route_set: RouteSet) -> None:
    """A JSON value that is no object has no field to make a key of."""
    try:
        record = message_record(route_set.sources["stock.v1"], key=None, value=[], headers={})
    except Unreadable:
        pytest.fail("deciding says so, not this")
    assert record.key is None


def marked(encoding: str) -> Source:
    """A source of payments whose records say their revision."""
    schemas = catalogue(
        **{"payment/subject.yaml": f"encoding: {encoding}\nconfluent-ids: {{'7': v1.r1}}", "payment/v1.r1.avsc": OLD}
    )
    routes = "version: 1\nteam: t\nexchanges: {e: {type: fanout, sources: [payment.v1]}}\ntopics: {a.payment.v1: {from: [{exchange: e}]}}"
    route_set, findings = load(routes, schemas=schemas)
    assert route_set is not None, findings
    return route_set.sources["payment.v1"]


OLD = '{"type": "record", "name": "P", "fields": []}'


def test_a_message_says_that_the_newest_revision_wrote_it() -> None:
    """Where its subject's records say so, unless its headers say another; what has no id yet cannot be written."""
    source = marked("single-object")
    assert source.revisions is not None
    record = message_record(source, key=None, value={"state": "x"}, headers={})
    assert record.value == (source.revisions.mark or b"") + b"\x02x"
    source = marked("header")
    assert source.revisions is not None
    record = message_record(source, key=None, value={"state": "x"}, headers={"a": "b"})
    assert (record.value, record.headers) == (b"\x02x", (("a", b"b"), (SCHEMA_HEADER, source.revisions.mark)))
    record = message_record(source, key=None, value={"state": "x"}, headers={SCHEMA_HEADER: "0"})
    assert (record.value, record.headers) == (b"\x02x", ((SCHEMA_HEADER, b"0"),))
    with pytest.raises(Misfit, match="no id of a registry"):
        message_record(marked("confluent"), key=None, value={"state": "x"}, headers={})
