"""Two broad topics whose records have other keys than what they are ordered by, put in one order by real workers."""

from __future__ import annotations

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import fastavro
import pytest
from click.testing import CliRunner
from support.rejecting import RejectingConsumer
from support.stage import Stage, encode
from support.topics import Found
from support.waiting import until

from router.commands import main
from router.language.load import load_routes
from router.language.repartition import with_internal_topics
from router.language.topics import TopicRole, plan_topics
from router.records.catalogue import Catalogue
from router.records.headers import hops
from router.records.record import PlainRecord

pytestmark = pytest.mark.process

STATUS = {
    "type": "record",
    "name": "Status",
    "fields": [
        {"name": "order_id", "type": ["null", "string"]},
        {"name": "number", "type": "long"},
        {"name": "status", "type": "string"},
    ],
}
PAYMENT = {
    "type": "record",
    "name": "Payment",
    "fields": [
        {"name": "amount", "type": "long"},
        {"name": "number", "type": "long"},
        {"name": "order_id", "type": ["null", "string"]},
    ],
}
ROUTES = """
version: 1
team: shop
exchanges:
  orders:
    type: topic
    sources: [@status.v1, @payment.v1]
    routing-key: "{topic}"
    order: {by: order_id, sequence: number, wait: 60s, forget-after: forever, repartition: true}
topics:
  @status.v1: {partitions: 4}
  @payment.v1: {partitions: 2}
  @all: {format: avro, from: [{exchange: orders}]}
  @wide: {format: avro, partitions: 3, from: [{exchange: orders}]}
  @now: {format: avro, ordered: false, from: [{exchange: orders}]}
"""
SOURCES = {"@status.v1": 4, "@payment.v1": 2}
ORDERED = ("@all", "@wide")


@dataclass(frozen=True, slots=True)
class Event:
    """What is produced; `number` counts within its order, over both sources."""

    topic: str
    order: str | None
    number: int
    key: bytes | None
    value: bytes
    timestamp: int
    headers: tuple[tuple[str, bytes], ...]


def events(chance: random.Random, *, orders: int, keyed: bool = False) -> list[Event]:
    """Of each order, in sequence, some numbers from this source and some from that; keyed by anything but the order, or by it."""
    status, payment = fastavro.parse_schema(STATUS), fastavro.parse_schema(PAYMENT)
    made = []
    now = int(time.time() * 1000)
    for number in range(1, 9):
        for name in range(orders):
            order = f"order-{name}"
            paid = chance.random() < 0.4
            value = (
                encode(payment, {"amount": name, "number": number, "order_id": order})
                if paid
                else encode(status, {"order_id": order, "number": number, "status": "on its way"})
            )
            made.append(
                Event(
                    "@payment.v1" if paid else "@status.v1",
                    order,
                    number,
                    order.encode() if keyed else chance.choice([None, b"", b"customer-%d" % chance.randrange(50)]),
                    value,
                    now - chance.randrange(100_000),
                    (("what", b"%d of %s" % (number, order.encode())),),
                )
            )
    return made


def nobodys() -> Event:
    """Return an event of no order."""
    value = encode(fastavro.parse_schema(STATUS), {"order_id": None, "number": 1, "status": "lost"})
    return Event("@status.v1", None, 1, b"x", value, int(time.time() * 1000), ())


def produce(stage: Stage, arriving: Sequence[Event]) -> None:
    """Produce these, one after the other."""
    stage.topics.produce(
        {
            "topic": stage.name(each.topic), "key": each.key, "value": each.value, "timestamp": each.timestamp,
            "headers": list(each.headers),
        }
        for each in arriving
    )  # fmt: skip


def prepare(stage: Stage, routes: str = ROUTES) -> str:
    """Make all topics as they are planned; gives the internal one."""
    stage.schema("status", STATUS)
    stage.schema("payment", PAYMENT)
    stage.routes(shop=routes)
    texts = {"status/v1.avsc": json.dumps(STATUS), "payment/v1.avsc": json.dumps(PAYMENT)}
    route_set, findings = load_routes({"shop.yaml": stage.name(routes)}, Catalogue.from_texts(texts))
    assert route_set is not None, findings
    named = with_internal_topics(route_set, stage.group)
    internal = ""
    for plan in plan_topics(named, default_partitions=4, replication=-1, group=stage.group):
        config = {name.replace(".", "_"): value for name, value in plan.config.items()}
        stage.topics.create(plan.name, partitions=plan.partitions, **config)
        internal = plan.name if plan.role is TopicRole.REPARTITION else internal
    return internal


