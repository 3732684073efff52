"""The machine's clock, as lanes wait by it."""

from __future__ import annotations

import asyncio
import time

import pytest

from router.lanes.clock import MonotonicClock


def test_it_is_the_monotonic_clock() -> None:
    """Setting the time of day neither hurries nor holds up a lane."""
    before = time.monotonic()
    assert before <= MonotonicClock().now() <= time.monotonic()


@pytest.mark.parametrize("late", [0.0, 0.01, -5.0], ids=["now", "soon", "long-ago"])
async def test_waiting_ends_when_the_time_has_come(late: float) -> None:
    """A time that has passed already ends it at once."""
    clock = MonotonicClock()
    until = clock.now() + late
    await clock.wait(asyncio.Event(), until=until)
    assert clock.now() >= until


@pytest.mark.parametrize("until", [None, 1e12], ids=["without-an-end", "with-one"])
async def test_waiting_ends_when_the_event_is_set(until: float | None) -> None:
    """However far off the time is."""
    event = asyncio.Event()
    waiting = asyncio.create_task(MonotonicClock().wait(event, until=until))
    await asyncio.sleep(0)
    assert not waiting.done()
    event.set()
    await waiting


def test_time_of_day_is_the_machines() -> None:
    """What is written into records is read by others."""
    before = time.time()
    assert before <= MonotonicClock().wall() <= time.time()
