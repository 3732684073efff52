"""Where a message goes, as the console tells it."""

from __future__ import annotations

import json

import pytest
from support.console import ROUTES, TEXTS, today

from router.console.masks import Seen
from router.console.why import Decided, Stated, Unstated, decide, proposed, stated_record
from router.records.record import PlainRecord

DECIDED: Decided = today().decided


def test_a_stated_message_is_decided_as_a_worker_does() -> None:
    """With the lines that took it, and what failed first for the others."""
    found = decide(
        DECIDED,
        stated_record(DECIDED, Stated("order.v1", '{"id": "a", "n": 1, "status": "new"}', headers="x: 1\n\nnone")),
    )
    assert (found["to"], found["dead_letter"], found["unroutable"]) == (["all.order.v1"], None, [])
    (walk,) = found["walks"]
    assert [each["file"] for each in walk["matched"]] == ["routes/shop.yaml"]
    assert "`status` is `new`" in walk["misses"][0]["why"]
    assert found["order"]["key"] == "a"
    assert found["order_lines"]
    json.dumps(found)


def test_a_record_without_a_value_goes_everywhere() -> None:
    """An empty value means that."""
    assert decide(DECIDED, stated_record(DECIDED, Stated("order.v1", key="a")))["tombstone"]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        pytest.param(Stated("orders.v1"), "did you mean", id="topic"),
        pytest.param(Stated("nothing-like-it"), "the broad topics are order.v1", id="no topic"),
        pytest.param(Stated("order.v1", "{"), "not JSON", id="no JSON"),
        pytest.param(Stated("order.v1", "[" * 100_000), "not JSON", id="too deep"),
        pytest.param(Stated("order.v1", "null"), "leave it empty", id="null"),
        pytest.param(Stated("order.v1", '{"statu": 1}'), "does not fit", id="unknown field"),
        pytest.param(Stated("order.v1", '{"id": "\\ud800"}'), "does not fit", id="no UTF-8"),
        pytest.param(Stated("order.v1", "{}", key="\ud800"), "does not fit", id="key"),
        pytest.param(Stated("order.v1", "{}", headers=": x"), "is no header", id="header"),
    ],
)
def test_what_cannot_be_asked_says_why(stated: Stated, said: str) -> None:
    """In words that lead on."""
    with pytest.raises(Unstated, match=said):
        stated_record(DECIDED, stated)


def test_a_misfit_without_a_suggestion_is_told_too() -> None:
    """Where nothing is like it."""
    with pytest.raises(Unstated, match="does not fit"):
        stated_record(DECIDED, Stated("order.v1", '{"n": "many"}'))


def test_an_unreadable_record_is_a_dead_letter() -> None:
    """And what is hidden of it is not in the error."""
    record = PlainRecord(topic="order.v1", key=b"b", value=b"\x02a\x02\x06new\x00")
    found = decide(DECIDED, record, seen=Seen(None, frozenset({"'a'"})))
    assert (found["to"], found["dead_letter"]["topic"], found["dead_letter"]["reason"]) == (
        [],
        "order.v1.dead-letters",
        "key-mismatch",
    )
    assert "'a'" not in found["dead_letter"]["error"]
    assert decide(DECIDED, PlainRecord(topic="order.v1", value=b"\xff"))["dead_letter"]["reason"] == "unreadable"


def test_what_is_hidden_is_not_in_the_reasons() -> None:
    """Wherever in them it stands."""
    record = stated_record(DECIDED, Stated("order.v1", '{"id": "a", "n": 1, "status": "secret"}'))
    assert "secret" in json.dumps(decide(DECIDED, record))
    assert "secret" not in json.dumps(decide(DECIDED, record, seen=Seen(None, frozenset({"secret"}))))


def test_proposed_routes_take_the_place_of_a_file() -> None:
    """Or are one more; what is wrong with them is told."""
    changed, findings = proposed(
        TEXTS, "routes/shop.yaml", ROUTES.replace("binding-key: paid", "binding-key: new"), today().catalogue
    )
    assert changed is not None, findings
    decided = Decided(changed)
    record = stated_record(decided, Stated("order.v1", '{"id": "a", "n": 1, "status": "new"}'))
    assert set(decide(decided, record)["to"]) == {"all.order.v1", "paid.order.v1"}
    refused, findings = proposed(
        TEXTS,
        "routes/more.yaml",
        "version: 1\nteam: more\ntopics: {a.order.v1: {from: [{exchange: x}]}}",
        today().catalogue,
    )
    assert refused is None
    assert "routes/more.yaml" in str(findings[0].place)
