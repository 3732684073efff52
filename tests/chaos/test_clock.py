"""A process's own wall clock: it jumps while the process runs, and nothing else does."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.clock import Clock, why_no_clock

pytestmark = pytest.mark.skipif(bool(why_no_clock()), reason=why_no_clock())

ASKING = """
import sys, time
for _ in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""


def test_a_clock_jumps_while_its_process_runs(tmp_path: Path) -> None:
    """The time of day is wrong from one moment to the next; the monotonic clock goes on."""
    clock = Clock(tmp_path, "one")
    command = [sys.executable, "-c", ASKING]
    with subprocess.Popen(
        command, env={**os.environ, **clock.environ}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as asked:
        assert asked.stdin is not None
        assert asked.stdout is not None

        def ask() -> list[float]:
            asked.stdin.write("\n")  # type: ignore[union-attr]
            asked.stdin.flush()  # type: ignore[union-attr]
            return [float(word) for word in asked.stdout.readline().split()]  # type: ignore[union-attr]

        before = ask()
        clock.set(86_400.0)
        after = ask()
        clock.set(-3_600.0)
        earlier = ask()
        asked.stdin.close()
    assert before[0] == pytest.approx(time.time(), abs=60)
    assert after[0] - before[0] == pytest.approx(86_400, abs=60)
    assert earlier[0] - before[0] == pytest.approx(-3_600, abs=60)
    assert 0 < after[1] - before[1] < 60
    assert after[1] < earlier[1]
