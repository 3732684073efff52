"""A consumer service as a team would write it, run as a process: it does as the records' values tell it, and dies where told.

A value is words: `7`, then what is to happen with it: `fails=2` (its first two tries fail), `waits=1` (its first try finds that
something is away), `takes=4` (seconds), `hangs`. Whatever was processed is written to a journal, the service's own store:
one line a record, which stays whatever becomes of the process.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import fastavro

from router.consumer import Received, Reject, TryAgain
from router.develop.children import start_child
from support.stage import EVENT_SCHEMA
from support.waiting import until
from support.worker import ROOT

__all__ = ["Plan", "Service"]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a service is told."""

    hand: str
    """`confluent` or `aiokafka`."""
    bootstrap: str
    group: str
    topic: str
    home: str
    """Its folder, which all instances share."""
    name: str
    dies_at: str = ""
    """A step of the consumer's, at which the process ends; `begin 3` is the third one."""
    dawdles: dict[str, float] = field(default_factory=dict)
    """Seconds that a step takes longer."""
    fixed: bool = True
    """It has the same name in its group, and for its transactions, whenever it comes back."""
    keep: bool = True
    commit_every: float = 0.2
    session: int = 2_000
    """Milliseconds without a heartbeat after which it is dead."""
    poll: int = 0
    """Milliseconds that are allowed without a poll; 0: as many as without a heartbeat."""
    finish_within: float = 10.0
    transaction: int = 15_000
    """Milliseconds after which brokers end what a dead one had begun."""
    avro: bool = False
    """Records are events of the stage: the words stand in their notes, behind the number."""
    asks: str = ""
    """Of the words, whether it heeds those that fail (`vip`), those that hang (`all`), or none (`nothing`); empty: every one."""


class Service:
    """One instance as a process."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        home = Path(plan.home)
        home.mkdir(parents=True, exist_ok=True)
        self.log = home / f"{plan.name}.log"
        self._begins = self.log.stat().st_size if self.log.exists() else 0
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])}
        with self.log.open("ab") as output:
            self.process = start_child(
                [sys.executable, "-m", "support.consuming", json.dumps(asdict(plan))],
                directory=ROOT,
                output=output,
                environ=environ,
            )

    @property
    def running(self) -> bool:
        """Whether the process exists."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        if self.running:
            self.process.kill()
        self.process.wait()

    def stop(self, within: float = 20.0) -> None:
        """Ask it to end, once it is up, and wait for that. It must end well."""
        until(lambda: "ready" in self.text() or not self.running, within=within, what="the service is up")
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(within)
        assert code == 0, f"it ended with {code}:\n{self.text()[-4_000:]}"

    def text(self) -> str:
        """Its log, since it began."""
        return self.log.read_bytes()[self._begins :].decode(errors="replace")

    def until_says(self, words: str, within: float = 20.0) -> None:
        """Wait until its log has these words."""
        until(lambda: words in self.text(), within=within, what=lambda: f"{words!r}; it says:\n{self.text()[-4_000:]}")


