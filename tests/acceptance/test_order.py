"""Real orders, put in sequence by real workers: each topic gets of each order what a single undisturbed run would give it."""

from __future__ import annotations

import json
import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from support.proof import Proof
from support.real_events import PARTITIONS, SCHEMA, needs_events, rows, source_record
from support.stage import Stage
from support.waiting import until
from support.worker import Worker

from router.language.topics import changelog_of
from router.testing import RouterDouble

pytestmark = [pytest.mark.process, needs_events]

ROUTES = """
version: 1
team: shop
exchanges:
  orders:
    type: topic
    sources: [@order.status.v1]
    key: order_id
    routing-key: "{customer.state}.{status}"
    order: {by: order_id, sequence: sequence, wait: WAIT, forget-after: forever}
    alternate: {topic: @elsewhere.order.status.v1}
topics:
  @all.order.status.v1: {from: [{exchange: orders}]}
  @ended.order.status.v1: {from: [{exchange: orders, binding-key: ["*.delivered", "*.canceled", "*.unavailable"]}]}
  @south.order.status.v1: {from: [{exchange: orders, binding-key: ["RS.#", "SC.#", "PR.*"]}]}
  @now.order.status.v1: {ordered: false, from: [{exchange: orders}]}
"""
SOURCE = "@order.status.v1"
DEAD = "@order.status.v1.dead-letters"
ORDERED = ("@all.order.status.v1", "@ended.order.status.v1", "@south.order.status.v1")
TOPICS = (*ORDERED, "@now.order.status.v1", "@elsewhere.order.status.v1", "@order.status.v1.unroutable", DEAD)

Copy = tuple[bytes | None, int, tuple[tuple[str, bytes | None], ...]]
"""A copy's value, timestamp and headers, without the hop, which tells who was at work and when."""
ByKey = dict[tuple[str, bytes | None], list[Copy]]


@dataclass(frozen=True)
class Arrival:
    """How the feed comes: shuffled within windows, some of it twice, some of it not at all."""

    window: int = 1
    twice: float = 0.0
    lost: float = 0.0

    def arranged(self, lines: Sequence[dict[str, str]], chance: random.Random) -> list[dict[str, str]]:
        """The lines as they come."""
        coming = [line for line in lines if chance.random() >= self.lost]
        coming += [line for line in coming if chance.random() < self.twice]
        # What comes again does so within the next thousand.
        coming = [line for _, line in sorted(_placed(coming, chance), key=lambda each: each[0])]
        arranged = []
        for first in range(0, len(coming), self.window):
            window = coming[first : first + self.window]
            chance.shuffle(window)
            arranged += window
        return arranged

    @property
    def title(self) -> str:
        """A heading."""
        return f"shuffled within windows of {self.window:,}" if self.window > 1 else "as recorded"

    def told(self, lines: Sequence[dict[str, str]]) -> str:
        """What came, in a clause."""
        came = f"{len(lines):,} events of {len({line['order_id'] for line in lines}):,} orders, {self.title}"
        return came if self.window == 1 else f"{came}, {self.twice:.0%} of them twice and {self.lost:.0%} lost"


def _placed(coming: Sequence[dict[str, str]], chance: random.Random) -> Iterator[tuple[float, dict[str, str]]]:
    first: dict[int, int] = {}
    for at, line in enumerate(coming):
        again = id(line) in first
        before = first.setdefault(id(line), at)
        yield before + chance.uniform(0.5, 1_000.0) if again else float(before), line


