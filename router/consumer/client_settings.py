"""What the consumer makes of the settings that its user gives for the Kafka client: checked, and completed. Pure.

Settings that break a promise are refused with the reason, never overruled in silence. Those that only connect (addresses,
TLS, SASL) are the same for all clients that a consumer has: the one that reads, the one that writes, the one for marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.consumer.errors import UnfitClient

__all__ = [
    "CLIENT_ID",
    "connecting_asyncio",
    "connecting_librdkafka",
    "reading_asyncio",
    "reading_librdkafka",
    "transactional_id",
]

CLIENT_ID = "router-consumer"
"""The client id that consumers have unless told otherwise: by it, others see that a group follows marks."""

_REFUSED: Mapping[str, tuple[object, str]] = {
    "enable.auto.commit": (False, "would commit records that may still fail: leave it out, offsets are committed here"),
    "enable.auto.offset.store": (None, "has no meaning here: leave it out, offsets are committed by position"),
    "enable.partition.eof": (None, "has no meaning here: leave it out"),
    "isolation.level": ("read_committed", "would show records of transactions that never came about: leave it out"),
    "transactional.id": (None, "is no setting of a consumer: give it as transactional_id="),
}
"""By name, the only value that is allowed, and why no other is."""
_ONLY_READING = frozenset(
    {
        "auto.offset.reset",
        "client.id",
        "enable.auto.commit",
        "fetch.error.backoff.ms",
        "fetch.max.bytes",
        "fetch.message.max.bytes",
        "fetch.min.bytes",
        "fetch.queue.backoff.ms",
        "fetch.wait.max.ms",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "group.remote.assignor",
        "heartbeat.interval.ms",
        "isolation.level",
        "max.partition.fetch.bytes",
        "max.poll.interval.ms",
        "partition.assignment.strategy",
        "queued.max.messages.kbytes",
        "queued.min.messages",
        "session.timeout.ms",
    }
)
"""librdkafka's settings of a member of a group, which a producer would warn about."""
_CONNECTING = frozenset(
    {
        "api_version",
        "bootstrap_servers",
        "connections_max_idle_ms",
        "metadata_max_age_ms",
        "request_timeout_ms",
        "retry_backoff_ms",
        "sasl_kerberos_domain_name",
        "sasl_kerberos_service_name",
        "sasl_mechanism",
        "sasl_oauth_token_provider",
        "sasl_plain_password",
        "sasl_plain_username",
        "security_protocol",
        "ssl_context",
    }
)
"""aiokafka's arguments that all of its clients take."""


def reading_librdkafka(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the client that reads. Raises UnfitClient."""
    _check(given, {name: name for name in _REFUSED}, group="group.id")
    return {
        "auto.offset.reset": "earliest",
        "client.id": CLIENT_ID,
        "partition.assignment.strategy": "cooperative-sticky",
        **given,
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    }


def connecting_librdkafka(given: Mapping[str, Any]) -> dict[str, Any]:
    """Of these settings, those of every client."""
    return {"client.id": CLIENT_ID, **{name: value for name, value in given.items() if name not in _ONLY_READING}}


def reading_asyncio(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the AIOKafkaConsumer that reads. Raises UnfitClient."""
    _check(given, {name: name.replace(".", "_") for name in _REFUSED}, group="group_id")
    for name in ("key_deserializer", "value_deserializer"):
        if given.get(name) is not None:
            raise UnfitClient(
                setting=name, problem="would lose the bytes that a rejection must repeat: decode in what processes"
            )
    return {
        "auto_offset_reset": "earliest",
        "client_id": CLIENT_ID,
        **given,
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
    }


def connecting_asyncio(given: Mapping[str, Any]) -> dict[str, Any]:
    """Of these arguments, those of every client."""
    return {"client_id": CLIENT_ID, **{name: value for name, value in given.items() if name in _CONNECTING}}


def transactional_id(group: str, topic: str, member: str | int) -> str:
    """The name of a producer: it begins with the group, so that one ACL with a prefix allows all of a group's."""
    return f"{group}-{topic}-{member}"


def _check(given: Mapping[str, Any], names: Mapping[str, str], *, group: str) -> None:
    if not given.get(group):
        raise UnfitClient(setting=group, problem="is missing: the group keeps how far the consumer has come")
    for name, theirs in names.items():
        allowed, problem = _REFUSED[name]
        if theirs in given and (allowed is None or str(given[theirs]).lower() != str(allowed).lower()):
            raise UnfitClient(setting=theirs, problem=problem)
