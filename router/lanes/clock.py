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
        """Until the event is set, or the time has come; None waits for the event alone."""


class MonotonicClock:
    """The machine's."""

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    async def wait(self, event: asyncio.Event, *, until: float | None) -> None:
        """See Clock."""
        try:
            async with asyncio.timeout(None if until is None else max(0.0, until - self.now())):
                await event.wait()
        except TimeoutError:
            return
