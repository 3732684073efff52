"""A worker as operators run it: `faust -A agents.app worker -l info`, with its log, its health and its signals."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router.develop.children import start_child
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
FAUST = Path(sys.executable).with_name("faust")
# Below the ports of the development Kafka, which in turn are below those of outgoing connections.
_PORTS = range(10_000, 15_000)


class Worker:
    """One worker process. `start` after `kill` or `terminate` runs it again with the same settings."""

    def __init__(self, *, home: Path, settings: Mapping[str, str], app: str = "agents.app") -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.log = home / "worker.log"
        self.port = free_port()
        self.command = [str(FAUST), "-A", app, "worker", "-l", "info"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
        self._environ = inherited | {
            "ROUTER_DATA_DIR": str(home / "data"),
            "ROUTER_HTTP_PORT": str(self.port),
            "ROUTER_INSTANCE": home.name,
            "ROUTER_LOG_FORMAT": "ecs",
            "PYTHONFAULTHANDLER": "1",
            "PYTHONPATH": os.pathsep.join([str(home.parent), str(ROOT)]),
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Worker:
        """Start it; returns at once."""
        with self.log.open("ab") as output:
            self.process = start_child(self.command, directory=ROOT, output=output, environ=self._environ)
        return self

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """End it at once (SIGKILL); returns when it is gone."""
        self._signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def terminate(self, *, within: float = 5.0) -> int:
        """Ask it to end (SIGTERM); return its exit code. Fails when it takes longer, or had failed before."""
        assert self.process is not None
        if code := self.process.poll():
            raise AssertionError(f"the worker had ended by itself, with code {code}; its log ends:\n{self.tail()}")
        self._signal(signal.SIGTERM)
        return self.ended(within=within)

    def ended(self, *, within: float) -> int:
        """Wait until it ends by itself; return its exit code."""
        assert self.process is not None
        try:
            return self.process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            # Python then writes where each thread is.
            self._signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f"the worker did not end within {within:g} s; its log ends:\n{self.tail()}") from None

    def discard(self) -> None:
        """End it if it is still there, in whatever state."""
        if self.running:
            self.kill()

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page; (0, "") while nobody answers."""
        with suppress(OSError):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()
        return 0, ""

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` says, with its status; {} while nobody answers."""
        status, body = self.get("/readyz")
        return {"status": status, **json.loads(body)} if status else {}

    def metric(self, name: str, **labels: str) -> float | None:
        """One sample of `/metrics`; None where there is none."""
        for line in self.get("/metrics")[1].splitlines():
            if line.startswith(f"{name}{{") and all(f'{label}="{value}"' in line for label, value in labels.items()):
                return float(line.rpartition(" ")[2])
        return None

    def until_live(self, *, within: float = 40.0) -> Worker:
        """Wait until `/healthz` answers."""
        self._until(lambda: self.get("/healthz")[0] == 200, within=within, what="/healthz answers")
        return self

    def until_ready(self, *, lanes: int = 1, within: float = 60.0) -> Worker:
        """Wait until `/readyz` says ready with at least so many lanes."""

        def ready() -> bool:
            readiness = self.readiness()
            return readiness.get("status") == 200 and readiness["lanes"] >= lanes

        self._until(ready, within=within, what=f"ready with {lanes} lanes")
        return self

    def until_problem(self, reason: str, *, within: float = 40.0) -> dict[str, Any]:
        """Wait until `/readyz` is 503 and names this reason; return that problem."""
        found: list[dict[str, Any]] = []

        def named() -> bool:
            readiness = self.readiness()
            found[:] = [each for each in readiness.get("problems", ()) if each["reason"] == reason]
            return readiness.get("status") == 503 and bool(found)

        self._until(named, within=within, what=f"/readyz names {reason}")
        return found[0]

    def lines(self) -> list[dict[str, Any]]:
        """The log, line by line; what is not ours (a traceback, say) as `{"message": …, "raw": True}`."""
        found = []
        for line in self.text().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                found.append({"message": line, "raw": True})
        return found

    def text(self) -> str:
        """The whole log."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def tail(self) -> str:
        """The end of the log, and what the health pages say: for the message of a failing test."""
        return "\n".join(
            [*self.text().splitlines()[-60:], f"/readyz: {self.get('/readyz') if self.running else 'ended'}"]
        )

    def _until(self, condition: Any, *, within: float, what: str) -> None:
        def met() -> bool:
            assert self.running, f"the worker ended while waiting until: {what}; its log ends:\n{self.tail()}"
            return bool(condition())

        until(met, within=within, what=lambda: f"{what}; the worker's log ends:\n{self.tail()}")

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        if self.running:
            self.process.send_signal(number)


def free_port() -> int:
    """A port that nobody listens on now."""
    for port in random.sample(_PORTS, k=len(_PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
