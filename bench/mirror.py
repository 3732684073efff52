"""How fast a migration's mirror copies, and what CPU time that costs a record: history, what producers write, and the way back.

    python -m bench mirror [--records 200000] [--runs 3] [--write]

The shop's `order.status` of two lines, four partitions, one mirror process (`agents.mirror`, exactly once), converted by the shop's own
files. **back-fill** is history that was there before the mirror began; **forth** is written to v1 while it runs, **back** to v2, each as
fast as a producer on the same machine can. Beside it, in the same round, a loop by hand that knows one way only and no native records:
confluent-kafka and fastavro, transactions of 200 ms. Counted is from the first copy that a committed reader can have to the last.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
from confluent_kafka import IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from rich.console import Console

from bench.convert import ORDER, example
from bench.errors import BenchError
from bench.feeding import create, delete
from bench.report import between_markers, conditions, markdown
from bench.running import cpu_seconds
from bench.session import Kafka, ending_on_signals, kafka, progress
from router.migrations.log import MIGRATIONS, MigrationLog
from router.migrations.phases import Migration, Phase, Step
from router.mirror_worker import MIGRATION, Mirror
from router.records.avro import encode_whole
from router.settings import Settings

__all__ = ["mirror"]

_ROOT = Path(__file__).parent.parent
_PAGE = _ROOT / "docs" / "bench.md"
_PARTITIONS = 4
_KEYS = 5_000
_WITHIN = 300.0
_LOOK_EVERY = 0.02


@dataclass(frozen=True, slots=True)
class _Found:
    per_second: float
    microseconds: float
    """Of CPU time a record."""


class _Topics:
    """The ends of topics for committed readers, and producers' orders."""

    def __init__(self, bootstrap: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._bootstrap = bootstrap
        _, types = example()
        conversions, _ = example()
        old = encode_whole(types[0], ORDER)
        self.bodies = {1: old, 2: conversions[1, 2].convert(old)}

    def write(self, topic: str, version: int, records: int) -> None:
        """So many orders, keys in turn."""
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                "linger.ms": 20,
                "queue.buffering.max.messages": 200_000,
                "log_level": 3,
            }
        )
        body = self.bodies[version]
        for number in range(records):
            while True:
                try:
                    key = b"ord-%06d" % (number % _KEYS)
                    producer.produce(topic, body, key, number % _KEYS % _PARTITIONS, headers=[("source", b"bob")])
                    break
                except BufferError:
                    producer.poll(0.05)
        if producer.flush(60):
            raise BenchError(f"{topic} does not take what is written")

    def end(self, topic: str) -> int:
        """Records and markers of transactions, together, of all partitions."""
        asked = {TopicPartition(topic, each): OffsetSpec.latest() for each in range(_PARTITIONS)}
        answers = self._admin.list_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED)
        return sum(int(each.result().offset) for each in answers.values())


def _measured(topics: _Topics, topic: str, records: int, pid: int, *, from_start: bool) -> _Found:
    """From the first of so many copies to the last: they are there once so many offsets are, and nothing more comes."""
    before = 0 if from_start else topics.end(topic)
    deadline = time.monotonic() + _WITHIN
    first = last = 0.0
    began, used, end = before, 0.0, before
    cpu = cpu_seconds(pid)
    while time.monotonic() < deadline:
        now, at = topics.end(topic), time.monotonic()
        if now > before and not first:
            first, began, cpu = at, now, cpu_seconds(pid)
        if now > end:
            end, last, used = now, at, cpu_seconds(pid)
        elif end - before >= records and at - last > 1.0:
            # What the first look found was copied before it: it counts neither here nor there.
            share = records * (end - began) / (end - before)
            return _Found(share / (last - first), (used - cpu) / share * 1e6)
        time.sleep(_LOOK_EVERY)
    raise BenchError(f"{topic} got {end - before:,} of {records:,} copies within {_WITHIN:.0f} s")


@contextmanager
def _process(command: Sequence[str], environ: Mapping[str, str], home: Path) -> Iterator[int]:
    with (home / "copying.log").open("ab") as log:
        process = subprocess.Popen(command, env=dict(environ), stdout=log, stderr=log, cwd=_ROOT)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


async def _begin(settings: Settings, migration: Migration) -> None:
    log = MigrationLog(settings)
    try:
        await log.write(migration, before=(await log.latest()).get(migration.key))
    finally:
        await log.close()


