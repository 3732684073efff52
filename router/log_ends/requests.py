"""Two requests of versions that aiokafka 0.14 does not send: the first that name the epochs of leaders (KIP-320, Kafka 2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.errors import IncompatibleBrokerVersion
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.offset import OffsetResponse_v4
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Int64, Schema, String

__all__ = ["EndsRequest", "LeadersRequest"]

_CLIENT = -1
"""Who asks is no follower."""
_LATEST = -1
"""In the place of a timestamp: the end."""


class _Leaders(Response):  # type: ignore[misc]  # aiokafka publishes no type information
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
    RESPONSE_TYPE = _Leaders
    SCHEMA = Schema(("topics", Array(String())), ("allow_auto_topic_creation", Boolean))


class LeadersRequest(Request[_LeadersQuestion]):  # type: ignore[misc]  # as above
    """Metadata: who leads the partitions of these topics, since which epoch. No topic is made by it."""

    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: type[_LeadersQuestion]) -> _LeadersQuestion:
        """See its base."""
        return request_struct_class(self._topics, False)

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Any:
        """See its base. Raises IncompatibleBrokerVersion."""
        _expect(_LeadersQuestion, versions)
        return super().prepare(versions)


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


class EndsRequest(Request[_EndsQuestion]):  # type: ignore[misc]  # as above
    """ListOffsets: where partitions end, asked with the epoch that their leader must have."""

    API_KEY = 2

    def __init__(self, topics: Mapping[str, Sequence[tuple[int, int]]], *, committed: bool) -> None:
        """By topic, its partitions with their epochs; `committed`: as readers of what is committed see it."""
        self._topics = topics
        self._committed = committed

    def build(self, request_struct_class: type[_EndsQuestion]) -> _EndsQuestion:
        """See its base."""
        asked = [(topic, [(*each, _LATEST) for each in partitions]) for topic, partitions in self._topics.items()]
        return request_struct_class(_CLIENT, int(self._committed), asked)

    def prepare(self, versions: Mapping[int, tuple[int, int]]) -> Any:
        """See its base. Raises IncompatibleBrokerVersion."""
        _expect(_EndsQuestion, versions)
        return super().prepare(versions)


def _expect(question: type[RequestStruct], versions: Mapping[int, tuple[int, int]]) -> None:
    """That the broker speaks this version: of one that is too old, aiokafka says only that something is not implemented."""
    oldest, newest = versions.get(question.API_KEY, (0, -1))
    if not oldest <= question.API_VERSION <= newest:
        raise IncompatibleBrokerVersion(
            f"the broker knows no epochs of leaders: it takes versions {oldest} to {newest} of request {question.API_KEY}, "
            f"not {question.API_VERSION} (Kafka 2.1)"
        )