class Shop:
    """The shop's topics and routes on a real Kafka, and what came to them."""

    def __init__(self, stage: Stage, *, wait: int = 3) -> None:
        """`wait` is how many seconds records wait for what is missing."""
        self.stage = stage
        self.wait = wait
        self.routes = ROUTES.replace("WAIT", f"{wait}s")
        self.changelog = changelog_of(stage.group, stage.name(SOURCE))
        stage.schema("order.status", SCHEMA)
        stage.routes(shop=self.routes)
        stage.create(SOURCE, *TOPICS, partitions=PARTITIONS, retention_ms="-1")
        stage.topics.create(
            self.changelog, partitions=PARTITIONS, cleanup_policy="compact", delete_retention_ms="604800000"
        )

    def produce(self, lines: Sequence[dict[str, str]]) -> None:
        """Produce these lines."""
        name = self.stage.name(SOURCE)
        self.stage.topics.produce({"topic": name, **source_record(line)} for line in lines)

    def worker(self, **settings: str) -> Worker:
        """A worker of the shop, started."""
        return self.stage.worker(**({"standbys": "0"} | settings))

    def until_done(self, workers: Sequence[Worker], *, within: float = 60.0) -> None:
        """Wait until everything is routed, and nothing is held any more."""
        self.stage.until_routed(SOURCE, within=within)
        until(lambda: not self._held(), within=within, what=lambda: f"nothing is held; {workers[0].tail()}", every=0.5)

    def _held(self) -> int:
        return sum(1 for key in self.table() if key.startswith(b"r"))

    def table(self) -> dict[bytes, bytes]:
        """All entries of all partitions, as the changelog tells them."""
        entries: dict[bytes, bytes] = {}
        for partition, changes in enumerate(self.stage.topics.read(self.changelog)):
            for change in changes:
                place = _of_partition(change.key or b"", partition)
                entries.pop(place, None)
                if change.value is not None:
                    entries[place] = change.value
        return entries

    def copies(self, topics: Sequence[str] = TOPICS) -> ByKey:
        """What each topic holds of each order."""
        found: ByKey = defaultdict(list)
        for topic in topics:
            for copies in self.stage.read(topic):
                for copy in copies:
                    found[topic, copy.key].append((copy.value, copy.timestamp, without_hop(copy.headers)))
        return found

    def undisturbed(self) -> tuple[ByKey, dict[bytes, bytes]]:
        """What one worker in memory makes of the same log without any trouble: copies and table."""
        name = self.stage.name
        schema = {"order.status/v1.avsc": json.dumps(SCHEMA)}
        with RouterDouble({"shop.yaml": name(self.routes)}, schema, partitions=PARTITIONS) as double:
            for log in self.stage.read(SOURCE):
                for record in log:
                    double.broker.publish(
                        name(SOURCE),
                        key=record.key,
                        value=record.value,
                        headers=record.headers,
                        timestamp=record.timestamp,
                        partition=record.partition,
                    )
            double.carry(within=600)
            double.clock.advance(2 * self.wait)
            double.carry(within=600)
            found: ByKey = defaultdict(list)
            for topic in TOPICS:
                for copy in double.broker.records(name(topic)):
                    found[topic, copy.key].append((copy.value, copy.timestamp, without_hop(copy.headers)))
            entries: dict[bytes, bytes] = {}
            for change in double.broker.records(changelog_of("router", name(SOURCE))):
                place = _of_partition(change.key or b"", change.partition)
                entries.pop(place, None)
                if change.value is not None:
                    entries[place] = change.value
        return found, entries


def _of_partition(key: bytes, partition: int) -> bytes:
    """An entry's key, told apart where each partition has one of its own."""
    return b"%b of %d" % (key, partition) if key == b"l" else key


def without_hop(headers: Sequence[tuple[str, bytes | None]]) -> tuple[tuple[str, bytes | None], ...]:
    """All headers but the one that tells who was at work, and when."""
    return tuple(header for header in headers if header[0] != "router-hop")


def numbers(copies: list[Copy]) -> list[int]:
    """The numbers that an order's copies carry."""
    return [int(dict(headers)["sequence"] or b"") for _, _, headers in copies]


def expect_in_sequence(copies: ByKey, lines: Sequence[dict[str, str]]) -> None:
    """Of every order, each number that came, once and in sequence; checked against the file alone."""
    came: dict[bytes, set[int]] = defaultdict(set)
    for line in lines:
        came[line["order_id"].encode()].add(int(line["sequence"]))
    everything = {key: numbers(found) for (topic, key), found in copies.items() if topic == ORDERED[0]}
    assert everything == {key: sorted(numbers) for key, numbers in came.items()}
    for (topic, key), found in copies.items():
        if topic in ORDERED:
            assert numbers(found) == sorted(set(numbers(found))), (topic, key)


def expect_as_undisturbed(shop: Shop, copies: ByKey) -> None:
    """Each topic's copies of each order, and the tables, byte for byte."""
    expected, table = shop.undisturbed()
    assert copies.keys() == expected.keys()
    different = [place for place, found in copies.items() if found != expected[place]]
    assert not different, (len(different), different[0], copies[different[0]], expected[different[0]])
    assert shop.table() == table


def test_orders_that_were_recorded_out_of_order_come_out_in_sequence(stage: Stage) -> None:
    """All 9,999, none of 39,647 events missing, none twice, each topic as in an undisturbed run."""
    routed = routed_by_one(stage, Arrival(), rows())
    out_of_order = {
        key
        for (topic, key), found in routed.copies.items()
        if topic == "@now.order.status.v1" and numbers(found) != sorted(numbers(found))
    }
    assert len(out_of_order) == 154
    assert routed.held >= 154


SHUFFLED = [Arrival(2, 0.01, 0.01), Arrival(50, 0.01, 0.01), Arrival(5_000, 0.01, 0.01)]
SHARE = 13_000
"""How many of the events a shuffled feed has where the time is short; the proofs take all."""


def _windows(arrival: Arrival) -> str:
    return f"windows-of-{arrival.window}" if arrival.window > 1 else "as-recorded"


@pytest.mark.parametrize("arrival", SHUFFLED, ids=_windows)
def test_shuffled_orders_come_out_in_sequence(stage: Stage, arrival: Arrival) -> None:
    """With one in a hundred twice and one in a hundred lost: what is missing holds up its order for the wait, and no other."""
    routed = routed_by_one(stage, arrival, rows()[:SHARE])
    assert routed.gaps > 30
    assert routed.duplicates > 50


