"""What lanes may expect of the consumer's side: where a partition stands, and what is fetched from there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.ports import seek_to_group
from support.worlds import Member, World

from router.errors import OffsetOutOfRange
from router.lanes.batch import Batch, SourcePartition


@pytest.fixture
async def source(world: World, topic_names: Callable[[str], str]) -> SourcePartition:
    """A partition with six records."""
    topic = topic_names("orders.v1")
    await world.create(topic, partitions=2)
    await world.publish(topic, *(b"%d" % each for each in range(6)), partition=1)
    return SourcePartition(topic, 1)


async def fetched(member: Member, source: SourcePartition, count: int) -> list[Batch]:
    """Batches until there are so many records."""
    batches: list[Batch] = []
    for _ in range(20):
        batches += await member.fetch(source)
        if sum(len(batch.records) for batch in batches) >= count:
            return batches
    pytest.fail(f"only {batches}")


def offsets(batches: list[Batch]) -> list[int]:
    return [record.offset for batch in batches for record in batch.records]


async def test_a_new_group_stands_at_the_start(world: World, source: SourcePartition, unique: str) -> None:
    """A router that is new to a topic copies all of it."""
    member = await world.member(unique, source)
    _, position = await seek_to_group(member.positions, source)
    assert position == 0


async def test_a_new_group_stands_at_what_retention_has_left(
    world: World, source: SourcePartition, unique: str
) -> None:
    """The start is the log's, not zero."""
    await world.expire(source, 4)
    member = await world.member(unique, source)
    _, position = await seek_to_group(member.positions, source)
    assert position == 4
    assert offsets(await fetched(member, source, 2)) == [4, 5]


async def test_what_was_committed_is_where_the_group_stands(world: World, source: SourcePartition, unique: str) -> None:
    """For this member and for the next one; at the log's end as well."""
    member = await world.member(unique, source)
    for offset in (2, 5, 6):
        await member.positions.commit(source, offset)
        assert (await seek_to_group(member.positions, source))[1] == offset
    following = await world.member(unique, source)
    assert (await seek_to_group(following.positions, source))[1] == 6


async def test_groups_do_not_share_offsets(world: World, source: SourcePartition, unique: str) -> None:
    """A second router reads for itself."""
    member = await world.member(unique, source)
    await member.positions.commit(source, 3)
    other = await world.member(f"{unique}-other", source)
    assert (await seek_to_group(other.positions, source))[1] == 0


async def test_batches_follow_each_other_from_the_position(world: World, source: SourcePartition, unique: str) -> None:
    """Each says what it follows and of which epoch it is, and has its partition's records in order."""
    member = await world.member(unique, source)
    await member.positions.commit(source, 2)
    epoch, position = await seek_to_group(member.positions, source)
    batches = await fetched(member, source, 4)
    assert offsets(batches) == [2, 3, 4, 5]
    for batch in batches:
        assert (batch.source, batch.epoch, batch.follows) == (source, epoch, position)
        position = batch.next
    assert position == 6
    record = batches[0].records[0]
    assert (record.topic, record.partition, record.key, record.value) == (source.topic, 1, b"k", b"2")


async def test_nothing_new_is_no_batch(world: World, source: SourcePartition, unique: str) -> None:
    """A partition that has nothing keeps no lane busy."""
    member = await world.member(unique, source)
    await member.positions.commit(source, 6)
    await seek_to_group(member.positions, source)
    assert await member.fetch(source) == []


async def test_seeking_again_begins_another_epoch(world: World, source: SourcePartition, unique: str) -> None:
    """What was read before is read again, and can be told from what was fetched before the seek."""
    member = await world.member(unique, source)
    first, _ = await seek_to_group(member.positions, source)
    before = await fetched(member, source, 6)
    second, position = await seek_to_group(member.positions, source)
    after = await fetched(member, source, 6)
    assert (position, offsets(before), offsets(after)) == (0, list(range(6)), list(range(6)))
    assert {batch.epoch for batch in before} == {first}
    assert {batch.epoch for batch in after} == {second}
    assert first != second


@pytest.mark.parametrize(
    ("committed", "start"),
    [pytest.param(1, 4, id="retention-ate-unread-records"), pytest.param(99, 0, id="topic-was-made-anew")],
)
async def test_offset_outside_the_log_is_an_error(
    world: World, source: SourcePartition, unique: str, committed: int, start: int
) -> None:
    """With all that is needed to decide where to go on."""
    member = await world.member(unique, source)
    await member.positions.commit(source, committed)
    if start:
        await world.expire(source, start)
    with pytest.raises(OffsetOutOfRange) as caught:
        await seek_to_group(member.positions, source)
    error = caught.value
    assert (error.topic, error.partition) == (source.topic, 1)
    assert (error.committed, error.earliest, error.latest) == (committed, start, 6)


async def test_records_that_vanish_while_carrying_leave_a_gap(
    world: World, source: SourcePartition, unique: str
) -> None:
    """A position that retention overtakes is not moved on as if nothing had been there."""
    member = await world.member(unique, source)
    await seek_to_group(member.positions, source)
    assert offsets(await fetched(member, source, 6)) == list(range(6))
    async with member.paused(source):
        await world.publish(source.topic, b"6", b"7", b"8", partition=1)
        await world.expire(source, 8)
    gaps: list[Batch] = []
    for _ in range(20):
        gaps += await member.fetch(source)
        if gaps:
            break
    assert gaps[0].follows != 6, "the lane, which stands at 6, must notice"


async def test_the_end_is_where_a_reader_gets_to(world: World, source: SourcePartition, unique: str) -> None:
    """The offset of the next record to come, whatever the group has committed, and whoever asks."""
    member = await world.member(unique, source)
    assert await member.positions.end(source) == 6
    await world.publish(source.topic, b"6", partition=1)
    assert await member.positions.end(source) == 7


async def test_group_can_be_asked_of_partitions_that_others_carry(
    world: World, source: SourcePartition, unique: str
) -> None:
    """What it has committed of them, or where their logs start; and where they end."""
    member = await world.member(unique, source)
    other = SourcePartition(source.topic, 0)
    await world.expire(source, 2)
    both = (source, other)
    assert await member.positions.standing(both) == {source: 2, other: 0}
    assert await member.positions.ends(both) == {source: 6, other: 0}
    await member.positions.commit(source, 5)
    assert (await member.positions.standing((source,)))[source] == 5
    assert [await member.positions.written_to(each) for each in both] == [6, 0]
