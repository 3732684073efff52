"""Where a consumer group stands, asked of the brokers, and moving one that has no members."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable, TransientError
from router.failure.topics import parked_of
from router.lanes.connections import Connections
from router.lanes.directory import KafkaDirectory
from router.redrive.offsets import Member, Standing
from router.redrive.selection import WrongSelection
from router.settings import Settings

__all__ = ["GroupMoved", "Groups"]


_TRIES = 20
_AGAIN = 0.25


class GroupMoved(TransientError):
    """A group got members, or moved by itself, before its offset could be moved."""

    reason = "group-moved"

    def __init__(self, *, group: str, problem: str) -> None:
        super().__init__(group, problem)
        self.group = group
        self.problem = problem

    def __str__(self) -> str:
        return f"the offset of group '{self.group}' cannot be moved: {self.problem}"


class Groups:
    """Those of one cluster."""

    def __init__(self, settings: Settings) -> None:
        self._connections = Connections.of(settings, client_id="router-offsets")
        self._directory = KafkaDirectory(settings.broker, settings.aiokafka_security())

    async def close(self) -> None:
        """Let go of the connection."""
        await self._directory.close()

    async def standing(self, group: str, topic: str, partition: int) -> Standing:
        """Where it stands. Raises BrokerUnavailable, and WrongSelection for a partition that is not there."""
        counts = await self._directory.partition_counts()
        if partition >= counts.get(topic, 0):
            told = f"has partitions 0 to {counts[topic] - 1}" if counts.get(topic) else "does not exist"
            raise WrongSelection(f"topic '{topic}' {told}, or you may not see it")
        state, members = await self._described(group)
        tp = TopicPartition(topic, partition)
        async with self._connections.reader(group_id=group, isolation_level="read_uncommitted") as consumer:
            committed = await consumer.committed(tp)
            first, end = (await consumer.beginning_offsets([tp]))[tp], (await consumer.end_offsets([tp]))[tp]
        return Standing(
            group=group,
            topic=topic,
            partition=partition,
            state=state,
            members=members,
            committed=committed,
            first=first,
            end=end,
            marks=parked_of(topic) in counts,
        )

    async def move(self, standing: Standing, to: int) -> None:
        """Move it, unless it has moved since. Raises GroupMoved, BrokerUnavailable."""
        now = await self.standing(standing.group, standing.topic, standing.partition)
        if now.active or now.committed != standing.committed:
            problem = f"it is {now.state}, and stands at {now.committed}; it stood at {standing.committed}"
            raise GroupMoved(group=standing.group, problem=problem)
        try:
            await self._connections.commit_for(standing.group, {TopicPartition(standing.topic, standing.partition): to})
        except BrokerUnavailable as error:
            has_members = isinstance(error.__cause__, kafka_errors.CommitFailedError)
            problem = "it has members by now" if has_members else error.problem
            raise GroupMoved(group=standing.group, problem=problem) from error

    async def _described(self, group: str) -> tuple[str, list[Member]]:
        async with self._connections.admin() as admin:
            (response,) = await _patiently(lambda: admin.describe_consumer_groups([group]))
        (told,) = response.to_object()["groups"]
        return str(told["state"]), [_member(each) for each in told["members"]]


async def _patiently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again while the brokers make the topic of all groups' offsets, as they do for the first group of all."""
    for _ in range(_TRIES):
        try:
            return await ask()
        except kafka_errors.GroupCoordinatorNotAvailableError:
            await asyncio.sleep(_AGAIN)
    return await ask()


def _member(told: Any) -> Member:
    return Member(str(told["client_id"]), str(told["client_host"]).lstrip("/"))
