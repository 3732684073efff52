"""Values that are kept on a topic: of several who write one succeeds, and nobody there is said. Migrations and replays are such."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.errors import ProducerFenced
from support.waiting import comes_to

from router.develop.topics import TopicSpec, ensure_topics
from router.errors import BrokerUnavailable, TransientError
from router.lanes.kept_values import KeptValues
from router.settings import Settings


class Moved(TransientError):
    """As a form has it."""

    reason = "moved"


class Words:
    """A form: a word, by its first letter."""

    def __init__(self, topic: str) -> None:
        self.topic = topic

    def read(self, value: bytes | None) -> str | None:
        return value.decode() if value else None

    def key(self, value: str) -> str:
        return value[0]

    def written(self, value: str) -> bytes:
        return value.encode()

    def moved(self, value: str) -> TransientError:
        return Moved(value)


@pytest.fixture
async def kept(kafka: str, unique: str) -> AsyncIterator[list[KeptValues[str]]]:
    """Return two people's."""
    ensure_topics(kafka, [TopicSpec(unique, config={"cleanup.policy": "compact"})])
    settings = Settings.from_environment({"ROUTER_BROKER": kafka})
    found = [KeptValues(settings, Words(unique)) for _ in range(2)]
    yield found
    for each in found:
        await each.close()


@pytest.mark.kafka
async def test_of_several_who_write_at_the_same_time_one_succeeds(kept: list[KeptValues[str]]) -> None:
    """All others are told, and nothing of theirs is kept."""
    await kept[0].write("apple", before=None)
    done = await asyncio.gather(
        *(each.write(word, before="apple") for each, word in zip(kept, ("ant", "axe"), strict=True)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["Moved", "NoneType"]
    for each in kept:
        await comes_to(each.latest, {"a": ("ant", "axe")[done.index(None)]})


@pytest.mark.kafka
async def test_of_several_who_write_different_values_nobody_is_told_of_a_change(kept: list[KeptValues[str]]) -> None:
    """There was none of what they write."""
    words = ("apple", "bee", "cat", "dog", "egg")
    await asyncio.gather(*(kept[number % 2].write(word, before=None) for number, word in enumerate(words)))
    await comes_to(kept[0].latest, {word[0]: word for word in words})


class Unheard(KeptValues[str]):
    """Who does not hear that the first thing came about."""

    heard = False

    async def _written(self, value: str, *, before: str | None, perhaps: bool) -> Exception | None:
        problem = await super()._written(value, before=before, perhaps=perhaps)
        problem, self.heard = (problem if self.heard else ProducerFenced("shut out")), True
        return problem


@pytest.mark.kafka
async def test_who_was_shut_out_behind_its_own_commit_is_not_told_of_a_change(
    kept: list[KeptValues[str]], kafka: str, unique: str
) -> None:
    """It finds what it wrote itself."""
    unheard = Unheard(Settings.from_environment({"ROUTER_BROKER": kafka}), Words(unique))
    try:
        await unheard.write("apple", before=None)
        with pytest.raises(Moved):
            await unheard.write("axe", before=None)
    finally:
        await unheard.close()
    await comes_to(kept[0].latest, {"a": "apple"})


@pytest.mark.kafka
async def test_what_is_not_what_it_was_is_left(kept: list[KeptValues[str]]) -> None:
    """Whoever looked before somebody else's change has to look again."""
    await kept[0].write("apple", before=None)
    for before in (None, "ant"):
        with pytest.raises(Moved):
            await kept[1].write("axe", before=before)
    await kept[1].write("bee", before=None)
    await comes_to(kept[0].latest, {"a": "apple", "b": "bee"})


class Watched(KeptValues[str]):
    """Whose connection is asked by one at a time."""

    asked = False

    async def _read_on(self, consumer: Any) -> None:
        assert not self.asked, "somebody else asks"
        self.asked = True
        await super()._read_on(consumer)
        self.asked = False


@pytest.mark.kafka
async def test_lanes_that_open_together_ask_one_after_the_other(
    kept: list[KeptValues[str]], kafka: str, unique: str
) -> None:
    """They share a connection, which the first of them makes."""
    await kept[0].write("apple", before=None)
    together = Watched(Settings.from_environment({"ROUTER_BROKER": kafka}), Words(unique))
    try:
        assert await asyncio.gather(*(together.latest() for _ in range(5))) == [{"a": "apple"}] * 5
    finally:
        await together.close()


@pytest.mark.kafka
async def test_without_a_topic_nothing_is_kept(kafka: str, unique: str) -> None:
    """And asking makes none."""
    values = KeptValues(Settings.from_environment({"ROUTER_BROKER": kafka}), Words(f"{unique}.none"))
    try:
        assert await values.latest() == {}
    finally:
        await values.close()


async def test_nobody_there_is_said() -> None:
    """With the address."""
    values = KeptValues(Settings.from_environment({"ROUTER_BROKER": "127.0.0.1:1"}), Words("none"))
    try:
        with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
            await values.latest()
    finally:
        await values.close()