def test_workers_that_are_killed_change_nothing(stage: Stage) -> None:
    """Three workers, one of them killed every few seconds, over a feed that is shuffled, doubled and thinned out."""
    shop = Shop(stage, wait=25)
    lines = Arrival(50, 0.01, 0.01).arranged(rows()[:SHARE], random.Random(9))
    kills = killed_all_along(shop, lines, kills=5, every=2.5)
    assert kills == 5
    copies = shop.copies()
    expect_in_sequence(copies, lines)
    expect_as_undisturbed(shop, copies)


@pytest.mark.proof
@pytest.mark.parametrize("arrival", [Arrival(), *SHUFFLED], ids=_windows)
def test_all_orders_come_out_in_sequence(stage: Stage, arrival: Arrival, proof: Proof) -> None:
    """The whole feed, as it was recorded, and shuffled, doubled and thinned out, by one worker that nobody disturbs."""
    routed = routed_by_one(stage, arrival, rows())
    text = (
        f"{arrival.told(routed.lines)}. One worker held {routed.held:,} of them until what was missing had come or the wait "
        f"was over, gave up {routed.gaps:,} gaps and dropped {routed.duplicates:,} duplicates. Checked against the file: of "
        "every order, each number that came is there once, and in sequence. "
        f"{_compared(routed.shop, routed.copies)}."
    )
    proof.section("order", HEAD, arrival.title, text)


@pytest.mark.proof
@pytest.mark.parametrize("arrival", SHUFFLED, ids=_windows)
def test_workers_that_are_killed_twenty_times_change_nothing(stage: Stage, arrival: Arrival, proof: Proof) -> None:
    """Three workers with standbys, one of them killed every few seconds, more than twenty times."""
    shop = Shop(stage, wait=60)
    lines = arrival.arranged(rows(), random.Random(arrival.window))
    kills = killed_all_along(shop, lines, kills=21, every=2.0, standbys="1")
    assert kills >= 20
    copies = shop.copies()
    expect_in_sequence(copies, lines)
    expect_as_undisturbed(shop, copies)
    text = (
        f"{arrival.told(lines)}. 3 workers, each partition with a standby; {kills} times one of them, by chance, was killed "
        "(`kill -9`) and started again, 2 seconds apart on average, while the feed came in. Checked against the file as "
        f"above. {_compared(shop, copies)}."
    )
    proof.section("order", HEAD, f"{arrival.title}, with kills", text)


HEAD = """\
Real order-status events, put in sequence for every order by `order: {by: order_id, sequence: sequence}`, through a real
Kafka. What comes out, and what the tables keep, must equal what one worker in memory makes of the same log without any
trouble. A share of it runs in `make test`."""


def _compared(shop: Shop, copies: ByKey) -> str:
    return (
        f"{sum(map(len, copies.values())):,} records in {len(TOPICS)} topics and {len(shop.table()):,} entries of tables: for "
        "each order the same as of one run without trouble, byte for byte but for the hop header, which says who was at work "
        "and when"
    )


@dataclass(frozen=True)
class Routed:
    """What one worker made of a feed."""

    shop: Shop
    lines: Sequence[dict[str, str]]
    copies: ByKey
    held: int
    gaps: int
    duplicates: int


def routed_by_one(stage: Stage, arrival: Arrival, lines: Sequence[dict[str, str]]) -> Routed:
    """Let one worker put a feed in sequence; checks what came out."""
    shop = Shop(stage)
    lines = arrival.arranged(lines, random.Random(arrival.window))
    shop.produce(lines)
    worker = shop.worker().until_ready(lanes=PARTITIONS)
    shop.until_done([worker])
    copies = shop.copies()
    expect_in_sequence(copies, lines)
    expect_as_undisturbed(shop, copies)

    def counted(name: str) -> int:
        return int(worker.metric(f"router_order_{name}_total") or 0)

    routed = Routed(shop, lines, copies, counted("held"), counted("gaps"), counted("duplicates"))
    assert worker.terminate() == 0
    return routed


def killed_all_along(shop: Shop, lines: Sequence[dict[str, str]], *, kills: int, every: float, **settings: str) -> int:
    """Feed the lines evenly while workers are killed at random and started anew; returns how many were.

    Some orders were recorded over most of the file, so that no wait may be over before all of it has come.
    """
    chance = random.Random(len(lines) + kills)
    workers = [shop.worker(**settings) for _ in range(3)]
    for worker in workers:
        worker.until_ready(lanes=0)
    killed, began = 0, time.monotonic()
    part = -(-len(lines) // (kills + 1))
    for number, first in enumerate(range(0, len(lines), part)):
        shop.produce(lines[first : first + part])
        moment = began + every * (number + chance.uniform(0.5, 1.5))
        until(lambda moment=moment: time.monotonic() >= moment, within=3 * every, what="some time has passed")
        if killed < kills:
            victim = chance.choice(workers)
            victim.kill()
            killed += 1
            victim.start()
    assert time.monotonic() - began < shop.wait, (
        "the feed took longer than records wait: the machine is too busy for it"
    )
    shop.until_done(workers, within=240)
    for worker in workers:
        assert worker.terminate(within=10) == 0
    return killed