def numbers(copies: Sequence[Found]) -> dict[bytes, list[int]]:
    """The numbers of each order, as they lie in one partition."""
    found: dict[bytes, list[int]] = defaultdict(list)
    for copy in copies:
        number, order = (copy.header("what") or b"").split(b" of ")
        found[order].append(int(number))
    return found


def as_produced(found: Sequence[Found]) -> Counter[tuple[object, ...]]:
    """Records without what the router adds."""
    return Counter((each.key, each.value, each.timestamp, each.own_headers) for each in found)


def test_two_sources_come_out_in_one_order_whatever_their_keys_and_through_kills(stage: Stage) -> None:
    """Each order's events once and in sequence, in one partition, as they were produced; the books balance."""
    internal = prepare(stage)
    chance = random.Random(7)
    made = events(chance, orders=300)
    arriving = [
        each
        for first in range(0, len(made), 400)
        for each in chance.sample(made[first : first + 400], len(made[first : first + 400]))
    ]
    arriving.insert(500, nobodys())
    workers = [stage.worker(standbys="0") for _ in range(2)]
    for worker in workers:
        worker.until_ready(lanes=1)
    part = -(-len(arriving) // 4)
    for round_, first in enumerate(range(0, len(arriving), part)):
        produce(stage, arriving[first : first + part])
        if round_ in {1, 2}:
            # In the middle of it: what was produced is on its way through.
            victim = workers[round_ - 1]
            victim.kill()
            victim.start()
    stage.until_routed(*SOURCES, within=120)
    until(
        lambda: not stage.topics.behind(stage.group, internal),
        within=120,
        what=lambda: f"all of the internal topic is routed; {workers[0].tail()}",
    )
    owned = {(each.key, each.value, each.timestamp, each.headers) for each in arriving if each.order is not None}
    assert len(owned) == len(made)

    def come() -> int:
        return sum(map(len, stage.read("@all")))

    until(lambda: come() == len(made), within=60, what=lambda: f"{come()} of {len(made)} come out", every=0.5)
    sources = {
        (stage.name(topic), each.partition, each.offset): (each.key, each.value, each.timestamp, each.headers)
        for topic in SOURCES
        for log in stage.read(topic)
        for each in log
    }
    for topic in ORDERED:
        logs = stage.read(topic)
        found: dict[bytes, list[int]] = {}
        for log in logs:
            here = numbers(log)
            assert not here.keys() & found.keys(), "an order lies in two partitions"
            found |= here
        assert found == {b"order-%d" % name: list(range(1, 9)) for name in range(300)}
        copies = [copy for log in logs for copy in log]
        assert as_produced(copies) == Counter(dict.fromkeys(owned, 1))
        for copy in copies:
            origins = [value for name, value in copy.headers if name == "router-origin"]
            source, partition, offset = (origins[0] or b"").decode().split("/")
            expected = (copy.key, copy.value, copy.timestamp, copy.own_headers)
            assert sources[source, int(partition), int(offset)] == expected
            assert (origins[1] or b"").startswith(internal.encode())
            assert len(hops(copy.headers)) == 2
            assert {name for name, _ in copy.headers if name.startswith("router-")} == {"router-origin", "router-hop"}
    now = [copy for log in stage.read("@now") for copy in log]
    assert len(now) == len(arriving)
    assert all(len(hops(copy.headers)) == 1 for copy in now)
    dead = [copy for log in stage.read("@status.v1.dead-letters") for copy in log]
    assert [copy.header("router-reason") for copy in dead] == [b"order-unknown"]
    for topic in (f"{internal}.dead-letters", f"{internal}.unroutable", stage.name("@payment.v1.dead-letters")):
        assert not any(stage.topics.read(topic))
    for worker in workers:
        assert worker.terminate(within=10) == 0


def run(stage: Stage, *arguments: str) -> str:
    """Run a command; what it says."""
    environ = {
        "ROUTER_BROKER": stage.bootstrap,
        "ROUTER_GROUP": stage.group,
        "ROUTER_ROUTES": str(stage.home / "routes"),
        "ROUTER_SCHEMAS": str(stage.home / "schemas"),
    }
    done = CliRunner().invoke(main, arguments, env=environ, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


REJECTING = """
version: 1
team: shop
exchanges:
  orders:
    type: fanout
    sources: [@status.v1, @payment.v1]
    key: order_id
    order: {by: order_id, sequence: number, wait: 60s, forget-after: forever, repartition: true}
topics:
  @status.v1: {partitions: 4}
  @payment.v1: {partitions: 2}
  @all: {format: avro, failure: {retry: [300ms], then: dead-letter}, from: [{exchange: orders}]}
  @wide: {format: avro, partitions: 3, from: [{exchange: orders}]}
"""


def test_what_a_consumer_of_two_sources_rejects_is_retried_and_its_key_waits(stage: Stage) -> None:
    """By the lane of the internal topic, through the death of its worker: each order in sequence, but for what fails for good."""
    prepare(stage, REJECTING)
    chance = random.Random(11)
    made = events(chance, orders=40, keyed=True)
    about = {each.value: (each.key or b"", each.number) for each in made}
    assert len(about) == len(made), "values tell events apart"
    names = {each.key or b"": int((each.order or "").removeprefix("order-")) for each in made}
    once = {value for value, (key, number) in about.items() if names[key] % 5 == 1 and number in {2, 3}}
    for_good = {value for value, (key, number) in about.items() if names[key] % 5 == 2 and number == 4}
    failed = Counter[bytes]()

    def fails(record: PlainRecord) -> bool:
        value = record.value or b""
        failed[value] += 1
        return value in for_good or (value in once and failed[value] == 1)

    worker = stage.worker(standbys="0").until_ready(lanes=1)
    consumer = RejectingConsumer(stage.bootstrap, stage.name("@all"), partitions=4, fails=fails)
    half = len(made) // 2
    produce(stage, made[:half])
    until(lambda: consumer.turn() >= 0 and len(failed) > half // 2, within=60, what="it reads", every=0.01)
    assert any(failed.values())
    worker.kill()
    worker.start()
    produce(stage, made[half:])

    def processed() -> dict[bytes, list[int]]:
        consumer.turn()
        found: dict[bytes, list[int]] = defaultdict(list)
        for each in consumer.looked_at:
            if not each.failed:
                key, number = about[each.value or b""]
                found[key].append(number)
        return found

    wanted = {key: [number for number in range(1, 9) if name % 5 != 2 or number != 4] for key, name in names.items()}
    until(
        lambda: sum(map(len, processed().values())) >= len(made) - len(for_good),
        within=90,
        what="all have come",
        every=0.01,
    )
    assert processed() == wanted
    letters = [copy for log in stage.read("@all.dead-letters") for copy in log]
    assert {copy.value for copy in letters} == for_good
    assert len(letters) == len(for_good)

    # Sent again, they go by the lanes of the internal topic as well.
    for_good.clear()
    run(stage, "dead-letters", "redrive", stage.name("@all"), "--yes", "--author", "a test", "--reason", "to see it")
    until(lambda: sum(map(len, processed().values())) >= len(made), within=60, what="all have come", every=0.01)
    assert {key: sorted(found) for key, found in processed().items()} == {key: list(range(1, 9)) for key in names}
    consumer.end()
    # What was retried lies with all that is its key's.
    for log in stage.read("@all"):
        for key in {copy.key for copy in log if copy.value is not None}:
            assert not any(copy.key == key for other in stage.read("@all") if other != log for copy in other)
    assert {key: found for log in stage.read("@wide") for key, found in numbers(log).items()} == {
        key: list(range(1, 9)) for key in names
    }


def test_a_key_of_two_sources_that_is_parked_is_listed_and_let_go(stage: Stage) -> None:
    """It waits in the lane of the internal topic, with all that follows of it, and flows on in order."""
    prepare(stage, REJECTING.replace("retry: [300ms], then: dead-letter", "retry: [], then: park"))
    made = events(random.Random(3), orders=5, keyed=True)
    about = {each.value: (each.key or b"", each.number) for each in made}
    bad = {value for value, (key, number) in about.items() if (key, number) == (b"order-1", 3)}
    stage.worker(standbys="0").until_ready(lanes=4)
    topic = stage.name("@all")
    consumer = RejectingConsumer(stage.bootstrap, topic, partitions=4, fails=lambda record: record.value in bad)
    produce(stage, made)

    def processed() -> list[int]:
        consumer.turn()
        return [
            about[each.value or b""][1] for each in consumer.looked_at if each.key == b"order-1" and not each.failed
        ]

    def listed() -> list[dict[str, object]]:
        consumer.turn()
        return [
            json.loads(line) for line in run(stage, "parked", "list", topic, "--json").splitlines() if line[:1] == "{"
        ]

    until(lambda: [each["key"] for each in listed()] == ["order-1"], within=60, what="it is parked", every=0.1)
    assert processed() == [1, 2]
    bad.clear()
    run(stage, "parked", "release", topic, "--key", "order-1", "--yes", "--author", "a test", "--reason", "mended")
    until(lambda: processed() == list(range(1, 9)), within=60, what=lambda: f"it flows: {processed()}", every=0.01)
    consumer.end()
