"""What is so of a migration now: asked of the brokers, of its mirror's own group and of every group that reads its topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable
from router.lanes.connections import Connections, partitions_of, read_from
from router.log_ends import ends_of
from router.migrations.crossing import Crossing, read_note
from router.migrations.phases import GroupState, Migration, MirrorState, Observation
from router.records.record import PlainRecord
from router.refused_offsets import REFUSALS
from router.settings import Settings

__all__ = ["Survey", "group_of", "plain_record", "records_between"]

_LOOK_MS = 200
_SET_ON_TOPIC = 1
"""Kafka's `DYNAMIC_TOPIC_CONFIG`: a setting that is the topic's own, and no default."""
_COORDINATOR_ASKS = 50
_COORDINATOR_ASK_EVERY = 0.2
_SILENT_LOOKS = 50
"""After so many looks that bring nothing, no more is waited for."""
_LOOKS = 10
"""How often at most an empty stretch of a log is asked for records: markers of transactions alone bring none."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A group as brokers tell of it."""

    name: str
    committed: Mapping[TopicPartition, tuple[int, str]]
    members: Mapping[str, int]
    """By topic, how many members have partitions of it."""


class Survey:
    """Looks at one cluster. Its errors are BrokerUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self.connections = Connections.of(settings, client_id="router-migrate")

    async def observe(self, migration: Migration, *, goes_back: bool, follows: bool, problem: str = "") -> Observation:
        """What is so now. `follows`: the workers read the subject by its name, and need not be moved; others: see Observation."""
        topics = migration.topics
        copies = migration.group
        async with self.connections.admin() as admin, self.connections.reader() as consumer:
            groups = await _groups(admin, topics)
            partitions = [
                TopicPartition(topic, each)
                for topic in topics
                for each in sorted(consumer.partitions_for_topic(topic) or await partitions_of(consumer, topic))
            ]
            starts = await consumer.beginning_offsets(partitions)
            ends = await ends_of(consumer, partitions)
            written = await ends_of(consumer, partitions, committed=False)
            mirror = next((each for each in groups if each.name == copies), _Group(copies, {}, {}))
            mirrors = []
            for tp in partitions:
                position, note = mirror.committed.get(tp, (starts[tp], ""))
                mirrors.append(
                    MirrorState(
                        topic=tp.topic,
                        partition=tp.partition,
                        position=position,
                        end=ends[tp],
                        unread=await _holds(consumer, tp, max(position, starts[tp]), ends[tp]),
                        natives=read_note(note)[1],
                        start=starts[tp],
                        hidden=max(0, written[tp] - ends[tp]),
                    )
                )
            states = []
            for group in groups:
                if group.name == copies:
                    continue
                for topic in topics:
                    own = {tp: at for tp, (at, _) in group.committed.items() if tp.topic == topic}
                    if own or group.members.get(topic):
                        behind = await _behind(
                            consumer, [tp for tp in partitions if tp.topic == topic], own, starts, ends
                        )
                        states.append(
                            GroupState(
                                group=group.name,
                                topic=topic,
                                members=group.members.get(topic, 0),
                                behind=behind,
                                committed=bool(own),
                                follows=follows and group.name == migration.workers,
                            )
                        )
        return Observation(
            at=round(time.time() * 1000),
            mirrors=mirrors,
            groups=states,
            goes_back=goes_back,
            copying=sum(mirror.members.values()),
            places_kept="" if mirror.members else await self._places_kept(),
            problem=problem,
        )

    async def _places_kept(self) -> str:
        """As brokers are set, of which any one is asked; empty where this is not to be seen."""
        async with self.connections.admin() as admin:
            node = str(admin._client.get_random_node())  # noqa: SLF001 - it has no other name
            try:
                asked = ConfigResource(ConfigResourceType.BROKER, node, {"offsets.retention.minutes": None})
                responses = await admin.describe_configs([asked])
            except kafka_errors.KafkaError:
                return ""
        entries = (entry for each in responses for *_, found in each.resources for entry in found)
        minutes = next((entry[1] for entry in entries if entry[0] == "offsets.retention.minutes"), None)
        return f"{int(minutes) / 60:g} h" if minutes else ""

    async def natives_left(self, migration: Migration, topic: str) -> int:
        """Records that producers wrote to a topic, and that nobody has copied; what a transaction hides counts as such.

        Asked once nobody copies any more: it reads what is left, and tells copies apart as a mirror does.
        """
        group = migration.group
        twins = {*migration.topics} - {topic}
        async with self.connections.admin() as admin, self.connections.reader() as consumer:
            committed = (await group_of(admin, group)).committed
            partitions = [TopicPartition(topic, each) for each in sorted(await partitions_of(consumer, topic))]
            starts, ends = await consumer.beginning_offsets(partitions), await ends_of(consumer, partitions)
            written = await ends_of(consumer, partitions, committed=False)
            count = 0
            for tp in partitions:
                position, note = committed.get(tp, (starts[tp], ""))
                former = min(migration.counts or (0,))
                crossing = Crossing(tp.partition, twins=twins, writers=[group], former=former)
                crossing.resume(note)
                async for record in records_between(consumer, tp, max(position, starts[tp]), ends[tp]):
                    count += crossing.is_native(plain_record(record))
                count += max(0, written[tp] - ends[tp])
            return count

    async def heads(self, states: Collection[MirrorState], *, most: int) -> list[PlainRecord]:
        """Of each of these partitions, the first records that are still to be copied: so many at most, with markers among them."""
        found: list[PlainRecord] = []
        async with self.connections.reader() as consumer:
            for each in states:
                tp, start = TopicPartition(each.topic, each.partition), max(each.position, each.start)
                async for record in records_between(consumer, tp, start, min(each.end, start + most)):
                    found.append(plain_record(record))  # noqa: PERF401 - it comes bit by bit
        return found

    async def counts(self, topics: Collection[str]) -> dict[str, int]:
        """The partitions of those of these topics that exist."""
        async with self.connections.reader() as consumer:
            there = await consumer.topics()
            return {topic: len(await partitions_of(consumer, topic)) for topic in topics if topic in there}

    async def held(self, topic: str) -> int:
        """Offsets that a topic retains: its records, with the markers of transactions among them."""
        async with self.connections.reader() as consumer:
            partitions = [TopicPartition(topic, each) for each in await partitions_of(consumer, topic)]
            starts, ends = await consumer.beginning_offsets(partitions), await ends_of(consumer, partitions)
            return sum(ends[tp] - starts[tp] for tp in partitions)

    async def ends(self, topics: Collection[str]) -> dict[str, list[int]]:
        """By topic, where its partitions end now."""
        async with self.connections.reader() as consumer:
            found = {}
            for topic in topics:
                partitions = [TopicPartition(topic, each) for each in sorted(await partitions_of(consumer, topic))]
                ends = await ends_of(consumer, partitions)
                found[topic] = [ends[tp] for tp in partitions]
            return found

    async def copied(self, migration: Migration) -> tuple[dict[int, int], int]:
        """By partition of the new topic, where copying back stands; and how many members still copy it."""
        async with self.connections.admin() as admin:
            group = await group_of(admin, migration.group)
        topic = migration.target_topic
        at = {tp.partition: offset for tp, (offset, _) in group.committed.items() if tp.topic == topic}
        return at, group.members.get(topic, 0)

    async def holders(self, topic: str) -> list[str]:
        """The groups that have places in a topic, or members that read it, though it may have been deleted."""
        async with self.connections.admin() as admin:
            return [each.name for each in await _groups(admin, [topic])]

    async def members(self, group: str) -> int:
        """How many members a group has, of whatever topic."""
        async with self.connections.admin() as admin:
            return sum((await group_of(admin, group)).members.values())

    async def place(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Commit these offsets for a group without members. Raises BrokerUnavailable where brokers do not take them."""
        await self.connections.commit_for(
            group, {TopicPartition(topic, number): offset for number, offset in offsets.items()}
        )

    async def make(self, topic: str, config: Mapping[str, str]) -> None:
        """Make a topic of one partition; one that is there is left as it is."""
        await self.connections.make(NewTopic(topic, 1, -1, {}, dict(config)))

    async def create(self, topic: str, *, like: str, partitions: int = 0) -> None:
        """Make a topic with the own settings of another, and its partitions or so many; one that is there is left as it is."""
        async with self.connections.admin() as admin:
            config = ConfigResource(ConfigResourceType.TOPIC, like)
            own = {
                entry[0]: entry[1]
                for response in await admin.describe_configs([config])
                for *_, entries in response.resources
                for entry in entries
                if int(entry[3]) == _SET_ON_TOPIC and entry[1] is not None
            }
            (described,) = await admin.describe_topics([like])
        await self.connections.make(NewTopic(topic, partitions or len(described["partitions"]), -1, {}, own))

    async def delete(self, topic: str) -> None:
        """Delete a topic, with all that is in it."""
        async with self.connections.admin() as admin:
            response = await admin.delete_topics([topic])
            for _, code, *_ in response.topic_error_codes:
                if code and code != kafka_errors.UnknownTopicOrPartitionError.errno:
                    raise kafka_errors.for_code(code)(topic)


