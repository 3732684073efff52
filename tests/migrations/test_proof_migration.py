"""The full size: 200,000 events while a topic moves over two versions, and everything that carries them is killed. `make proof`.

`MIGRATION_EVENTS=20000` makes it smaller, `MIGRATION_SEED=8` gives other keys, places of the flips and times of the kills. What a
run did is kept in docs/proof/migration.md.
"""

from __future__ import annotations

import io
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import fastavro
import pytest
from click.testing import CliRunner
from support.migrating import PARSED, MigratingStage, event_of, note_of
from support.proof import Proof
from support.waiting import until
from support.worker import Worker

from router.commands.migrate import migrate

pytestmark = [pytest.mark.process, pytest.mark.proof, pytest.mark.timeout(3_600)]

SEED = int(os.environ.get("MIGRATION_SEED", "20161122"))
EVENTS = int(os.environ.get("MIGRATION_EVENTS", "200000"))
PARTITIONS, PRODUCERS, KEYS, KILLS = 4, 5, 100, 24
CONSUMERS = {"a.event.v1": 1, "b.event.v1": 1, "c.event.v2": 2, "d.event.v2": 2, "e.event.v3": 3}
ROUTES = """
version: 1
team: painters
exchanges:
  events: {type: fanout, sources: [@event]}
topics:
""" + "".join(f"  @{name}: {{from: [{{exchange: events}}]}}\n" for name in CONSUMERS)
HEAD = """A topic moves from v1 over v2 to v3 while producers write, each of which moves at a moment of its own; workers and the processes of
`router migrate run` are killed all the time; the first migration is aborted once and begun anew. Consumers of all three versions get
their copies by routes that name the subject. Every event must be in each of them once, valid in its version, in its key's order."""
PATIENCE = 300.0


@dataclass(slots=True)
class Load:
    """Producers, each with keys of its own, that go on as far as they are let, and move to a later version where they are told."""

    stage: MigratingStage
    seed: int
    events: int
    written: Counter[int] = field(default_factory=Counter)
    """By producer."""
    natives: Counter[int] = field(default_factory=Counter)
    """By version."""
    faults: list[BaseException] = field(default_factory=list)
    _share: float = 0.0
    _open: set[int] = field(default_factory=lambda: {1})
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def each(self) -> int:
        """Events of one producer."""
        return self.events // PRODUCERS

    def let(self, share: float) -> None:
        """They may write so much of everything."""
        with self._changed:
            self._share = share
            self._changed.notify_all()

    def may_move(self, version: int) -> None:
        """From now on they may move to this version."""
        with self._changed:
            self._open.add(version)
            self._changed.notify_all()

    def until_written(self, share: float) -> None:
        """Wait until all have written so much."""
        until(
            lambda: self.faults or all(self.written[one] >= int(self.each * share) for one in range(PRODUCERS)),
            within=PATIENCE, what=lambda: f"producers get to {share}: {self.written}", every=0.2,
        )  # fmt: skip
        assert not self.faults, self.faults

    def flips(self, producer: int) -> dict[int, int]:
        """By version, with which of its events a producer moves there: not all in the stretch where the first may."""
        chance = random.Random(f"{self.seed}-{producer}")
        return {2: int(self.each * chance.uniform(0.32, 0.55)), 3: int(self.each * chance.uniform(0.67, 0.85))}

    def produce(self, producer: int) -> None:
        """One producer's life."""
        try:
            self._produce(producer)
        except BaseException as error:  # noqa: BLE001 - of another thread: the test says it
            self.faults.append(error)

    def _lets(self, version: int, done: int) -> bool:
        return done < self.each * self._share and version in self._open

    def _produce(self, producer: int) -> None:
        chance = random.Random(f"{self.seed}-{producer}-keys")
        keys = range(producer, KEYS, PRODUCERS)
        steps: Counter[int] = Counter()
        flips = self.flips(producer)
        sender = self.stage.topics.producer()
        refused: list[object] = []

        def delivered(error: object, _: object) -> None:
            if error is not None:
                refused.append(error)

        done, version = 0, 1
        while done < self.each:
            due = max((each for each, at in flips.items() if done >= at), default=1)
            with self._changed:
                self._changed.wait_for(partial(self._lets, due, done), PATIENCE)
            # All that it wrote to the former version is acknowledged: that is what order asks of a producer that moves.
            version = max(version, due)
            for _ in range(min(chance.randrange(1, 200), self.each - done)):
                key = chance.choice(keys)
                sender.produce(
                    topic=self.stage.name(f"@event.v{version}"), partition=key % PARTITIONS, key=f"key-{key}",
                    value=event_of(version, steps[key], f"{key}-{steps[key]}"), on_delivery=delivered,
                )  # fmt: skip
                steps[key] += 1
                done += 1
                self.natives[version] += 1
            assert sender.flush(60) == 0
            assert not refused, refused[:3]
            self.written[producer] = done


