"""The full size: 100,000 events while a topic is split, and everything that splits and joins it is killed. `make proof`.

`SPLIT_EVENTS=10000` makes it smaller, `SPLIT_SEED=8` gives other keys, places of the flips and times of the kills. What a run did is
kept in docs/proof/split.md.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.proof import Proof
from support.splitting import COLOURS, SplittingStage, former, meant, note_of
from support.waiting import until
from support.worker import Worker

from router.commands.migrate import migrate

pytestmark = [pytest.mark.process, pytest.mark.proof, pytest.mark.timeout(3_600)]

SEED = int(os.environ.get("SPLIT_SEED", "20261122"))
EVENTS = int(os.environ.get("SPLIT_EVENTS", "100000"))
PARTITIONS, PRODUCERS, KEYS = 4, 5, 100
KILLS = max(3, min(20, EVENTS // 2_000))
PATIENCE = 300.0
HEAD = """A topic of three meanings is split into a subject each while producers write, each of which moves at a moment of its own and then
writes a key's events to all three; the processes of `router migrate run` are killed all the time. Every event must be once in the old topic
and once in its subject, and each key's events must be in their order in the old topic, whatever subjects they were written to."""


@dataclass(slots=True)
class Load:
    """Producers, each with keys of its own, that go on as far as they are let, and move where they may."""

    stage: SplittingStage
    share: float = 0.0
    may_move: bool = False
    written: Counter[int] = field(default_factory=Counter)
    moved: Counter[bool] = field(default_factory=Counter)
    faults: list[BaseException] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def each(self) -> int:
        """Events of one producer."""
        return EVENTS // PRODUCERS

    def let(self, share: float, *, move: bool = False) -> None:
        """They may write so much of everything, and move from now on."""
        with self.changed:
            self.share, self.may_move = share, self.may_move or move
            self.changed.notify_all()

    def until_written(self, share: float) -> None:
        """Wait until all have written so much."""
        until(
            lambda: self.faults or all(self.written[one] >= int(self.each * share) for one in range(PRODUCERS)),
            within=PATIENCE, what=lambda: f"producers get to {share}: {self.written}", every=0.2,
        )  # fmt: skip
        assert not self.faults, self.faults

    def flip(self, producer: int) -> int:
        """With which of its events a producer moves."""
        return int(self.each * random.Random(f"{SEED}-{producer}").uniform(0.4, 0.7))

    def produce(self, producer: int) -> None:
        """One producer's life."""
        try:
            self._produce(producer)
        except BaseException as error:  # noqa: BLE001 - of another thread: the test says it
            self.faults.append(error)

    def _produce(self, producer: int) -> None:
        chance, keys = random.Random(f"{SEED}-{producer}-keys"), range(producer, KEYS, PRODUCERS)
        steps: Counter[int] = Counter()
        sender = self.stage.topics.producer()
        done, at = 0, 0
        while done < self.each:
            due = done >= self.flip(producer)
            with self.changed:
                # All that it wrote before is acknowledged: that is what order asks of a producer.
                self.changed.wait_for(lambda: done < self.each * self.share and (self.may_move or not due), PATIENCE)  # noqa: B023 - asked at once
            batch, seen = chance.randrange(1, 100), set[int]()
            for _ in range(min(batch, self.each - done)):
                key = chance.choice(keys)
                if key in seen and due:
                    # The next event of a key is written once the last one is acknowledged.
                    assert sender.flush(60) == 0
                    seen.clear()
                seen.add(key)
                at = max(at + 1, round(time.time() * 1000))
                colour, note = COLOURS[steps[key] % len(COLOURS)], f"{key}-{steps[key]}"
                value = meant(steps[key], colour, note) if due else former(steps[key], colour, note)
                topic = self.stage.name(f"@event.{colour}.v1" if due else "@event.v1")
                sender.produce(topic=topic, partition=key % PARTITIONS, key=f"key-{key}", value=value, timestamp=at)
                steps[key] += 1
                done += 1
                self.moved[due] += 1
            assert sender.flush(60) == 0
            self.written[producer] = done


