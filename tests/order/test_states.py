"""Order by states, by hand and against a model that knows every way."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from order.driving import SHOP, WAIT, Key, policy
from order.naive import NaiveStates

from router.order.effects import DeadLetter
from router.order.policy import FORGET_AFTER_MS, OnDuplicate, OnGap, OnLate, States
from router.order.states import LONGEST_PATH
from router.records.order_errors import IllegalTransition, OrderGap

Graph = dict[str, tuple[str, ...]]
CIRCLE: Graph = {"created": ("paid",), "paid": ("disputed", "done"), "disputed": ("paid",)}
NAMES = "abcdefg"


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Graphs without circles, in which everything follows from a."""
    edges: Graph = {}
    for number, name in enumerate(NAMES[1:], 1):
        for before in draw(st.sets(st.sampled_from(NAMES[:number]), min_size=1, max_size=3)):
            edges[before] = (*edges.get(before, ()), name)
    return edges


Arrivals = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 60)), max_size=14)
"""States, and how long it takes until the next comes."""


def by_states(graph: Graph | None = None, starts: tuple[str, ...] | None = ("created",), **more: object) -> Key:
    """Return a key that goes through states, those of a shop's orders where nothing else is said."""
    return Key(policy(States("status", SHOP if graph is None else graph, starts), **more))


def error_of(key: Key, offset: int) -> object:
    """Return the error with which a record was set aside."""
    return next(each.error for each in key.effects if isinstance(each, DeadLetter) and each.offset == offset)


def test_what_the_state_leads_to_is_sent_at_once() -> None:
    """Nothing is held, and no timer armed."""
    key = by_states()
    assert key.comes("created", "paid", "shipped") == ["emit 1 in-order", "emit 2 in-order", "emit 3 in-order"]


def test_what_is_early_waits_for_the_state_that_leads_to_it() -> None:
    """And goes with it, and what it leads to in turn."""
    key = by_states()
    assert key.comes("shipped", "delivered", "created") == ["hold 1", f"arm {WAIT}", "hold 2", "emit 3 in-order"]
    assert key.comes("paid") == ["emit 4 in-order", "emit 1 filled", "emit 2 filled", "cancel"]


def test_what_never_can_be_is_set_aside_with_its_path() -> None:
    """At once, or as soon as its key goes elsewhere."""
    key = by_states()
    key.comes("created", "shipped")
    assert key.comes("canceled") == ["emit 3 in-order", "dead 2 illegal-transition", "cancel"]
    assert key.comes("paid", "lost") == ["dead 4 illegal-transition", "dead 5 illegal-transition"]
    error = error_of(key, 4)
    assert isinstance(error, IllegalTransition)
    assert (error.path, error.state, error.allowed) == (("created", "canceled"), "paid", ())
    assert str(error) == "'status' went created → canceled → paid: after 'canceled' comes nothing"


def test_of_a_key_that_never_began_nothing_is_remembered() -> None:
    """An unknown state leaves no trace in the table."""
    key = by_states()
    assert key.comes("lost") == ["dead 1 illegal-transition"]
    assert key.state is None
    assert str(error_of(key, 1)) == "'status' went lost: first comes created"


def test_what_came_before_is_a_duplicate() -> None:
    """Whether it was sent or is held."""
    key = by_states()
    assert key.comes("created", "paid", "created", "paid")[2:] == ["drop 3 duplicate", "drop 4 duplicate"]
    assert key.comes("delivered", "delivered") == ["hold 5", f"arm {WAIT}", "drop 6 duplicate"]


def test_duplicates_can_be_sent() -> None:
    """That of one that is held waits behind it."""
    key = by_states(on_duplicate=OnDuplicate.RELEASE)
    key.comes("created", "shipped", "shipped")
    assert key.comes("paid", "paid") == [
        *("emit 4 in-order", "emit 2 filled", "emit 3 duplicate", "cancel"),
        "emit 5 duplicate",
    ]


