"""Each test that asks for a `world` runs twice: in memory, and on a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from support.worlds import KafkaWorld, MemoryWorld, World


@pytest.fixture(params=[pytest.param("memory"), pytest.param("kafka", marks=pytest.mark.kafka)])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A broker that fulfils the lanes' ports, one way or the other."""
    world: World = MemoryWorld() if request.param == "memory" else KafkaWorld(request.getfixturevalue("kafka"))
    yield world
    await world.end()
