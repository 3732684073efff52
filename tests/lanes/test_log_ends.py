"""What is asked of partitions that others may own; tests/contracts asks a real Kafka, tests/chaos one whose leader was deposed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.lanes import log_ends
from router.lanes.log_ends import ends_of, standing, written_to

AT, NEW = TopicPartition("a.v1", 0), TopicPartition("a.v1", 1)

FENCED_LEADER_EPOCH = 74
METADATA, LIST_OFFSETS = 3, 2


class Group:
    """A group that stands at 5 of one partition."""

    def __init__(self) -> None:
        self._coordinator = SimpleNamespace(fetch_committed_offsets=self._committed)

    async def _committed(self, tps: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        told = {AT: OffsetAndMetadata(5, ""), NEW: OffsetAndMetadata(-1, "")}
        return {tp: told[tp] for tp in tps}

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Say where logs start."""
        return dict.fromkeys(tps, 2)


class Broker:
    """What one says of the partition: who leads since when, who is in sync, and where its own log ends."""

    def __init__(self, number: int, *, epoch: int = 4, leader: int = 1, in_sync: tuple[int, ...] = (1, 2)) -> None:
        self.number = number
        self.epoch, self.leader, self.in_sync = epoch, leader, in_sync
        self.ends = {0: 9, 1: 9}
        """By isolation: of what was written, and of what is committed."""
        self.fails: Exception | None = None
        self.heard = asyncio.Event()
        """It answers from then on."""
        self.heard.set()
        self.topic_code = 0
        self.asked: list[int] = []

    async def answer(self, version: int, request: Any) -> Any:
        """To either of the two requests, of the versions with epochs."""
        self.asked.append(request.API_KEY)
        await self.heard.wait()
        if self.fails is not None:
            raise self.fails
        if request.API_KEY == METADATA:
            assert version == 7
            assert not request.allow_auto_topic_creation, "to ask for a topic must not make it"
            partition = (0, 0, self.leader, self.epoch, (1, 2), self.in_sync, ())
            return SimpleNamespace(topics=[(self.topic_code, "a.v1", False, [partition])])
        assert version == 4
        ((topic, ((number, epoch, timestamp),)),) = request.topics
        assert timestamp == -1
        leads = (epoch, self.number) == (self.epoch, self.leader)
        code = 0 if leads else FENCED_LEADER_EPOCH
        return SimpleNamespace(topics=[(topic, [(number, code, -1, self.ends[request.isolation_level], self.epoch)])])


class Cluster:
    """Stands for a consumer of a cluster of two brokers; it has heard nothing of the topic yet."""

    def __init__(self) -> None:
        self.brokers = {1: Broker(1), 2: Broker(2)}
        self.looked_again: Callable[[], None] = lambda: None
        cluster = SimpleNamespace(
            brokers=lambda: [SimpleNamespace(nodeId=number) for number in self.brokers], _partitions={}
        )
        self._client = SimpleNamespace(
            cluster=cluster,
            send=self._send,
            force_metadata_update=self._look_again,
            _request_timeout_ms=20_000,
        )

    def _look_again(self) -> None:
        self.looked_again()

    def know(self, *replicas: int) -> None:
        """From now on the client knows these to have the partition."""
        self._client.cluster._partitions = {"a.v1": {0: SimpleNamespace(replicas=replicas)}}

    def give_up_at_once(self) -> None:
        """It waits for no answer any longer."""
        self._client._request_timeout_ms = -1

    async def _send(self, number: int, request: Any) -> Any:
        made = request.prepare({METADATA: (0, 13), LIST_OFFSETS: (1, 11)})
        return await self.brokers[number].answer(made.API_VERSION, made)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(log_ends, "_FIRST_PATIENCE", 0.05)
    monkeypatch.setattr(log_ends, "_AGAIN", 0.0)
    return Cluster()


async def test_group_stands_at_what_it_committed_or_at_the_start() -> None:
    """Of each partition that was asked for."""
    assert await standing(Group(), [AT, NEW]) == {AT: 5, NEW: 2}
    assert await standing(Group(), [AT]) == {AT: 5}


async def test_end_is_the_leaders(cluster: Cluster) -> None:
    """All who have the partition are asked who leads, and the one who does, where it ends."""
    cluster.brokers[2].leader = cluster.brokers[1].leader = 2
    cluster.brokers[2].ends = {0: 12, 1: 10}
    assert await ends_of(cluster, [AT]) == {AT: 10}
    assert await written_to(cluster, AT) == 12
    assert cluster.brokers[1].asked == [METADATA] * 2
    assert cluster.brokers[2].asked == [METADATA, LIST_OFFSETS] * 2


