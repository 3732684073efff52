"""When copies wait for more before they are sent."""

from __future__ import annotations

import pytest

from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, Tally
from router.lanes.deliveries import RecordBatch
from router.lanes.gathering import gathers

FULL = 16 * 1024


def copies(count: int, *, caught_up: bool = False, closed: int = 0) -> Copies:
    """To so many destinations, of which some batches are full."""
    made = Copies()
    for number in range(count):
        batch = made.begin((f"t{number}", 0), RecordBatch(1 << 20, compression_type=0), 0)
        batch.append(timestamp=1, key=None, value=b"v", headers=[])
        if number < closed:
            made.close((f"t{number}", 0), 0, Tally())
    made.add(Batch(SourcePartition("s", 0), 0, 0, 1, (), 0.0, caught_up), Tally())
    return made


@pytest.mark.parametrize(
    ("made", "size", "waits"),
    [
        pytest.param(copies(50), 50 * FULL - 1, True, id="many and small"),
        pytest.param(copies(50, closed=30), 50 * FULL - 1, True, id="some of them closed"),
        pytest.param(copies(50), 50 * FULL, False, id="large enough"),
        pytest.param(copies(49), 100, False, id="few"),
        pytest.param(copies(50, caught_up=True), 100, False, id="nothing more is there"),
        pytest.param(Copies(), 0, False, id="nothing"),
    ],
)
def test_only_many_small_batches_wait_for_more(made: Copies, size: int, waits: bool) -> None:
    """And only where more is to come."""
    assert gathers(made, size) is waits


def test_copies_that_no_batch_led_to_go_at_once() -> None:
    """They have waited long enough: a timer released them."""
    made = copies(60)
    made.batches.clear()
    assert not gathers(made, 100)
