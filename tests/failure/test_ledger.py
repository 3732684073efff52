"""The ledger of deaths: folding, merging, and headers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.failure.ledger import (
    DEATH,
    MOST_ENTRIES,
    OTHER,
    Entry,
    Ledger,
    decode_death,
    encode_death,
    ledger_of,
)

TEXTS = st.text(max_size=12)
ENTRIES = st.builds(
    lambda destination, reason, count, first, length: Entry(destination, reason, count, first, first + length),
    TEXTS,
    TEXTS,
    st.integers(1, 999_999_999),
    st.integers(0, 10**14),
    st.integers(0, 10**14),
)
FEW = st.builds(lambda some: Ledger().merged(Ledger(tuple(some))), st.lists(ENTRIES, max_size=8))


def test_deaths_are_counted_by_destination_and_reason() -> None:
    """Count, first and last."""
    ledger = (
        Ledger().died("a.v1", "failed", 5).died("a.v1", "failed", 9).died("a.v1", "late", 7).died("b.v1", "failed", 8)
    )
    assert ledger.entries == (
        Entry("a.v1", "failed", 2, 5, 9),
        Entry("a.v1", "late", 1, 7, 7),
        Entry("b.v1", "failed", 1, 8, 8),
    )
    assert ledger.count("a.v1") == 3
    assert ledger.entry("b.v1", "failed") == Entry("b.v1", "failed", 1, 8, 8)
    assert ledger.entry("b.v1", "late") is None


def test_a_copy_resets_nothing() -> None:
    """Headers that a client kept, stripped, or has from long ago leave the count where it is."""
    early = Ledger().died("a.v1", "failed", 5)
    now = early.died("a.v1", "failed", 9)
    for copied in (ledger_of(()), ledger_of(early.headers()), ledger_of(now.headers()), ledger_of(now.headers() * 2)):
        assert now.merged(copied) == now
    assert Ledger().merged(ledger_of(now.headers())) == now


@given(FEW, FEW, FEW)
def test_merging_takes_no_order(one: Ledger, two: Ledger, three: Ledger) -> None:
    """While there is room: merged twice, or the other way round, it is the same."""
    assert one.merged(two) == two.merged(one)
    assert one.merged(two).merged(three) == one.merged(two.merged(three))
    assert one.merged(two).merged(two) == one.merged(two)


@given(ENTRIES)
def test_a_header_is_read_back(entry: Entry) -> None:
    """Whatever a destination or a client's reason is called."""
    assert decode_death(encode_death(entry)) == entry
    assert encode_death(entry).isascii()


def test_a_header_is_what_the_page_says() -> None:
    """Escaped where it must be."""
    assert encode_death(Entry("a.v1", "50%;ß", 2, 5, 9)) == b"1;a.v1;50%25%3B%C3%9F;2;5;9"
    assert Ledger().died("a.v1", "failed", 5).headers() == [(DEATH, b"1;a.v1;failed;1;5;5")]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(b"", id="empty"),
        pytest.param(b"2;a;b;1;5;9", id="another version"),
        pytest.param(b"1;a;b;0;5;9", id="no death"),
        pytest.param(b"1;a;b;1;9;5", id="last before first"),
        pytest.param(b"1;a;b;1;5", id="too short"),
        pytest.param(b"1;a;b;1;5;9" + b"9" * 5000, id="too long a number"),
    ],
)
def test_what_is_no_entry_is_left_out(value: bytes | None) -> None:
    """Anybody may write headers."""
    assert decode_death(value) is None
    assert ledger_of([(DEATH, value), ("other", b"1;a;b;1;5;9")]) == Ledger()


def test_later_fields_are_ignored() -> None:
    """A later version may say more."""
    assert decode_death(b"1;a;b;1;5;9;more;still") == Entry("a", "b", 1, 5, 9)


def test_a_ledger_does_not_grow_without_end() -> None:
    """Reasons come from clients: what has no room is counted together, and no death is forgotten."""
    ledger = Ledger()
    for number in range(MOST_ENTRIES + 50):
        ledger = ledger.died("a.v1", f"reason {number}", number)
    assert ledger.count("a.v1") == MOST_ENTRIES + 50
    assert ledger.entry("a.v1", OTHER) == Entry("a.v1", OTHER, 50, MOST_ENTRIES, MOST_ENTRIES + 49)
    assert len(ledger.entries) == MOST_ENTRIES + 1


def test_counts_stop_before_they_outgrow_their_header() -> None:
    """A billion deaths read as 999,999,999."""
    most = Ledger((Entry("a", "b", 999_999_999, 1, 1),))
    assert most.died("a", "b", 2).entries == (Entry("a", "b", 999_999_999, 1, 2),)
