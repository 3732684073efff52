"""A minute of everything that can happen to workers and their broker at once, at random by seed; then the books must balance."""

from __future__ import annotations

import io
import random
import threading
import time
from typing import TYPE_CHECKING

import fastavro
import pytest
from support.books import Place, assert_unchanged, balance
from support.stage import EVENT, WANTED, Stage, event
from support.waiting import until

from router.develop.broker import DevelopmentKafka

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.topics import Found

pytestmark = [pytest.mark.process, pytest.mark.kafka, pytest.mark.timeout(300)]

SEED = 20_160_904
PARTITIONS = 4
SECONDS = 20
SESSION = 2.0


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[DevelopmentKafka]:
    """One broker of the test's own."""
    kafka = DevelopmentKafka.start(directory=tmp_path / "kafka")
    yield kafka
    kafka.kill()


class Feed:
    """Produces events until it is told to stop, whatever its broker does."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.produced = 0

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Return when all that was produced is acknowledged."""
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive(), "the feed's broker took nothing any more"

    def _run(self) -> None:
        producer = self._stage.topics.producer()
        topic = self._stage.name("@event.v1")
        while not self._stop.wait(0.05):
            for _ in range(50):
                number = self.produced
                producer.produce(topic, partition=number % PARTITIONS, key=f"key-{number % 97}", value=event(number))
                self.produced += 1
            producer.poll(0)
        producer.flush(60)


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
def test_nothing_is_lost_and_order_is_kept(kafka: DevelopmentKafka, unique: str, tmp_path: Path, guarantee: str) -> None:
    """Kills, pauses longer than the session, peaceful restarts and a broker that dies: at worst duplicates, in order."""
    chance = random.Random(SEED)
    stage = Stage(bootstrap=kafka.bootstrap, word=unique, home=tmp_path)
    stage.coloured(partitions=PARTITIONS)
    workers = [stage.worker(fetch_records="50", guarantee=guarantee) for _ in range(2)]
    feed = Feed(stage)
    happened: list[str] = []
    try:
        for worker in workers:
            worker.until_ready(within=60)
        feed.start()
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            happened.append(strike(chance, workers, kafka))
            moment = chance.uniform(0.3, 3.0)
            pass_time(moment)
        feed.stop()
        for worker in workers:
            worker.start() if not worker.running else worker.resume()
        stage.until_routed(within=90)
        duplicates = settle(stage, feed.produced, happened)
        assert not duplicates or guarantee == "at_least_once"
    finally:
        print(f"\nseed {SEED}: {feed.produced} events, {happened}")
        stage.end()


def strike(chance: random.Random, workers: list, kafka: DevelopmentKafka) -> str:
    """Do one bad thing, and say which."""
    worker = chance.choice(workers)
    name = worker.home.name
    match chance.choices(["kill", "pause", "restart", "broker", "hang"], weights=[5, 3, 2, 1, 1])[0]:
        case "kill":
            worker.kill()
            worker.start()
            return f"killed {name}"
        case "pause":
            worker.pause()
            pass_time(SESSION * chance.uniform(0.5, 2.0))
            worker.resume()
            return f"paused {name}"
        case "restart":
            worker.terminate(within=6)
            worker.start()
            return f"restarted {name}"
        case "broker":
            kafka.nodes[0].kill()
            kafka.nodes[0].start()
            return "killed the broker"
        case _:
            kafka.nodes[0].pause()
            pass_time(chance.uniform(0.5, 3.0))
            kafka.nodes[0].resume()
            return "paused the broker"


def pass_time(seconds: float) -> None:
    """Let things go on: what happens meanwhile is the test, so there is no condition to wait for."""
    threading.Event().wait(seconds)


def settle(stage: Stage, produced: int, happened: list[str]) -> int:
    """Compare every topic with the source, as it lies there; returns how many copies are there more than once."""
    until(lambda: not stage.behind(), within=30, what="everything is routed")
    source: dict[Place, Found] = {
        (each.partition, each.offset): each for found in stage.read("@event.v1") for each in found
    }
    assert len(source) == produced
    schema = fastavro.parse_schema(EVENT)
    colours = {
        place: fastavro.schemaless_reader(io.BytesIO(each.value or b""), schema)["colour"]
        for place, each in source.items()
    }
    duplicates = 0
    for topic, wanted in WANTED.items():
        found = stage.read(f"@{topic}.event.v1")
        books = balance((place for place, colour in colours.items() if colour in wanted), found)
        books.assert_whole(f"{topic}, seed {SEED}, after {happened}")
        assert_unchanged(source, found)
        duplicates += books.duplicates
    print(f"\n{len(source)} events, {duplicates} duplicates, {len(happened)} strikes")
    return duplicates
