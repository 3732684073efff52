"""The time of a lane: asked for, and waited for, in one place, so that tests move it by hand."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "MonotonicClock"]


class Clock(Protocol):
    """A clock that never goes back, in seconds of its own."""

    def now(self) -> float:
        """The time."""

    def wall(self) -> float:
        """The time of day, in seconds since the epoch; it may go back."""

    async def wait(self, event: asyncio.Event, *, until: float | None) -> None:
        """Until the event is set, or the time has come, which may set it, too; None waits for the event alone."""


class MonotonicClock:
    """The machine's."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    async def wait(self, event: asyncio.Event, *, until: float | None) -> None:
        """See Clock."""
        if until is None:
            await event.wait()
            return
        # Lanes wait a thousand times a second: a timer that sets the event is half the work of asyncio's timeout.
        timer = asyncio.get_running_loop().call_at(until, event.set)
        try:
            await event.wait()
        finally:
            timer.cancel()
