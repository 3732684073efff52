"""Where strikes are carried out: a Kafka, its workers, the network between them, their disks and clocks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from support.clock import Clock
from support.proxy import CLEAR, Proxy, Sky, Weather
from support.stage import Stage
from support.topics import patiently
from support.waiting import until
from support.worker import Worker

from chaos.plans import Kind, Strike
from chaos.scenario import Scenario
from router.develop.broker import SHORT_LIVED, DevelopmentKafka
from router.develop.node import Node

__all__ = ["Field", "why_no_small_disk"]

_NETWORKS = {
    Kind.CUT: Sky.CUT,
    Kind.SILENT: Sky.SILENT,
    Kind.DEAF: Sky.DEAF,
    Kind.SLOW: Sky.SLOW,
    Kind.BREAKING: Sky.BREAKING,
}
_DISK = 160 << 20
"""Bytes of a broker's disk that can be filled up."""
_SMALL_BATCHES = "700"
"""Bytes that a shrunk destination takes: a record or two of the stage's."""


def why_no_small_disk(directory: Path) -> str:
    """Why no small disk can be mounted here; empty where one can."""
    try:
        with ExitStack() as held:
            _mount(directory / "probe", 1 << 20, held)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        return f"a disk of its own (tmpfs) can't be mounted for a broker: {said.decode().strip()}"
    return ""


def _mount(place: Path, size: int, held: ExitStack) -> None:
    place.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True, capture_output=True)
    held.callback(subprocess.run, ["umount", "--lazy", str(place)], check=False, capture_output=True)


def _forget(*names: str) -> None:
    for name in names:
        del os.environ[name]