class Store:
    """What a service keeps beside Kafka: what it has processed, and how often it has tried."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._home = Path(plan.home)
        self._journal = os.open(self._home / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tries(self, value: str) -> int:
        """How often this has been tried by all instances, this time counted."""
        number = value.partition(" ")[0]
        with (self._home / f"tries-{number}").open("ab") as file:
            file.write(b".")
            return file.tell()

    def write(self, record: Received, value: str) -> None:
        """It is processed. A single write, so that instances do not mix their lines."""
        key = (record.key or b"").decode()
        line = (
            f"{time.time():.3f} {self._plan.name} {key} {value.partition(' ')[0]} {record.partition}/{record.offset}\n"
        )
        os.write(self._journal, line.encode())

    def demand(self, record: Received) -> tuple[str, float]:
        """Raise what the value asks for; else its text, and how long it takes."""
        value = words(record.value or b"") if self._plan.avro else (record.value or b"").decode()
        asked = dict(word.partition("=")[::2] for word in value.split()[1:])
        for word in {"vip": ("hangs",), "all": ("fails",), "nothing": ("fails", "hangs")}.get(self._plan.asks, ()):
            asked.pop(word, None)
        takes = float(asked.get("takes", "0"))
        if "fails" in asked and self.tries(value) <= int(asked["fails"]):
            raise Reject("out-of-range", error="integer out of range", place="value:amount")
        if "waits" in asked and self.tries(value) <= int(asked["waits"]):
            raise TryAgain("the database is down", after=0.3)
        if "hangs" in asked:
            with (self._home / "hanging").open("a") as file:
                file.write(f"{record.partition} {record.offset}\n")
            takes = 3_600.0
        return value, takes


def words(value: bytes) -> str:
    """The number of an event, and what its note asks for."""
    told: Any = fastavro.schemaless_reader(io.BytesIO(value), EVENT_SCHEMA, None)
    return f"{told['number']} {told['note'] or ''}".strip()


def _at(plan: Plan) -> Callable[[str], None]:
    step, _, number = plan.dies_at.partition(" ") if plan.dies_at else ("", "", "")
    if plan.dies_at and not number.isdigit():
        step, number = plan.dies_at, "1"
    seen: Counter[str] = Counter()

    def at(name: str) -> None:
        seen[name] += 1
        if name.replace(" ", "-") in plan.dawdles:
            threading.Event().wait(plan.dawdles[name.replace(" ", "-")])
        if name.replace(" ", "-") == step and seen[name] == int(number):
            os.kill(os.getpid(), signal.SIGKILL)

    return at


def _run_confluent(plan: Plan) -> None:
    from router.consumer.confluent import Consumer  # noqa: PLC0415 - a service has one of the two clients

    settings: dict[str, Any] = {
        "bootstrap.servers": plan.bootstrap,
        "group.id": plan.group,
        "session.timeout.ms": plan.session,
        "heartbeat.interval.ms": plan.session // 4,
        "max.poll.interval.ms": plan.poll or plan.session,
    }
    if plan.fixed:
        settings["group.instance.id"] = plan.name
    store = Store(plan)

    def process(record: Received) -> None:
        value, takes = store.demand(record)
        threading.Event().wait(takes)
        store.write(record, value)

    with Consumer(
        settings,
        topic=plan.topic,
        keep=plan.keep,
        commit_every=plan.commit_every,
        finish_within=plan.finish_within,
        transactional_id=f"{plan.group}-{plan.name}" if plan.fixed else None,
        producer={"transaction.timeout.ms": plan.transaction},
        at=_at(plan),
    ) as consumer:
        signal.signal(signal.SIGTERM, lambda *_: consumer.stop())
        print("ready", flush=True)
        consumer.run(process)
        print(consumer.counts, flush=True)


async def _run_aiokafka(plan: Plan) -> None:
    from router.consumer.aiokafka import Consumer  # noqa: PLC0415 - a service has one of the two clients

    settings: dict[str, Any] = {
        "bootstrap_servers": plan.bootstrap,
        "group_id": plan.group,
        "session_timeout_ms": plan.session,
        "heartbeat_interval_ms": plan.session // 4,
        "max_poll_interval_ms": plan.poll or plan.session,
    }
    if plan.fixed:
        settings["group_instance_id"] = plan.name
    store = Store(plan)

    async def process(record: Received) -> None:
        value, takes = store.demand(record)
        await asyncio.sleep(takes)
        store.write(record, value)

    async with Consumer(
        topic=plan.topic,
        keep=plan.keep,
        commit_every=plan.commit_every,
        finish_within=plan.finish_within,
        producer={"transaction_timeout_ms": plan.transaction},
        at=_at(plan),
        **settings,
    ) as consumer:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, consumer.stop)
        print("ready", flush=True)
        await consumer.run(process)
        print(consumer.counts, flush=True)


if __name__ == "__main__":
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    told = Plan(**json.loads(sys.argv[1]))
    if told.hand == "confluent":
        _run_confluent(told)
    else:
        asyncio.run(_run_aiokafka(told))
