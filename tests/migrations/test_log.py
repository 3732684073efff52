"""`router.migrations` on a real Kafka: what is kept is read by everybody, and of two who write one is told so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from confluent_kafka import Producer

from router.develop.topics import TopicSpec, ensure_topics
from router.errors import BrokerUnavailable
from router.migrations.log import MIGRATIONS, MigrationLog, MigrationMoved
from router.migrations.phases import Migration, Phase, Step, stepped
from router.settings import Settings

pytestmark = pytest.mark.kafka


def migration(name: str) -> Migration:
    return Migration(name=name, source=1, target=2, generation=1, steps=(Step(Phase.MIRROR, 5, "ada", "why"),))


@pytest.fixture
async def logs(kafka: str) -> AsyncIterator[tuple[MigrationLog, MigrationLog]]:
    """Return two people's."""
    ensure_topics(kafka, [TopicSpec(MIGRATIONS, config={"cleanup.policy": "compact"})])
    settings = Settings.from_environment({"ROUTER_BROKER": kafka})
    found = MigrationLog(settings), MigrationLog(settings)
    yield found
    for each in found:
        await each.close()


async def test_what_one_writes_the_other_reads(logs: tuple[MigrationLog, MigrationLog], unique: str) -> None:
    """Step by step, each on what is there."""
    ada, bob = logs
    begun = migration(unique)
    assert begun.key not in await bob.latest()
    await ada.write(begun, before=None)
    assert (await bob.latest())[begun.key] == begun
    further = stepped(begun, Step(Phase.FLIP, 6, "bob", "go"))
    await bob.write(further, before=begun)
    assert (await ada.latest())[begun.key] == further


async def test_a_step_from_what_is_no_more_is_refused(logs: tuple[MigrationLog, MigrationLog], unique: str) -> None:
    """Whoever looked before somebody else's step has to look again."""
    ada, bob = logs
    begun = migration(unique)
    await ada.write(begun, before=None)
    for before in (None, replace(begun, quiet_ms=1)):
        with pytest.raises(MigrationMoved, match="was changed by somebody else"):
            await bob.write(begun, before=before)
    assert (await bob.latest())[begun.key] == begun


async def test_of_several_at_the_same_time_one_succeeds(logs: tuple[MigrationLog, MigrationLog], unique: str) -> None:
    """All others are told, and nothing of theirs is kept."""
    begun = migration(unique)
    tries = [stepped(begun, Step(Phase.FLIP, number, who, "go")) for number, who in enumerate(("ada", "bob"))]
    await logs[0].write(begun, before=None)
    done = await asyncio.gather(
        *(log.write(each, before=begun) for log, each in zip(logs, tries, strict=True)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["MigrationMoved", "NoneType"]
    assert (await logs[0].latest())[begun.key] == tries[done.index(None)]


async def test_what_others_write_is_passed_over(
    logs: tuple[MigrationLog, MigrationLog], kafka: str, unique: str
) -> None:
    """A tombstone removes a migration; what is no migration is none."""
    begun = migration(unique)
    await logs[0].write(begun, before=None)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(MIGRATIONS, b"{}", key=f"{unique}-other".encode(), partition=0)
    assert producer.flush(20) == 0
    assert begun.key in await logs[1].latest()
    producer.produce(MIGRATIONS, None, key=begun.key.encode(), partition=0)
    assert producer.flush(20) == 0
    found = await logs[1].latest()
    assert begun.key not in found
    assert f"{unique}-other" not in found


async def test_nobody_there_is_said() -> None:
    """With the address."""
    log = MigrationLog(Settings.from_environment({"ROUTER_BROKER": "127.0.0.1:1"}))
    try:
        with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
            await log.latest()
    finally:
        await log.close()
