"""What a group has committed of partitions that others may own; tests/contracts asks a real Kafka."""

from __future__ import annotations

from types import SimpleNamespace

from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.lanes.standing import places, standing

AT, NEW = TopicPartition("a.v1", 0), TopicPartition("a.v1", 1)


class Group:
    """A group that stands at 5 of one partition."""

    def __init__(self) -> None:
        self._coordinator = SimpleNamespace(fetch_committed_offsets=self._committed)

    async def _committed(self, tps: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        told = {AT: OffsetAndMetadata(5, "n"), NEW: OffsetAndMetadata(-1, "")}
        return {tp: told[tp] for tp in tps}

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Say where logs start."""
        return dict.fromkeys(tps, 2)


async def test_group_stands_at_what_it_committed_or_at_the_start() -> None:
    """Of each partition that was asked for."""
    assert await standing(Group(), [AT, NEW]) == {AT: 5, NEW: 2}
    assert await standing(Group(), [AT]) == {AT: 5}


async def test_places_are_those_that_were_committed() -> None:
    """With their texts; what nobody has committed has none."""
    assert await places(Group(), [AT, NEW]) == {AT: OffsetAndMetadata(5, "n")}
