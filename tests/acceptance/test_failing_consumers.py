"""Three services that read through the ready-made consumer, one of which cannot process some records; everybody is killed."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from support.consuming import Plan, Service
from support.proof import Proof
from support.stage import Stage, event
from support.topics import Found, patiently
from support.waiting import until
from support.worker import Worker

from router.develop.broker import DevelopmentKafka
from router.failure.ledger import ledger_of
from router.failure.skipping import skip_mark
from router.language.topics import changelog_of
from router.records.headers import Origin

pytestmark = pytest.mark.process

PARTITIONS = 4
KEYS = 997
ROUTES = """
version: 1
team: shop
exchanges:
  events: {type: topic, sources: [@event.v1], routing-key: "{colour}"}
topics:
  @vip.event.v1:
    failure: {retry: [500ms, 1s], then: park, park-for: 2s, on-expiry: dead-letter}
    from: [{exchange: events}]
  @all.event.v1:
    failure: {}
    from: [{exchange: events}]
  @cold.event.v1:
    failure: {}
    from: [{exchange: events, binding-key: [green, blue]}]
"""
COLD = {1, 2}
"""The colours that the third service wants, as remainders of an event's number by four."""


def note_of(number: int) -> str | None:
    """Of 200 events, one never fits the first service, and one does at the second or third try; a few hang the second."""
    if number % 200 == 77:
        return "fails=99"
    if number % 200 == 154:
        return f"fails={1 + number // 200 % 2}"
    return "hangs" if number % 25_000 == 901 else None


