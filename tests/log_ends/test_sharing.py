"""One question for all who ask at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.log_ends import SharedEnds, sharing

A, B = TopicPartition("a.v1", 0), TopicPartition("b.v1", 0)


class Kafka:
    """Stands for `ends_of`: its logs grow whenever somebody has asked."""

    def __init__(self) -> None:
        self.asked: list[set[TopicPartition]] = []
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.uncertain: set[TopicPartition] = set()
        self._end = 0

    async def ends_of(
        self, _: object, tps: Collection[TopicPartition], *, committed: bool, within: float | None = None
    ) -> dict[TopicPartition, int]:
        self.asked.append({*tps})
        self._end += 1
        end = self._end if committed else self._end + 100
        await self.goes_on.wait()
        if self.uncertain & {*tps}:
            raise kafka_errors.LeaderNotAvailableError
        return dict.fromkeys(tps, end)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    kafka = Kafka()
    monkeypatch.setattr(sharing, "ends_of", kafka.ends_of)
    return kafka


async def test_who_asks_alone_is_told(kafka: Kafka) -> None:
    """Of either kind of end."""
    ends = SharedEnds(object())
    assert await ends.of([A]) == {A: 1}
    assert await ends.of([A], committed=False) == {A: 102}


async def test_who_comes_while_one_is_asked_for_shares_the_next(kafka: Kafka) -> None:
    """Its answer must have been asked for after it came."""
    ends = SharedEnds(object())
    kafka.goes_on.clear()
    first = asyncio.create_task(ends.of([A]))
    await asyncio.sleep(0)
    others = [asyncio.create_task(ends.of([tp])) for tp in (A, B, A)]
    await asyncio.sleep(0)
    kafka.goes_on.set()
    assert await first == {A: 1}
    assert await asyncio.gather(*others) == [{A: 2}, {B: 2}, {A: 2}]
    assert kafka.asked == [{A}, {A, B}]


async def test_partition_that_is_uncertain_holds_up_no_other(kafka: Kafka) -> None:
    """Who shared a question with it asks by itself."""
    ends = SharedEnds(object())
    kafka.uncertain = {B}
    kafka.goes_on.clear()
    first = asyncio.create_task(ends.of([A]))
    await asyncio.sleep(0)
    others = [asyncio.create_task(ends.of([tp])) for tp in (A, B)]
    await asyncio.sleep(0)
    kafka.goes_on.set()
    assert await first == {A: 1}
    assert await others[0] == {A: 3}
    with pytest.raises(kafka_errors.LeaderNotAvailableError):
        await others[1]


async def test_who_gives_up_leaves_the_question_to_the_others(kafka: Kafka) -> None:
    """It was the one who asked for all of them."""
    ends = SharedEnds(object())
    kafka.goes_on.clear()
    first = asyncio.create_task(ends.of([A]))
    await asyncio.sleep(0)
    asker, other = asyncio.create_task(ends.of([A])), asyncio.create_task(ends.of([B]))
    await asyncio.sleep(0)
    kafka.goes_on.set()
    await first
    kafka.goes_on.clear()
    await asyncio.sleep(0)
    asker.cancel()
    await asyncio.wait([asker])
    kafka.goes_on.set()
    assert B in await other
    assert await ends.of([A])
