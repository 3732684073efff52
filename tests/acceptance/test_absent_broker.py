"""A broker that is away is waited for, and said; and a worker ends in time whatever its broker does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.stage import Stage
from support.waiting import until
from support.worker import free_port

from router.develop.broker import SHORT_LIVED, DevelopmentKafka

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from router.develop.node import Node

pytestmark = [pytest.mark.process, pytest.mark.kafka]


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevelopmentKafka]:
    """One broker of this module's own, to be killed and paused."""
    kafka = DevelopmentKafka.start(directory=tmp_path_factory.mktemp("own-kafka"), java_options=SHORT_LIVED)
    yield kafka
    kafka.kill()


@pytest.fixture
def node(own_kafka: DevelopmentKafka) -> Iterator[Node]:
    """The broker, running before and after each test."""
    node = own_kafka.nodes[0]
    node.start()
    yield node
    node.resume()
    node.start()


@pytest.fixture
def stage(own_kafka: DevelopmentKafka, node: Node, unique: str, tmp_path: Path) -> Iterator[Stage]:
    """A stage on the module's own broker."""
    stage = Stage(bootstrap=own_kafka.bootstrap, word=unique, home=tmp_path)
    yield stage
    stage.end()


def test_a_broker_that_dies_and_returns_is_waited_for(stage: Stage, node: Node) -> None:
    """Alive and not ready while it is away; afterwards everything arrives."""
    stage.coloured()
    # It is away for longer than a consumer may go without fetching.
    worker = stage.worker(fetch_records="20", app=stage.impatient_app(2.0)).until_ready(lanes=2)
    wanted = stage.feed(8_000)
    until(
        lambda: any(stage.topics.committed(stage.group, stage.name("@event.v1")).values()), within=20, what="it works"
    )
    node.kill()
    problem = worker.until_problem("broker-unavailable", within=20)
    assert stage.bootstrap in problem["message"]
    until(
        lambda: worker.until_problem("broker-unavailable")["for_seconds"] >= 3, within=20, what="it is away for a while"
    )
    assert worker.get("/healthz")[0] == 200
    node.start()
    stage.until_routed(within=60)
    worker.until_ready(lanes=2)
    for topic, books in stage.balance(wanted).items():
        books.assert_whole(topic)
    assert "Traceback" not in worker.text()


def test_a_worker_may_start_before_its_broker(stage: Stage, node: Node) -> None:
    """It says what it waits for, and begins by itself."""
    stage.coloured()
    wanted = stage.feed(400)
    node.kill()
    worker = stage.worker().until_live()
    worker.until_problem("broker-unavailable")
    assert worker.get("/healthz")[0] == 200
    node.start()
    worker.until_ready(lanes=2, within=40)
    stage.until_routed()
    for topic, books in stage.balance(wanted).items():
        books.assert_exact(topic)


def test_a_worker_without_a_broker_ends_in_time(stage: Stage, node: Node) -> None:
    """The broker died under it."""
    stage.coloured()
    worker = stage.worker().until_ready(lanes=2)
    node.kill()
    worker.until_problem("broker-unavailable")
    assert worker.terminate(within=5) == 0


def test_a_worker_whose_broker_hangs_ends_in_time(stage: Stage, node: Node) -> None:
    """With copies on their way that nobody acknowledges."""
    stage.coloured()
    worker = stage.worker(fetch_records="20").until_ready(lanes=2)
    stage.feed(8_000)
    until(
        lambda: any(stage.topics.committed(stage.group, stage.name("@event.v1")).values()), within=20, what="it works"
    )
    node.pause()
    worker.until_problem("broker-unavailable", within=30)
    assert worker.terminate(within=5) == 0


def test_a_worker_that_never_saw_a_broker_ends_in_time(tmp_path: Path, unique: str) -> None:
    """Nobody has ever listened where it was told to look."""
    stage = Stage(bootstrap=f"127.0.0.1:{free_port()}", word=unique, home=tmp_path)
    stage.routes(painters="version: 1\nteam: painters\nexchanges:\n  colours: {type: fanout, sources: [@event.v1]}\n"
                 "topics:\n  @all.event.v1: {from: [{exchange: colours}]}\n")  # fmt: skip
    worker = stage.worker().until_live()
    try:
        worker.until_problem("broker-unavailable")
        assert worker.terminate(within=5) == 0
    finally:
        stage.end()
