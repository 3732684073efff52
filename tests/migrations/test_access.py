"""A topic closed to writers, on a real Kafka that asks who may what; and on one that does not ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from support.topics import Topics
from support.waiting import until

from router.develop.broker import SHORT_LIVED, DevelopmentKafka
from router.errors import BrokerUnavailable
from router.migrations.access import CannotClose, WriteAccess, _check
from router.migrations.survey import Survey
from router.settings import Settings

pytestmark = pytest.mark.kafka

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # Clients without credentials are all one user, who may do what nobody forbids.
    "allow.everyone.if.no.acl.found": "true",
}


def access(kafka: str) -> WriteAccess:
    return WriteAccess(Survey(Settings.from_environment({"ROUTER_BROKER": kafka})))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """Return a Kafka of its own, with an authorizer."""
    with DevelopmentKafka.start(directory=tmp_path / "kafka", settings=AUTHORIZER, java_options=SHORT_LIVED) as own:
        yield own.bootstrap


async def test_nobody_writes_to_a_topic_that_is_closed(guarded: str) -> None:
    """And who may read reads; a second time changes nothing, and other topics are left alone."""
    topics = Topics(guarded)
    topics.create("order.v1", "other.v1")
    topics.produce([{"topic": "order.v1", "partition": 0, "value": b"v"}])
    assert not await access(guarded).closed("order.v1")
    for _ in range(2):
        await access(guarded).close("order.v1")
    assert await access(guarded).closed("order.v1")
    with pytest.raises((KafkaException, AssertionError), match=r"TOPIC_AUTHORIZATION_FAILED|uthoriz"):
        topics.produce([{"topic": "order.v1", "partition": 0, "value": b"v"}])
    topics.produce([{"topic": "other.v1", "partition": 0, "value": b"v"}])
    # Of a topic that has rules, no others hold: what everybody could do without any must be said.
    reading = AclBinding(
        ResourceType.TOPIC,
        "order.v1",
        ResourcePatternType.LITERAL,
        "User:*",
        "*",
        AclOperation.READ,
        AclPermissionType.ALLOW,
    )
    admin = AdminClient({"bootstrap.servers": guarded})
    for answer in admin.create_acls([reading]).values():
        answer.result(20)
    # Until the broker knows the rule, nobody sees a partition.
    assert until(lambda: sum(map(len, topics.read("order.v1"))) == 1, within=20, what="it is read")
    topics.close()


async def test_brokers_that_do_not_ask_are_named(kafka: str, unique: str) -> None:
    """With what else there is to do."""
    with pytest.raises(CannotClose, match=r"no authorizer .*`--delete`.*`--keep`"):
        await access(kafka).close(unique)


def test_who_may_not_is_told_who_might() -> None:
    """And what brokers say besides is passed on."""
    with pytest.raises(CannotClose, match="ALTER on the cluster"):
        _check("order.v1", 31, None)
    with pytest.raises(BrokerUnavailable, match=r"access to order\.v1"):
        _check("order.v1", 41, "not the controller")
