"""A real Kafka from jars: it starts, keeps what it was given, ends with its parent, and says what is wrong."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from router.develop.broker import DevelopmentKafka, existing_or_development_kafka
from router.develop.errors import BrokerFailed, PortTaken
from router.develop.topics import TopicSpec, ensure_topics

TOPIC = "kept.v1"


async def produce(bootstrap: str, values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(TOPIC, value)


async def consume(bootstrap: str, count: int) -> list[bytes | None]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer:
        consumer.assign([TopicPartition(TOPIC, 0)])
        return [(await consumer.getone()).value for _ in range(count)]


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


PARENT = """
import pathlib, signal, sys
from router.develop.broker import DevelopmentKafka
kafka = DevelopmentKafka.start(directory=pathlib.Path(sys.argv[1]))
print(kafka.bootstrap, kafka.nodes[0].pid, flush=True)
signal.pause()
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        yield started
        started.kill()


@pytest.mark.kafka
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with a parent that is killed")
async def test_a_broker_dies_with_its_parent_and_its_records_stay(
    tmp_path: Path, parent: subprocess.Popen[str]
) -> None:
    """After `kill -9` of the process that started it the broker is gone; a new start on its data has every record."""
    assert parent.stdout is not None
    bootstrap, broker = parent.stdout.readline().split()
    handle = os.pidfd_open(int(broker))
    try:
        ensure_topics(bootstrap, [TopicSpec(TOPIC)])
        await produce(bootstrap, [b"one", b"two"])
        with pytest.raises(BrokerFailed, match="another Kafka runs on the data"):
            DevelopmentKafka.start(directory=tmp_path)
        parent.kill()
        assert select.select([handle], [], [], 10)[0], "the broker outlived its parent by ten seconds"
    finally:
        os.close(handle)
    with DevelopmentKafka.start(directory=tmp_path) as kafka:
        assert await consume(kafka.bootstrap, 2) == [b"one", b"two"]
    assert kafka.ended() is kafka.nodes[0]
    assert not listens(kafka.nodes[0].port)
    with pytest.raises(BrokerFailed, match=r"(?s)is of 1 brokers, not of 3.*--fresh"):
        DevelopmentKafka.start(directory=tmp_path, brokers=3)


@pytest.mark.kafka
async def test_three_brokers_do_without_one(kafka_cluster: Callable[..., DevelopmentKafka]) -> None:
    """A topic of three copies takes records while a broker is dead, which comes back at its port with its data."""
    kafka = kafka_cluster(brokers=3)
    bootstrap = kafka.bootstrap
    assert len(bootstrap.split(",")) == 3
    ensure_topics(bootstrap, [TopicSpec(TOPIC)])
    await produce(bootstrap, [b"one"])
    kafka.nodes[1].kill()
    assert kafka.ended() is kafka.nodes[1]
    await produce(bootstrap, [b"two"])
    kafka.nodes[1].start()
    assert kafka.bootstrap == bootstrap
    assert await consume(f"127.0.0.1:{kafka.nodes[1].port}", 2) == [b"one", b"two"]


def test_a_port_in_use_is_named(tmp_path: Path, taken_port: int) -> None:
    """The error names the port and three ways out, before anything is started."""
    with pytest.raises(PortTaken) as caught:
        DevelopmentKafka.start(directory=tmp_path, port=taken_port)
    assert caught.value.port == taken_port
    assert f"port {taken_port} of 127.0.0.1 is in use" in str(caught.value)
    assert "--port" in str(caught.value)
    assert f"ROUTER_BROKER=127.0.0.1:{taken_port}" in str(caught.value)


def test_an_existing_kafka_is_used_where_it_is_named(tmp_path: Path) -> None:
    """ROUTER_BROKER's address is given as it is, and nothing is started for it."""
    environ = {"ROUTER_BROKER": "kafka.example:9092"}
    with existing_or_development_kafka(directory=tmp_path, environ=environ) as bootstrap:
        assert bootstrap == "kafka.example:9092"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A data folder below a file is told with the option that chooses another."""
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(BrokerFailed, match=r"(?s)cannot be used: Not a directory.*--data"):
        DevelopmentKafka.start(directory=tmp_path / "file" / "data")
