"""A real RabbitMQ of a test's own: Debian's server on loopback, in a folder of its own, ended with all that it started."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import struct
import subprocess
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pika
import pika.data
from pika.exceptions import AMQPError
from support.waiting import until
from support.worker import free_port

from router.develop.children import start_child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CONSISTENT_HASH", "RabbitMQ", "running_rabbitmq", "why_not_here"]

CONSISTENT_HASH = "rabbitmq_consistent_hash_exchange"
"""The plugin, which Debian's package has."""
# Debian's own script: the one in /usr/sbin changes the user and the folder.
_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_START_SECONDS = 90
_STOP_SECONDS = 10


@dataclass(frozen=True)
class RabbitMQ:
    """A server that is up."""

    port: int

    def connect(self) -> pika.BlockingConnection:
        """A connection to its one virtual host."""
        return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", self.port, heartbeat=0))


def why_not_here() -> str | None:
    """Why there can be no RabbitMQ on this machine; None where there can."""
    missing = [] if _SERVER.exists() else [str(_SERVER)]
    missing += [name for name in ("erl", "epmd") if shutil.which(name) is None]
    return f"Debian's package rabbitmq-server is not installed: no {', '.join(missing)}" if missing else None


@contextmanager
def running_rabbitmq(directory: Path) -> Iterator[RabbitMQ]:
    """A RabbitMQ for as long as the context lasts; fails with its log where it does not come up."""
    port, distribution, mapper = _free_ports(3)
    environ = _environ(directory, port=port, distribution=distribution, mapper=mapper)
    log = directory / "output.log"
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        stack.enter_context(_floats_can_be_sent())
        # Erlang would start its own mapper of ports, as a daemon that nobody ends.
        names = ["epmd", "-address", "127.0.0.1", "-port", str(mapper)]
        stack.enter_context(_child(names, directory, environ, output))
        server = stack.enter_context(_child([str(_SERVER)], directory, environ, output))
        broker = RabbitMQ(port)

        def is_up() -> bool:
            assert server.poll() is None, f"RabbitMQ ended:\n{_tail(log)}"
            with suppress(AMQPError, OSError):
                broker.connect().close()
                return True
            return False

        until(is_up, within=_START_SECONDS, what=lambda: f"RabbitMQ is up:\n{_tail(log)}", every=0.2)
        yield broker


def _environ(directory: Path, *, port: int, distribution: int, mapper: int) -> dict[str, str]:
    (directory / "plugins").write_text(f"[{CONSISTENT_HASH}].\n")
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": str(directory),  # where Erlang keeps its cookie
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_NODENAME": f"router-{secrets.token_hex(4)}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(directory / "none"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "none"),
        "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        # Its script then becomes the server, rather than its parent: ours is the process that ends.
        "RUNNING_UNDER_SYSTEMD": "true",
    }


@contextmanager
def _child(
    command: list[str], directory: Path, environ: Mapping[str, str], output: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the context, nor us."""
    child = start_child(command, directory=directory, output=output, environ=environ)
    try:
        yield child
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@contextmanager
def _floats_can_be_sent() -> Iterator[None]:
    """Pika reads AMQP's double but cannot write it: teach it, for as long as this lasts."""
    encode_value = pika.data.encode_value

    def with_floats(pieces: list[bytes], value: Any) -> int:
        if not isinstance(value, float):
            return int(encode_value(pieces, value))
        pieces.append(struct.pack(">cd", b"d", value))
        return 9

    pika.data.encode_value = with_floats
    try:
        yield
    finally:
        pika.data.encode_value = encode_value


def _free_ports(count: int) -> list[int]:
    ports: set[int] = set()
    while len(ports) < count:
        ports.add(free_port())
    return list(ports)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-4_000:]
