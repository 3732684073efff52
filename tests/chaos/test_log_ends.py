"""Where a log ends while leaders are deposed: what one broker says, beside what all must agree upon (`router.log_ends`).

A leader is stopped for longer than its session; another one leads, and takes a record; the former goes on, and answers before it hears of that.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from support.topics import Topics, patiently
from support.waiting import until

from router.log_ends import ends_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from support.proof import Proof

    from router.develop.broker import DevelopmentKafka

pytestmark = [pytest.mark.proof, pytest.mark.process, pytest.mark.timeout(600)]

TURNS = 6


class Asking:
    """Two clients that ask where a partition ends, over and over, with what they knew of its leader when they began."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        """They know the leader when this returns."""
        self.plain: list[int] = []
        """What the broker says that is taken for the leader."""
        self.last_words: list[tuple[float, int]] = []
        """What all agree upon, each with the time at which it was asked for."""
        self.trouble: list[str] = []
        self._bootstrap, self._at = bootstrap, TopicPartition(topic, 0)
        self._stop, self._known = Event(), [Event(), Event()]
        self._threads = [
            Thread(target=asyncio.run, args=(each,), daemon=True) for each in (self._plainly(), self._surely())
        ]
        for thread in self._threads:
            thread.start()
        assert all(each.wait(30) for each in self._known), self.trouble

    async def _plainly(self) -> None:
        async with self._client() as client:
            while not self._stop.is_set():
                try:
                    self.plain.append((await client.end_offsets([self._at]))[self._at])
                    self._known[0].set()
                    await asyncio.sleep(0.001)
                except KafkaError as error:
                    self.trouble.append(repr(error))

    async def _surely(self) -> None:
        async with self._client() as client:
            while not self._stop.is_set():
                asked = time.monotonic()
                try:
                    self.last_words.append((asked, (await ends_of(client, [self._at]))[self._at]))
                    self._known[1].set()
                    await asyncio.sleep(0.001)
                except KafkaError as error:
                    self.trouble.append(repr(error))

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AIOKafkaConsumer]:
        # It asks for leaders anew only after an error, or in five minutes.
        client = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, isolation_level="read_committed")
        await client.start()
        try:
            await client._client.add_topic(self._at.topic)
            yield client
        finally:
            await client.stop()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def test_the_last_word_is_never_the_end_of_a_while_ago(
    kafka_cluster: Callable[..., DevelopmentKafka], unique: str, proof: Proof
) -> None:
    """Once a record is acknowledged, every end that is asked for lies behind it, whoever was the leader before."""
    kafka = kafka_cluster()
    topics = Topics(kafka.bootstrap)
    topics.create(unique)
    topics.produce([{"topic": unique, "value": b"early"}])
    seen = [_depose(kafka, topics, unique, records=turn) for turn in range(1, TURNS + 1)]
    topics.close()
    early, answers, words = sum(old > 0 for old, _ in seen), sum(old for old, _ in seen), sum(word for _, word in seen)
    proof.write(
        "log-ends",
        f"{TURNS} times the leader of a partition, one of three brokers, was stopped (SIGSTOP) for longer than its session; another one led and\n"
        f"took a record, and the former went on. Who asked the broker that it took for the leader was told the end of before in {early} of\n"
        f"{TURNS} turns, {answers:,} times. Who asked all who may know was told {words:,} ends once the record was acknowledged: of before were 0.\n",
    )
    assert early, "nobody was told an old end, so that this proves nothing"


async def _asked_anew(bootstrap: str, at: TopicPartition) -> int:
    """By a client that has connected to none of the brokers yet, one of which takes connections and says nothing."""
    client = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_committed")
    await client.start()
    try:
        return (await ends_of(client, [at], within=15.0))[at]
    finally:
        await client.stop()


def _depose(kafka: DevelopmentKafka, topics: Topics, topic: str, *, records: int) -> tuple[int, int]:
    """Where so many records are there: how many plain answers were of before there was another, and how many last words none was."""
    until(lambda: patiently(lambda: len(topics.replicas_in_sync(topic, 0))) == 3, within=60, what="all are in sync")
    leads = topics.leader(topic, 0)
    former = kafka.nodes[leads - 1]
    elsewhere = Topics(",".join(f"127.0.0.1:{node.port}" for node in kafka.nodes if node is not former))
    asking = Asking(kafka.bootstrap, topic)
    former.pause()
    until(lambda: patiently(lambda: elsewhere.leader(topic, 0)) not in {leads, -1}, within=60, what="another leads")
    # The controller, which gives producers their ids, may be who was stopped.
    elsewhere.produce([{"topic": topic, "value": b"late"}], **{"enable.idempotence": False})
    written, told = time.monotonic(), len(asking.plain)
    since = lambda: [end for at, end in list(asking.last_words) if at > written]  # noqa: E731 - of what comes meanwhile
    until(lambda: len(since()) > 2, within=60, what="the last word, while the former leader is stopped")
    assert asyncio.run(_asked_anew(elsewhere.bootstrap, TopicPartition(topic, 0))) == records + 1
    former.resume()
    until(lambda: asking.plain[-1] > records, within=60, what="the plain client has heard of the new leader")
    asking.stop()
    elsewhere.close()
    assert asking.trouble == []
    assert {*since()} == {records + 1}
    return sum(end == records for end in asking.plain[told:]), len(since())
