"""What is known of destinations is asked of the broker, once for all who ask, and never assumed."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping

import pytest

from router.errors import BrokerUnavailable, DestinationUnavailable
from router.lanes.destinations import BATCH_BYTES, Destinations


class Directory:
    """Answers when it is told to."""

    def __init__(self, **counts: int) -> None:
        self.counts = counts
        self.asked = 0
        self.answer = asyncio.Event()
        self.answer.set()
        self.away = False

    async def partition_counts(self) -> Mapping[str, int]:
        self.asked += 1
        await self.answer.wait()
        if self.away:
            raise BrokerUnavailable(brokers="memory", problem="away")
        return dict(self.counts)


async def test_counts_are_those_of_the_last_answer() -> None:
    """A topic that appears or goes shows after the next refresh, not before."""
    directory = Directory(a=3)
    destinations = Destinations(directory)
    with pytest.raises(DestinationUnavailable, match="'a' does not exist"):
        destinations.partitions("a")
    await destinations.refresh()
    assert destinations.partitions("a") == 3
    directory.counts = {"b": 1}
    assert destinations.partitions("a") == 3
    await destinations.refresh()
    assert destinations.partitions("b") == 1
    with pytest.raises(DestinationUnavailable):
        destinations.partitions("a")


async def test_topics_that_were_not_there_are_missing() -> None:
    """One without partitions, too."""
    destinations = Destinations(Directory(a=3, b=0))
    assert destinations.missing(["a", "b", "c"]) == ("a", "b", "c")
    await destinations.refresh()
    assert destinations.missing(["a", "b", "c"]) == ("b", "c")


async def test_topic_without_partitions_is_no_destination() -> None:
    """While a topic is being created it may be known by name only."""
    destinations = Destinations(Directory(a=0))
    await destinations.refresh()
    with pytest.raises(DestinationUnavailable):
        destinations.partitions("a")


async def test_who_asks_at_the_same_time_shares_one_question() -> None:
    """Two hundred lanes that reopen do not ask two hundred times."""
    directory = Directory(a=1)
    destinations = Destinations(directory)
    await asyncio.gather(*(destinations.refresh() for _ in range(200)))
    assert directory.asked == 1
    await destinations.refresh()
    assert directory.asked == 2


async def test_one_who_gives_up_does_not_end_the_question_for_others() -> None:
    """A lane that is closed meanwhile takes only itself away."""
    directory = Directory(a=1)
    directory.answer.clear()
    destinations = Destinations(directory)
    first, second = (asyncio.create_task(destinations.refresh()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    directory.answer.set()
    await second
    assert destinations.partitions("a") == 1


async def test_broker_that_is_away_is_said_to_everyone_and_asked_again() -> None:
    """A failed question leaves what was known, and the next one is a new one."""
    directory = Directory(a=1)
    destinations = Destinations(directory)
    await destinations.refresh()
    directory.away = True
    results = await asyncio.gather(*(destinations.refresh() for _ in range(2)), return_exceptions=True)
    assert all(isinstance(result, BrokerUnavailable) for result in results)
    assert destinations.partitions("a") == 1
    directory.away = False
    await destinations.refresh()


async def test_answer_that_nobody_waits_for_is_not_complained_about() -> None:
    """Where the only lane that asked is closed, asyncio has nothing to report as never retrieved."""
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    directory = Directory()
    directory.answer.clear()
    directory.away = True
    asking = asyncio.create_task(Destinations(directory).refresh())
    await asyncio.sleep(0)
    asking.cancel()
    directory.answer.set()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert complaints == []


async def test_forbidden_topic_is_tried_again_after_a_refresh() -> None:
    """Rights may be granted meanwhile, and only a try can tell."""
    destinations = Destinations(Directory(a=1))
    await destinations.refresh()
    destinations.forbid("a", "may not be written to")
    with pytest.raises(DestinationUnavailable, match="may not be written to"):
        destinations.partitions("a")
    await destinations.refresh()
    assert destinations.partitions("a") == 1


@pytest.mark.parametrize(
    ("refused", "size"),
    [
        pytest.param([], BATCH_BYTES, id="never-refused"),
        pytest.param([10_000], 5_000, id="half-of-what-was-refused"),
        pytest.param([10_000, 9_000_000], 5_000, id="never-grows"),
        pytest.param([10_000, 5_000, 2_500], 1_250, id="again"),
        pytest.param([100], 1_024, id="not-below-a-kibibyte"),
    ],
)
def test_batches_shrink_to_what_the_topic_takes(refused: list[int], size: int) -> None:
    """Each refusal halves the topic's batches, and no other topic's."""
    destinations = Destinations(Directory())
    for each in refused:
        destinations.shrink("a", each)
    assert destinations.batch_bytes("a") == size
    assert destinations.batch_bytes("b") == BATCH_BYTES
