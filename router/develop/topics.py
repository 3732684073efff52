"""Topics for development: created where they are missing, checked where they are not. Adapts confluent-kafka's AdminClient.

The worker creates no topics: in production that is the business of whoever runs the Kafka.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from router.develop.errors import TopicFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["TopicSpec", "ensure_topics"]

_ANSWER_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic as it should be."""

    name: str
    partitions: int = 1
    replication: int = -1
    """Copies of each partition; -1 takes the Kafka's default."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Settings of the topic, by Kafka's names; what is not named stays at Kafka's default."""


def ensure_topics(bootstrap: str, specs: Collection[TopicSpec]) -> tuple[str, ...]:
    """Create the topics that are missing and return their names; return when every one has a leader for each partition.

    A topic that exists is left as it is. It must have the partitions of its spec: else, and where a topic cannot be
    created, `TopicFailed` names it.
    """
    if not specs:
        return ()
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    created = _create(admin, specs, bootstrap=bootstrap)
    _await_leaders(admin, specs)
    return created


def _create(admin: AdminClient, specs: Collection[TopicSpec], *, bootstrap: str) -> tuple[str, ...]:
    topics = [
        NewTopic(
            spec.name, num_partitions=spec.partitions, replication_factor=spec.replication, config=dict(spec.config)
        )
        for spec in specs
    ]
    answers: dict[str, Future[None]] = admin.create_topics(topics, request_timeout=_ANSWER_WITHIN_S)
    created = []
    for name, answer in answers.items():
        try:
            answer.result()
            created.append(name)
        except KafkaException as failure:
            error = failure.args[0]
            if error.code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise TopicFailed(
                    topic=name, problem=f"could not be created: {error.str()}", remedy=_remedy(error, bootstrap)
                ) from failure
    return tuple(created)


def _remedy(error: KafkaError, bootstrap: str) -> str:
    if error.code() < 0:  # the client's own: what a Kafka answers is positive
        return f"No Kafka answers at {bootstrap}: is it running?"
    if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
        return "The Kafka has fewer brokers than copies were asked for."
    if error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED}:
        return f"The Kafka at {bootstrap} does not let this user create topics: create it there, or ask for the right."
    return "Kafka's own words above say what it did not like."


def _await_leaders(admin: AdminClient, specs: Collection[TopicSpec]) -> None:
    deadline = time.monotonic() + _ANSWER_WITHIN_S
    waiting = {spec.name: spec for spec in specs}
    while waiting:
        known = admin.list_topics(timeout=_ANSWER_WITHIN_S).topics
        for name, spec in list(waiting.items()):
            topic = known.get(name)
            if topic is None or topic.error is not None or any(one.leader < 0 for one in topic.partitions.values()):
                continue
            if len(topic.partitions) != spec.partitions:
                raise TopicFailed(
                    topic=name,
                    problem=f"has {len(topic.partitions)} partitions, not {spec.partitions}",
                    remedy="Delete it, or begin anew: router broker --fresh.",
                )
            del waiting[name]
        if waiting and time.monotonic() > deadline:
            raise TopicFailed(
                topic=next(iter(waiting)),
                problem=f"has no leader for every partition after {_ANSWER_WITHIN_S:.0f} s",
                remedy="Are all brokers running?",
            )
        if waiting:
            time.sleep(0.05)