@dataclass
class Consuming:
    """One service: its instances, and what they have processed."""

    stage: Stage
    plans: tuple[Plan, ...]
    expected: frozenset[int] = frozenset()
    instances: list[Service] = field(default_factory=list)
    processed: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By key, in their order."""
    skipped: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    ended: int = 0
    """Instances that ended by themselves."""
    _read: int = 0
    _marked: int = 0

    @property
    def topic(self) -> str:
        """What it reads."""
        return self.plans[0].topic

    @property
    def home(self) -> Path:
        """Its folder."""
        return Path(self.plans[0].home)

    def start(self) -> None:
        """Start all instances."""
        self.instances = [Service(plan) for plan in self.plans]

    def restart(self, number: int) -> None:
        """Kill an instance, and start it again."""
        self.instances[number].kill()
        self.instances[number] = Service(self.plans[number])

    def look(self) -> None:
        """Read on in the journal, skip what hangs, and start again what ended by itself, as any supervisor does."""
        for which, instance in enumerate(self.instances):
            if not instance.running:
                self.instances[which] = Service(self.plans[which])
                self.ended += 1
        path = self.home / "journal"
        if path.exists():
            with path.open("rb") as file:
                file.seek(self._read)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read += len(whole)
            for line in whole.decode().splitlines():
                _, _, key, number, _ = line.split()
                self.processed[key].append(int(number))
                self.seen.add(int(number))
        hanging = self.home / "hanging"
        if hanging.exists():
            lines = hanging.read_text().splitlines()
            for line in lines[self._marked :]:
                partition, offset = map(int, line.split())
                mark = skip_mark(Origin(self.topic, partition, offset), reason="it hangs", author="ops")
                self.stage.topics.produce(
                    [
                        {
                            "topic": f"{self.topic}.parked",
                            "partition": partition,
                            "key": mark.key,
                            "value": mark.value,
                            "headers": list(mark.headers),
                        }
                    ]
                )
            self._marked = len(lines)


class Shop:
    """The whole of it: workers, services, a feed, and what is destroyed."""

    def __init__(self, stage: Stage, home: Path, *, events: int, workers: int) -> None:
        self.stage = stage
        self.events = events
        self.kills: Counter[str] = Counter()
        self.for_good = {number for number in range(events) if note_of(number) == "fails=99"}
        self.hanging = {number for number in range(events) if note_of(number) == "hangs"}
        stage.routes(shop=ROUTES)
        narrow = [f"@{name}.event.v1" for name in ("vip", "all", "cold")]
        stage.create("@event.v1", "@event.v1.unroutable", "@event.v1.dead-letters", *narrow, partitions=PARTITIONS)
        stage.create(*(f"{topic}.rejected" for topic in narrow), partitions=PARTITIONS)
        stage.create(*(f"{topic}.dead-letters" for topic in narrow), partitions=PARTITIONS)
        stage.create(*(f"{topic}.parked" for topic in narrow), partitions=PARTITIONS, cleanup_policy="compact")
        changelog = changelog_of(stage.group, stage.name("@event.v1"))
        stage.topics.create(changelog, partitions=PARTITIONS, cleanup_policy="compact")
        self.workers = [stage.worker(standbys="0") for _ in range(workers)]
        self.services = {
            "vip": self._service(home, "vip", "confluent", 2, set(range(events))),
            "all": self._service(home, "all", "confluent", 1, set(range(events))),
            "cold": self._service(home, "cold", "aiokafka", 1, {n for n in range(events) if n % 4 in COLD}),
        }
        for service in self.services.values():
            service.start()

    def _service(self, home: Path, name: str, hand: str, instances: int, expected: set[int]) -> Consuming:
        plans = tuple(
            Plan(
                hand=hand,
                bootstrap=self.stage.bootstrap,
                group=f"{self.stage.group}-{name}",
                topic=self.stage.name(f"@{name}.event.v1"),
                home=str(home / name),
                name=f"{name}-{number}",
                session=10_000,
                poll=60_000,
                avro=True,
                asks=name if name != "cold" else "nothing",
            )
            for number in range(instances)
        )
        return Consuming(self.stage, plans, frozenset(expected))

    def feed(self, numbers: range) -> None:
        """Produce these events, all of a key in one partition."""
        name = self.stage.name("@event.v1")
        self.stage.topics.produce(
            {
                "topic": name,
                "key": f"key-{number % KEYS}",
                "value": event(number, note=note_of(number)),
                "partition": number % KEYS % PARTITIONS,
            }
            for number in numbers
        )

    def look(self) -> None:
        """See what has become of everything."""
        for service in self.services.values():
            service.look()

    def go_on(self, seconds: float) -> None:
        """Let all of it go on for so long."""
        ends = time.monotonic() + seconds

        def passed() -> bool:
            self.look()
            return time.monotonic() > ends

        until(passed, within=seconds + 60, what="some time has passed")

    def strike(self, chance: random.Random) -> None:
        """Kill a worker or an instance of a service, and start it again."""
        victims: list[tuple[str, Callable[[], None]]] = [
            *(("a worker", partial(_restart, worker)) for worker in self.workers),
            *(
                (f"an instance of `{name}`", partial(service.restart, number))
                for name, service in self.services.items()
                for number in range(len(service.plans))
            ),
        ]
        kind, strike = chance.choice(victims)
        strike()
        self.kills[kind] += 1

    def missing(self) -> dict[str, list[int]]:
        """By service, what it has not processed and should have."""
        found = {}
        for name, service in self.services.items():
            excused = {"vip": self.for_good, "all": self.hanging}.get(name, set())
            left = sorted(service.expected - service.seen - excused)
            if left:
                found[name] = left
        return found

    def until_done(self, *, within: float) -> None:
        """Wait until everything has been processed, or set aside, or skipped."""

        def done() -> bool:
            self.look()
            return not self.missing()

        until(
            done,
            within=within,
            what=lambda: f"all is processed; missing {[(n, len(m), m[:5]) for n, m in self.missing().items()]}",
            every=0.2,
        )
        until(lambda: len(self.letters()) >= len(self.for_good), within=60, what="the dead are set aside", every=0.5)
        for service in self.services.values():
            # Behind the last record there may be markers of transactions, which are nobody's to process.
            lasts = {
                partition: log[-1].offset + 1
                for partition, log in enumerate(self.stage.topics.read(service.topic))
                if log
            }
            until(
                partial(self._has_committed, service, lasts), within=60, what=f"{service.topic} is committed", every=0.5
            )

    def _has_committed(self, service: Consuming, lasts: dict[int, int]) -> bool:
        committed = self.stage.topics.committed(service.plans[0].group, service.topic)
        return all(committed.get(partition, 0) >= last for partition, last in lasts.items())

    def letters(self) -> list[Found]:
        """The dead letters of the first service."""
        return [letter for log in self.stage.read("@vip.event.v1.dead-letters") for letter in log]

    def assert_books(self) -> dict[str, tuple[int, int, int, int, int]]:
        """Of each service: in = processed + parked + dead + skipped, in each key's order; returns these, and repeats."""
        letters = self.letters()
        dead = [number_of(letter) for letter in letters]
        assert sorted(dead) == sorted(self.for_good)
        vip = self.services["vip"].topic
        assert {ledger_of(letter.headers).count(vip) for letter in letters} <= {3}
        books = {}
        for name, service in self.services.items():
            for key, found in service.processed.items():
                firsts = list(dict.fromkeys(found))
                assert firsts == sorted(firsts), f"{name}, {key}: {firsts}"
            assert not service.seen & (self.for_good if name == "vip" else set())
            assert service.seen <= service.expected
            skipped = self.hanging if name == "all" else set[int]()
            assert not service.seen & skipped
            parked = self._parked(service)
            assert parked == 0, name
            set_aside = len(self.for_good) if name == "vip" else 0
            assert len(service.expected) - len(service.seen) - parked - set_aside - len(skipped) == 0, name
            repeats = sum(map(len, service.processed.values())) - len(service.seen)
            books[name] = (len(service.expected), len(service.seen), set_aside, len(skipped), repeats)
        for name in ("all", "cold"):
            assert not any(self.stage.read(f"@{name}.event.v1.dead-letters"))
            assert not any(self.stage.read(f"@{name}.event.v1.rejected"))
        return books

    def _parked(self, service: Consuming) -> int:
        """How many keys a new consumer would find parked."""
        found = {}
        for log in self.stage.topics.read(f"{service.topic}.parked"):
            for mark in log:
                if mark.header("router-skips") is None:
                    found[mark.key] = mark.value
        return sum(value is not None for value in found.values())

    def end(self) -> None:
        """End the services well; workers end with the stage."""
        for service in self.services.values():
            for instance in service.instances:
                instance.stop(60)

    def discard(self) -> None:
        """End what is left."""
        for service in self.services.values():
            for instance in service.instances:
                instance.kill()