@dataclass(slots=True)
class Killer:
    """Kills the process that starts mirrors, or one of these, again and again."""

    processes: list[Worker]
    kills: Counter[str] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until it is stopped; processes live as long as the thread that started them."""
        chance = random.Random(f"{SEED}-kills")
        # Not oftener than processes start, on a busy machine: else nothing would ever be copied.
        while not self.stop.wait(chance.uniform(6.0, 15.0)) and self.kills.total() < KILLS:
            victim = chance.choice(self.processes)
            children = _children(victim)
            if children and chance.random() < 0.6:
                self.kills["mirrors"] += 1
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(children), 9)
            else:
                self.kills["router migrate run"] += 1
                victim.kill()
                victim.start()
        self.over.wait()


def _children(worker: Worker) -> Sequence[int]:
    if worker.process is None:
        return []
    with suppress(OSError):
        listed = Path(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children").read_text(encoding="ascii")
        return [int(each) for each in listed.split()]
    return []


LAST: list[str] = []


def insist(stage: SplittingStage, step: str, *more: str) -> str:
    """A command again and again until it is done: it is refused while something is behind, or a process has just been killed."""

    def command() -> str:
        asked = [step, stage.name("@event"), *more, "--yes", "--author", "proof", "--reason", "to see it"]
        done = CliRunner().invoke(migrate, asked, env=stage.environ, catch_exceptions=False)
        LAST[:] = [done.output]
        return done.output if done.exit_code == 0 else ""

    return until(command, within=PATIENCE, what=lambda: f"{step} {more} is done: {LAST}", every=1.0)


def faults_of(stage: SplittingStage, colour: str = "") -> list[str]:
    """What is wrong with a topic: what is missing, there twice, or (in the one that is split) out of its key's order."""
    seen: dict[str, list[int]] = {}
    topic = f"@event.{colour}.v1" if colour else "@event.v1"
    for message in stage.topics.scan(stage.name(topic), within=PATIENCE):
        key, _, step = note_of(message.value(), colour).partition("-")
        seen.setdefault(key, []).append(int(step))
    found = []
    for key, steps in seen.items():
        if not colour and steps != list(range(len(steps))):
            found.append(f"{topic}: key {key} has {len(steps)} events, and not in their order")
        if colour and (len(set(steps)) != len(steps) or any(COLOURS[step % 3] != colour for step in steps)):
            found.append(f"{topic}: key {key} has events twice, or others'")
    return found


def count_of(stage: SplittingStage, topic: str) -> int:
    """How many records a topic has."""
    return sum(1 for _ in stage.topics.scan(stage.name(topic), within=PATIENCE))


@pytest.fixture
def stage(kafka: str, unique: str, tmp_path: Path) -> Iterator[SplittingStage]:
    """The topic that is split."""
    stage = SplittingStage(bootstrap=kafka, word=unique, home=tmp_path)
    try:
        stage.split().routes()
        stage.create("@event.v1", "@event.v1.dead-letters", partitions=PARTITIONS)
        yield stage
    finally:
        stage.end()


def test_a_topic_is_split_under_load_and_each_event_is_on_each_side_once(stage: SplittingStage, proof: Proof) -> None:
    """Whoever is killed, and whenever a producer moves."""
    began = time.monotonic()
    load = Load(stage)
    killer = Killer([stage.mirrors(), stage.mirrors()])
    works: list[Callable[[], None]] = [lambda one=one: load.produce(one) for one in range(PRODUCERS)]  # type: ignore[misc]
    threads = [threading.Thread(target=each, daemon=True) for each in (*works, killer.run)]
    for each in threads:
        each.start()
    try:
        load.let(0.15)
        load.until_written(0.05)
        insist(stage, "start", "--split")
        load.let(0.4)
        load.until_written(0.4)
        insist(stage, "flip")
        load.let(1.0, move=True)
        load.until_written(1.0)
        until(lambda: killer.kills.total() >= KILLS, within=PATIENCE, what=lambda: f"kills: {killer.kills}")
    finally:
        killer.stop.set()
        load.let(1.0, move=True)
    stage.until_all_copied(within=PATIENCE)

    events = load.each * PRODUCERS
    faults = faults_of(stage) + [fault for colour in COLOURS for fault in faults_of(stage, colour)]
    counts = {topic: count_of(stage, topic) for topic in ("@event.v1", *stage.colour_topics)}
    if counts["@event.v1"] != events or sum(counts[each] for each in stage.colour_topics) != events:
        faults.append(f"there are {events} events, and {counts}")
    faults += [f"{each}.dead-letters has records" for each in counts if any(stage.read(f"{each}.dead-letters"))]

    reader, topic = stage.name("@reader"), stage.name("@event.v1")
    insist(stage, "drain", "--quiet-for", "1ms")
    for number in range(PARTITIONS):
        stage.topics.commit(reader, topic, number, stage.topics.bounds(topic, number)[1])
    moved = insist(stage, "move", reader, "--only", stage.name("@event.red.v1"))
    if "it goes on in" not in moved:
        faults.append(f"the group did not move: {moved}")
    behind = stage.topics.behind(reader, stage.name("@event.red.v1"))
    if behind:
        faults.append(f"the group that moved would read again: {behind}")
    if "is deleted" not in insist(stage, "retire", "--quiet-for", "1ms", "--delete"):
        faults.append("the old topic was not deleted")
    kills = ", ".join(f"{count} of {name}" for name, count in sorted(killer.kills.items()))
    lines = [
        HEAD,
        "",
        f"* Seed {SEED}: {events:,} events of {KEYS} keys by {PRODUCERS} producers, {PARTITIONS} partitions.",
        f"* {load.moved[False]:,} were written to the old topic, {load.moved[True]:,} to the subjects.",
        f"* Moves: {'; '.join(f'producer {one} with its event {load.flip(one):,}' for one in range(PRODUCERS))}.",
        f"* Killed (SIGKILL) were {killer.kills.total()}: {kills}.",
        f"* The old topic and the three subjects, each read whole: {len(faults)} faults.",
        "* Then it was drained, a group moved to one of the subjects, behind all that it had read, and the old topic deleted.",
        f"* It took {time.monotonic() - began:.0f} s.",
    ]
    killer.over.set()
    proof.write("split", "\n".join(lines))
    assert faults == [], faults[:10]
