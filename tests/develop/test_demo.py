"""What the demo does before it starts anything; tests/acceptance has the rest, in a process of its own."""

from __future__ import annotations

import fcntl
import io
from pathlib import Path

import pytest
from rich.console import Console

from router.develop.demo import DemoOptions, run_demo
from router.develop.errors import AlreadyRunning, NotCaughtUp, ProcfileUnusable

ROOT = Path(__file__).parents[2]


def options(state: Path, **changes: Path) -> DemoOptions:
    """Return the options of a run that has its state there."""
    folders = {"procfile": ROOT / "Procfile", "routes": ROOT / "routes", "schemas": ROOT / "schemas"} | changes
    return DemoOptions(orders=1, rate=0, seed=1, partitions=1, workers=1, state=state, **folders)


def test_two_runs_do_not_share_their_state(tmp_path: Path) -> None:
    """The second is refused before it deletes what the first one has."""
    kept = tmp_path / "demo" / "kept"
    kept.parent.mkdir()
    kept.touch()
    with (tmp_path / ".demo.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AlreadyRunning, match="--state"):
            run_demo(options(tmp_path), environ={}, console=Console(file=io.StringIO()))
    assert kept.exists()


def test_a_missing_procfile_starts_nothing(tmp_path: Path) -> None:
    """Without anybody to route, no Kafka is started either; the file that was looked for is named."""
    given = options(tmp_path / "state", procfile=tmp_path / "Procfile")
    with pytest.raises(ProcfileUnusable, match=str(tmp_path / "Procfile")):
        run_demo(given, environ={}, console=Console(file=io.StringIO()))
    assert not (tmp_path / "state").exists()


def test_a_router_that_is_stuck_is_told_with_its_logs() -> None:
    """The error says how much is left, and where to look."""
    stuck = NotCaughtUp(lag=7, seconds=60.0, logs="var/log")
    assert stuck.lag == 7
    assert "7 records left" in str(stuck)
    assert "'var/log'" in str(stuck)
