"""A lane's port to its group; what the group answers on a real Kafka is in test_carrier.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.errors import BrokerUnavailable, CommitFailed
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Place
from router.lanes.positions import ConsumerPositions, topic_partition

SOURCE = SourcePartition("orders.v1", 3)
TP = TopicPartition("orders.v1", 3)

QUESTIONS: dict[str, tuple[str, Any, Any, Callable[[ConsumerPositions], Awaitable[Any]]]] = {
    # By the question: what the thread is asked, what it answers, what the lane hears, and how the lane asks.
    "seek": ("seek_to", (2, 40), (2, 40), lambda port: port.seek_to_committed(SOURCE, {SOURCE: Place(40)})),
    "commit": ("commit_offset", None, None, lambda port: port.commit(SOURCE, 5)),
    "end": ("end", 7, 7, lambda port: port.end(SOURCE)),
    "ends": ("ends", {TP: 7}, {SOURCE: 7}, lambda port: port.ends([SOURCE])),
    "standing": ("standing", {TP: 6}, {SOURCE: 6}, lambda port: port.standing([SOURCE])),
    "places": (
        "places",
        {TP: OffsetAndMetadata(6, "n")},
        {SOURCE: Place(6, "n")},
        lambda port: port.places([SOURCE]),
    ),
    "written": ("written_to", 9, 9, lambda port: port.written_to(SOURCE)),
    "owns": ("owns", True, True, lambda port: port.owns(SOURCE)),
}


def port(method: str, answer: Any) -> ConsumerPositions:
    """A port to a consumer whose thread answers this to one question; an error it raises."""

    async def answers(*_: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ConsumerPositions(SimpleNamespace(thread=SimpleNamespace(**{method: answers})))  # type: ignore[arg-type]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_lane_hears_of_its_own_partitions(question: str) -> None:
    """By their own names, not by the client's."""
    method, answer, heard, ask = QUESTIONS[question]
    assert await ask(port(method, answer)) == heard


@pytest.mark.parametrize("error", [kafka_errors.KafkaTimeoutError(), kafka_errors.IllegalStateError()])
@pytest.mark.parametrize("question", QUESTIONS)
async def test_errors_of_the_group_are_translated(question: str, error: Exception) -> None:
    """A lane knows none of the client's, and backs off from a broker that is away."""
    method, _, _, ask = QUESTIONS[question]
    with pytest.raises(CommitFailed if question == "commit" else BrokerUnavailable) as caught:
        await ask(port(method, error))
    assert caught.value.__cause__ is error


async def test_failed_commit_names_its_partition() -> None:
    """So that a log line says whose."""
    with pytest.raises(CommitFailed, match=r"orders\.v1/3"):
        await port("commit_offset", kafka_errors.CommitFailedError()).commit(SOURCE, 5)


def test_partition_is_named_as_the_client_names_it() -> None:
    """Topic and number."""
    assert topic_partition(SOURCE) == TP
