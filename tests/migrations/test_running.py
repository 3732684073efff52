"""One process a migration that is under way, whatever happens to migrations and to processes."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from router.errors import BrokerUnavailable
from router.migrations.phases import Migration, Phase, Step
from router.migrations.running import Mirrors, announced_since, start_process


def migration(name: str, *phases: Phase) -> Migration:
    steps = tuple(Step(each, 1_700_000_000_000 + number, "ada", "") for number, each in enumerate(phases))
    return Migration(name=name, source=1, target=2, generation=1, workers="shop", steps=steps)


class Kept:
    """The migrations as a test wants them."""

    def __init__(self) -> None:
        self.found: dict[str, Migration] = {}
        self.fails = False

    def has(self, *migrations: Migration) -> None:
        """These and no others."""
        self.found = {each.key: each for each in migrations}

    async def latest(self) -> Mapping[str, Migration]:
        """As told."""
        if self.fails:
            raise BrokerUnavailable(brokers="b", problem="away")
        return self.found


class Process:
    """One that ends when it is asked to, or only when it is killed."""

    def __init__(self, text: str, *, stubborn: bool = False) -> None:
        self.text = text
        self.returncode: int | None = None
        self.stubborn = stubborn
        self._ended = asyncio.Event()

    def end(self, code: int) -> None:
        """It ends by itself."""
        self.returncode = code
        self._ended.set()

    def terminate(self) -> None:
        """As on SIGTERM."""
        if not self.stubborn:
            self.end(0)

    def kill(self) -> None:
        """As on SIGKILL."""
        self.end(-9)

    async def wait(self) -> int:
        """Until it has ended."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode


class Machine:
    """Starts processes, and has them all."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.processes: list[Process] = []
        self.started = asyncio.Event()
        self.mirrors = Mirrors(
            self.kept, workers="shop", text=lambda each: f"{each.key} {each.ways}", start=self._start
        )

    async def _start(self, text: str) -> Process:
        self.processes.append(Process(text))
        self.started.set()
        return self.processes[-1]

    @property
    def running(self) -> list[str]:
        """What runs, by the migration's name."""
        return [each.text.partition(" ")[0] for each in self.processes if each.returncode is None]


async def test_what_is_under_way_has_a_process() -> None:
    """And what has ended has none."""
    machine = Machine()
    machine.kept.has(migration("a", Phase.MIRROR), migration("b", Phase.FLIP), migration("c", Phase.ABORTED))
    await machine.mirrors.look(0.0)
    await machine.mirrors.look(1.0)
    assert machine.running == machine.mirrors.keys == ["a/v1-v2", "b/v1-v2"]


async def test_what_another_group_has_begun_is_left_to_it() -> None:
    """Two that copy would write each record twice, and take each other's copies for what producers wrote."""
    machine = Machine()
    machine.kept.has(migration("a", Phase.MIRROR), replace(migration("b", Phase.MIRROR), workers="refunds"))
    await machine.mirrors.look(0.0)
    assert machine.running == machine.mirrors.keys == ["a/v1-v2"]


async def test_a_step_that_changes_nothing_leaves_the_process() -> None:
    """From mirror to flip the same is copied; from flip to drain it is not."""
    machine = Machine()
    for phases, count in (((Phase.MIRROR,), 1), ((Phase.FLIP,), 1), ((Phase.DRAIN,), 2), ((Phase.RETIRED,), 2)):
        machine.kept.has(migration("a", *phases))
        await machine.mirrors.look(0.0)
        assert len(machine.processes) == count
    assert machine.running == []
    assert [each.returncode for each in machine.processes] == [0, 0]


async def test_a_process_that_ends_is_started_again_and_ever_later() -> None:
    """One that cannot start must not use up the machine."""
    machine = Machine()
    machine.kept.has(migration("a", Phase.MIRROR))
    starts = []
    for second in range(100):
        before = len(machine.processes)
        await machine.mirrors.look(float(second))
        if len(machine.processes) > before:
            starts.append(second)
            machine.processes[-1].end(1)
    assert starts == [0, 2, 5, 10, 19, 36, 67, 98]


async def test_brokers_that_are_away_end_nothing() -> None:
    """Nobody says that a migration is over."""
    machine = Machine()
    machine.kept.has(migration("a", Phase.MIRROR))
    stop = asyncio.Event()
    running = asyncio.create_task(machine.mirrors.run(stop))
    await asyncio.wait_for(machine.started.wait(), 5)
    machine.kept.fails = True
    stop.set()
    await running
    assert [each.returncode for each in machine.processes] == [0]


def test_those_who_stay_are_told_since_when() -> None:
    """From the first flip on, though it was taken back in between."""
    assert announced_since(migration("a", Phase.MIRROR)) == ""
    flipped = migration("a", Phase.MIRROR, Phase.FLIP, Phase.DRAIN, Phase.FLIP)
    assert announced_since(flipped) == "2023-11-14T22:13:20Z"


async def test_a_mirror_is_a_worker_that_tells_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Faust's own default is warnings only: then nobody would see in a log that a mirror copies."""
    told: list[tuple[Any, ...]] = []

    async def started(*arguments: Any, **options: Any) -> None:
        told.append((*arguments, options["env"]))

    monkeypatch.setattr(asyncio, "create_subprocess_exec", started)
    await start_process("copy", variable="MIRROR", environ={"HOME": "/"})
    ((*arguments, environ),) = told
    assert arguments[1:] == ["-m", "faust", "-A", "agents.mirror", "worker", "-l", "info", "--without-web"]
    assert environ == {"HOME": "/", "MIRROR": "copy"}
