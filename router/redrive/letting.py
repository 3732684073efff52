"""Finds parked keys, and tells their lanes to let them flow or to give up what parks them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import uuid4

from router.failure.audit import AuditEvent
from router.failure.commands import give_up_headers, release_key_headers
from router.failure.rejections import Lane
from router.failure.topics import rejected_of
from router.language.routes import RouteSet
from router.language.topics import changelog_of, keeping_sources
from router.records.record import Headers, PlainRecord
from router.redrive.kafka import RedriveKafka
from router.redrive.parked import ParkedKey, ParkedKeys

__all__ = ["give_up", "parked_keys", "release"]

_MOST_AT_ONCE = 2_000


async def parked_keys(
    kafka: RedriveKafka, route_set: RouteSet, *, topic: str | None = None, key: bytes | None = None
) -> list[ParkedKey]:
    """The keys that wait, those first that have waited longest; of one topic only keys, where one is named.

    Raises BrokerUnavailable.
    """
    changelogs = {changelog_of(kafka.group, source): source for source in keeping_sources(route_set)}
    found: list[ParkedKey] = []
    for (changelog, partition), end in (await kafka.ends(changelogs)).items():
        keys = ParkedKeys(Lane(changelogs[changelog], partition))
        async for records, _ in kafka.records((changelog, partition), end=end, most=_MOST_AT_ONCE):
            for record in records:
                keys.take(record)
        found += keys.listed()
    if topic is not None:
        found = [each for each in found if each.topic == topic and each.key is not None and key in {None, each.key}]
    return sorted(found, key=lambda one: (one.since or 0, one.topic))


async def release(kafka: RedriveKafka, topic: str, keys: Sequence[ParkedKey], who: tuple[str, str], at: int) -> str:
    """Tell the lanes of these keys to let them flow; the command's id. `who` is author and reason, `at` milliseconds."""
    return await _tell(kafka, topic, keys, who, at, kind="released", headers=release_key_headers)


async def give_up(
    kafka: RedriveKafka, topic: str, keys: Sequence[ParkedKey], who: tuple[str, str], at: int, *, silently: bool
) -> str:
    """Tell the lanes of these keys to send none of what parks them; the command's id."""

    def headers(command: str, lane: Lane) -> Headers:
        return give_up_headers(command, lane, silently=silently)

    return await _tell(kafka, topic, keys, who, at, kind="given-up", headers=headers)


async def _tell(
    kafka: RedriveKafka,
    topic: str,
    keys: Sequence[ParkedKey],
    who: tuple[str, str],
    at: int,
    *,
    kind: str,
    headers: Callable[[str, Lane], Headers],
) -> str:
    command, (author, reason) = uuid4().hex[:8], who
    event = AuditEvent(
        command=command,
        type=f"router.parked.{kind}",
        source=kafka.group,
        subject=topic,
        at=at,
        data={"author": author, "reason": reason, "keys": [each.to_json() for each in keys]},
    )
    await kafka.make_own_topics()
    # First: what is done must be told, and what is told and not done can be done again.
    await kafka.tell(event)
    await kafka.write(
        [
            PlainRecord(
                topic=rejected_of(topic),
                partition=each.lane.partition,
                timestamp=-1,
                key=each.key,
                headers=tuple(headers(command, each.lane)),
            )
            for each in keys
        ]
    )
    return command