def test_a_gap_is_given_up_when_the_wait_has_run_out() -> None:
    """The key goes by what else is held on the way, and what was left out is late."""
    key = by_states()
    key.comes("created", "delivered")
    key.now = 10
    assert key.comes("shipped") == ["hold 3"]
    assert key.passes(1) == [f"arm {WAIT}"]
    assert key.passes(WAIT - 11) == ["emit 3 gap", "emit 2 filled"]
    assert key.comes("paid", "paid", "canceled") == ["dead 4 late", "drop 5 duplicate", "dead 6 illegal-transition"]
    assert str(error_of(key, 4)) == "'status' is paid, and its key has gone on to delivered"


@pytest.mark.parametrize(("on_late", "word"), [(OnLate.RELEASE, "emit 3 late"), (OnLate.DROP, "drop 3 late")])
def test_what_is_late_has_the_fate_that_is_asked_for(on_late: OnLate, word: str) -> None:
    """It moves its key nowhere."""
    key = by_states(on_late=on_late)
    key.comes("created", "shipped")
    key.passes(WAIT)
    assert key.comes("paid", "delivered") == [word, "emit 4 in-order"]


def test_what_waited_in_vain_can_be_set_aside() -> None:
    """With what could have led to it; the key goes on behind it."""
    key = by_states({"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ("e",)}, ("a",), on_gap=OnGap.DEAD_LETTER)
    key.comes("a", "d")
    assert key.passes(WAIT) == ["dead 2 order-gap"]
    error = error_of(key, 2)
    assert isinstance(error, OrderGap)
    assert (error.place, error.missing, error.held_ms) == ("d", "b or c", WAIT)
    assert key.comes("e") == ["emit 3 in-order"]


def test_a_full_key_goes_on_to_its_oldest_record() -> None:
    """Which may be what has just come."""
    key = by_states(hold_at_most=1)
    key.comes("shipped")
    assert key.comes("delivered") == ["emit 1 full", "emit 2 filled", "cancel"]
    key = by_states(hold_at_most=1)
    key.comes("delivered")
    assert key.comes("shipped") == ["emit 2 full", "emit 1 filled", "cancel"]


def test_a_wait_that_runs_out_may_show_that_nothing_can_be() -> None:
    """Two that exclude each other: the older one wins."""
    key = by_states()
    key.comes("shipped", "refunded")
    assert key.passes(WAIT) == ["emit 1 gap", "dead 2 illegal-transition"]


def test_in_a_circle_what_comes_again_may_be_early() -> None:
    """It is held; it goes when it is due, and was a duplicate where its wait runs out."""
    key = by_states(CIRCLE)
    key.comes("created", "paid")
    assert key.comes("paid") == ["hold 3", f"arm {WAIT}"]
    assert key.comes("disputed") == ["emit 4 in-order", "emit 3 filled", "cancel"]
    assert key.comes("paid")[0] == "hold 5"
    assert key.passes(WAIT) == ["drop 5 duplicate"]
    key.comes("paid")
    assert key.passes(1) == [f"arm {key.now - 1 + WAIT}"]
    assert key.comes("done") == ["emit 7 in-order", "drop 6 duplicate", "cancel"]


def test_a_key_can_begin_with_whatever_is_seen_first() -> None:
    """What could have come before is late."""
    key = by_states(starts=None)
    assert key.comes("paid", "shipped", "created", "canceled") == [
        *("emit 1 in-order", "emit 2 in-order", "dead 3 late", "dead 4 illegal-transition"),
    ]


def test_a_path_is_remembered_in_part() -> None:
    """Of a long way through a circle the end, and every state that was ever visited."""
    key = by_states(CIRCLE)
    key.comes("created", *["paid", "disputed"] * LONGEST_PATH, "paid", "done")
    assert len(key.state.path) == LONGEST_PATH
    assert key.state.path[0] == "created"
    assert key.comes("disputed") == [f"drop {key.offset} duplicate"]


def test_a_long_way_without_circles_is_remembered_whole() -> None:
    """Each of its states can come again, as a duplicate."""
    names = [f"s{number}" for number in range(LONGEST_PATH + 3)]
    key = by_states({one: (other,) for one, other in pairwise(names)}, ("s0",))
    key.comes(*names)
    assert list(key.state.path) == names


def test_a_tombstone_goes_when_all_has_gone_that_came_before_it() -> None:
    """And ends its key where nothing is left; no wait of its own moves the key."""
    key = by_states()
    assert key.comes(None, "created", None) == ["emit 1 tombstone", "emit 2 in-order", "emit 3 tombstone"]
    assert key.state is None
    key.comes("created", "shipped", None, "delivered")
    assert key.comes("paid") == [
        *("emit 8 in-order", "emit 5 filled", "emit 7 filled", "emit 6 tombstone", "cancel"),
    ]
    assert key.state is None
    key.comes("created", "delivered", None, None)
    assert key.passes(WAIT) == ["emit 10 gap", "emit 11 tombstone", "emit 12 tombstone"]
    assert key.state is None


def test_a_tombstone_may_leave_others_waiting() -> None:
    """Those that came after it."""
    key = by_states()
    key.comes("created", "refunded", None)
    key.now = WAIT - 1
    key.comes("delivered")
    assert key.comes("paid")[:2] == ["emit 5 in-order", "emit 2 filled"]
    assert key.state is None
    key.comes("paid")
    key.now += 1
    key.comes(None, "delivered")
    assert key.passes(WAIT - 1) == [
        f"emit {key.offset - 2} gap",
        f"emit {key.offset - 1} tombstone",
        f"arm {key.now + 1}",
    ]


def test_a_key_is_forgotten_by_the_log() -> None:
    """But not while it holds something."""
    key = by_states()
    key.comes("created", "paid")
    key.log = FORGET_AFTER_MS
    assert key.comes("created", "shipped") == ["emit 3 in-order", "hold 4", f"arm {WAIT}"]
    key.log *= 2
    assert key.comes("paid") == ["emit 5 in-order", "emit 4 filled", "cancel"]


def test_other_transitions_are_obeyed_from_then_on() -> None:
    """What was held by the old ones is judged by the new."""
    key = by_states()
    key.comes("created", "shipped", "delivered", "refunded")
    other = by_states({"created": ("shipped", "paid"), "paid": ("refunded",)})
    other.state = key.state
    assert other.passes(1) == ["emit 2 filled", "dead 3 illegal-transition", "dead 4 illegal-transition"]


@given(graphs(), Arrivals)
def test_it_does_what_a_model_does_that_knows_every_way(graph: Graph, arrivals: list[tuple[str, int]]) -> None:
    """Whatever comes when, with a restart after every step."""
    key, naive = by_states(graph, ("a",)), NaiveStates(graph, "a")
    for state, pause in arrivals:
        key.comes(state)
        naive.comes(state, key.offset, key.now)
        assert key.fates == naive.fates
        key.passes(pause)
        naive.passes(key.now)
        assert key.fates == naive.fates


POLICIES = st.fixed_dictionaries(
    {
        "on_gap": st.sampled_from(OnGap),
        "on_late": st.sampled_from(OnLate),
        "on_duplicate": st.sampled_from(OnDuplicate),
        "hold_at_most": st.integers(1, 4),
    }
)


@given(graphs(), Arrivals, POLICIES)
def test_every_record_has_one_fate_and_nothing_is_held_after_the_wait(
    graph: Graph, arrivals: list[tuple[str, int]], more: dict[str, Any]
) -> None:
    """Whatever the policy; each state is sent once at most where duplicates are dropped."""
    key = by_states(graph, ("a",), park_for_ms=30, **more)
    for state, pause in arrivals:
        key.comes(state)
        key.passes(pause)
        held = key.state.held if key.state else ()
        assert len(held) <= more["hold_at_most"]
        assert all(each.since + key.policy.patience_ms > key.now for each in held)
    key.passes(key.policy.patience_ms)
    assert key.state is None or not key.state.held
    assert sorted(offset for offset, _ in key.fates) == list(range(1, len(arrivals) + 1))
    sent = [arrivals[offset - 1][0] for offset in key.sent]
    assert more["on_duplicate"] is OnDuplicate.RELEASE or len(sent) == len(set(sent))


@given(st.permutations(["created", "paid", "shipped", "delivered"]))
def test_any_permutation_is_sent_in_order(arrivals: list[str]) -> None:
    """Where none is lost and none is too slow."""
    key = by_states()
    key.comes(*arrivals)
    assert [arrivals[offset - 1] for offset in key.sent] == ["created", "paid", "shipped", "delivered"]
