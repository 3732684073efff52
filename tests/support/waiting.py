"""Waiting for a condition of another process, never for a time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


def until(condition: Callable[[], T], *, within: float, what: str | Callable[[], str], every: float = 0.05) -> T:
    """Return the condition's value once it is true; fail with what was waited for after so many seconds."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {within:g} s: {said}")
        time.sleep(every)


async def comes_to(ask: Callable[[], Awaitable[T]], expected: T, *, within: float = 5.0) -> None:
    """Ask until the answer is the expected one; fail with the last answer after so many seconds."""
    deadline = time.monotonic() + within
    found = await ask()
    while found != expected and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        found = await ask()
    assert found == expected
