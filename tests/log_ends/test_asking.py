"""Asking where logs end; tests/contracts asks a real Kafka, tests/chaos one whose leaders are deposed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.log_ends import asking, ends_of

AT, OTHER = TopicPartition("a.v1", 0), TopicPartition("b.v1", 0)

FENCED_LEADER_EPOCH = 74
METADATA, LIST_OFFSETS = 3, 2


class Broker:
    """What one says of each topic's partition: who leads since when, who has it and is in sync, and where its own log ends."""

    def __init__(self, number: int, *replicas: int) -> None:
        self.number = number
        self.epoch, self.leader, self.replicas, self.in_sync = 4, 1, replicas, replicas
        self.ends = {0: 9, 1: 9}
        """By isolation: of what was written, and of what is committed."""
        self.fails: Exception | None = None
        self.speaks = asyncio.Event()
        """It answers from then on."""
        self.speaks.set()
        self.code = 0
        """What it answers of a topic."""
        self.versions = {METADATA: (0, 13), LIST_OFFSETS: (1, 11)}
        self.asked: list[int] = []

    def leads_no_more(self, leader: int) -> None:
        """It has heard of the next election."""
        self.epoch, self.leader = self.epoch + 1, leader

    async def answer(self, request: Any) -> Any:
        """To either of the two requests, of the versions with epochs."""
        asked = request.prepare(self.versions)
        self.asked.append(asked.API_KEY)
        if self.fails is not None:
            raise self.fails
        return (self._leaders if asked.API_KEY == METADATA else self._ends)(asked)

    def _leaders(self, asked: Any) -> Any:
        assert asked.API_VERSION == 7
        assert not asked.allow_auto_topic_creation, "to ask for a topic must not make it"
        partition = (0, 0, self.leader, self.epoch, self.replicas, self.in_sync, ())
        there = [] if self.code else [partition]
        return SimpleNamespace(topics=[(self.code, topic, False, there) for topic in asked.topics])

    def _ends(self, asked: Any) -> Any:
        assert asked.API_VERSION == 4
        answers = []
        for topic, ((number, epoch, timestamp),) in asked.topics:
            assert timestamp == -1
            code = 0 if (epoch, self.number) == (self.epoch, self.leader) else FENCED_LEADER_EPOCH
            answers.append((topic, [(number, code, -1, self.ends[asked.isolation_level], self.epoch)]))
        return SimpleNamespace(topics=answers)