class Field:
    """Everything of one run. `begin`, then strikes, then `recover`, then `end`."""

    def __init__(self, scenario: Scenario, *, home: Path, word: str, bootstrap: str = "") -> None:
        """`bootstrap` is a Kafka to use, of which no broker can be struck; without, the field has its own."""
        self.scenario = scenario
        self.home = home
        self.held = ExitStack()
        self.workers: list[Worker] = []
        kinds = {strike.kind for strike in scenario.strikes}
        self._proxies = [Proxy().start() for _ in range(scenario.brokers)] if scenario.behind_proxy else []
        for proxy in self._proxies:
            self.held.callback(proxy.close)
        if Kind.DISK in kinds:
            for number in range(1, scenario.brokers + 1):
                _mount(home / "kafka" / f"broker-{number}" / "data", _DISK, self.held)
        self._worker_clocks = (
            [Clock(home / "clocks", f"worker-{number + 1}") for number in range(scenario.workers)]
            if Kind.CLOCK in kinds
            else []
        )
        self._broker_clock = Clock(home / "clocks", "brokers") if Kind.BROKER_CLOCK in kinds else None
        if self._broker_clock is not None:
            # Brokers inherit our environment, also when they start again.
            os.environ.update(self._broker_clock.environ)
            self.held.callback(_forget, *self._broker_clock.environ)
        self.nodes = () if bootstrap else self._own_kafka()
        self.stage = Stage(
            bootstrap=bootstrap or ",".join(f"127.0.0.1:{node.port}" for node in self.nodes), word=word, home=home
        )
        self.held.callback(self.stage.end)
        self.stage.coloured(partitions=scenario.partitions, besides=scenario.late)
        self._down: set[int] = set()
        self._paused: set[int] = set()

    def _own_kafka(self) -> Sequence[Node]:
        brokers = self.scenario.brokers
        kafka = DevelopmentKafka.start(
            directory=self.home / "kafka",
            brokers=brokers,
            java_options=SHORT_LIVED,
            heap="384m" if brokers > 1 else "512m",
            detours=[proxy.port for proxy in self._proxies],
        )
        self.held.callback(kafka.kill)
        for proxy, node in zip(self._proxies, kafka.nodes, strict=bool(self._proxies)):
            proxy.lead_to(node.detour or 0)
        return kafka.nodes

    def begin(self) -> None:
        """Start the workers and wait until they share the partitions."""
        for number in range(self.scenario.workers):
            self.workers.append(self._new_worker(number))
        for worker in self.workers:
            if self.scenario.late:
                worker.until_problem("destination-unavailable", within=90)
                continue
            worker.until_ready(lanes=0 if len(self.workers) > self.scenario.partitions else 1, within=90)

    def _new_worker(self, number: int) -> Worker:
        settings = {"guarantee": self.scenario.guarantee, **self.scenario.settings}
        if number in self.scenario.behind_proxy:
            settings["broker"] = ",".join(f"127.0.0.1:{proxy.port}" for proxy in self._proxies)
        environ = dict(self.scenario.environ)
        if self._broker_clock is not None:
            environ["LD_PRELOAD"] = ""
        if self._worker_clocks:
            environ |= self._worker_clocks[number].environ
        return self.stage.worker(app=self.scenario.app, environ=environ, **settings)

    def crashed(self) -> list[str]:
        """Workers that ended by themselves; they are started again, as a supervisor would."""
        found = []
        for number, worker in enumerate(self.workers):
            if number not in self._down and not worker.running:
                assert worker.process is not None
                last = next((line for line in reversed(worker.text().splitlines()) if line.strip()), "")
                found.append(f"{worker.home.name} with {worker.process.returncode}, saying {last[:300]}")
                worker.start()
        return found

    # --- strikes -----------------------------------------------------------------------------------------------------

    def strike(self, strike: Strike) -> tuple[str, Any]:
        """Begin a strike; returns what was done, and how to end it (None where there is nothing to end)."""
        if strike.kind.of_workers:
            return self._strike_worker(strike)
        if strike.kind in _NETWORKS:
            return self._strike_network(strike)
        if strike.kind is Kind.SHRINK:
            return self._shrink(strike)
        if strike.kind is Kind.BROKER_CLOCK:
            assert self._broker_clock is not None
            self._broker_clock.set(strike.amount)
            return f"brokers' clocks {strike.amount:+g} s", partial(self._broker_clock.set, 0.0)
        return self._strike_broker(strike)

    def _strike_worker(self, strike: Strike) -> tuple[str, Any]:
        number, worker = strike.target, self.workers[strike.target]
        name = worker.home.name
        match strike.kind:
            case Kind.KILL:
                worker.kill()
                self._down.add(number)
                return f"kill -9 {name}", partial(self._start, number)
            case Kind.PAUSE:
                worker.pause()
                self._paused.add(number)
                return f"SIGSTOP {name} for {strike.lasts} s", partial(self._resume, number)
            case Kind.LEAVE:
                worker.terminate(within=15)
                self._down.add(number)
                return f"SIGTERM {name}", None
            case Kind.JOIN:
                self._start(number)
                return f"{name} joins", None
            case _:
                self._worker_clocks[number].set(strike.amount)
                return f"clock of {name} {strike.amount:+g} s", partial(self._worker_clocks[number].set, 0.0)

    def _start(self, number: int) -> None:
        self.workers[number].start()
        self._down.discard(number)

    def _resume(self, number: int) -> None:
        self.workers[number].resume()
        self._paused.discard(number)

    def _strike_network(self, strike: Strike) -> tuple[str, Any]:
        proxy = self._proxies[strike.target]
        proxy.behave(Weather(_NETWORKS[strike.kind], delay=strike.amount))
        said = f"network to broker {strike.target + 1} {strike.kind} for {strike.lasts} s"
        return said + (f", {strike.amount:g} s a piece" if strike.amount else ""), partial(proxy.behave, CLEAR)

    def _shrink(self, strike: Strike) -> tuple[str, Any]:
        topic = self.stage.name("@all.event.v1")
        self.stage.topics.configure(topic, max_message_bytes=_SMALL_BATCHES)
        over = partial(self.stage.topics.configure, topic, max_message_bytes="")
        return f"{topic} takes batches of {_SMALL_BATCHES} bytes for {strike.lasts} s", over

    def _strike_broker(self, strike: Strike) -> tuple[str, Any]:
        # One after the other: while two of three are away, nothing could go on.
        self._until_in_sync()
        number = self.active_controller() if strike.kind is Kind.CONTROLLER else strike.target
        node = self.nodes[number]
        role = f"broker {node.number}" + (", the active controller" if number == self.active_controller() else "")
        match strike.kind:
            case Kind.FREEZE:
                node.pause()
                return f"SIGSTOP {role} for {strike.lasts} s", node.resume
            case Kind.DISK:
                ballast = self._fill(node.directory / "data")
                return f"disk of {role} full", partial(self._free, number, ballast)
            case _:
                node.kill()
                # It is not waited for: workers are struck meanwhile.
                return f"kill -9 {role}", partial(node.start, wait=False)

    def _fill(self, place: Path) -> Path:
        ballast = place.parent / "data" / "ballast"
        block = bytes(1 << 16)
        with ballast.open("wb", buffering=0) as file:
            for size in (block, bytes(512)):
                try:
                    while True:
                        file.write(size)
                except OSError:
                    continue
        return ballast

    def _free(self, number: int, ballast: Path) -> str:
        node = self.nodes[number]
        # Kafka ends a broker whose only disk cannot be written to; a write may have to come first.
        died = not node.running
        ballast.unlink()
        if died:
            node.start()
        return f"room again on broker {node.number}, which had {'ended' if died else 'gone on'}"

    def active_controller(self) -> int:
        """Which node leads the quorum of controllers, by what the nodes say of themselves."""
        latest = (-1, 0)
        for number, node in enumerate(self.nodes):
            text = node.log.read_text(encoding="utf-8", errors="replace")
            epochs = [int(epoch) for epoch in re.findall(r"[Bb]ecoming the active controller at epoch (\d+)", text)]
            latest = max(latest, (max(epochs, default=-1), number))
        return latest[1]

    def _until_in_sync(self) -> None:
        # In this order: of one that has just died, the others may still believe that it is in sync.
        for node in self.nodes:
            node.await_started()
        until(lambda: patiently(self.stage.topics.in_sync), within=90, what="all replicas are in sync", every=0.2)

    # --- after that ----------------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """All that is away or hindered is there again."""
        for node in self.nodes:
            node.resume()
            node.start(wait=False)
        for node in self.nodes:
            node.await_started()
        for proxy in self._proxies:
            proxy.behave(CLEAR)
        for number in sorted(self._paused):
            self._resume(number)
        for number in sorted(self._down):
            self._start(number)
        if self.scenario.late:
            for name in self.scenario.late:
                self.stage.create(f"@{name}.event.v1", partitions=self.scenario.partitions)

    def stops(self) -> dict[str, int]:
        """How often lanes stopped, by the reason that the workers' logs give."""
        found: Counter[str] = Counter()
        for worker in self.workers:
            for line in worker.lines():
                if line["message"] == "lane stopped":
                    found[line.get("event", {}).get("reason", "unknown")] += 1
        return dict(found)

    def course(self) -> list[str]:
        """When lanes opened and where, when they stopped and why, and which brokers were taken for dead; in the order of their times."""
        found = {
            f"{line['@timestamp'][11:23]}  {worker.home.name}: {line['message']} {line.get('labels')} {line.get('event') or ''}"
            for worker in self.workers
            for line in worker.lines()
            if line["message"].startswith("lane")
        }
        for node in self.nodes:
            text = node.log.read_text(encoding="utf-8", errors="replace")
            found |= {
                f"{at}  broker {number} fenced" for at, number in re.findall(r"T([\d:,]+) .*Fencing broker (\d+)", text)
            }
        return sorted(found)

    def end(self) -> None:
        """End everything, in the reverse order of its beginning."""
        self.held.close()

    def keep(self, place: Path) -> None:
        """Copy what a failure must be understood from: the logs of workers and brokers."""
        for worker in self.workers:
            shutil.copy(worker.log, place / f"{worker.home.name}.log")
        for node in self.nodes:
            shutil.copy(node.log, place / f"broker-{node.number}.log")
