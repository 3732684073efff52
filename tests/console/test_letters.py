"""What was set aside, by cause."""

from __future__ import annotations

import json

import pytest
from support.console import SECRET, MemoryKafka, busy_sight

from router.console.letters import dead_letters
from router.console.sight import Absent


async def test_dead_letters_are_counted_by_cause() -> None:
    """The same error at the same place is one, with the newest to look at."""
    told = await dead_letters(await busy_sight(), {})
    assert (told["deaths"], told["topics"]) == (2, ["order.v1.dead-letters"])
    assert {each["reason"] for each in told["causes"]} == {"unreadable"}
    assert [each["record"]["offset"] for each in told["letters"]] == [1, 0]
    assert SECRET not in json.dumps(told)


async def test_they_can_be_narrowed() -> None:
    """By topic, destination, cause and key; a topic that is none is said to be none."""
    sight = await busy_sight()
    assert isinstance(sight.kafka, MemoryKafka)
    sight.kafka.put("order.v1.dead-letters", b"x", key=b"ord-9")
    await sight.watching.look()
    every = await dead_letters(sight, {"topic": "order.v1.dead-letters"})
    assert {each["reason"] for each in every["causes"]} == {"unreadable", "unknown"}
    unknown = next(each["cause"] for each in every["causes"] if each["reason"] == "unknown")
    assert (await dead_letters(sight, {"cause": unknown}))["deaths"] == 1
    assert (await dead_letters(sight, {"key": "ord-1"}))["deaths"] == 1
    assert (await dead_letters(sight, {"destination": "nobody"}))["deaths"] == 0
    with pytest.raises(Absent, match=r"there is order\.v1\.dead-letters"):
        await dead_letters(sight, {"topic": "nothing"})
