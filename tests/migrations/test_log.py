"""`router.migrations` on a real Kafka: what is kept is read by everybody, and of two who write one is told so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from confluent_kafka import Producer
from support.waiting import comes_to

from router.develop.topics import TopicSpec, ensure_topics
from router.migrations.log import MIGRATIONS, MigrationLog, MigrationMoved
from router.migrations.phases import Migration, Phase, Step, stepped
from router.settings import Settings

pytestmark = pytest.mark.kafka


def migration(name: str) -> Migration:
    return Migration(
        name=name, source=1, target=2, generation=1, workers="shop", steps=(Step(Phase.MIRROR, 5, "ada", "why"),)
    )


async def told(log: MigrationLog, key: str) -> Migration | None:
    """What one reads; others see what was committed a moment later."""
    return (await log.latest()).get(key)


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
    await comes_to(lambda: told(bob, begun.key), begun)
    further = stepped(begun, Step(Phase.FLIP, 6, "bob", "go"))
    await bob.write(further, before=begun)
    await comes_to(lambda: told(ada, begun.key), further)


async def test_a_step_from_what_is_no_more_is_refused(logs: tuple[MigrationLog, MigrationLog], unique: str) -> None:
    """Whoever looked before somebody else's step has to look again."""
    ada, bob = logs
    begun = migration(unique)
    await ada.write(begun, before=None)
    for before in (None, replace(begun, quiet_ms=1)):
        with pytest.raises(MigrationMoved, match="was changed by somebody else"):
            await bob.write(begun, before=before)
    await comes_to(lambda: told(bob, begun.key), begun)


async def test_what_others_write_is_passed_over(
    logs: tuple[MigrationLog, MigrationLog], kafka: str, unique: str
) -> None:
    """A tombstone removes a migration; what is no migration is none."""
    begun = migration(unique)
    await logs[0].write(begun, before=None)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(MIGRATIONS, b"{}", key=f"{unique}-other".encode(), partition=0)
    assert producer.flush(20) == 0
    await comes_to(lambda: told(logs[1], begun.key), begun)
    producer.produce(MIGRATIONS, None, key=begun.key.encode(), partition=0)
    assert producer.flush(20) == 0
    found = await logs[1].latest()
    assert begun.key not in found
    assert f"{unique}-other" not in found
