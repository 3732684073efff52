"""How fast dead letters are sent again: by a topic's lanes, and directly, from the command's start until a consumer can have the last.

    python -m bench.redrive [--letters 100000] [--runs 3] [--write]

So many dead letters in four partitions, each with an Avro order of the shop's schema, its headers and its ledger. The command is
a process of its own, without a cap, and so is the worker whose lanes send them. Its own clock says how long: from the event by
which it begins until every lane has answered, so that neither Python's start nor the dry run is in it. CPU time is of all threads of
the command, dry run included, and of the worker. A first round of both does not count: a broker that has just been started compiles
for so long, and on two cores that is a fifth of all that there is. `memory` is the largest resident size of the command, beside that
of one that sends a hundredth as many.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
import fastavro
from confluent_kafka import Consumer, Producer, TopicPartition
from rich.console import Console

from bench.errors import BenchError
from bench.feeding import create, delete
from bench.report import between_markers, conditions, markdown
from bench.running import Peak, cpu_seconds
from bench.session import Kafka, ending_on_signals, kafka, progress
from router.failure.audit import AUDIT
from router.failure.ledger import Ledger
from router.language.topics import changelog_of

__all__ = ["main"]

_PAGE = Path(__file__).parent.parent / "docs" / "bench.md"
_PARTITIONS = 4
_SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "order_id", "type": "string"},
        {"name": "country", "type": "string"},
        {"name": "amount", "type": "long"},
        {"name": "note", "type": "string"},
    ],
}
_ROUTES = """
version: 1
team: bench
exchanges:
  orders: {{type: topic, sources: [{word}.order.v1], routing-key: "{{country}}"}}
topics:
  vip.{word}.order.v1:
    failure: {{retry: [], then: dead-letter}}
    from: [{{exchange: orders}}]
  all.{word}.order.v1: {{from: [{{exchange: orders}}]}}
"""
_WAYS = {"by its lanes": "vip", "directly": "all"}
_READY_WITHIN = 60.0


@dataclass(frozen=True, slots=True)
class _Found:
    seconds: float
    command: float
    """CPU seconds."""
    worker: float
    memory: float
    """MB."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One run's own names and folders."""

    bootstrap: str
    word: str
    home: Path

    @property
    def source(self) -> str:
        return f"{self.word}.order.v1"

    @property
    def topics(self) -> list[str]:
        """All but those that are compacted."""
        beside = [f"{self.source}.unroutable", f"{self.source}.dead-letters", f"vip.{self.source}.rejected"]
        narrow = [f"{each}.{self.source}" for each in _WAYS.values()]
        return [self.source, *beside, *narrow, *(f"{each}.dead-letters" for each in narrow)]

    @property
    def environ(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")},
            "ROUTER_BROKER": self.bootstrap,
            "ROUTER_GROUP": self.word,
            "ROUTER_ROUTES": str(self.home / "routes"),
            "ROUTER_SCHEMAS": str(self.home / "schemas"),
            "ROUTER_DATA_DIR": str(self.home / "data"),
            "ROUTER_HTTP_PORT": "0",
        }


def _prepare(place: _Place) -> None:
    (place.home / "routes").mkdir()
    (place.home / "schemas" / "order").mkdir(parents=True)
    (place.home / "routes" / "bench.yaml").write_text(_ROUTES.format(word=place.word), encoding="utf-8")
    (place.home / "schemas" / "order" / "v1.avsc").write_text(json.dumps(_SCHEMA), encoding="utf-8")
    create(place.bootstrap, place.topics, partitions=_PARTITIONS)
    compacted = [f"vip.{place.source}.parked", changelog_of(place.word, place.source)]
    create(place.bootstrap, compacted, partitions=_PARTITIONS, config={"cleanup.policy": "compact"})


