"""The settings of a node: a Kafka that starts quickly, forgets nothing, and shows trouble soon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["LOG_SETTINGS", "Detour", "NodeAddress", "node_settings"]

LOG_SETTINGS = """\
rootLogger.level = INFO
rootLogger.appenderRef.stdout.ref = stdout
appender.stdout.type = Console
appender.stdout.name = stdout
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{ISO8601} %p %m (%c)%n
logger.tools.name = org.apache.kafka.clients
logger.tools.level = WARN
"""


@dataclass(frozen=True, slots=True)
class Detour:
    """A listener for clients that are to come through a proxy, which knows nothing of Kafka's protocol."""

    port: int
    """Where the broker listens: what the proxy leads to."""
    told: int
    """The port that the broker tells those who ask there: the proxy's."""


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where one node listens, always on 127.0.0.1."""

    number: int
    port: int
    """For clients and the other brokers."""
    controller_port: int
    """For the quorum of controllers."""
    detour: Detour | None = None
    """A second way in for clients; None: there is none."""


def node_settings(address: NodeAddress, *, cluster: Sequence[NodeAddress], data: Path) -> str:
    """Return the text of `server.properties`."""
    detour = address.detour
    listening = f",DETOUR://127.0.0.1:{detour.port}" if detour else ""
    told = f",DETOUR://127.0.0.1:{detour.told}" if detour else ""
    copies = min(3, len(cluster))
    in_sync = max(1, copies - 1)
    settings = {
        "process.roles": "broker,controller",
        "node.id": address.number,
        "controller.quorum.voters": ",".join(f"{one.number}@127.0.0.1:{one.controller_port}" for one in cluster),
        "listeners": f"PLAINTEXT://127.0.0.1:{address.port},CONTROLLER://127.0.0.1:{address.controller_port}{listening}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{address.port}{told}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,DETOUR:PLAINTEXT",
        "log.dirs": data,
        # A topic that nobody declared is a mistake that should be seen.
        "auto.create.topics.enable": "false",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        "transaction.state.log.num.partitions": 8,
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        "share.coordinator.state.topic.num.partitions": 2,
        # Members come and go all the time here: nobody waits for more to join, and a dead one is noticed in a second.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
        # A killed broker may come back under its number only when its session is over: after 3 s, not 9.
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # The default of 128 MB is a quarter of the heap.
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())
