"""Thousands of deaths read as the few causes that they have."""

from __future__ import annotations

import pytest

from router.failure.causes import MESSAGES_APART, Causes, Symptom, masked, symptom_of
from router.failure.deaths import Death, Dialect
from router.records.headers import Origin


def death(message: str = "", *, place: str = "", reason: str = "failed", error_class: str = "X") -> Death:
    """Return a death of one destination."""
    return Death(
        dialect=Dialect.ROUTER,
        reason=reason,
        destination="a.v1",
        error_class=error_class,
        message=message,
        place=place,
    )


def at(offset: int) -> Origin:
    """Return a dead letter's place."""
    return Origin("a.v1.dead-letters", 0, offset)


@pytest.mark.parametrize(
    ("message", "mask"),
    [
        pytest.param("value 2147483648 is out of range", "value <n> is out of range", id="number"),
        pytest.param("12.5% of -3,000.25 at 1e10", "<n> of <n> at <n>", id="numbers"),
        pytest.param("no order ord-17", "no order <id>", id="identifier"),
        pytest.param("no user user_5x", "no user <id>", id="identifier-with-an-underscore"),
        pytest.param("no f81d4fae-7dec-11d0-a765-00a0c91e6bf6.", "no <uuid>.", id="uuid"),
        pytest.param("at 2026-01-02T03:04:05.678Z and 2026-01-02", "at <time> and <time>", id="times"),
        pytest.param("cannot reach 10.0.0.1:5432", "cannot reach <address>", id="address"),
        pytest.param("""column "amount" of 'x y' or `z`""", "column <text> of <text> or <text>", id="quoted"),
        pytest.param("it doesn't, they don't", "it doesn't, they don't", id="apostrophes"),
        pytest.param("0xFFee and deadbeef01", "<hex> and <hex>", id="hexadecimal"),
        pytest.param("feedface", "feedface", id="a word of hexadecimal letters"),
        pytest.param("int4 overflow", "int<n> overflow", id="a digit in a word"),
        pytest.param("  many\n\tlines  ", "many lines", id="lines"),
        pytest.param("", "", id="empty"),
        pytest.param("word " * 200, "word " * 60 + "…", id="long"),
    ],
)
def test_what_differs_from_record_to_record_is_masked(message: str, mask: str) -> None:
    """And masking what is masked changes nothing."""
    assert masked(message) == mask
    assert masked(masked(message)) == masked(message) or mask.endswith("…")


@pytest.mark.parametrize(
    ("place", "stable"),
    [
        pytest.param("value:amount@17", "value:amount", id="byte"),
        pytest.param("Refunds.store(Refunds.java:71)", "Refunds.store(Refunds.java)", id="line"),
        pytest.param("key", "key", id="key"),
    ],
)
def test_a_place_is_one_whatever_the_byte_or_the_line(place: str, stable: str) -> None:
    """A release moves lines, and every record has its own bytes."""
    assert symptom_of(death(place=place)).place == stable


def test_twenty_thousand_failures_read_as_three_causes() -> None:
    """Counts, times, and the latest as an example."""
    causes = Causes()
    for number in range(20_000):
        if number % 10 == 0:
            told = death(f"key '{number}' is taken", error_class="UniqueViolation")
        elif number % 10 == 1:
            told = death(
                f"it ends at byte {number}", reason="unreadable", error_class="", place=f"value:amount@{number}"
            )
        else:
            told = death(f"integer out of range: {number * 10**9}", error_class="NumericValueOutOfRange")
        causes.add(told, at=at(number), time=number)
    found = causes.largest_first()
    assert causes.deaths == 20_000
    assert [(each.symptom.error_class, each.count) for each in found] == [
        ("NumericValueOutOfRange", 16_000),
        ("", 2_000),
        ("UniqueViolation", 2_000),
    ]
    assert found[0].message == f"integer out of range: {19_999 * 10**9}"
    assert (found[0].first, found[0].last, found[0].example) == (2, 19_999, at(19_999))
    assert found[2].symptom == Symptom("failed", "a.v1", "UniqueViolation", "", "key <text> is taken")


def test_the_times_are_those_of_the_deaths_where_they_are_told() -> None:
    """Else those of the dead letters; the example is the latest, whatever the order of reading."""
    causes = Causes()
    told = Death(dialect=Dialect.ROUTER, reason="late", first=50, last=60)
    causes.add(told, at=at(1), time=70)
    causes.add(Death(dialect=Dialect.ROUTER, reason="late"), at=at(0), time=55)
    (cause,) = causes.largest_first()
    assert (cause.first, cause.last, cause.example) == (50, 60, at(1))


def test_messages_that_differ_by_words_are_gathered_in_the_end() -> None:
    """One error at one place never makes a cause for each record."""
    causes = Causes()
    names = [f"{first}{second}" for first in "abcdefghij" for second in "klmnopqrst"]
    for number, name in enumerate(names):
        causes.add(death(f"nobody is called {name}"), at=at(number), time=number)
    found = causes.largest_first()
    assert len(found) == MESSAGES_APART + 1
    assert (found[0].count, found[0].symptom.message) == (len(names) - MESSAGES_APART, "…")
    assert sum(each.count for each in found) == len(names)


def test_memory_does_not_grow_with_what_clients_say() -> None:
    """However many reasons and classes there are, and no death is left out of the count."""
    causes = Causes()
    for number in range(3_000):
        causes.add(death("x", reason=f"reason-{number}"), at=at(number), time=number)
    found = causes.largest_first()
    assert len(found) == 2_001
    assert sum(each.count for each in found) == 3_000
    assert causes.add(death("x", reason="reason-1"), at=at(1), time=1).reason == "reason-1"
