"""What a cluster tells of its topics, and how they are made: aiokafka's admin client, for the commands."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from router.errors import BrokerUnavailable, TransientError
from router.language.topic_changes import Change, ChangeKind, ClusterState, TopicState
from router.refused_offsets import heed_refusals
from router.settings import Settings

__all__ = ["Cluster", "TopicRefused", "connect"]

_SET_ON_TOPIC = 1
"""Kafka's `DYNAMIC_TOPIC_CONFIG`: a setting that is the topic's own, and no default."""


class TopicRefused(TransientError):
    """The cluster did not make or change a topic."""

    reason = "topic-refused"

    def __init__(self, *, topic: str, problem: str) -> None:
        super().__init__(topic, problem)
        self.topic = topic
        self.problem = problem

    def __str__(self) -> str:
        return f"topic '{self.topic}' could not be made as planned: {self.problem}"


class Cluster:
    """A connected cluster."""

    def __init__(self, admin: AIOKafkaAdminClient) -> None:
        self._admin = admin

    async def state(self, topics: Sequence[str]) -> ClusterState:
        """These topics as they are (those that exist), and what warnings need."""
        described = {each["topic"]: each["partitions"] for each in await self._admin.describe_topics()}
        names = [name for name in topics if name in described]
        configs = await self._configs(names)
        found = {
            name: TopicState(
                partitions=len(described[name]),
                replication=min(len(partition["replicas"]) for partition in described[name]),
                config={key: value for key, (value, _) in configs[name].items()},
            )
            for name in names
        }
        return ClusterState(found, await self._offsets_retention_ms(), await self._members(set(names)))

    async def apply(self, change: Change) -> None:
        """Carry out one change; one of kind `leave` is left. Raises TopicRefused."""
        try:
            match change.kind:
                case ChangeKind.CREATE:
                    await self._create(change)
                case ChangeKind.GROW:
                    await self._admin.create_partitions({change.topic: NewPartitions(int(change.planned))})
                case ChangeKind.CONFIGURE:
                    await self._configure(change)
                case ChangeKind.LEAVE:
                    return
        except kafka_errors.KafkaError as error:
            raise TopicRefused(topic=change.topic, problem=str(error)) from error

    async def wait_for(self, topics: Sequence[str]) -> None:
        """Until brokers show these topics: a moment after they said that they were made. Gives up after ten seconds."""
        for _ in range(100):
            shown = {each["topic"] for each in await self._admin.describe_topics()}
            if shown.issuperset(topics):
                return
            await asyncio.sleep(0.1)

    async def _create(self, change: Change) -> None:
        plan = change.plan
        assert plan is not None, "what is created has a plan"
        # Naming no replicas beside -1 leaves both to the cluster; aiokafka asks for the one or the other.
        replicas: dict[int, list[int]] | None = {} if plan.replication < 0 else None
        topic = NewTopic(plan.name, plan.partitions, plan.replication, replicas, dict(plan.config))
        response = await self._admin.create_topics([topic])
        for name, code, *message in response.topic_errors:
            if code and code != kafka_errors.TopicAlreadyExistsError.errno:
                problem = message[0] if message and message[0] else kafka_errors.for_code(code).__name__
                raise TopicRefused(topic=name, problem=problem)

    async def _configure(self, change: Change) -> None:
        # The request replaces all of a topic's own settings, so those that stay are sent along.
        configs = (await self._configs([change.topic]))[change.topic]
        own = {name: value for name, (value, source) in configs.items() if source == _SET_ON_TOPIC}
        own[change.what] = change.planned
        resource = ConfigResource(ConfigResourceType.TOPIC, change.topic, own)
        for response in await self._admin.alter_configs([resource]):
            for code, message, *_ in response.resources:
                if code:
                    raise TopicRefused(topic=change.topic, problem=message or kafka_errors.for_code(code).__name__)

    async def _configs(self, topics: Sequence[str]) -> Mapping[str, Mapping[str, tuple[str, int]]]:
        """By topic and setting, its value and where it comes from."""
        if not topics:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
        return dict(await self._described(resources))

    async def _described(self, resources: Sequence[ConfigResource]) -> list[tuple[str, dict[str, tuple[str, int]]]]:
        responses = await self._admin.describe_configs(list(resources))
        return [
            (name, {entry[0]: (entry[1] or "", int(entry[3])) for entry in entries})
            for response in responses
            for _code, _message, _kind, name, entries in response.resources
        ]

    async def _offsets_retention_ms(self) -> int | None:
        brokers = (await self._admin.describe_cluster())["brokers"]
        if not brokers:
            return None
        broker = ConfigResource(ConfigResourceType.BROKER, str(brokers[0]["node_id"]))
        try:
            ((_, entries),) = await self._described([broker])
        except (kafka_errors.KafkaError, ValueError):
            return None
        minutes = entries.get("offsets.retention.minutes", ("", 0))[0]
        return int(minutes) * 60_000 if minutes.isdigit() else None

    async def _members(self, topics: set[str]) -> Mapping[str, Mapping[str, int]]:
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for group, kind, *_ in await self._admin.list_consumer_groups():
            if kind != "consumer":
                continue
            try:
                members = await self._count_members(group)
                offsets = await self._admin.list_consumer_group_offsets(group) if members else {}
            except kafka_errors.KafkaError:
                # A group that cannot be described, or that goes away meanwhile, costs its own warning only.
                continue
            for topic in {at.topic for at in offsets} & topics:
                found[topic][group] = members
        return found

    async def _count_members(self, group: str) -> int:
        # One at a time: aiokafka 0.14 misreads an answer about several groups.
        responses = await self._admin.describe_consumer_groups([group])
        return sum(len(each["members"]) for response in responses for each in response.to_object()["groups"])


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Cluster]:
    """The cluster of ROUTER_BROKER. Raises BrokerUnavailable."""
    # Its errors come as exceptions; what it logs beside them would stand between a command's lines.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=settings.broker, **settings.aiokafka_security())
    heed_refusals(admin)
    try:
        await admin.start()
        yield Cluster(admin)
    except kafka_errors.KafkaError as error:
        raise BrokerUnavailable(brokers=settings.broker, problem=str(error)) from error
    finally:
        await admin.close()