def _fill(place: _Place, topic: str, letters: int) -> None:
    import io  # noqa: PLC0415 - of this alone

    parsed = fastavro.parse_schema(_SCHEMA)
    producer = Producer(
        {"bootstrap.servers": place.bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 200_000}
    )
    for number in range(letters):
        body = io.BytesIO()
        order = {"order_id": f"ord-{number:09d}", "country": "RU", "amount": number, "note": "x" * 80}
        fastavro.schemaless_writer(body, parsed, order)
        partition, at = number % _PARTITIONS, number // _PARTITIONS
        headers = [
            ("source", b"web"),
            ("router-origin", f"{place.source}/{partition}/{at}".encode()),
            ("router-hop", f"1;{place.word};w1;ZnRQJRamQwuBSbkgKP2Erw;1795303939799;918;e49962df;".encode()),
            ("router-reason", b"failed"),
            ("router-error", b"integer out of range: %d" % number),
            ("router-error-class", b"NumericValueOutOfRange"),
            ("router-destination", topic.encode()),
            ("router-rejects", f"{topic}/{partition}/{at}".encode()),
            *Ledger().died(topic, "failed", 1_795_303_939_799).headers(),
        ]
        producer.produce(
            f"{topic}.dead-letters", body.getvalue(), key=f"ord-{number:09d}", headers=headers, partition=partition
        )
        producer.poll(0)
    if producer.flush(60):
        raise BenchError("the dead letters were not taken")


@contextmanager
def _worker(place: _Place) -> Iterator[int]:
    """Its process id, once its lanes carry: the first copy of an order says so."""
    with (place.home / "worker.log").open("wb") as log:
        command = [sys.executable, "-m", "faust", "-A", "agents.app", "worker", "-l", "warn"]
        worker = subprocess.Popen(command, env=place.environ, stdout=log, stderr=log, cwd=_PAGE.parents[1])
    try:
        producer = Producer({"bootstrap.servers": place.bootstrap})
        for partition in range(_PARTITIONS):
            body = b"\x02o\x04RU\x00\x00"
            producer.produce(place.source, body, key=b"o", partition=partition)
        producer.flush(20)
        if _copies(place, f"all.{place.source}", _PARTITIONS, within=_READY_WITHIN) < _PARTITIONS:
            raise BenchError(f"the worker does not carry: {(place.home / 'worker.log').read_text()[-500:]}")
        yield worker.pid
    finally:
        worker.terminate()
        worker.wait(20)


def _copies(place: _Place, topic: str, wanted: int, *, within: float) -> int:
    """How many a consumer can have, once there are so many, or after so many seconds."""
    consumer = Consumer(
        {"bootstrap.servers": place.bootstrap, "group.id": "bench", "enable.auto.commit": False, "log_level": 0}
    )
    consumer.assign([TopicPartition(topic, each, 0) for each in range(_PARTITIONS)])
    ends, found = time.monotonic() + within, 0
    while found < wanted and time.monotonic() < ends:
        found += sum(message.error() is None for message in consumer.consume(5_000, 0.2))
    consumer.close()
    return found


def _redrive(place: _Place, way: str, letters: int, worker: int, *, copies: int) -> _Found:
    topic = f"{_WAYS[way]}.{place.source}"
    before = cpu_seconds(worker)
    arguments = [
        "dead-letters",
        "redrive",
        topic,
        "--rate",
        "0",
        "--yes",
        "--json",
        "--reason",
        "bench",
        "--author",
        "b",
    ]
    program = "import sys; from router.commands import main; main(sys.argv[1:])"
    errors = place.home / "command.log"
    with errors.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments], env=place.environ, stdout=subprocess.PIPE, stderr=log
        )
        assert process.stdout is not None
        peak = Peak(process.pid)
        told = [json.loads(line) for line in process.stdout.read().splitlines()]
        memory = peak.end()
        _, status, usage = os.wait4(process.pid, 0)
    if status or told[-1]["done"]["letters"] != letters:
        raise BenchError(f"the command did not send them: {told[-1:]} {errors.read_text()[-500:]}")
    if (found := _copies(place, topic, copies, within=_READY_WITHIN)) != copies:
        raise BenchError(f"{found:,} copies where there should be {copies:,}")
    return _Found(
        seconds=_seconds(place, told[0]["command"]),
        command=usage.ru_utime + usage.ru_stime,
        worker=cpu_seconds(worker) - before,
        memory=memory / 1e6,
    )


