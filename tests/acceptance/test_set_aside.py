"""What becomes of records that cannot go where they should: set aside with the reason, and nobody else is any worse off.

One run has all of them at once, among ordinary records, in small batches: what one test looks at is the others' noise.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from support.books import Place, assert_unchanged, balance
from support.stage import COLOURS, Stage, event
from support.topics import Found, Topics

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

ROUTES = """
version: 1
team: painters
exchanges:
  colours: {type: topic, sources: [@event.v1], routing-key: "{colour}"}
topics:
  @red.event.v1: {from: [{exchange: colours, binding-key: red}]}
  @small.event.v1: {from: [{exchange: colours, binding-key: blue}]}
  @compacted.event.v1: {from: [{exchange: colours, binding-key: green}]}
  @wide.event.v1: {partitions: 2, from: [{exchange: colours, binding-key: ["red", "green", "blue"]}]}
"""
TOPICS = {"red": {"red"}, "small": {"blue"}, "compacted": {"green"}, "wide": {"red", "green", "blue"}}
PARTITIONS = 3
EACH = 200
"""Ordinary records a partition, beside the peculiar ones."""

LOOPED = b"1;router;one;AAAAAAAAAAAAAAAAAAAAAA;1;1;00000000;"
PECULIAR: dict[str, dict[str, Any]] = {
    "truncated": {"key": b"a", "value": event(1, "red")[:1], "headers": [("trace", b"t-1"), ("nothing", None)]},
    "wrong enum": {"key": b"b", "value": b"\x02\x7e\x00"},
    "empty": {"key": b"c", "value": b""},
    "unroutable": {"key": b"d", "value": event(4, "grey"), "headers": [("trace", b"t-4")]},
    "too large": {"key": b"e", "value": event(5, "blue", "x" * 5_000), "headers": [("trace", b"t-5")]},
    # The first batch that a producer sends: a broker that knows nothing of the producer yet takes any second one.
    "too large at first": {"key": b"e", "value": event(2, "blue", "w" * 5_000)},
    "too large again": {"key": b"e", "value": event(6, "blue", "y" * 6_000)},
    "no key for a compacted topic": {"key": None, "value": event(7, "green")},
    "no key": {"key": None, "value": event(8, "red")},
    "too many hops": {"key": b"i", "value": event(9, "red"), "headers": [("router-hop", LOOPED)] * 16},
    "fifteen hops": {"key": b"j", "value": event(10, "red"), "headers": [("router-hop", LOOPED)] * 15},
    "tombstone": {"key": b"k", "value": None},
}
AT = {name: 60 + 11 * number for number, name in enumerate(PECULIAR)} | {"too large at first": 2}
"""Their offsets, the same in each partition."""

DEAD = {
    "truncated": b"unreadable",
    "wrong enum": b"unreadable",
    "empty": b"unreadable",
    "too large": b"too-large",
    "too large at first": b"too-large",
    "too large again": b"too-large",
    "no key for a compacted topic": b"refused",
    "too many hops": b"too-many-hops",
}


@dataclass
class Aftermath:
    """All that lies in the topics after the run."""

    originals: dict[Place, Found]
    wanted: dict[str, set[Place]]
    content: dict[str, list[list[Found]]]
    logs: str
    by_origin: dict[str, dict[Place, Found]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for topic, partitions in self.content.items():
            self.by_origin[topic] = {copy.origin: copy for found in partitions for copy in found}

    def places(self, *names: str) -> set[Place]:
        """Where the peculiar records of these names lie."""
        return {(partition, AT[name]) for partition in range(PARTITIONS) for name in names}

    def copies(self, topic: str, name: str) -> list[Found]:
        """The copies of a peculiar record in a topic."""
        return [self.by_origin[topic][place] for place in sorted(self.places(name))]


@pytest.fixture(scope="module")
def aftermath(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    """Route everything once."""
    home: Path = tmp_path_factory.mktemp("set-aside")
    stage = Stage(bootstrap=kafka, word=f"t{secrets.token_hex(4)}", home=home)
    stage.routes(painters=ROUTES)
    stage.create("@event.v1", "@red.event.v1", "@event.v1.unroutable", "@event.v1.dead-letters", partitions=PARTITIONS)
    stage.create("@small.event.v1", partitions=PARTITIONS, max_message_bytes="2500")
    stage.create("@compacted.event.v1", partitions=PARTITIONS, cleanup_policy="compact")
    stage.create("@wide.event.v1", partitions=2)
    wanted = produce(stage)
    worker = stage.worker(fetch_records="7")
    try:
        worker.until_ready(lanes=PARTITIONS)
        stage.until_routed()
        topics = {name: f"@{name}.event.v1" for name in TOPICS}
        topics |= {"dead": "@event.v1.dead-letters", "unroutable": "@event.v1.unroutable"}
        originals = {(each.partition, each.offset): each for found in stage.read("@event.v1") for each in found}
        content = {name: stage.read(topic) for name, topic in topics.items()}
        yield Aftermath(originals, wanted, content, worker.text())
    finally:
        stage.end()


def produce(stage: Stage) -> dict[str, set[Place]]:
    """Fill the source; returns what each topic should get."""
    wanted: dict[str, set[Place]] = {name: set() for name in (*TOPICS, "dead", "unroutable")}
    peculiar = {at: name for name, at in AT.items()}
    records = []
    for partition in range(PARTITIONS):
        for offset in range(EACH):
            name = peculiar.get(offset)
            colour = COLOURS[offset % 3]
            record = PECULIAR[name] if name else {"key": f"key-{offset % 17}", "value": event(offset, colour)}
            records.append({"topic": stage.name("@event.v1"), "partition": partition, **record})
            for topic in destinations(name, colour):
                wanted[topic].add((partition, offset))
    stage.topics.produce(records)
    return wanted


def destinations(name: str | None, colour: str) -> set[str]:
    """Where one record should go."""
    if name is None:
        return {topic for topic, colours in TOPICS.items() if colour in colours}
    return {
        "too large": {"wide", "dead"},
        "too large at first": {"wide", "dead"},
        "too large again": {"wide", "dead"},
        "no key for a compacted topic": {"wide", "dead"},
        "no key": {"red", "wide"},
        "fifteen hops": {"red", "wide"},
        "tombstone": set(TOPICS),
        "unroutable": {"unroutable"},
    }.get(name, {"dead"})


@pytest.mark.parametrize("topic", [*TOPICS, "unroutable"])
def test_every_topic_gets_what_it_should_in_order(aftermath: Aftermath, topic: str) -> None:
    """Peculiar records neither cost their neighbours a copy nor let them overtake each other."""
    balance(aftermath.wanted[topic], aftermath.content[topic]).assert_whole(topic)


def test_every_dead_letter_is_there(aftermath: Aftermath) -> None:
    """In no promised order: that a broker refuses a copy is known only after later records were set aside."""
    books = balance(aftermath.wanted["dead"], aftermath.content["dead"])
    assert (books.missing, books.strangers) == ([], [])


@pytest.mark.parametrize("topic", [*TOPICS, "dead", "unroutable"])
def test_bytes_headers_and_times_are_kept(aftermath: Aftermath, topic: str) -> None:
    """A copy is its original with headers added, wherever it ends."""
    assert_unchanged(aftermath.originals, aftermath.content[topic])


@pytest.mark.parametrize("name", DEAD)
def test_dead_letters_give_their_reason(aftermath: Aftermath, name: str) -> None:
    """Programs read the reason as a slug, people as a sentence."""
    for copy in aftermath.copies("dead", name):
        assert copy.header("router-reason") == DEAD[name]
        assert copy.header("router-error")


@pytest.mark.parametrize(
    ("name", "place"),
    [("truncated", b"value:colour@1"), ("wrong enum", b"value:colour@1"), ("empty", b"value:number@0")],
)
def test_unreadable_records_name_the_place(aftermath: Aftermath, name: str, place: bytes) -> None:
    """The field that was being read and the byte at which reading failed."""
    for copy in aftermath.copies("dead", name):
        found = copy.header("router-place")
        assert found is not None
        # The reader may name the byte after what it read, or the one that it began at.
        assert found.partition(b"@")[0] in {place.partition(b"@")[0], b"value:colour", b"value"}


@pytest.mark.parametrize(("name", "topic"), [("too large", "small"), ("no key for a compacted topic", "compacted")])
def test_a_refused_copy_names_its_destination(aftermath: Aftermath, name: str, topic: str) -> None:
    """The dead letter says whose copy it was, since other destinations have theirs."""
    for copy in aftermath.copies("dead", name):
        assert (copy.header("router-destination") or b"").endswith(f"{topic}.event.v1".encode())


def test_unroutable_records_name_the_exchanges(aftermath: Aftermath) -> None:
    """What matched nothing says where it was tried."""
    for copy in aftermath.copies("unroutable", "unroutable"):
        assert copy.header("router-reason") == b"unroutable"
        assert copy.header("router-exchanges") == b"colours"


def test_records_without_a_key_keep_their_partition(aftermath: Aftermath) -> None:
    """Modulo the destination's count where it has another."""
    for copy in aftermath.copies("red", "no key"):
        assert copy.partition == copy.origin[0]
    for copy in aftermath.copies("wide", "no key"):
        assert copy.partition == copy.origin[0] % 2