@dataclass(slots=True)
class Killer:
    """Kills one of the processes again and again, and starts it anew."""

    processes: list[Worker]
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until it is stopped; then nothing dies, until all is over: processes live as long as the thread that started them."""
        chance = random.Random(f"{self.seed}-kills")
        while not self.stop.wait(chance.uniform(2.0, 7.0)):
            victim = chance.choice(self.processes)
            children = _children(victim)
            if children and chance.random() < 0.5:
                self.kills["mirrors"] += 1
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(children), 9)
                continue
            self.kills["router migrate run" if "migrate" in victim.command else "workers"] += 1
            victim.kill()
            victim.start()
        self.over.wait()


def _children(worker: Worker) -> list[int]:
    if worker.process is None or "migrate" not in worker.command:
        return []
    with suppress(OSError):
        listed = Path(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children").read_text(encoding="ascii")
        return [int(each) for each in listed.split()]
    return []


@contextmanager
def running(*works: Callable[[], None]) -> Iterator[None]:
    """These run beside the test."""
    threads = [threading.Thread(target=each, daemon=True) for each in works]
    for each in threads:
        each.start()
    yield
    for each in threads:
        each.join(PATIENCE)


def command(stage: MigratingStage, step: str, *more: str) -> str:
    """What one command says; empty where it could not be done now."""
    asked = [step, stage.name("@event"), *more, "--yes", "--author", "proof", "--reason", "to see it"]
    done = CliRunner().invoke(migrate, asked, env=stage.environ, catch_exceptions=False)
    LAST[:] = [done.output]
    return done.output if done.exit_code == 0 else ""


LAST: list[str] = []


def insist(stage: MigratingStage, step: str, *more: str) -> str:
    """A command again and again until it is done: it is refused while something is behind, or a process has just been killed."""
    return until(
        lambda: command(stage, step, *more), within=PATIENCE, what=lambda: f"{step} {more} is done: {LAST}", every=1.0
    )


def faults_of(stage: MigratingStage, topic: str, version: int, events: int, *, ordered: bool = True) -> list[str]:
    """What is wrong with a topic: what is missing, there twice, in another form, or out of its key's order."""
    seen: dict[str, int] = {}
    found: list[str] = []
    count = 0
    for message in stage.topics.scan(stage.name(topic), within=PATIENCE):
        body = io.BytesIO(message.value())
        note = note_of(version, fastavro.schemaless_reader(body, PARSED[version], None))
        if body.read(1):
            found.append(f"{topic}: {note} has bytes behind its end")
        key, _, step = note.partition("-")
        if ordered and int(step) != seen.get(key, -1) + 1:
            found.append(f"{topic}/{message.partition()}/{message.offset()}: {note} follows {seen.get(key, -1)}")
        seen[key] = int(step) if ordered else seen.get(key, 0) + 1
        count += 1
    if count != events:
        found.append(f"{topic} has {count} records, and there are {events} events")
    return found


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[MigratingStage]:
    """All topics but those of the later versions."""
    stage = MigratingStage(bootstrap=kafka, word=unique, home=tmp_path)
    try:
        stage.versions().routes(painters=ROUTES)
        stage.create("@event.v1", *(f"@{name}" for name in CONSUMERS), partitions=PARTITIONS)
        stage.create("@event.v1.unroutable", "@event.v1.dead-letters")
        yield stage
    finally:
        stage.end()


