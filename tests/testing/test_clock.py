"""The clock that is moved by hand."""

from __future__ import annotations

import asyncio

import pytest

from router.testing import HandClock


async def test_clock_stands_until_it_is_moved() -> None:
    """Who waits is woken when the time comes, or when what they wait for happens."""
    clock = HandClock()
    event = asyncio.Event()
    late, early, forever = (asyncio.create_task(clock.wait(event, until=until)) for until in (5.0, 2.0, None))
    await asyncio.sleep(0)
    clock.advance(3.0)
    await early
    assert (clock.now(), late.done(), forever.done()) == (3.0, False, False)
    event.set()
    await asyncio.gather(late, forever)
    await clock.wait(asyncio.Event(), until=1.0)
    await clock.wait(event, until=None)
    assert clock.wall() == 1_700_000_003.0


async def test_who_gives_up_waiting_is_forgotten() -> None:
    """A clock does not keep what nobody waits for."""
    clock = HandClock()
    waiting = asyncio.create_task(clock.wait(asyncio.Event(), until=5.0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert clock._waiting == []
    clock.advance(9.0)


async def test_others_get_their_turn_even_where_there_is_nothing_to_wait_for() -> None:
    """A loop that waits for what has come already does not starve everything else."""
    clock = HandClock()
    turns = 0

    async def other() -> None:
        nonlocal turns
        turns += 1

    asyncio.get_running_loop().create_task(other())
    await clock.wait(asyncio.Event(), until=0.0)
    await clock.wait(asyncio.Event(), until=0.0)
    assert turns == 1