def _round(where: Kafka, word: str, records: int) -> dict[str, _Found]:
    """Every way once, by the mirror and by hand."""
    topics, found = _Topics(where.bootstrap), {}
    former, new, by_hand = f"{word}.order.status.v1", f"{word}.order.status.v2", f"{word}.by-hand"
    beside = [f"{each}.{what}" for each in (former, new) for what in ("dead-letters", "unroutable")]
    create(where.bootstrap, [former, new, by_hand, *beside], partitions=_PARTITIONS)
    create(where.bootstrap, [MIGRATIONS], partitions=1, config={"cleanup.policy": "compact"})
    with tempfile.TemporaryDirectory(prefix="router-bench-") as folder:
        home = Path(folder)
        own = {
            "ROUTER_BROKER": where.bootstrap,
            "ROUTER_GROUP": word,
            "ROUTER_SCHEMAS": str(_ROOT / "schemas"),
            "ROUTER_DATA_DIR": str(home / "data"),
        }
        migration = Migration(
            name=f"{word}.order.status", source=1, target=2, generation=1, workers=word,
            steps=(Step(Phase.MIRROR, 1, "bench", "to measure it"),),
        )  # fmt: skip
        asyncio.run(_begin(Settings.from_environment(own), migration))
        told = Mirror(ways=migration.ways, group=migration.group).to_text()
        clean = {name: text for name, text in os.environ.items() if not name.startswith("ROUTER_")}
        topics.write(former, 1, records)
        faust = [sys.executable, "-m", "faust", "-A", "agents.mirror", "worker", "--without-web", "-l", "warn"]
        with _process(faust, {**clean, **own, MIGRATION: told}, home) as pid:
            found["back-fill"] = _measured(topics, new, records, pid, from_start=True)
            for way, written, version, copied in (("forth", former, 1, new), ("back", new, 2, former)):
                with _writing(where.bootstrap, written, version, records):
                    found[way] = _measured(topics, copied, records, pid, from_start=False)
        settings = {"bootstrap": where.bootstrap, "source": former, "target": by_hand, "group": f"{word}-by-hand"}
        # What was copied back into v1 is copied by hand as well: all that is there.
        count = 3 * records
        hand = [sys.executable, "-m", "bench.topic_copy", json.dumps(settings)]
        with _process(hand, clean, home) as pid:
            found["by hand, back-fill"] = _measured(topics, by_hand, count, pid, from_start=True)
            with _writing(where.bootstrap, former, 1, records):
                found["by hand, forth"] = _measured(topics, by_hand, records, pid, from_start=False)
    delete(where.bootstrap, [former, new, by_hand, *beside])
    return found


@contextmanager
def _writing(bootstrap: str, topic: str, version: int, records: int) -> Iterator[None]:
    """A process of its own, so that it shares nothing with who looks."""
    program = f"from bench.mirror import _Topics; _Topics({bootstrap!r}).write({topic!r}, {version}, {records})"
    process = subprocess.Popen([sys.executable, "-c", program], cwd=_ROOT)
    try:
        yield
    finally:
        if process.wait(_WITHIN):
            raise BenchError(f"{topic} could not be written")


def _table(rounds: Sequence[Mapping[str, _Found]]) -> str:
    columns = {"copied": "---", "records a second": "--:", "µs of CPU a record": "--:"}
    rows = []
    for way in rounds[0]:
        each = [found[way] for found in rounds]
        rate, cost = median(one.per_second for one in each), median(one.microseconds for one in each)
        spread = (max(one.microseconds for one in each) - min(one.microseconds for one in each)) / cost / 2
        rows.append(
            [way, f"{round(rate, -2):,.0f}", f"{cost:.1f} ± {spread:.0%}" if len(rounds) > 1 else f"{cost:.1f}"]
        )
    return markdown(columns, rows)


@click.command()
@click.option("--records", type=click.IntRange(min=10_000), default=200_000, show_default=True)
@click.option("--runs", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--brokers", type=click.Choice(["own", "existing"]), default=None)
@click.option("--write/--no-write", default=False, help="Put the table into docs/bench.md.")
def mirror(*, records: int, runs: int, brokers: str | None, write: bool) -> None:
    """How fast a migration's mirror copies, and what CPU time that costs a record, beside a loop by hand."""
    console, load = Console(stderr=True), os.getloadavg()[0]
    with ending_on_signals(), kafka(brokers, room=records * 6_000) as where, progress(console) as show:
        rounds = []
        with show("copying", runs) as done:
            for number in range(runs):
                rounds.append(_round(where, f"b{os.getpid()}-{number}", records))
                done(number + 1)
        what = f"{records:,} records each way in {_PARTITIONS} partitions, {runs} runs"
        text = f"{conditions(what, kafka=where.name, load=load)}\n\n{_table(rounds)}"
    click.echo(text)
    if write:
        between_markers(_PAGE, "mirror", text)
