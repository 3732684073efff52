"""A loop that stops beating ends its process, whatever hangs."""

from __future__ import annotations

import subprocess
import sys
import threading

from router.observe.progress import Stall
from router.observe.watchdog import STALLED, Watchdog, main_stack


def test_loop_that_does_not_beat_is_told_of() -> None:
    """Within its limit and a few looks."""
    told = threading.Event()
    stalls: list[Stall] = []

    def end(stall: Stall) -> None:
        stalls.append(stall)
        told.set()

    watchdog = Watchdog(0.05, end=end, every=0.01)
    watchdog.start()
    assert told.wait(10.0)
    assert stalls[0].subjects == ("the event loop",)
    assert stalls[0].over


def test_loop_that_beats_is_left_alone() -> None:
    """And after `stop` nobody watches: an end in time is no stall."""
    told = threading.Event()
    watchdog = Watchdog(5.0, end=lambda _: told.set(), every=0.001)
    watchdog.start()
    for _ in range(20):
        watchdog.beat()
        assert not told.wait(0.005)
    watchdog.stop()
    assert not told.wait(0.02)


def test_process_ends_also_where_its_last_line_cannot_be_written() -> None:
    """What reads the log may be what hangs."""
    program = (
        "import threading\n"
        "from router.observe.watchdog import end_process\n"
        "end_process(lambda: threading.Event().wait())\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)
    assert ended.returncode == STALLED


def test_process_that_can_say_why_does() -> None:
    """With the place where its main thread is."""
    program = (
        "from router.observe.watchdog import end_process, main_stack\n"
        "def busy(): end_process(lambda: print(main_stack()))\n"
        "busy()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], timeout=30, check=False, capture_output=True, text=True)
    assert ended.returncode == STALLED
    assert "in busy" in ended.stdout


def test_stack_is_of_the_main_thread() -> None:
    """Asked for from another one, as the watchdog does."""
    found: list[str] = []
    asker = threading.Thread(target=lambda: found.append(main_stack()))
    asker.start()
    asker.join(10.0)
    assert "test_stack_is_of_the_main_thread" in found[0]
