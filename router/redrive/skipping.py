"""Making a group read on behind a record that its consumer cannot process, and telling the audit who did, and why."""

from __future__ import annotations

from uuid import uuid4

from router.failure.audit import AuditEvent
from router.failure.skipping import skip_mark
from router.failure.topics import parked_of
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.redrive.groups import Groups
from router.redrive.kafka import RedriveKafka
from router.redrive.offsets import Skipped, Standing

__all__ = ["skip_record"]


async def skip_record(
    kafka: RedriveKafka,
    groups: Groups,
    standing: Standing,
    offset: int,
    verdict: Skipped,
    *,
    mark: bool,
    author: str,
    reason: str,
    at: int,
) -> str:
    """Do what was found to be possible, `at` in milliseconds since the epoch; the id under which the audit has it.

    Raises GroupMoved where the group has moved since, or has members by now: then nothing was changed.
    """
    place = Origin(standing.topic, standing.partition, offset)
    event = AuditEvent(
        command=uuid4().hex[:8],
        type=f"router.offsets.{'marked' if mark else 'skipped'}",
        source=kafka.group,
        subject=str(place),
        at=at,
        data={
            "author": author, "reason": reason, "group": standing.group, "from": standing.committed, "to": verdict.to,
        },
    )  # fmt: skip
    await kafka.make_own_topics()
    # First: what is done must be told, and what is told and not done can be done again.
    await kafka.tell(event)
    if mark:
        told = skip_mark(place, reason=reason, author=author)
        record = PlainRecord(
            topic=parked_of(place.topic),
            partition=told.partition,
            timestamp=-1,
            key=told.key,
            value=told.value,
            headers=told.headers,
        )
        await kafka.write([record])
    else:
        await groups.move(standing, verdict.to)
    return event.command