async def test_of_no_partitions_there_are_no_ends(cluster: Cluster) -> None:
    """Nobody is asked."""
    assert await ends_of(cluster, []) == {}
    assert not cluster.brokers[1].asked


async def test_whoever_is_known_to_have_no_replica_is_not_asked(cluster: Cluster) -> None:
    """A cluster may have hundreds of brokers."""
    cluster.brokers[3] = Broker(3)
    cluster.know(1, 2)
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert cluster.brokers[3].asked == []


async def test_replica_that_another_broker_names_is_asked_too(cluster: Cluster) -> None:
    """What the client knows of replicas may be old."""
    cluster.know(1)
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert cluster.brokers[2].asked == [METADATA]


async def test_a_leader_of_before_is_not_believed(cluster: Cluster) -> None:
    """It takes itself for the leader, and its log ends early."""
    former, later = cluster.brokers.values()
    former.ends = {0: 4, 1: 4}
    later.epoch, later.leader, later.in_sync = 5, 2, (2,)
    cluster.know(1)
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert LIST_OFFSETS not in former.asked


async def test_brokers_that_disagree_are_asked_until_they_do_not(cluster: Cluster) -> None:
    """One has not heard yet that it leads."""
    former, later = cluster.brokers.values()
    former.epoch, former.leader = 5, 2

    def learn() -> None:
        later.epoch, later.leader = 5, 2

    cluster.looked_again = learn
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert later.asked == [METADATA, METADATA, LIST_OFFSETS]


async def test_a_leader_that_is_one_no_more_when_it_is_asked_refuses(cluster: Cluster) -> None:
    """An election came in between: all are asked anew."""
    first, second = cluster.brokers.values()
    ask, asked = first.answer, 0

    async def elect(version: int, request: Any) -> Any:
        nonlocal asked
        if request.API_KEY == LIST_OFFSETS:
            asked += 1
            first.epoch = second.epoch = 5
            first.leader = second.leader = 2
        return await ask(version, request)

    first.answer = elect  # type: ignore[method-assign]
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert (asked, second.asked[-1]) == (1, LIST_OFFSETS)


async def test_a_silent_broker_that_is_not_in_sync_holds_nobody_up(cluster: Cluster) -> None:
    """It may be down for days."""
    silent = cluster.brokers[2]
    silent.heard.clear()
    cluster.brokers[1].in_sync = (1,)
    assert await ends_of(cluster, [AT]) == {AT: 9}


async def test_a_silent_broker_in_sync_is_waited_for(cluster: Cluster) -> None:
    """Until it answers, or is in sync no more."""
    silent = cluster.brokers[2]
    silent.heard.clear()
    cluster.looked_again = silent.heard.set
    assert await ends_of(cluster, [AT]) == {AT: 9}
    assert len(silent.asked) == 2


@pytest.mark.parametrize(
    "trouble", [kafka_errors.NodeNotReadyError(), kafka_errors.RequestTimedOutError()], ids=["away", "slow"]
)
async def test_who_leads_can_remain_unknown(cluster: Cluster, trouble: Exception) -> None:
    """Then it is said, once there has been as much time as for any answer."""
    cluster.brokers[2].fails = trouble
    cluster.give_up_at_once()
    with pytest.raises(kafka_errors.LeaderNotAvailableError, match=r"a\.v1/0 is not certain"):
        await ends_of(cluster, [AT])


async def test_what_may_not_be_asked_is_asked_once(cluster: Cluster) -> None:
    """No other answer is to be expected."""
    cluster.brokers[1].topic_code = kafka_errors.TopicAuthorizationFailedError.errno
    with pytest.raises(kafka_errors.TopicAuthorizationFailedError):
        await ends_of(cluster, [AT])
    assert cluster.brokers[1].asked == [METADATA]


async def test_a_broker_that_knows_no_epochs_is_named_at_once(cluster: Cluster) -> None:
    """Kafka 2.0 and before."""
    cluster.brokers[1].fails = kafka_errors.IncompatibleBrokerVersion("too old")
    with pytest.raises(kafka_errors.IncompatibleBrokerVersion):
        await ends_of(cluster, [AT])