def test_a_topic_moves_over_two_versions_and_each_event_arrives_once(stage: MigratingStage, proof: Proof) -> None:
    """Whoever is killed, and whenever a producer moves."""
    began = time.monotonic()
    former, second = stage.name("@event.v1"), stage.name("@event.v2")
    load = Load(stage, SEED, EVENTS)
    workers = [stage.worker(session_timeout="6s").until_ready(lanes=PARTITIONS)]
    workers.append(stage.worker(session_timeout="6s"))
    mirrors = [stage.mirrors(), stage.mirrors()]
    killer = Killer([*workers, *mirrors], SEED)
    producers = [lambda one=one: load.produce(one) for one in range(PRODUCERS)]
    threading.Thread(target=killer.run, daemon=True).start()
    with running(*producers):
        try:
            load.let(0.15)
            load.until_written(0.05)
            insist(stage, "start", "--from", "1", "--to", "2")
            load.until_written(0.15)
            load.let(0.25)
            insist(stage, "abort", "--from", "1")
            insist(stage, "start", "--from", "1", "--to", "2")
            load.let(0.32)
            insist(stage, "flip", "--from", "1")
            load.may_move(2)
            load.let(0.62)
            load.until_written(0.45)
            insist(stage, "start", "--from", "2", "--to", "3")
            load.until_written(0.62)
            insist(stage, "flip", "--from", "2")
            load.may_move(3)
            load.let(0.9)
            load.until_written(0.75)
            insist(stage, "drain", "--from", "1", "--quiet-for", "1ms")
            load.let(1.0)
            load.until_written(1.0)
            insist(stage, "drain", "--from", "2", "--quiet-for", "1ms")
            until(lambda: killer.kills.total() >= KILLS, within=PATIENCE, what=lambda: f"kills: {killer.kills}")
        finally:
            killer.stop.set()
            load.let(1.0)
            load.may_move(2)
            load.may_move(3)
    stage.until_copied(former, within=PATIENCE, versions="v1-v2-2")
    stage.until_copied(second, within=PATIENCE, versions="v2-v3-1")
    stage.until_routed("@event.v1", "@event.v2", "@event.v3", within=PATIENCE)

    events = load.each * PRODUCERS
    faults = [fault for name, version in CONSUMERS.items() for fault in faults_of(stage, f"@{name}", version, events)]
    faults += faults_of(stage, "@event.v2", 2, events, ordered=False)
    faults += faults_of(stage, "@event.v3", 3, events, ordered=False)
    letters = [f"@event.v{version}.{what}" for version in (1, 2, 3) for what in ("dead-letters", "unroutable")]
    faults += [f"{name} has records" for name in letters if any(stage.read(name))]

    reader = stage.name("@reader")
    number, end = max(
        ((each, stage.topics.bounds(former, each)[1]) for each in range(PARTITIONS)), key=lambda at: at[1]
    )
    for each in range(PARTITIONS):
        stage.topics.commit(reader, former, each, stage.topics.bounds(former, each)[1])
    last = stage.read("@event.v1")[number][-1].offset
    stage.topics.commit(reader, former, number, last)
    assert not command(stage, "retire", "--from", "1", "--quiet-for", "1ms", "--delete")
    refused = LAST[0]
    assert f"group '{reader}' has up to {end - last:,} records of {former} to read" in refused
    stage.topics.commit(reader, former, number, end)
    assert "is deleted" in insist(stage, "retire", "--from", "1", "--quiet-for", "1ms", "--delete")
    insist(stage, "retire", "--from", "2", "--quiet-for", "1ms")

    kills = ", ".join(f"{count} of {name}" for name, count in sorted(killer.kills.items()))
    natives = ", ".join(f"{count:,} to v{version}" for version, count in sorted(load.natives.items()))
    moves = "; ".join(
        f"producer {one}: {' and '.join(f'v{version} with its event {at:,}' for version, at in load.flips(one).items())}"
        for one in range(PRODUCERS)
    )
    lines = [
        HEAD,
        "",
        f"* Seed {SEED}: {events:,} events of {KEYS} keys by {PRODUCERS} producers, {PARTITIONS} partitions; written were {natives}.",
        f"* Moves: {moves}.",
        f"* Killed (SIGKILL) were {killer.kills.total()}: {kills}.",
        "* v1 to v2 was begun, aborted and begun anew; v2 to v3 was begun before v1 was drained.",
        f"* {len(CONSUMERS)} consumers' topics ({', '.join(CONSUMERS)}), each read whole: {len(faults)} faults.",
        "* With one record to read for one group, `retire` was refused; it was granted when that was read, and v1 deleted.",
        f"* It took {time.monotonic() - began:.0f} s.",
    ]
    killer.over.set()
    proof.write("migration", "\n".join(lines))
    assert faults == [], faults[:10]
