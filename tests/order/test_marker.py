"""The marker of a disk: what it says, and which changelogs may bring the disk forward."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import UnreadableState
from router.order.marker import KEEP_TOMBSTONES_MS, Marker, why_not_from

NUMBERS = st.integers(0, 2**63 - 1)
NOW = 1_700_000_000_000


@given(NUMBERS, NUMBERS, NUMBERS)
def test_marker_is_read_as_it_was_written(changelog: int, source: int, written: int) -> None:
    """Whatever the offsets are."""
    marker = Marker(changelog, source, written)
    assert Marker.decode(marker.encode()) == marker


def test_no_marker_is_none() -> None:
    """A disk that was just made."""
    assert Marker.decode(None) is None


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"\x02" + bytes(24), "version 2", id="later-version"),
        pytest.param(b"\x01" + bytes(23), "length", id="short"),
        pytest.param(b"12:34", "version 49", id="of-another-program"),
    ],
)
def test_what_is_no_marker_is_not_guessed_at(stored: bytes, said: str) -> None:
    """It may be of a later version of the router."""
    with pytest.raises(UnreadableState, match=said):
        Marker.decode(stored)


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        pytest.param(Marker(10, 0, NOW), "", id="between"),
        pytest.param(Marker(5, 0, NOW), "", id="at-the-start"),
        pytest.param(Marker(20, 0, NOW), "", id="at-the-end"),
        pytest.param(Marker(21, 0, NOW), "ends at 20", id="ahead"),
        pytest.param(Marker(4, 0, NOW), "begins at 5", id="behind-the-log"),
        pytest.param(Marker(10, 0, NOW - KEEP_TOMBSTONES_MS // 2), "", id="old"),
        pytest.param(Marker(10, 0, NOW - KEEP_TOMBSTONES_MS), "7.0 days ago", id="too-old"),
    ],
)
def test_disk_is_brought_forward_only_by_what_has_all_that_it_lacks(marker: Marker, said: str) -> None:
    """Deletions too: a changelog forgets them after a while."""
    why = why_not_from(marker, start=5, end=20, now_ms=NOW)
    assert (said in why) if said else why == ""
