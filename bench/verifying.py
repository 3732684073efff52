"""Whether a contender delivered what the job asks for: the same copies in the same topics, byte for byte.

Of every copy we take a hash over key, value and the two original headers; a topic's content is the number of its copies and
the sum of their hashes, in any order. A contender that was stopped early is held to what it has committed: of the records up
to there nothing may be missing, and what it delivered beyond must be right, copy by copy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from bench.contender import Run
from bench.errors import WrongCopies
from bench.job import DESTINATIONS, SHOPS, Order, Shape, decode, of_shop
from router.records.headers import HOP, ORIGIN

__all__ = ["Delivered", "Expected", "verify"]

_REPORT_EVERY = 10_000

Headers = Sequence[tuple[str, bytes]]


def fingerprint(key: bytes, value: bytes, headers: Headers) -> int:
    """Of what must arrive unchanged; only comparable within this process."""
    return hash((key, value, headers[0], headers[1]))


@dataclass(slots=True)
class Content:
    """What a topic holds, or should hold, whatever the order."""

    copies: int = 0
    total: int = 0

    def add(self, one: int) -> None:
        self.copies += 1
        self.total += one


@dataclass(slots=True)
class Expected:
    """What every contender must deliver; filled while the feed is made."""

    contents: dict[tuple[str, int], Content] = field(
        default_factory=lambda: {(name, shop): Content() for name in DESTINATIONS for shop in range(SHOPS)}
    )
    """By destination of the plain job, and shop."""

    def add(self, order: Order) -> None:
        """An order that was written into the broad topic."""
        one = fingerprint(order.key, order.value, order.headers)
        for destination in order.destinations:
            self.contents[destination, order.shop].add(one)

    def by_destination(self, shape: Shape) -> dict[str, Content]:
        """What is due in each of the shape's destinations."""
        due = {name: Content() for name in shape.destinations}
        for (name, shop), content in self.contents.items():
            sum_of = due[of_shop(name, shop) if shape.by_shop else name]
            sum_of.copies += content.copies
            sum_of.total += content.total
        return due

    @property
    def copies(self) -> int:
        return sum(content.copies for content in self.contents.values())


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was found."""

    copies: int
    bytes: int
    """Keys, values and headers of all copies."""


def verify(
    name: str,
    run: Run,
    *,
    expected: Expected,
    committed: Sequence[int] | None,
    library_headers: Sequence[str],
    progress: Callable[[int], None],
) -> Delivered:
    """Read every copy. `committed` are the offsets by partition of a contender that was stopped; None if it finished.
    Headers of these names are of the contender's library, and are passed over.

    Raises WrongCopies with all that is wrong.
    """
    problems: list[str] = []
    copies = size = 0
    origin = run.source.encode() + b"/"
    prefix = _of_prefix(run, committed) if committed is not None else {}
    contents = expected.by_destination(run.shape)
    for destination, topic in run.topics.items():
        content, missing, wrong = Content(), prefix.get(destination, Counter()), 0
        latest: dict[bytes, int] = {}
        disordered = 0
        for message in read_all(run.bootstrap, topic, partitions=run.shape.partitions):
            key, value, headers = message.key(), message.value(), message.headers() or []
            if library_headers:
                headers = [one for one in headers if one[0] not in library_headers]
            if not _traced(headers, origin):
                wrong += 1
                continue
            one = fingerprint(key, value, headers)
            content.add(one)
            size += len(key) + len(value) + sum(len(name) + len(text) for name, text in message.headers())
            if run.shape.ordered:
                number = decode(value)["sequence"]
                disordered += number <= latest.get(key, -1)
                latest[key] = number
            if committed is not None:
                if missing[one]:
                    missing[one] -= 1
                elif not _belongs(run.shape, destination, key, value, headers):
                    wrong += 1
            if not content.copies % _REPORT_EVERY:
                progress(copies + content.copies)
        copies += content.copies
        progress(copies)
        due = contents[destination]
        if wrong:
            problems.append(f"{topic}: {wrong:,} copies are wrong, or lack the original headers or the two added ones")
        if disordered:
            problems.append(f"{topic}: {disordered:,} copies come before one of a lower number of their order")
        if committed is None and content != due:
            differ = "" if content.copies != due.copies else ", and they differ in key, value or headers"
            problems.append(f"{topic}: {content.copies:,} copies where {due.copies:,} are due{differ}")
        if committed is not None and (lost := missing.total()):
            problems.append(f"{topic}: {lost:,} copies of committed records are missing")
    if problems:
        raise WrongCopies(name=name, problems=problems)
    return Delivered(copies, size)


def _traced(headers: Headers, origin: bytes) -> bool:
    """The two original headers, then the two of whoever copied."""
    return (
        [header for header, _ in headers] == ["ce_id", "ce_type", ORIGIN, HOP]
        and headers[2][1].startswith(origin)
        and headers[3][1].startswith(b"1;")
    )


def _belongs(shape: Shape, destination: str, key: bytes, value: bytes, headers: Headers) -> bool:
    order = decode(value)
    return (
        destination in shape.places(order)
        and key == order["order_id"].encode()
        and headers[0][1] == order["event_id"].encode()
    )


def _of_prefix(run: Run, committed: Sequence[int]) -> dict[str, Counter[int]]:
    """The copies of all records before the committed offsets, by destination."""
    found: dict[str, Counter[int]] = {name: Counter() for name in run.shape.destinations}
    for message in read_all(run.bootstrap, run.source, partitions=run.shape.partitions, until=committed):
        one = fingerprint(message.key(), message.value(), message.headers())
        for destination in run.shape.places(decode(message.value())):
            found[destination][one] += 1
    return found


def read_all(bootstrap: str, topic: str, *, partitions: int, until: Sequence[int] | None = None) -> Iterator[Any]:
    """Every committed record of a topic; of each partition only those before these offsets, where they are given."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-verifies",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "fetch.queue.backoff.ms": 5,
            # An empty topic of two hundred is soon known to be one.
            "fetch.wait.max.ms": 20,
            "log_level": 0,
        }
    )
    reading = set(range(partitions))
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in reading])
        while reading:
            for message in consumer.consume(5000, 0.2):
                partition = message.partition()
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name in the client
                        reading.discard(partition)
                elif until is None or message.offset() < until[partition]:
                    yield message
                else:
                    reading.discard(partition)
    finally:
        consumer.close()