def number_of(letter: Found) -> int:
    """The number of an event."""
    return NUMBERS[letter.value or b""]


NUMBERS = {event(number, note=note_of(number)): number for number in range(100_000) if note_of(number)}


def _restart(worker: Worker) -> None:
    worker.kill()
    worker.start()


@contextmanager
def shop_on(stage: Stage, home: Path, *, events: int, workers: int) -> Iterator[Shop]:
    """Run a shop."""
    shop = Shop(stage, home, events=events, workers=workers)
    try:
        yield shop
    finally:
        shop.discard()


def test_killed_services_and_workers_lose_nothing_and_keep_order(stage: Stage, tmp_path: Path) -> None:
    """A share of the full size: every event is processed by all, but for the dead and the skipped, in each key's order."""
    chance = random.Random(7)
    with shop_on(stage, tmp_path, events=4_000, workers=1) as shop:
        for first in range(0, 4_000, 1_000):
            shop.feed(range(first, first + 1_000))
            shop.go_on(0.5)
            shop.strike(chance)
        shop.until_done(within=60)
        shop.assert_books()
        shop.end()


@pytest.mark.proof
def test_a_hundred_thousand_events_and_a_broker_that_dies(
    kafka_cluster: Callable[..., DevelopmentKafka], unique: str, tmp_path: Path, proof: Proof
) -> None:
    """Three brokers, two workers, three services of which one rejects 1 %, half of that for good; 24 kills, and a broker's."""
    kafka = kafka_cluster(brokers=3)
    stage = Stage(bootstrap=kafka.bootstrap, word=unique, home=tmp_path)
    chance = random.Random(20)
    events, rounds = 100_000, 24
    try:
        with shop_on(stage, tmp_path, events=events, workers=2) as shop:
            began = time.monotonic()
            for turn in range(rounds):
                shop.feed(range(turn * events // rounds, (turn + 1) * events // rounds))
                shop.go_on(chance.uniform(0.2, 3.0))
                shop.strike(chance)
                if turn == rounds // 2:
                    kafka.nodes[1].kill()
                    shop.go_on(5)
                    kafka.nodes[1].start()
            shop.until_done(within=600)
            took = time.monotonic() - began
            books = patiently(shop.assert_books)
            shop.end()
    finally:
        stage.end()
    lines = [
        f"{events:,} events of {KEYS} keys, three brokers, two workers, three services through `router.consumer`: two",
        "instances of `vip` and one of `all` over confluent-kafka, one of `cold` over aiokafka. 1 % of its records do not fit",
        "`vip`: half of these for good, the others until the second or third try. Some records hang `all`, and are skipped by a mark.",
        f"While the feed came in, {shop.kills.total()} kills (`kill -9`), by chance: {_told(shop.kills)}; and one broker,",
        f"which came back after 5 s; {sum(each.ended for each in shop.services.values())} instances ended by themselves,",
        "fenced by their own former lives, and were started again. The policy of `vip`: `{retry: [500ms, 1s], then: park, park-for: 2s, on-expiry: dead-letter}`.",
        "",
        "| service | events in | processed | parked | dead letters | skipped | balance | out of order | processed again |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {come:,} | {done:,} | 0 | {dead:,} | {skipped} | {come - done - dead - skipped} | 0 | {again:,} |"
            for name, (come, done, dead, skipped, again) in books.items()
        ),
        "",
        "*Processed again* is what a service had done and not committed when it was killed: it commits once in 0.2 s here. Of each",
        f"key, each event was first processed behind all before it. All of it took {took:.0f} s, on a machine with 2 cores.",
    ]
    proof.write("failure", "\n".join(lines))


def _told(kills: Counter[str]) -> str:
    return ", ".join(f"{count} of {kind}" for kind, count in sorted(kills.items()))
