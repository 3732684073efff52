"""Making a group read on behind a record: what is told comes before what is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest
from redrive.test_offsets import AT_REST

from router.failure.audit import AuditEvent
from router.failure.topics import parked_of
from router.records.record import PlainRecord
from router.redrive.groups import GroupMoved, Groups
from router.redrive.kafka import RedriveKafka
from router.redrive.offsets import Skipped, Standing
from router.redrive.skipping import skip_record


class Cluster:
    """Both, the topics and the groups; keeps what was done in its order."""

    group = "workers"

    def __init__(self, *, moved: bool = False) -> None:
        self.done: list[object] = []
        self._moved = moved

    async def make_own_topics(self) -> None:
        """Make them."""

    async def tell(self, event: AuditEvent) -> None:
        """Take an event."""
        self.done.append(event)

    async def write(self, records: Sequence[PlainRecord]) -> None:
        """Take records."""
        self.done.extend(records)

    async def move(self, standing: Standing, to: int) -> None:
        """Move a group, or find it moved."""
        if self._moved:
            raise GroupMoved(group=standing.group, problem="it has members by now")
        self.done.append((standing.group, to))


async def skip(cluster: Cluster, *, mark: bool) -> str:
    """Skip the record at 10."""
    return await skip_record(
        cast("RedriveKafka", cluster), cast("Groups", cluster), AT_REST, 10, Skipped(11, 1),
        mark=mark, author="ada", reason="does not fit", at=1_000,
    )  # fmt: skip


async def test_group_is_moved_once_the_audit_knows() -> None:
    """Who, why, from where to where."""
    cluster = Cluster()
    command = await skip(cluster, mark=False)
    event, moved = cluster.done
    assert isinstance(event, AuditEvent)
    assert (event.command, event.type, event.subject) == (command, "router.offsets.skipped", "orders.v1/3/10")
    assert event.data == {"author": "ada", "reason": "does not fit", "group": "refunds", "from": 10, "to": 11}
    assert moved == ("refunds", 11)


async def test_mark_is_written_where_consumers_read_marks() -> None:
    """The group itself is left alone."""
    cluster = Cluster()
    await skip(cluster, mark=True)
    event, written = cluster.done
    assert isinstance(event, AuditEvent)
    assert event.type == "router.offsets.marked"
    assert isinstance(written, PlainRecord)
    assert (written.topic, written.partition) == (parked_of("orders.v1"), 3)


async def test_group_that_has_moved_meanwhile_is_left() -> None:
    """The audit tells what was wanted; the same can be wanted again."""
    cluster = Cluster(moved=True)
    with pytest.raises(GroupMoved):
        await skip(cluster, mark=False)
    assert len(cluster.done) == 1
