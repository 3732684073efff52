"""What a table knows of a key, in words and as values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.order.effects import Held
from router.order.event_time import TimeState
from router.order.policy import ByTime, OnGap, OrderPolicy, Sequence, States
from router.order.resequencer import KeyState
from router.order.sequence import SequenceState
from router.order.states import StatesState
from router.order.stored import encode_state
from router.tables.view import Condition, Explainer, KeyView, bytes_json, instant, kind_of

WAIT = 5_000
BY_NUMBER = OrderPolicy(by="id", kind=Sequence("n"), wait_ms=WAIT)
FIRST_SEEN = OrderPolicy(by="id", kind=Sequence("n", start=None), wait_ms=WAIT)
BY_TIME = OrderPolicy(by="id", kind=ByTime("at"), wait_ms=WAIT)
WAYS = {"new": ("paid", "canceled"), "paid": ("packed",), "packed": ("shipped",)}
BY_STATE = OrderPolicy(by="id", kind=States("status", WAYS, ("new",)), wait_ms=WAIT)
NOW = 100_000


def view(policy: OrderPolicy, state: KeyState, *, now: int = NOW) -> KeyView:
    return Explainer(policy).view(b"k", 3, encode_state(state), now=now)


def test_held_records_say_what_they_wait_for_and_until_when() -> None:
    """The next number, the gap before what is held, and each record's deadline."""
    held = (Held(8, 41, 98_000), Held(9, 42, 97_000, tombstone=True))
    seen = view(BY_NUMBER, SequenceState(5, 96_000, held=held))
    assert (seen.expects, seen.last, seen.missing, seen.kind) == ((5,), 4, "5 to 7", "sequence")
    assert [(each.place, each.offset, each.since, each.deadline, each.tombstone) for each in seen.held] == [
        (8, 41, 98_000, 103_000, False),
        (9, 42, 97_000, 102_000, True),
    ]
    assert (seen.since, seen.deadline, seen.conditions) == (97_000, 102_000, (Condition.WAITING,))
    assert seen.sentence == "waits for 5 to 7, with 2 records held; it goes on without it from 1970-01-01T00:01:42.000Z"


def test_key_whose_wait_has_run_out_is_overdue() -> None:
    """It goes as soon as its lane has read what came in time."""
    seen = view(BY_NUMBER, SequenceState(5, 0, held=(Held(6, 41, 95_000),)))
    assert seen.conditions == (Condition.WAITING, Condition.OVERDUE)
    assert seen.sentence == (
        "waits for 5, with 1 record held; it goes on as soon as its lane has read what came in time"
    )


def test_key_whose_exchange_parks_it_waits_on() -> None:
    """Parked when its wait has run out, and overdue when it was parked for as long as it may be."""
    parking = replace(BY_NUMBER, on_gap=OnGap.PARK, park_for_ms=60_000)
    seen = view(parking, SequenceState(5, 0, held=(Held(6, 41, 95_000),)))
    assert seen.conditions == (Condition.WAITING, Condition.PARKED)
    assert seen.deadline == 95_000 + BY_NUMBER.wait_ms + 60_000
    assert view(parking, SequenceState(5, 0, held=(Held(6, 41, 99_000),))).conditions == (Condition.WAITING,)
    long_ago = view(parking, SequenceState(5, 0, held=(Held(6, 41, 0),)))
    assert long_ago.conditions == (Condition.WAITING, Condition.OVERDUE)


def test_key_that_went_on_without_something_is_late() -> None:
    """Numbers and runs of numbers that were given up, and have not come since."""
    seen = view(BY_NUMBER, SequenceState(9, 0, skipped=((2, 2), (5, 7))))
    assert (seen.conditions, seen.given_up) == ((Condition.IDLE, Condition.LATE), ("2", "5 to 7"))
    assert seen.sentence == "holds nothing; went on without 2, 5 to 7"
    assert (seen.since, seen.deadline, seen.missing) == (None, None, "")


@pytest.mark.parametrize(
    ("policy", "state", "given_up", "last"),
    [
        pytest.param(FIRST_SEEN, SequenceState(7, 0, skipped=((0, 5),)), (), 6, id="first-seen"),
        pytest.param(FIRST_SEEN, SequenceState(9, 0, skipped=((0, 5), (7, 7))), ("7",), 8, id="first-seen-and-late"),
        pytest.param(BY_NUMBER, SequenceState(9, 0, skipped=((0, 5),)), ("0 to 5",), 8, id="start-declared"),
        pytest.param(BY_NUMBER, SequenceState(0, 0), (), None, id="not-begun"),
    ],
)
def test_what_lies_before_the_first_that_was_seen_is_not_late(
    policy: OrderPolicy, state: KeyState, given_up: tuple[str, ...], last: int | None
) -> None:
    """Nobody ever waited for it."""
    seen = view(policy, state)
    assert (seen.given_up, seen.last) == (given_up, last)


