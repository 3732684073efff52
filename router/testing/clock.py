"""Time by hand."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["HandClock"]

_EPOCH = 1_700_000_000.0
"""What a hand-moved clock takes for the time of day at its start, in seconds since 1970."""


class HandClock:
    """A clock that stands still until it is moved. Fulfils `router.lanes.clock.Clock`."""

    def __init__(self) -> None:
        self._now = 0.0
        self._waiting: list[tuple[float, asyncio.Future[Any]]] = []

    def now(self) -> float:
        """Seconds since it was made."""
        return self._now

    def wall(self) -> float:
        """The time of day that goes with it, in seconds since 1970."""
        return _EPOCH + self._now

    def advance(self, seconds: float) -> None:
        """Let so much time pass, and wake who waited for it."""
        self._now += seconds
        for until, waiter in self._waiting:
            if until <= self._now and not waiter.done():
                waiter.set_result(None)

    async def wait(self, event: asyncio.Event, *, until: float | None) -> None:
        """Until the event is set, or the clock was moved to that time."""
        if event.is_set() or (until is not None and until <= self._now):
            await asyncio.sleep(0)  # as with a real clock, others get their turn
            return
        happened: asyncio.Future[Any] = asyncio.ensure_future(event.wait())
        come: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if until is not None:
            self._waiting.append((until, come))
        try:
            await asyncio.wait({happened, come}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            happened.cancel()
            come.cancel()
            self._waiting = [each for each in self._waiting if not each[1].done()]