def test_equally_wide_topics_keep_the_partition(aftermath: Aftermath) -> None:
    """Whatever the key."""
    for topic in ("red", "small", "compacted", "dead", "unroutable"):
        for copy in aftermath.by_origin[topic].values():
            assert copy.partition == copy.origin[0], topic


def test_other_widths_partition_as_java_clients_do(aftermath: Aftermath, kafka: str, unique: str) -> None:
    """The partition of a key is the one that librdkafka's murmur2 partitioner chooses."""
    topics = Topics(kafka)
    topics.create(unique, partitions=2)
    keys = {copy.key for copy in aftermath.by_origin["wide"].values() if copy.key is not None}
    assert len(keys) > 10
    topics.produce(({"topic": unique, "key": key, "value": b""} for key in keys), partitioner="murmur2_random")
    chosen = {copy.key: copy.partition for found in topics.read(unique) for copy in found}
    routed = {copy.key: copy.partition for copy in aftermath.by_origin["wide"].values() if copy.key is not None}
    assert routed == chosen


def test_tombstones_reach_every_topic(aftermath: Aftermath) -> None:
    """A compacted narrow topic must see a key's end."""
    for topic in TOPICS:
        for copy in aftermath.copies(topic, "tombstone"):
            assert copy.value is None


def test_no_traceback_is_logged(aftermath: Aftermath) -> None:
    """Bad records are no surprise to the worker."""
    assert "Traceback" not in aftermath.logs
    assert '"reason":"unexpected"' not in aftermath.logs
