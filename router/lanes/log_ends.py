"""What a consumer can be asked of partitions that it need not own: what its group has committed, and where logs end.

Ends are the last word (`leadership.py`). aiokafka's own `end_offsets` tells what the broker says that it takes for the leader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.offset import OffsetResponse_v4
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Int64, Schema, String
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.lanes.leadership import View, agreed_leader, replicas_of

__all__ = ["ends_of", "places", "standing", "written_to"]

_FIRST_PATIENCE = 1.0
"""Seconds that brokers have to say who leads; where that was not enough to know it, they have twice as long the next time."""
_MOST_PATIENCE = 10.0
_AGAIN = 0.05
"""Seconds until brokers that disagreed are asked once more."""
_CLIENT = -1
"""Who asks is no follower."""
_LATEST = -1
"""In the place of a timestamp: the end."""


async def places(consumer: Any, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """What the group has committed of these, as its coordinator knows; those of which nothing is are left out. Raises KafkaError."""
    # The consumer's own method asks for one at a time, and leaves the text out.
    committed = await consumer._coordinator.fetch_committed_offsets(tps)  # noqa: SLF001 - it has no other name
    return {tp: OffsetAndMetadata(at.offset, at.metadata or "") for tp, at in committed.items() if at.offset >= 0}


async def standing(consumer: Any, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
    """What the group has committed of these, asked of its coordinator; the start of the log where that is nothing.

    Raises KafkaError.
    """
    found = {tp: int(at.offset) for tp, at in (await places(consumer, tps)).items()}
    new = [tp for tp in tps if tp not in found]
    return found | (await consumer.beginning_offsets(new) if new else {})


async def written_to(consumer: Any, tp: TopicPartition) -> int:
    """Where the partition ends with what is not committed: a consumer of what is committed asks for nothing else. See `ends_of`."""
    return (await ends_of(consumer, [tp], committed=False))[tp]


async def ends_of(
    consumer: Any, tps: Collection[TopicPartition], *, committed: bool = True
) -> dict[TopicPartition, int]:
    """Where these end: behind all that was acknowledged, or `committed`, before this is called.

    Asks until it can be known, for as long as the client waits for any answer (40 s, as aiokafka comes). Raises KafkaError then,
    and at once for what may not be asked.
    """
    client = consumer._client  # noqa: SLF001 - its own requests go through it, too
    clock = asyncio.get_running_loop()
    until = clock.time() + client._request_timeout_ms / 1000  # noqa: SLF001 - as above
    patience = _FIRST_PATIENCE
    while tps:
        try:
            return await _ask_leaders(client, await _leaders(client, tps, patience), committed=committed)
        except kafka_errors.KafkaError as error:
            # Of what a broker refuses because it does not lead any more, or not yet, aiokafka has no names.
            known = not isinstance(error, kafka_errors.UnknownError)
            if (known and not error.retriable) or clock.time() > until:
                raise
        # Brokers' addresses may be others by now, and some are back.
        client.force_metadata_update()
        patience = min(2 * patience, _MOST_PATIENCE)
        await asyncio.sleep(_AGAIN)
    return {}


async def _leaders(client: Any, tps: Collection[TopicPartition], patience: float) -> dict[TopicPartition, View]:
    """The view of each that holds. Raises KafkaError where that cannot be known yet."""
    views: dict[TopicPartition, dict[int, View]] = {tp: {} for tp in tps}
    topics = sorted({tp.topic for tp in tps})
    asked: set[int] = set()
    wanted = _known_replicas(client, tps)
    while wanted:
        answers = await _answers(client, wanted, topics, patience)
        asked |= wanted
        for broker, answer in answers.items():
            for tp, view in _views(answer):
                if tp in views:
                    views[tp][broker] = view
        alive = {each.nodeId for each in client.cluster.brokers()}
        wanted = (set().union(*map(replicas_of, views.values())) & alive) - asked
    found = {tp: agreed_leader(held) for tp, held in views.items()}
    for tp, each in found.items():
        if each is None:
            raise kafka_errors.LeaderNotAvailableError(f"who leads {tp.topic}/{tp.partition} is not certain yet")
    return {tp: view for tp, view in found.items() if view is not None}


def _known_replicas(client: Any, tps: Iterable[TopicPartition]) -> set[int]:
    """As far as the client knows; every broker where it knows nothing of a topic."""
    alive = {each.nodeId for each in client.cluster.brokers()}
    known = client.cluster._partitions  # noqa: SLF001 - replicas are told nowhere else
    replicas: set[int] = set()
    for tp in tps:
        partition = known.get(tp.topic, {}).get(tp.partition)
        if partition is None:
            return alive
        replicas.update(partition.replicas)
    return replicas & alive or alive


async def _answers(client: Any, brokers: Iterable[int], topics: list[str], patience: float) -> dict[int, Any]:
    """What each says, of those that say something within so many seconds. Raises what none is to be asked again for."""
    asking = {asyncio.ensure_future(client.send(broker, _LeadersRequest(topics))): broker for broker in brokers}
    try:
        done, _ = await asyncio.wait(asking, timeout=patience)
    finally:
        for each in asking:
            each.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
    found = {}
    for each in done:
        error = each.exception()
        if error is None:
            found[asking[each]] = each.result()
        elif not (isinstance(error, kafka_errors.KafkaError) and error.retriable):
            raise error
    return found


def _views(answer: Any) -> Iterable[tuple[TopicPartition, View]]:
    for code, topic, _, partitions in answer.topics:
        if code == kafka_errors.TopicAuthorizationFailedError.errno:
            raise kafka_errors.TopicAuthorizationFailedError(topic)
        for _, number, leader, epoch, replicas, in_sync, _ in partitions:
            yield TopicPartition(topic, number), View(epoch, leader, replicas, in_sync)


async def _ask_leaders(
    client: Any, leaders: Mapping[TopicPartition, View], *, committed: bool
) -> dict[TopicPartition, int]:
    """Their ends, asked with their epochs. Raises KafkaError."""
    by_leader: dict[int, dict[str, list[tuple[int, int, int]]]] = {}
    for tp, view in leaders.items():
        topics = by_leader.setdefault(view.leader, {})
        topics.setdefault(tp.topic, []).append((tp.partition, view.epoch, _LATEST))
    requests = (client.send(node, _EndsRequest(committed, list(topics.items()))) for node, topics in by_leader.items())
    ends = {}
    for answer in await asyncio.gather(*requests):
        for topic, partitions in answer.topics:
            for number, code, _, offset, _ in partitions:
                if code:
                    raise kafka_errors.for_code(code)(f"{topic}/{number}")
                ends[TopicPartition(topic, number)] = int(offset)
    return ends


# --- the two requests, of versions that aiokafka 0.14 does not send ---------------------------------------------------


class _LeadersAnswer(Response):  # type: ignore[misc]  # aiokafka publishes no type information
    API_KEY = 3
    API_VERSION = 7
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", String()), ("port", Int32), ("rack", String()))),
        ("cluster_id", String()),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String()),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("in_sync", Array(Int32)),
                        ("offline", Array(Int32)),
                    ),
                ),
            ),
        ),
    )


class _LeadersQuestion(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY = 3
    API_VERSION = 7
    RESPONSE_TYPE = _LeadersAnswer
    SCHEMA = Schema(("topics", Array(String())), ("allow_auto_topic_creation", Boolean))


class _LeadersRequest(Request[_LeadersQuestion]):  # type: ignore[misc]  # as above
    """Metadata as of Kafka 2.1: the first that names epochs (KIP-320)."""

    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_LeadersQuestion]) -> _LeadersQuestion:
        return request_struct_class(self._topics, False)


class _EndsQuestion(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY = 2
    API_VERSION = 4
    RESPONSE_TYPE = OffsetResponse_v4
    # aiokafka has this version, too, but with epochs of eight bytes, where brokers read four.
    SCHEMA = Schema(
        ("replica_id", Int32),
        ("isolation_level", Int8),
        (
            "topics",
            Array(
                ("topic", String()),
                ("partitions", Array(("partition", Int32), ("current_leader_epoch", Int32), ("timestamp", Int64))),
            ),
        ),
    )


class _EndsRequest(Request[_EndsQuestion]):  # type: ignore[misc]  # as above
    """ListOffsets as of Kafka 2.1: the first that names epochs (KIP-320)."""

    API_KEY = 2

    def __init__(self, committed: bool, topics: list[tuple[str, list[tuple[int, int, int]]]]) -> None:
        self._committed = committed
        self._topics = topics

    def build(self, request_struct_class: type[_EndsQuestion]) -> _EndsQuestion:
        return request_struct_class(_CLIENT, int(self._committed), self._topics)
