"""The watchdog: ends a process whose event loop no longer turns, from a thread that needs nothing of the loop.

Whatever runs on the loop cannot notice that the loop is blocked. So the loop beats, and a daemon thread looks whether it still
does. The thread counts the time itself, in looks: while the whole process is stopped, so is the count.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable

from router.observe.progress import Progress, Stall, Subject

__all__ = ["STALLED", "Watchdog", "end_process", "main_stack"]

STALLED = 75
"""The exit code of a worker that ended itself because it did not move: EX_TEMPFAIL of sysexits.h, start it again."""

_LOOK_EVERY = 1.0
_SAY_WITHIN = 2.0
"""Seconds that the last line may take: what reads the log may be what hangs."""


class Watchdog:
    """Watches one event loop."""

    def __init__(self, limit: float, *, end: Callable[[Stall], None], every: float = _LOOK_EVERY) -> None:
        """`end` is called in the watchdog's thread, once the loop has not beaten for `limit` seconds."""
        self._progress = Progress(limit)
        self._end = end
        self._every = every
        self._beats = 0
        self._stopped = threading.Event()

    def beat(self) -> None:
        """The loop turns."""
        self._beats += 1

    def start(self) -> None:
        """Begin to watch; the loop must beat from now on."""
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._every):
            stall = self._progress.look([Subject("the event loop", self._beats, owes=True)], time.monotonic())
            if stall is not None and stall.over:
                self._end(stall)
                return


def end_process(say: Callable[[], None], code: int = STALLED) -> None:
    """Say why, and end this process at once; also where saying it hangs."""
    guard = threading.Timer(_SAY_WITHIN, os._exit, (code,))
    guard.daemon = True
    guard.start()
    say()
    sys.stdout.flush()
    os._exit(code)


def main_stack() -> str:
    """Where the main thread is now, for the log; empty where nobody knows."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - the documented way to it
    return "" if frame is None else "".join(traceback.format_stack(frame))
