"""The one who looks, for all who watch."""

from __future__ import annotations

import asyncio

from support.console import READY, SOURCE, MemoryKafka, MemoryWorkers, new_sight, today

from router.console.measuring import Counted
from router.console.trouble import WorkerFacts
from router.console.watching import Snapshot, Watching

URL = "http://w-0"


def ready(count: float = 0.0) -> tuple[WorkerFacts, Counted]:
    """A worker that is well, and has copied so many."""
    facts = WorkerFacts(URL, "w-0", {**READY, "routes": today().route_set.fingerprint})
    return facts, Counted({SOURCE: count}, {(SOURCE, "all.order.v1"): count}, {SOURCE: 2.0}, {SOURCE: 7.0})


async def test_a_look_asks_each_worker_once() -> None:
    """However many watch: they share what it found."""
    workers = MemoryWorkers(facts={URL: ready()})
    watching = new_sight(workers=workers).watching
    await watching.look()
    assert workers.asked.count(URL) == 1
    assert watching.snapshot.held == {SOURCE: (2.0, 7.0)}
    assert [each.what for each in watching.snapshot.troubles] == ["records wait to be put in order"]


async def test_rates_are_workers_counts_where_they_tell() -> None:
    """Of other topics, what their ends grew by."""
    workers = MemoryWorkers(facts={URL: ready(10)})
    sight = new_sight(workers=workers)
    assert isinstance(sight.kafka, MemoryKafka)
    await sight.watching.look()
    workers.facts[URL] = ready(30)
    sight.kafka.put("paid.order.v1", b"x")
    found = await sight.watching.look()
    assert found.exact == {"all.order.v1"}
    assert found.rates["all.order.v1"] > found.rates["paid.order.v1"] > 0
    assert sight.watching.count("paid.order.v1") == 1


async def test_a_kafka_that_does_not_answer_is_a_fact() -> None:
    """What was known before stays, and the workers are looked at all the same."""
    sight = new_sight(workers=MemoryWorkers(facts={URL: ready()}))
    assert isinstance(sight.kafka, MemoryKafka)
    first = await sight.watching.look()
    sight.kafka.down = "refused"
    second = await sight.watching.look()
    assert (second.counts, second.number) == (first.counts, first.number + 1)
    assert "refused" in second.kafka
    assert second.troubles[0].what == "Kafka does not answer"
    assert second.workers == first.workers


async def test_offsets_that_cannot_be_read_cost_a_look_only() -> None:
    """The next one tries again."""
    sight = new_sight()
    kafka = sight.kafka
    assert isinstance(kafka, MemoryKafka)
    counts = await kafka.partition_counts()
    kafka.down = "refused"
    await sight.watching._sample(counts, {})
    assert sight.watching.past.latest is None


async def test_workers_are_found_by_what_they_own() -> None:
    """One that is named is not looked at twice, however its address is written."""
    owners = [
        {"url": "http://10.0.0.1:6066", "instance": "w-0"},
        {"url": "http://w-1", "instance": "w-1"},
        {"url": None, "instance": None},
    ]
    tables = (200, {"tables": [{"source": SOURCE, "partitions": owners}]})
    workers = MemoryWorkers(facts={URL: ready()}, answers={"/api/tables": tables})
    watching = new_sight(workers=workers).watching
    for _ in range(3):
        await watching.look()
    assert watching.urls == (URL, "http://w-1")
    assert [each.url for each in watching.snapshot.workers] == [URL, "http://w-1"]


async def test_who_watches_slowly_gets_the_latest() -> None:
    """And holds up nobody: looks that were missed are not made up for."""
    watching = new_sight().watching
    coming = watching.changes()
    assert (await anext(coming)).number == 0
    waiting = asyncio.ensure_future(anext(coming))
    await asyncio.sleep(0)
    await watching.look()
    assert (await waiting).number == 1
    for _ in range(3):
        await watching.look()
    assert (await anext(coming)).number == 4


async def test_it_looks_again_and_again_until_it_is_stopped() -> None:
    """Also after a look that failed."""
    sight = new_sight()
    watching = Watching(sight.kafka, sight.workers, sight.watching.routes, urls=[], every=0.01)
    looks = 0
    whole = watching.look

    async def failing() -> Snapshot:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise ZeroDivisionError
        return await whole()

    watching.look = failing  # type: ignore[method-assign] # a look that fails once
    watching.start()
    async with asyncio.timeout(10):
        async for snapshot in watching.changes():
            if snapshot.number >= 2:
                break
    await watching.stop()
    await watching.stop()
    assert looks >= 3