async def _holds(consumer: AIOKafkaConsumer, tp: TopicPartition, position: int, end: int) -> bool:
    """Whether a committed record stands between two offsets: markers and what was aborted are none."""
    if position >= end:
        return False
    read_from(consumer, {tp: position})
    for _ in range(_LOOKS):
        found = (await consumer.getmany(tp, timeout_ms=_LOOK_MS, max_records=1)).get(tp, ())
        if found:
            return bool(found[0].offset < end)
        if await consumer.position(tp) >= end:
            return False
    return True


async def records_between(
    consumer: AIOKafkaConsumer, tp: TopicPartition, position: int, end: int
) -> AsyncIterator[Any]:
    """All committed records between two offsets."""
    if position >= end:
        return
    read_from(consumer, {tp: position})
    silent = 0
    while await consumer.position(tp) < end:
        before = await consumer.position(tp)
        for record in (await consumer.getmany(tp, timeout_ms=_LOOK_MS)).get(tp, ()):
            if record.offset < end:
                yield record
        silent = 0 if await consumer.position(tp) > before else silent + 1
        if silent > _SILENT_LOOKS:
            raise BrokerUnavailable(brokers=str(tp), problem=f"nothing comes of it, though it reaches to {end}")


def plain_record(record: Any) -> PlainRecord:
    return PlainRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


