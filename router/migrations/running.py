"""Keeps one process copying for each migration that is under way: `router migrate run`.

A process has a group of its own, that of its migration's generation, so that one which begins anew begins at the beginning; and
two machines that run this share a migration's partitions, as workers do. What a process copies is given to it when it starts:
where a step changes that, it ends as a worker ends, with everything committed, and another takes its place.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from router.errors import TransientError
from router.migrations.phases import Migration, Phase
from router.observe.logs import get_logger

__all__ = ["Child", "MirrorText", "Mirrors", "Reading", "announced_since", "start_process", "stopping"]

log = get_logger("router.migrations")

_LOOK_EVERY = 1.0
"""Seconds between two looks at the migrations and at the processes."""
_END_WITHIN = 10.0
"""Seconds that a process may take to commit and end."""
_LONGEST_PAUSE = 30.0
"""Seconds between two starts of a process that ends again and again, at most; the first pause is a second."""

MirrorText = Callable[[Migration], str]
"""Gives what a migration's process is told to copy; another text needs another process."""


class Reading(Protocol):
    """Knows the migrations."""

    async def latest(self) -> Mapping[str, Migration]:
        """All of them by their keys. Raises a TransientError where nobody answers."""


class Child(Protocol):
    """A process that copies."""

    @property
    def returncode(self) -> int | None:
        """None while it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""

    async def wait(self) -> int:
        """Until it has ended."""


@dataclass(slots=True)
class _Running:
    text: str
    child: Child
    starts: int
    """How often it was started with this text."""
    again_at: float = 0.0
    """When it may be started again, once it has ended."""


class Mirrors:
    """The processes of one machine."""

    def __init__(
        self, reading: Reading, *, workers: str, text: MirrorText, start: Callable[[str], Awaitable[Child]]
    ) -> None:
        """`workers` is the group whose migrations these are; `start` starts a process that copies what a text says."""
        self._reading = reading
        self._workers = workers
        self._others: frozenset[str] = frozenset()
        """Migrations that somebody else copies."""
        self._text = text
        self._start = start
        self._running: dict[str, _Running] = {}

    @property
    def keys(self) -> list[str]:
        """The migrations that have a process which has not ended."""
        return sorted(key for key, each in self._running.items() if each.child.returncode is None)

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; then all processes have ended."""
        told = False
        try:
            while not stop.is_set():
                try:
                    await self.look(asyncio.get_running_loop().time())
                    told = False
                except TransientError as error:
                    if not told:
                        log.warning("nobody tells which migrations there are; processes go on", error=error)
                    told = True
                try:
                    await asyncio.wait_for(stop.wait(), _LOOK_EVERY)
                except TimeoutError:
                    continue
        finally:
            await asyncio.gather(*(self._end(each) for each in self._running.values()))

    async def look(self, now: float) -> None:
        """Start what is missing, and end what nobody asks for. Raises TransientError."""
        under_way = {key: each for key, each in sorted((await self._reading.latest()).items()) if each.ways}
        self._tell_of_others({key: each.workers for key, each in under_way.items() if each.workers != self._workers})
        wanted = {key: self._text(each) for key, each in under_way.items() if each.workers == self._workers}
        gone = [key for key, each in self._running.items() if wanted.get(key) != each.text]
        await asyncio.gather(*(self._end(self._running[key]) for key in gone))
        for key in gone:
            log.info("a mirror has ended: its migration has gone on", migration=key)
            del self._running[key]
        for key, text in wanted.items():
            running = self._running.get(key)
            if running is None:
                self._running[key] = _Running(text, await self._start(text), 1)
                log.info("a mirror begins", migration=key)
            elif running.child.returncode is not None and not running.again_at:
                pause = min(2.0 ** (running.starts - 1), _LONGEST_PAUSE)
                running.again_at = now + pause
                code = running.child.returncode
                log.warning("a mirror has ended by itself", migration=key, code=code, again_in=pause)
            elif running.child.returncode is not None and now >= running.again_at:
                self._running[key] = _Running(text, await self._start(text), running.starts + 1)

    def _tell_of_others(self, others: Mapping[str, str]) -> None:
        for key in others.keys() - self._others:
            log.info("a migration is left to another group's mirrors", migration=key, group=others[key])
        self._others = frozenset(others)

    @staticmethod
    async def _end(running: _Running) -> None:
        if running.child.returncode is not None:
            return
        running.child.terminate()
        try:
            await asyncio.wait_for(running.child.wait(), _END_WITHIN)
        except TimeoutError:
            running.child.kill()
            await running.child.wait()


def announced_since(migration: Migration) -> str:
    """When those who stay were first asked to move, as RFC 3339; empty before."""
    flips = [each.at for each in migration.steps if each.phase is Phase.FLIP]
    return datetime.fromtimestamp(flips[0] / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if flips else ""


async def start_process(text: str, *, variable: str, environ: Mapping[str, str]) -> asyncio.subprocess.Process:
    """A worker of `agents.mirror` in this environment, which a terminal's Ctrl-C does not reach. It logs as the Procfile's workers do."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "faust", "-A", "agents.mirror", "worker", "-l", "info", "--without-web",
        env={**environ, variable: text}, stdin=asyncio.subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def stopping(loop: asyncio.AbstractEventLoop) -> asyncio.Event:
    """Set by SIGTERM and Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
