"""What was found of restoring stands in a table, a column a size."""

from __future__ import annotations

from bench.restore import key_of, table
from router.order.stored import key_of_state


def test_table_shows_keys_a_second_and_units() -> None:
    """A reader compares sizes line by line."""
    small = {"restored in": 2.0, "memory at most": 90.0, "look-up, disk": 3.5, "disk, bytes a key": 40.0}
    large = {"restored in": 50.0, "memory at most": 900.0, "look-up, disk": 7.25, "disk, bytes a key": 41.0}
    lines = table({1_000_000: small, 10_000_000: large}).splitlines()
    assert lines == [
        "|  | 1,000,000 keys | 10,000,000 keys |",
        "|---|--:|--:|",
        "| keys a second, onto an empty disk | 500,000 | 200,000 |",
        "| restored in | 2.00 s | 50.00 s |",
        "| memory at most | 90.00 MB | 900.00 MB |",
        "| look-up, disk | 3.50 µs | 7.25 µs |",
        "| disk, bytes a key | 40.00 | 41.00 |",
    ]


def test_keys_are_those_of_states() -> None:
    """What is restored is what a lane would look for."""
    assert key_of_state(key_of(7)) == b"order-000000000007"
