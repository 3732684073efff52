"""What a lane's table keeps of rejected records, as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import UnreadableState
from router.failure import stored
from router.failure.ledger import Ledger
from router.failure.parking import Back, KeyState, Phase

TOPIC = "vip.v1"
KEY = stored.by_key(b"ord-1")
PLACES = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**63 - 1))
TIMES = st.integers(0, 2**62)
BACKS = st.builds(Back, PLACES, TIMES, st.none() | TIMES, st.booleans())
STATES = st.builds(
    KeyState,
    phase=st.sampled_from(Phase),
    epoch=TIMES,
    awaited=st.booleans(),
    first=st.none() | PLACES,
    back=st.lists(BACKS, max_size=4).map(tuple),
    handled=st.lists(PLACES, max_size=4).map(tuple),
    active=TIMES,
)


@given(STATES)
def test_state_comes_back(state: KeyState) -> None:
    """Whatever is kept of a key is read as it was, and its head alone says what it does and when it is due."""
    encoded = stored.encode_state(state)
    assert encoded[0] == 1
    assert stored.decode_state(encoded) == state
    assert (stored.phase_of(encoded), stored.due_of(encoded)) == (state.phase, state.due)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda whole: b"", id="nothing"),
        pytest.param(lambda whole: b"\x02" + whole[1:], id="a later version"),
        pytest.param(lambda whole: whole[:1] + b"\x03" + whole[2:], id="no such phase"),
        pytest.param(lambda whole: whole[:-1], id="its end is missing"),
        pytest.param(lambda whole: whole[:-12], id="a place is missing"),
        pytest.param(lambda whole: whole + b"x", id="a byte too many"),
        pytest.param(lambda whole: whole[:60], id="ends in what came back"),
        pytest.param(lambda whole: whole[:71], id="ends before its places"),
    ],
)
def test_damaged_state_is_refused(damage: object) -> None:
    """Guessing would lose records."""
    whole = stored.encode_state(KeyState(back=(Back((0, 1), 2),), handled=((0, 1), (0, 2))))
    with pytest.raises(UnreadableState, match="parked key"):
        stored.decode_state(damage(whole))  # type: ignore[operator]


def test_ledger_comes_back() -> None:
    """All its entries, whatever stands in their texts."""
    ledger = Ledger().died(TOPIC, "fa;iled\n", 10).died("other.v1", "late", 12)
    assert stored.decode_ledger(stored.encode_ledger(ledger)) == ledger


@pytest.mark.parametrize("given_bytes", [b"", b"\x02", b"\x01", b"\x01nonsense"])
def test_damaged_ledger_is_refused(given_bytes: bytes) -> None:
    """A count that cannot be read is not none."""
    with pytest.raises(UnreadableState, match="ledger"):
        stored.decode_ledger(given_bytes)


def test_position_comes_back() -> None:
    """How far rejections were read."""
    assert stored.decode_position(stored.encode_position(2**40)) == 2**40


@pytest.mark.parametrize("given_bytes", [b"", b"\x02" + bytes(8), b"\x01"])
def test_damaged_position_is_refused(given_bytes: bytes) -> None:
    """Reading from the wrong place would miss rejections."""
    with pytest.raises(UnreadableState, match="rejections"):
        stored.decode_position(given_bytes)


def test_entries_say_what_they_are_about() -> None:
    """Topic, key and number are read back from an entry's key."""
    entry = stored.state_key(TOPIC, KEY)
    assert stored.parts_of_state_key(entry) == (TOPIC, KEY)
    assert (stored.key_of_ident(KEY), stored.key_of_ident(stored.of_one(7))) == (b"ord-1", None)
    assert stored.held_number(stored.held_key(entry, 300)) == 300
    assert stored.state_of_held(stored.held_key(entry, 300)) == (entry, 300)
    assert stored.state_of_held(stored.back_key(entry, (2, 5))) == (entry, None)
    assert {stored.topic_of(each) for each in (entry, stored.ledger_key(TOPIC, 4), stored.position_key(TOPIC))} == {
        TOPIC
    }


def test_held_copies_list_in_their_order_and_apart_from_all_others() -> None:
    """No other key's, no rejections, and no key that begins like this one."""
    entry = stored.state_key(TOPIC, KEY)
    mine = [stored.held_key(entry, number) for number in (1, 2, 300, 70_000)]
    others = [
        stored.held_key(stored.state_key(TOPIC, KEY + b"h"), 5),
        stored.held_key(stored.state_key("vip.v", KEY), 5),
        stored.back_key(entry, (0, 5)),
    ]
    assert [each for each in sorted(mine + others) if each.startswith(stored.held_prefix(entry))] == mine


@given(TIMES, TIMES, TIMES)
def test_what_a_command_has_led_to_comes_back(written: int, joined: int, at: int) -> None:
    """Under the topic and the command; in another form it is refused."""
    carried = stored.Carried(written, joined, at)
    encoded = stored.encode_carried(carried)
    assert stored.decode_carried(encoded) == carried
    assert stored.topic_of(stored.command_key(TOPIC, "c1")) == TOPIC
    for damaged in (encoded[:-1], b"\x02" + encoded[1:]):
        with pytest.raises(UnreadableState, match="command"):
            stored.decode_carried(damaged)
