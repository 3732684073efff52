"""The simulated loop: time that nobody waits for, choices that can be repeated, processes that stop or vanish."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from simulation.loop import Process, SimulatedLoop, Stuck


def played(seed: int, *, shuffled: int = 100) -> list[str]:
    """The order in which three tasks take their turns."""
    loop, turns = SimulatedLoop(Random(seed), shuffled=shuffled), []

    async def take_turns(name: str) -> None:
        for _ in range(3):
            turns.append(name)
            await asyncio.sleep(0)

    async def all_three() -> None:
        await asyncio.gather(*map(take_turns, "abc"))

    loop.run_until_complete(all_three())
    loop.close()
    return turns


def test_what_runs_next_is_drawn_by_lot() -> None:
    """Seeds differ in the order of turns, and each repeats its own; without shuffling it is asyncio's."""
    assert played(7) == played(7)
    assert len({tuple(played(seed)) for seed in range(20)}) > 10
    assert played(7, shuffled=0) == list("abc" * 3)


def test_time_jumps_to_the_next_timer() -> None:
    """An hour takes no time, and whoever waits for less wakes up first."""
    loop, woken = SimulatedLoop(Random(1)), []

    async def wait(seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((seconds, loop.time()))

    async def both() -> None:
        await asyncio.gather(wait(3600.0), wait(1.5))

    loop.run_until_complete(both())
    loop.close()
    assert woken == [(1.5, 1.5), (3600.0, 3600.0)]


def test_a_paused_process_does_not_notice() -> None:
    """Its timers run out meanwhile, and all of them are due when it goes on; others are not concerned."""
    loop, seen = SimulatedLoop(Random(1)), []

    async def tick(name: str) -> None:
        while True:
            await asyncio.sleep(1.0)
            seen.append((name, loop.time()))

    async def play() -> None:
        paused, free = Process("paused"), Process("free")
        loop.start(paused, lambda: tick("paused"))
        loop.start(free, lambda: tick("free"))
        await asyncio.sleep(1.5)
        loop.pause(paused)
        await asyncio.sleep(3.0)
        loop.resume(paused)
        await asyncio.sleep(0.1)

    async def nothing() -> None:
        return

    loop.run_until_complete(play())
    loop.bury([], nothing, within=1.0)
    loop.close()
    assert [at for name, at in seen if name == "free"] == [1.0, 2.0, 3.0, 4.0]
    assert [at for name, at in seen if name == "paused"] == [1.0, 4.5]


def test_a_killed_process_does_nothing_more() -> None:
    """Not even what it would have done last; only after the run may it end, when nobody listens."""
    loop, seen = SimulatedLoop(Random(1)), []
    process = Process("killed")

    async def tidy_up() -> None:
        try:
            await asyncio.sleep(1.0)
        finally:
            seen.append(loop.time())

    async def play() -> None:
        loop.start(process, tidy_up)
        await asyncio.sleep(0.5)
        loop.kill(process)
        await asyncio.sleep(10.0)

    async def nothing() -> None:
        return

    loop.run_until_complete(play())
    assert seen == []
    loop.bury([process], nothing, within=1.0)
    loop.close()
    assert seen == [10.5]


def test_going_round_in_circles_is_noticed() -> None:
    """A run that makes steps without end, and without time passing, fails instead of hanging."""
    loop = SimulatedLoop(Random(1), most_steps=1000)

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - nothing is waited for: that is the fault
            await asyncio.sleep(0)

    task: asyncio.Task[Any] = loop.create_task(spin())
    with pytest.raises(Stuck, match="circles"):
        loop.run_forever()
    task.cancel()

    async def ended() -> None:
        await asyncio.wait([task])

    loop.run_until_complete(ended())
    loop.close()
