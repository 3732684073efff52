"""Which dead letters are meant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.language import ORDER, catalogue

from router.failure.causes import MESSAGES_APART, Causes, symptom_of
from router.failure.deaths import Death, Dialect
from router.failure.ledger import Entry, encode_death
from router.records.avro import encode_whole
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.records.schema import parse_avro
from router.redrive.selection import (
    DeadLetter,
    Selection,
    WrongSelection,
    cause_id,
    choose_topics,
    moment,
    read_letter,
)

SCHEMA = parse_avro(json.dumps(ORDER), file="t")
VALUE = {
    "order_id": "ord-1",
    "country": "RU",
    "status": "paid",
    "amount": 5,
    "customer": {"tier": "plain", "email": None},
    "items": [],
}
NOW = 1_795_303_939.0


def letter(*, value: bytes | None = None, key: bytes | None = b"k", message: str = "no 17", **more: Any) -> DeadLetter:
    """Return a dead letter of `vip.order.status.v1` that died at 2,000."""
    headers = (
        ("source", b"web"),
        ("router-reason", b"failed"),
        ("router-destination", b"vip.order.status.v1"),
        ("router-error", message.encode()),
        ("router-death", encode_death(Entry("vip.order.status.v1", "failed", 3, 1000, 2000))),
    )
    topic = more.pop("topic", "vip.order.status.v1.dead-letters")
    body = encode_whole(SCHEMA.types, VALUE) if value is None else value
    return read_letter(PlainRecord(topic=topic, offset=7, timestamp=500, key=key, value=body, headers=headers))


def test_a_letter_knows_when_and_where() -> None:
    """Its death's last time, and its own place; without a word it died of `unknown`, when it was written."""
    told = letter()
    assert (str(told.at), told.time, told.death.count) == ("vip.order.status.v1.dead-letters/0/7", 2000, 3)
    silent = read_letter(PlainRecord(topic="t", timestamp=500))
    assert (silent.death, silent.time) == (Death(dialect=Dialect.ROUTER, reason="unknown"), 500)


@pytest.mark.parametrize(
    ("named", "found"),
    [
        pytest.param([], ["a.v1.dead-letters", "b.v1.dead-letters"], id="all"),
        pytest.param(["b.v1"], ["b.v1.dead-letters"], id="beside"),
        pytest.param(["b.v1", "b.v1.dead-letters", "a.v1-dlt"], ["b.v1.dead-letters", "a.v1-dlt"], id="itself"),
    ],
)
def test_topics_are_meant_by_their_consumers_names(named: list[str], found: list[str]) -> None:
    """Or by their own, as those that Spring makes; each once."""
    counts = dict.fromkeys(["b.v1.dead-letters", "a.v1.dead-letters", "a.v1-dlt", "b.v1"], 1)
    assert choose_topics(named, counts) == found


def test_a_name_that_leads_nowhere_is_told() -> None:
    """With both topics that it could have meant."""
    with pytest.raises(WrongSelection, match=r"no topic 'c\.v1\.dead-letters' or 'c\.v1'"):
        choose_topics(["c.v1"], {})


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        pytest.param("2h", 1_795_296_739_000, id="ago"),
        pytest.param("2026-03-01T12:00", 1_772_366_400_000, id="utc"),
        pytest.param("2026-03-01T12:00+02:00", 1_772_359_200_000, id="zone"),
        pytest.param("2026-03-01", 1_772_323_200_000, id="day"),
    ],
)
def test_a_time_is_a_moment_or_how_long_ago(text: str, milliseconds: int) -> None:
    """In milliseconds."""
    assert moment(text, now=NOW) == milliseconds


def test_what_is_no_time_is_refused() -> None:
    """With the forms that there are."""
    with pytest.raises(WrongSelection, match="'yesterday' is no time"):
        moment("yesterday", now=NOW)


@pytest.mark.parametrize(
    ("chosen", "taken"),
    [
        pytest.param({}, True, id="anything"),
        pytest.param({"destination": "vip.order.status.v1"}, True, id="destination"),
        pytest.param({"destination": "vip"}, False, id="another destination"),
        pytest.param({"key": "k"}, True, id="key"),
        pytest.param({"key": "K"}, False, id="another key"),
        pytest.param({"since": 2000, "until": 2001}, True, id="within"),
        pytest.param({"since": 2001}, False, id="before"),
        pytest.param({"until": 2000}, False, id="not before"),
        pytest.param({"where": 'country == "RU" && headers["source"] == "web" && key == "k"'}, True, id="where"),
        pytest.param({"where": "amount > 5"}, False, id="where not"),
    ],
)
def test_a_letter_is_taken_where_all_holds(chosen: dict[str, Any], *, taken: bool) -> None:
    """One thing that does not is enough."""
    selection = Selection(catalogue(), **chosen)
    assert selection.takes(letter()) is taken
    assert selection.unasked == 0


def test_a_cause_is_meant_by_its_id() -> None:
    """Whatever numbers the message has; also as part of those that are gathered."""
    (one, other) = (letter(message="no 17"), letter(message="none"))
    selection = Selection(catalogue(), cause=cause_id(symptom_of(one.death)))
    assert selection.takes(letter(message="no 4711"))
    assert not selection.takes(other)
    causes = Causes()
    for number in range(MESSAGES_APART + 1):
        word = "".join("abcdefghij"[int(digit)] for digit in str(number))
        gathered = causes.add(letter(message=f"nobody {word}").death, at=Origin("t", 0, number), time=0)
    assert gathered.message == "…"
    assert Selection(catalogue(), cause=cause_id(gathered)).takes(one)
    with pytest.raises(WrongSelection, match="first column"):
        Selection(catalogue(), cause="failed")


def test_a_value_that_cannot_be_read_cannot_be_asked() -> None:
    """It is counted; a condition on headers alone never looks at it."""
    selection = Selection(catalogue(), where="amount > 1")
    assert not selection.takes(letter(value=b"\x80"))
    assert selection.takes(letter())
    assert selection.unasked == 1
    assert Selection(catalogue(), where='headers["source"] == "web"').takes(letter(value=b"\x80", key=None))


def test_a_topic_without_a_schema_is_read_as_json() -> None:
    """As everywhere."""
    selection = Selection(catalogue(), where="amount > 1")
    assert selection.takes(letter(topic="other-dlt", value=b'{"amount": 2}'))
    assert not selection.takes(letter(topic="other-dlt", value=b"[" * 100_000))
    assert not selection.takes(letter(topic="other-dlt", value=b"no JSON"))
    assert selection.unasked == 2


def test_a_condition_that_is_none_is_told_with_its_topic() -> None:
    """It is asked of each topic by that topic's schema."""
    with pytest.raises(WrongSelection, match=r"'vip\.order\.status\.v1\.dead-letters'.*amuont"):
        Selection(catalogue(), where="amuont > 1").takes(letter())


@pytest.mark.parametrize(("chosen", "asks"), [({"since": 5}, True), ({"until": 5}, True), ({"key": "k"}, False)])
def test_selection_knows_whether_it_asks_when(chosen: dict[str, Any], *, asks: bool) -> None:
    """Only then a letter's ledger must be read."""
    assert Selection(catalogue(), **chosen).asks_when is asks
