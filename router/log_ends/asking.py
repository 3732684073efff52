"""Asks where logs end, of whoever all replicas agree upon (`leadership.py`), through a consumer's connections.

aiokafka's own `end_offsets` tells what one broker says, which it takes for the leader.

A client makes one connection after the other, so that a broker which takes one and says nothing keeps the others waiting. So each round of
questions has its time, and who was waited for in vain comes last in the next.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.log_ends.leadership import View, agreed_leader, doubts, replicas_of
from router.log_ends.requests import EndsRequest, LeadersRequest

__all__ = ["ends_of"]

_FIRST_PATIENCE = 1.0
"""Seconds that brokers have to say who leads; where that was not enough to know it, they have twice as long the next time."""
_MOST_PATIENCE = 8.0
_SILENT_AFTER = 4.0
"""Seconds of patience after which nobody is waited for who is not in sync."""
_FIRST_PAUSE = 0.05
"""Seconds until brokers that disagreed are asked once more; twice as long each time."""
_MOST_PAUSE = 1.0
_REFRESH_EVERY = 5.0
"""Seconds between two looks at which brokers there are."""
_GONE_AFTER = 5.0
"""Seconds for which every broker must have said that a topic is not there."""
_GUESSES = 3
"""Brokers that are asked at first where nobody knows who has a partition."""


async def ends_of(
    consumer: Any, tps: Collection[TopicPartition], *, committed: bool = True, within: float | None = None
) -> dict[TopicPartition, int]:
    """Where these end: behind all that was acknowledged, or `committed`, before this is called.

    Asks until it can be known, for so many seconds; without, for as long as the client waits for any answer (40 s, as aiokafka
    comes). Raises KafkaError then, with the brokers that are to blame, and at once for what may not be asked.
    """
    if not tps:
        return {}
    client = consumer._client  # noqa: SLF001 - its own requests go through it, too
    asking = _Asking(client, tps, committed=committed)
    try:
        async with asyncio.timeout(client._request_timeout_ms / 1000 if within is None else within):  # noqa: SLF001 - as above
            return await asking.insist()
    except TimeoutError:
        raise asking.trouble or kafka_errors.KafkaTimeoutError("no broker answers") from None


class _Asking:
    """One question, round after round."""

    def __init__(self, client: Any, tps: Collection[TopicPartition], *, committed: bool) -> None:
        self._client = client
        self._tps = frozenset(tps)
        self._topics = sorted({tp.topic for tp in tps})
        self._committed = committed
        self._patience = _FIRST_PATIENCE
        self._in_vain: list[int] = []
        """Brokers that kept others waiting, the last one last."""
        self._clock = asyncio.get_running_loop()
        self._began = self._refreshed = self._clock.time()
        self.trouble: kafka_errors.KafkaError | None = None
        """Why it is not known yet."""

    async def insist(self) -> dict[TopicPartition, int]:
        """Until it is known. Raises KafkaError for what may not be asked, or not be answered."""
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._ask_leaders(await self._leaders())
            except kafka_errors.KafkaError as error:
                # Of what a broker refuses because it does not lead any more, or not yet, aiokafka has no names.
                if not (error.retriable or isinstance(error, kafka_errors.UnknownError)) or self._is_gone(error):
                    raise
                self.trouble = error
            if pause > _FIRST_PAUSE and self._clock.time() - self._refreshed > _REFRESH_EVERY:
                self._refreshed = self._clock.time()
                self._client.force_metadata_update()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MOST_PAUSE)
            self._patience = min(2 * self._patience, _MOST_PATIENCE)

    def _is_gone(self, error: kafka_errors.KafkaError) -> bool:
        gone = isinstance(error, kafka_errors.UnknownTopicOrPartitionError)
        return gone and self._clock.time() - self._began > _GONE_AFTER

    # --- who leads -------------------------------------------------------------------------------------------------------

    async def _leaders(self) -> dict[TopicPartition, View]:
        """The view of each that holds. Raises KafkaError where that cannot be known yet."""
        views: dict[TopicPartition, dict[int, View]] = {tp: {} for tp in self._tps}
        answered: set[int] = set()
        silent: set[int] = set()
        unknown: set[str] = {*self._topics}
        wanted = self._known_replicas()
        while wanted:
            answers, without = await self._answers(wanted)
            answered |= wanted
            silent |= without
            for broker, answer in answers.items():
                unknown -= self._read(broker, answer, views)
            named = set().union(*map(replicas_of, views.values()))
            wanted = (named & self._alive()) - answered
        if self._patience >= _SILENT_AFTER:
            silent.clear()
        found = {}
        for tp, held in views.items():
            view = agreed_leader(held, silent=silent)
            if view is None:
                raise self._uncertain(tp, held, silent, gone=tp.topic in unknown and bool(answered - silent))
            found[tp] = view
        return found

    @staticmethod
    def _uncertain(
        tp: TopicPartition, held: Mapping[int, View], silent: Collection[int], *, gone: bool
    ) -> kafka_errors.KafkaError:
        if gone and not silent:
            return kafka_errors.UnknownTopicOrPartitionError(f"no broker knows {tp.topic}")
        why = "; ".join(doubts(held, silent=silent))
        return kafka_errors.LeaderNotAvailableError(f"who leads {tp.topic}/{tp.partition} is not certain: {why}")

    def _alive(self) -> set[int]:
        return {each.nodeId for each in self._client.cluster.brokers()}

    def _known_replicas(self) -> set[int]:
        """As far as the client knows; a few brokers where it knows nothing of a partition."""
        alive = self._alive()
        known = self._client.cluster._partitions  # noqa: SLF001 - replicas are told nowhere else
        replicas: set[int] = set()
        for tp in self._tps:
            partition = known.get(tp.topic, {}).get(tp.partition)
            if partition is not None:
                replicas.update(partition.replicas)
        guesses = alive - {*self._in_vain} or alive
        return replicas & alive or {*random.sample(sorted(guesses), min(_GUESSES, len(guesses)))}

    async def _answers(self, brokers: Collection[int]) -> tuple[dict[int, Any], set[int]]:
        """What each says, and who says nothing in time. Raises what none is to be asked again for."""
        # In the order in which the client is to connect.
        order = sorted(brokers, key=lambda broker: self._in_vain.index(broker) if broker in self._in_vain else -1)
        request = LeadersRequest(self._topics)
        asking = {asyncio.ensure_future(self._client.send(broker, request)): broker for broker in order}
        try:
            done, _ = await asyncio.wait(asking, timeout=self._patience)
        finally:
            for each in asking:
                each.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        found = {}
        for each in done:
            error = each.exception()
            if error is None:
                found[asking[each]] = each.result()
            elif not (isinstance(error, kafka_errors.KafkaError) and error.retriable):
                raise error
        silent = [broker for each, broker in asking.items() if each not in done]
        if silent:
            # The others may have waited for this one alone.
            self._in_vain = [*(broker for broker in self._in_vain if broker != silent[0]), silent[0]]
        return found, {*silent}

    def _read(self, broker: int, answer: Any, views: Mapping[TopicPartition, dict[int, View]]) -> set[str]:
        """Keep the broker's views; returns the topics that it knows. Raises KafkaError for one that may not be asked about."""
        known = set()
        for code, topic, _, partitions in answer.topics:
            if code == kafka_errors.TopicAuthorizationFailedError.errno:
                raise kafka_errors.TopicAuthorizationFailedError(topic)
            if code != kafka_errors.UnknownTopicOrPartitionError.errno:
                known.add(topic)
            for _, number, leader, epoch, replicas, in_sync, _ in partitions:
                held = views.get(TopicPartition(topic, number))
                if held is not None:
                    held[broker] = View(epoch, leader, replicas, in_sync)
        return known

    # --- where it ends ---------------------------------------------------------------------------------------------------

    async def _ask_leaders(self, leaders: Mapping[TopicPartition, View]) -> dict[TopicPartition, int]:
        """Their ends, asked with their epochs. Raises KafkaError."""
        by_leader: dict[int, dict[str, list[tuple[int, int]]]] = {}
        for tp, view in leaders.items():
            by_leader.setdefault(view.leader, {}).setdefault(tp.topic, []).append((tp.partition, view.epoch))
        answers = await asyncio.gather(
            *(
                self._client.send(leader, EndsRequest(topics, committed=self._committed))
                for leader, topics in by_leader.items()
            )
        )
        return dict(_ends(answers))


def _ends(answers: Iterable[Any]) -> Iterable[tuple[TopicPartition, int]]:
    for answer in answers:
        for topic, partitions in answer.topics:
            for number, code, _, offset, _ in partitions:
                if code:
                    raise kafka_errors.for_code(code)(f"{topic}/{number}")
                yield TopicPartition(topic, number), int(offset)
