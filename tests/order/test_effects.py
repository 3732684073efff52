"""What a resequencer is told and wants done."""

from __future__ import annotations

from router.order.effects import Held, deadline


def test_the_first_wait_that_runs_out_is_the_deadline() -> None:
    """Of what has been held longest, whatever its place; nothing held has none."""
    assert deadline([Held(1, 10, 500), Held(2, 5, 300), Held(3, 6, 400)], 100) == 400
    assert deadline((), 100) is None
