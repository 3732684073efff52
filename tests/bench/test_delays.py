"""What was found of delays, and the small world that it is found in."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import delays


def test_table_has_a_unit_for_each_figure() -> None:
    """Milliseconds after their time, where nothing else is said."""
    found = {"one after the other: the latest": 130.25, "opening the lane again": 0.5, "memory at most": 1_110.0}
    assert delays.table({100_000: found}).splitlines() == [
        "|  | 100,000 wait |",
        "|---|--:|",
        "| one after the other: the latest | 130.2 ms after its time |",
        "| opening the lane again | 0.5 s |",
        "| memory at most | 1,110.0 MB |",
    ]


def test_every_delay_fires_and_none_before_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they end together or one after the other; also after the lane was opened again."""
    monkeypatch.setattr(delays, "_SPREAD", 0.5)
    monkeypatch.setattr(delays, "healthy", lambda **_: [1.0, 1.1, 0.9])
    found = delays.measure(pending=60, directory=tmp_path)
    assert 0 <= found["together: the first"] <= found["together: the last"]
    assert found["copying, nobody rejects, 0 other keys wait: CPU"] == 1.0
    assert 0 <= found["one after the other: half of them"] <= found["one after the other: the latest"] < 60_000


def test_copying_is_compared_in_pairs(tmp_path: Path) -> None:
    """Each pair gives the time with, as a part of that without."""
    ratios = delays.healthy(records=2_000, pairs=3, waiting=5, directory=tmp_path)
    assert len(ratios) == 3
    assert all(0.05 < ratio < 20 for ratio in ratios)