def _seconds(place: _Place, command: str) -> float:
    """From the command's first event to its last."""
    consumer = Consumer({"bootstrap.servers": place.bootstrap, "group.id": "bench", "enable.auto.commit": False})
    at = TopicPartition(AUDIT, 0, 0)
    _, end = consumer.get_watermark_offsets(at)
    consumer.assign([at])
    times: list[int] = []
    until = time.monotonic() + _READY_WITHIN
    while consumer.position([at])[0].offset < end and time.monotonic() < until:
        message = consumer.poll(0.2)
        if message is not None and message.key() == command.encode():
            times.append(int(message.timestamp()[1]))
    consumer.close()
    return (max(times) - min(times)) / 1000


def _measure(where: Kafka, runs: int, letters: int, console: Console) -> dict[str, list[tuple[_Found, _Found]]]:
    """By way, of each run, what so many took, and a hundredth of them."""
    found: dict[str, list[tuple[_Found, _Found]]] = {way: [] for way in _WAYS}
    with progress(console) as show, show("redriving", (runs + 1) * len(_WAYS)) as done:
        for run in range(runs + 1):
            for number, way in enumerate(_WAYS):
                pair = []
                with tempfile.TemporaryDirectory(prefix="router-bench-") as folder:
                    place = _Place(where.bootstrap, f"b{os.getpid()}-{run}-{number}", Path(folder))
                    _prepare(place)
                    with _worker(place) as worker:
                        sent = _PARTITIONS
                        for count in (letters // 100, letters):
                            _fill(place, f"{_WAYS[way]}.{place.source}", count)
                            sent += count
                            pair.append(_redrive(place, way, count, worker, copies=sent))
                    delete(where.bootstrap, place.topics)
                if run:
                    found[way].append((pair[0], pair[1]))
                done(run * len(_WAYS) + number + 1)
    return found


def _table(found: Mapping[str, list[tuple[_Found, _Found]]], letters: int) -> str:
    columns = {
        "sent": "---", "letters/s": "--:", "of the runs": "--:", "command, CPU µs a letter": "--:",
        "worker, CPU µs a letter": "--:", "command's memory": "--:", "of a hundredth": "--:",
    }  # fmt: skip
    rows = []
    for way, pairs in found.items():
        rates = [letters / large.seconds for _, large in pairs]
        rows.append(
            [
                way,
                f"{median(rates):,.0f}",
                f"{min(rates):,.0f} to {max(rates):,.0f}",
                f"{median(large.command for _, large in pairs) / letters * 1e6:.0f}",
                f"{median(large.worker for _, large in pairs) / letters * 1e6:.0f}",
                f"{max(large.memory for _, large in pairs):.0f} MB",
                f"{max(small.memory for small, _ in pairs):.0f} MB",
            ]
        )
    return markdown(columns, rows)


@click.command()
@click.option("--letters", type=click.IntRange(min=1_000), default=100_000, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--brokers", type=click.Choice(["own", "existing"]), default=None)
@click.option("--write", is_flag=True, help="Put the table into docs/bench.md.")
def main(*, letters: int, runs: int, brokers: str | None, write: bool) -> None:
    """How fast dead letters are sent again, and in how much memory."""
    console, load = Console(stderr=True), os.getloadavg()[0]
    with ending_on_signals(), kafka(brokers, room=letters * 20_000) as where:
        table = _table(_measure(where, runs, letters, console), letters)
        what = f"{letters:,} dead letters in {_PARTITIONS} partitions, {runs} runs of each"
        text = f"{conditions(what, kafka=where.name, load=load)}\n\n{table}"
    click.echo(text)
    if write:
        between_markers(_PAGE, "redrive", text)


if __name__ == "__main__":
    main()