def test_order_by_time_waits_for_what_may_be_older() -> None:
    """There nothing is due, and nothing is known to be missing."""
    seen = view(BY_TIME, TimeState(50, 0, (Held(60, 41, 99_000),)))
    assert (seen.kind, seen.expects, seen.last, seen.missing, seen.given_up) == ("time", (), 50, "", ())
    assert seen.sentence.startswith("waits for what may be older, with 1 record held; it goes on without it from")


def test_order_by_states_says_which_may_come() -> None:
    """From the state that the key is in, and what lies between it and what is held."""
    seen = view(BY_STATE, StatesState(("new",), 7, ("canceled",), (Held("shipped", 41, 99_000),)))
    assert (seen.kind, seen.expects, seen.last, seen.path) == ("states", ("canceled", "paid"), "new", ("new",))
    assert (seen.missing, seen.given_up, seen.active) == ("packed or paid", ("canceled",), 7)


@pytest.mark.parametrize(
    ("state", "expects", "missing"),
    [
        pytest.param(StatesState((), 0, (), (Held("paid", 41, 0),)), ("new",), "new", id="not-begun"),
        pytest.param(StatesState((), 0, (), (Held("", 41, 0, tombstone=True),)), ("new",), "", id="tombstone-alone"),
        pytest.param(StatesState(("shipped",), 0), (), "", id="at-the-end"),
    ],
)
def test_states_at_either_end(state: StatesState, expects: tuple[str, ...], missing: str) -> None:
    """A key that has not begun waits for a start; one that has ended waits for nothing."""
    seen = view(BY_STATE, state)
    assert (seen.expects, seen.missing, seen.last) == (expects, missing, state.path[-1] if state.path else None)


@pytest.mark.parametrize(
    ("policy", "state", "said"),
    [
        pytest.param(
            BY_TIME, SequenceState(5, 0, held=(Held(8, 41, 99_000),)),
            "it was put in order by sequence, and routes ask for time by now: what it holds goes as soon as its lane looks at it",
            id="holds",
        ),
        pytest.param(
            BY_NUMBER, StatesState(("new",), 0), "it was put in order by states, and routes ask for sequence by now", id="idle"
        ),
        pytest.param(BY_STATE, TimeState(1, 0), "it was put in order by time, and routes ask for states by now", id="time"),
    ],
)  # fmt: skip
def test_state_of_another_order_says_so(policy: OrderPolicy, state: KeyState, said: str) -> None:
    """Routes have changed since: nothing is waited for by the former rules."""
    seen = view(policy, state)
    assert (seen.problem, seen.sentence, seen.expects, seen.missing) == (said, said, (), "")
    assert all(each.deadline == each.since for each in seen.held)


def test_bytes_that_cannot_be_read_are_shown_as_such() -> None:
    """A list goes on behind a key that is damaged."""
    seen = Explainer(BY_NUMBER).view(b"k", 3, b"\x07", now=NOW)
    assert (seen.conditions, seen.kind, seen.held) == ((Condition.UNREADABLE,), "", ())
    assert "cannot be read" in seen.problem


def test_json_has_all_that_a_view_has() -> None:
    """And in lists the number of what is held."""
    seen = view(BY_NUMBER, SequenceState(5, 96_000, held=(Held(6, 41, 99_000),)))
    told: dict[str, Any] = {
        "key": {"text": "k"},
        "partition": 3,
        "conditions": ["waiting"],
        "kind": "sequence",
        "expects": [5],
        "last": 4,
        "missing": "5",
        "given_up": [],
        "holds": 1,
        "since": "1970-01-01T00:01:39.000Z",
        "deadline": "1970-01-01T00:01:44.000Z",
        "active": "1970-01-01T00:01:36.000Z",
        "problem": "",
        "sentence": seen.sentence,
    }
    one = {
        "place": 6, "offset": 41, "since": told["since"], "deadline": told["deadline"], "tombstone": False,
    }  # fmt: skip
    assert seen.to_json(whole=False) == told
    assert seen.to_json() == told | {"path": [], "held": [one]}


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(None, None), (0, "1970-01-01T00:00:00.000Z"), (-1, "-1"), (253_402_300_800_000, "253402300800000")],
)
def test_instants_that_no_calendar_has_stay_numbers(milliseconds: int | None, text: str | None) -> None:
    """A producer may write any timestamp."""
    assert instant(milliseconds) == text


@pytest.mark.parametrize(("raw", "told"), [(b"a\xc3\xa9", {"text": "aé"}), (b"\xff", {"base64": "/w=="})])
def test_bytes_are_text_where_they_are_text(raw: bytes, told: dict[str, str]) -> None:
    """Reading either form back gives the same bytes."""
    assert bytes_json(raw) == told


def test_kinds_have_the_words_of_routes() -> None:
    """As they are declared."""
    assert [kind_of(each) for each in (BY_NUMBER, BY_TIME, BY_STATE)] == ["sequence", "time", "states"]
