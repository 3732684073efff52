"""What is known of a process that is measured."""

from __future__ import annotations

import os
import subprocess
import sys

from support.waiting import until

from bench.running import Peak, peak_bytes

LARGE = 64 << 20


def test_a_peak_is_the_process_own_and_outlives_it() -> None:
    """What its parent had when it started it does not count, though the kernel hands that on."""
    ballast = b"x" * LARGE
    program = f"held = b'y' * {LARGE // 2}; print(flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    peak = Peak(process.pid)
    assert process.stdout is not None
    process.stdout.readline()
    at_work = peak_bytes(process.pid)
    until(lambda: peak.so_far >= at_work, within=10, what="a look at it", every=0.01)
    process.communicate(b"\n")
    found = peak.end()
    assert at_work <= found < peak_bytes(os.getpid())
    assert at_work > LARGE // 2
    assert len(ballast) == LARGE
