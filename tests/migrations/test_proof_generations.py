"""The full size: a topic whose one partition has 200,000 records to read gets eight, while all that carries is killed. `make proof`.

`GENERATION_EVENTS=20000` makes it smaller, `GENERATION_SEED=8` kills at other times. What a run did is kept in docs/proof/generations.md.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.migrating import MigratingStage, event_of
from support.proof import Proof
from support.waiting import until
from support.worker import Worker

pytestmark = [pytest.mark.process, pytest.mark.proof, pytest.mark.timeout(3_600)]

SEED = int(os.environ.get("GENERATION_SEED", "20161122"))
EVENTS = int(os.environ.get("GENERATION_EVENTS", "200000"))
KEYS, SHARES, READ, KILLS = 500, 8, 10, 25
ROUTES = """
version: 1
team: painters
exchanges:
  events: {type: fanout, sources: [@event.v1]}
topics:
  @hot.event.v1: {partitions: 1, from: [{exchange: events}]}
"""
HEAD = """A consumer's topic of one partition gets its next generation, with eight. The consumer has most of the topic still to read, and goes on in
the new one with exactly that; routes change to the new name while producers write; the worker and the processes of `router migrate
run` are killed all the time. Every event must be in the new topic once, in its key's order, and the consumer must get each that it
had not read, and no other."""
PATIENCE = 600.0


class Killer:
    """Kills one of the processes again and again, and starts it anew."""

    def __init__(self, *processes: Worker) -> None:
        self.processes = list(processes)
        self.kills: Counter[str] = Counter()
        self.stop, self.over = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        chance = random.Random(SEED)
        while not self.stop.wait(chance.uniform(2.0, 8.0)):
            victim = chance.choice(self.processes)
            opened = victim.text().count("lane open")
            victim.kill()
            victim.start()
            # What dies before it has begun to carry shows nothing, and on a busy machine nothing would ever begin.
            while not self.stop.is_set() and victim.text().count("lane open") == opened:
                self.stop.wait(0.5)
            self.kills["router migrate run" if "migrate" in victim.command else "workers"] += 1
        # Processes live as long as the thread that started them.
        self.over.wait()


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[MigratingStage]:
    """A source of four partitions, and a narrow topic of one."""
    stage = MigratingStage(bootstrap=kafka, word=unique, home=tmp_path)
    try:
        stage.versions().routes(painters=ROUTES)
        stage.create("@event.v1", "@event.v1.unroutable", "@event.v1.dead-letters", partitions=4)
        stage.create("@hot.event.v1")
        yield stage
    finally:
        stage.end()


def produce(stage: MigratingStage, steps: range) -> None:
    """An event of each key a step, laid as Java's clients do."""
    stage.topics.produce(
        {
            "topic": stage.name("@event.v1"), "partition": stage.partition(f"key-{key}", 4), "key": f"key-{key}",
            "value": event_of(1, step, f"{key}-{step}"),
        }
        for step in steps
        for key in range(KEYS)
    )  # fmt: skip


def test_a_backlog_becomes_shares_while_everything_dies(stage: MigratingStage, proof: Proof) -> None:
    """Whoever is killed, and whenever."""
    began = time.monotonic()
    steps = EVENTS // KEYS
    hot, new, reader = stage.name("@hot.event.v1"), stage.name("@hot.event.v1.g2"), stage.name("@reader")
    worker = stage.worker(session_timeout="6s").until_ready(lanes=4)
    produce(stage, range(READ))
    stage.until_routed("@event.v1", within=PATIENCE)
    stage.topics.commit(reader, hot, 0, stage.topics.bounds(hot, 0)[1])
    produce(stage, range(READ, steps * 8 // 10))
    stage.until_routed("@event.v1", within=PATIENCE)
    stage.generations("repartition", "--partitions", str(SHARES))
    # The killer waits for what a mirror says only at this level.
    mirrors = stage.mirrors(ROUTER_LOG_LEVEL="info")
    killer = Killer(worker, mirrors)
    killer.thread.start()
    produce(stage, range(steps * 8 // 10, steps * 9 // 10))
    until(
        lambda: "goes on with" in stage.generations("move", reader, fails=None),
        within=PATIENCE, what="the consumer moves", every=1.0,
    )  # fmt: skip
    places = stage.topics.committed(reader, new)
    stage.routes(painters=ROUTES.replace("@hot.event.v1: {partitions: 1", f"@hot.event.v1.g2: {{partitions: {SHARES}"))
    for step in range(steps * 9 // 10, steps):
        produce(stage, range(step, step + 1))
    stage.until_routed("@event.v1", within=PATIENCE)
    until(lambda: killer.kills.total() >= KILLS, within=PATIENCE, what=f"{KILLS} kills", every=1.0)
    stage.until_spread(hot, within=PATIENCE)
    killer.stop.set()

    seen: dict[str, int] = {}
    faults, count, got = [], 0, 0
    for message in stage.topics.scan(new, within=PATIENCE):
        note = stage.note(1, message.value())
        key, _, step = note.partition("-")
        if int(step) != seen.get(key, -1) + 1:
            faults.append(f"{message.partition()}/{message.offset()}: {note} follows {seen.get(key, -1)}")
        seen[key] = int(step)
        count += 1
        mine = message.offset() >= places[message.partition()]
        got += mine
        if mine is (int(step) < READ):
            faults.append(
                f"{message.partition()}/{message.offset()}: {note} is {'' if mine else 'not '}in the consumer's share"
            )
    if count != steps * KEYS:
        faults.append(f"{new} has {count} records, and there are {steps * KEYS} events")
    kills = ", ".join(f"{number} of {name}" for name, number in sorted(killer.kills.items()))
    lines = [
        HEAD,
        "",
        f"* Seed {SEED}: {steps * KEYS:,} events of {KEYS} keys; the consumer had read {READ * KEYS:,} of them, and got {got:,} in {SHARES} shares.",
        f"* Killed (SIGKILL) were {killer.kills.total()}: {kills}.",
        f"* Read whole: {len(faults)} faults. It took {time.monotonic() - began:.0f} s.",
    ]
    killer.over.set()
    proof.write("generations", "\n".join(lines))
    assert faults == [], faults[:10]