async def _behind(
    consumer: AIOKafkaConsumer,
    partitions: Sequence[TopicPartition],
    committed: Mapping[TopicPartition, int],
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
) -> int:
    behind = 0
    for tp in partitions:
        at = max(committed.get(tp, starts[tp]), starts[tp])
        behind += ends[tp] - at if await _holds(consumer, tp, at, ends[tp]) else 0
    return behind


async def _groups(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[_Group]:
    """Those that have something to do with these topics."""
    found = []
    for name, kind, *_ in await admin.list_consumer_groups():
        if kind not in {"consumer", ""}:
            continue
        group = await group_of(admin, name)
        committed = {tp: at for tp, at in group.committed.items() if tp.topic in topics}
        if committed or any(topic in group.members for topic in topics):
            found.append(_Group(name, committed, group.members))
    return found


async def _offsets(admin: AIOKafkaAdminClient, name: str) -> Mapping[TopicPartition, Any]:
    """What a group has committed. The first question about any group has brokers make the topic that groups are kept in."""
    for _ in range(_COORDINATOR_ASKS):
        with suppress(*REFUSALS):
            return dict(await admin.list_consumer_group_offsets(name))
        await asyncio.sleep(_COORDINATOR_ASK_EVERY)
    return dict(await admin.list_consumer_group_offsets(name))


async def group_of(admin: AIOKafkaAdminClient, name: str) -> _Group:
    offsets = await _offsets(admin, name)
    committed = {tp: (int(at.offset), str(at.metadata or "")) for tp, at in offsets.items() if at.offset >= 0}
    members: dict[str, int] = {}
    # One at a time: aiokafka 0.14 misreads an answer about several groups.
    for response in await admin.describe_consumer_groups([name]):
        for told in response.to_object()["groups"]:
            for member in told["members"]:
                for topic in _topics_of(member):
                    members[topic] = members.get(topic, 0) + 1
    return _Group(name, committed, members)


def _topics_of(member: Mapping[str, Any]) -> set[str]:
    """The topics of which a member has partitions."""
    assigned = member["member_assignment"]
    if not assigned:
        return set()
    decoded = ConsumerProtocolMemberAssignment.decode(assigned)
    return {str(topic) for topic, partitions in decoded.assignment if partitions}