class Cluster:
    """Stands for a consumer of a cluster of three brokers, that has connected to none and heard nothing of the topic."""

    def __init__(self) -> None:
        self.brokers = {number: Broker(number, 1, 2, 3) for number in (1, 2, 3)}
        self.refreshes = 0
        self.on_refresh: Callable[[], None] = lambda: None
        self._connecting = asyncio.Lock()
        self._connected: set[int] = set()
        cluster = SimpleNamespace(
            brokers=lambda: [SimpleNamespace(nodeId=number) for number in self.brokers], _partitions={}
        )
        self._client = SimpleNamespace(
            cluster=cluster, send=self._send, force_metadata_update=self._refresh, _request_timeout_ms=20_000
        )

    def all(self, **what: Any) -> None:
        """That is so for every broker."""
        for broker in self.brokers.values():
            for name, value in what.items():
                setattr(broker, name, value)

    def know(self, *replicas: int) -> None:
        """From now on the client knows these to have the partition."""
        self._client.cluster._partitions = {"a.v1": {0: SimpleNamespace(replicas=replicas)}}

    def _refresh(self) -> None:
        self.refreshes += 1
        self.on_refresh()

    async def _send(self, number: int, request: Any) -> Any:
        broker = self.brokers[number]
        if number not in self._connected:
            # As aiokafka's client does: one after the other, each until it has said what it speaks.
            async with self._connecting:
                await broker.speaks.wait()
                self._connected.add(number)
        await broker.speaks.wait()
        return await broker.answer(request)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(asking, "_FIRST_PATIENCE", 0.02)
    monkeypatch.setattr(asking, "_SILENT_AFTER", 0.08)
    monkeypatch.setattr(asking, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(asking, "_REFRESH_EVERY", 0.0)
    return Cluster()


async def test_end_is_the_leaders(cluster: Cluster) -> None:
    """All who have the partition are asked who leads, and the one who does, where it ends."""
    cluster.all(leader=2)
    cluster.brokers[2].ends = {0: 12, 1: 10}
    assert await ends_of(cluster, [AT]) == {AT: 10}
    assert await ends_of(cluster, [AT], committed=False) == {AT: 12}
    assert cluster.brokers[1].asked == cluster.brokers[3].asked == [METADATA] * 2
    assert cluster.brokers[2].asked == [METADATA, LIST_OFFSETS] * 2


async def test_ends_of_many_partitions_are_asked_for_together(cluster: Cluster) -> None:
    """Each broker is asked once who leads, each leader once."""
    assert await ends_of(cluster, [AT, OTHER]) == {AT: 9, OTHER: 9}
    assert cluster.brokers[1].asked == [METADATA, LIST_OFFSETS]


async def test_of_no_partitions_there_are_no_ends(cluster: Cluster) -> None:
    """Nobody is asked."""
    assert await ends_of(cluster, []) == {}
    assert not any(broker.asked for broker in cluster.brokers.values())


async def test_whoever_is_known_to_have_no_replica_is_not_asked(cluster: Cluster) -> None:
    """A cluster may have hundreds of brokers."""
    cluster.all(replicas=(1, 2), in_sync=(1, 2))
    cluster.know(1, 2)
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert cluster.brokers[3].asked == []


async def test_replica_that_another_broker_names_is_asked_too(cluster: Cluster) -> None:
    """What the client knows of replicas may be old."""
    cluster.know(1)
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert cluster.brokers[2].asked == cluster.brokers[3].asked == [METADATA]


async def test_a_leader_of_before_is_not_believed(cluster: Cluster) -> None:
    """It takes itself for the leader, and its log ends early."""
    cluster.know(1)
    cluster.brokers[1].ends = {0: 4, 1: 4}
    for broker in (cluster.brokers[2], cluster.brokers[3]):
        broker.leads_no_more(2)
        broker.in_sync = (2, 3)
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert LIST_OFFSETS not in cluster.brokers[1].asked


async def test_brokers_that_disagree_are_asked_until_they_do_not(cluster: Cluster) -> None:
    """One in sync has not heard yet of who leads."""
    late = cluster.brokers[3]
    for broker in (cluster.brokers[1], cluster.brokers[2]):
        broker.leads_no_more(2)
    asked = len(late.asked)
    ends = asyncio.create_task(ends_of(cluster, [AT]))
    while len(late.asked) < asked + 3:
        await asyncio.sleep(0)
        assert not ends.done()
    late.leads_no_more(2)
    assert await ends == {AT: 9}


async def test_a_leader_that_is_one_no_more_when_it_is_asked_refuses(cluster: Cluster) -> None:
    """An election came in between: all are asked anew."""
    first, second = cluster.brokers[1], cluster.brokers[2]
    answer, refused = first.answer, 0

    async def elect(request: Any) -> Any:
        nonlocal refused
        if request.API_KEY == LIST_OFFSETS:
            refused += 1
            for broker in cluster.brokers.values():
                broker.leads_no_more(2)
        return await answer(request)

    first.answer = elect  # type: ignore[method-assign]
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert (refused, second.asked[-1]) == (1, LIST_OFFSETS)


@pytest.mark.parametrize("silent", [1, 2, 3])
async def test_a_silent_broker_that_is_not_in_sync_holds_nobody_up(cluster: Cluster, silent: int) -> None:
    """Though a client that connects to it connects to nobody else meanwhile."""
    others = tuple({1, 2, 3} - {silent})
    cluster.all(leader=others[0], in_sync=others)
    cluster.brokers[silent].speaks.clear()
    assert await ends_of(cluster, [AT], within=5.0) == {AT: 9}
    assert cluster.brokers[silent].asked == []


async def test_a_silent_broker_in_sync_is_waited_for(cluster: Cluster) -> None:
    """Until it answers, or is in sync no more."""
    silent = cluster.brokers[2]
    silent.speaks.clear()
    cluster.on_refresh = silent.speaks.set
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert silent.asked


async def test_a_minority_is_not_believed_before_the_others_had_much_time(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them may have been made leader, where none in sync was left."""
    monkeypatch.setattr(asking, "_SILENT_AFTER", 60.0)
    alone, other, silent = cluster.brokers.values()
    cluster.all(in_sync=(1,))
    alone.ends = {0: 4, 1: 4}
    other.speaks.clear()
    silent.speaks.clear()
    for broker in (other, silent):
        broker.leads_no_more(2)
        broker.in_sync = (2,)
    cluster.on_refresh = other.speaks.set
    ends = asyncio.create_task(ends_of(cluster, [AT]))
    while cluster.refreshes == 0:
        await asyncio.sleep(0)
        assert not ends.done()
    cluster.on_refresh = silent.speaks.set
    assert await ends == {AT: 9}


async def test_whoever_had_much_time_counts_as_gone(cluster: Cluster) -> None:
    """Unless it is in sync: brokers that are down for days hold nobody up for ever."""
    cluster.all(in_sync=(1,))
    cluster.brokers[2].speaks.clear()
    cluster.brokers[3].speaks.clear()
    assert await ends_of(cluster, [AT]) == {AT: 9}


async def test_who_leads_can_remain_unknown(cluster: Cluster) -> None:
    """Then it is said who is to blame, once there has been as much time as was asked for."""
    cluster.brokers[2].fails = kafka_errors.NodeNotReadyError()
    with pytest.raises(
        kafka_errors.LeaderNotAvailableError,
        match=r"a\.v1/0 is not certain: broker 2, which is in sync, does not answer",
    ):
        await ends_of(cluster, [AT], within=0.1)


async def test_where_nobody_answers_that_is_said(cluster: Cluster) -> None:
    """In time, however long a broker keeps silent."""
    for broker in cluster.brokers.values():
        broker.speaks.clear()
    with pytest.raises(kafka_errors.KafkaError):
        await ends_of(cluster, [AT], within=0.01)


async def test_brokers_are_not_flooded_with_questions(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round comes later than the one before, and only now and then is it looked which brokers there are."""
    monkeypatch.setattr(asking, "_REFRESH_EVERY", 60.0)
    cluster.brokers[2].fails = kafka_errors.NodeNotReadyError()
    with pytest.raises(kafka_errors.LeaderNotAvailableError):
        await ends_of(cluster, [AT], within=0.3)
    assert 1 < len(cluster.brokers[1].asked) < 12
    assert cluster.refreshes == 0


async def test_topic_that_no_broker_knows_is_given_up_soon(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not at once: a new one may not have got round yet."""
    cluster.all(code=kafka_errors.UnknownTopicOrPartitionError.errno)
    monkeypatch.setattr(asking, "_GONE_AFTER", 0.05)
    with pytest.raises(kafka_errors.UnknownTopicOrPartitionError, match=r"a\.v1"):
        await ends_of(cluster, [AT])
    assert len(cluster.brokers[1].asked) > 2


async def test_what_may_not_be_asked_is_asked_once(cluster: Cluster) -> None:
    """No other answer is to be expected."""
    cluster.all(code=kafka_errors.TopicAuthorizationFailedError.errno)
    with pytest.raises(kafka_errors.TopicAuthorizationFailedError):
        await ends_of(cluster, [AT])
    assert cluster.brokers[1].asked == [METADATA]


@pytest.mark.parametrize(("request_", "newest"), [(METADATA, 6), (LIST_OFFSETS, 3)])
async def test_a_broker_that_knows_no_epochs_is_too_old(cluster: Cluster, request_: int, newest: int) -> None:
    """Kafka 2.0 and before: that is said at once, as an error of the client's."""
    cluster.all(versions=cluster.brokers[1].versions | {request_: (0, newest)})
    with pytest.raises(kafka_errors.IncompatibleBrokerVersion, match=rf"0 to {newest} .* not {newest + 1}"):
        await ends_of(cluster, [AT])
