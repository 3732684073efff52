"""One produce request for what several lanes have for a broker at the same moment.

Each lane has a producer of its own (an id, and a sequence a partition), so that what happens to one lane happens to no other. But
where records come in singly, what they cost is requests, on both sides: five thousand records a second over four partitions are
twelve hundred of them. A broker does not mind whose batches a request has: it checks each by the id that stands in it, and answers
for each partition. So small requests for one broker go together, over the connection of the lane that asked first; while one is on its
way, what else comes waits for the next, as TCP's small segments do (RFC 896).

    apart     ids, sequences, answers, retries; a lane still has one request on its way to a broker at most
    together  the wait: a broker answers when the slowest of a request's partitions has what it was sent

So where an answer takes long, whatever waits behind it is let go, and for a while each lane sends by itself again, over its own
connection: brokers handle a connection's requests one after the other. For how long, backs off exponentially: nearly always it was
the broker that paused, as one does when it gets its first records, and is over; a replica that is always late is rarely waited for.
A large request always goes by itself.

Not for transactions: of those, a broker takes one producer's a request.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import errors as kafka_errors

from router.lanes.produce_requests import LightProduceRequest

__all__ = ["Apart", "JointRequests", "Sharing"]

_SMALL = 64 * 1024
"""Bytes of batches up to which a request goes with others. One that has more costs so much by itself that company saves nothing."""
_SLOW = 0.25
"""Seconds after which an answer takes long."""
_APART = 1.0
"""Seconds for which lanes then send by themselves; twice as many when it happens again soon,"""
_LONGEST_APART = 30.0
"""up to so many. Soon is within as many after they went together again."""


class Apart:
    """While lanes send by themselves, since answers took long. Times are seconds of one clock that never goes back."""

    def __init__(self) -> None:
        self._until = -math.inf
        self._lasts = 0.0

    def lasts(self, now: float) -> bool:
        """They still do."""
        return now < self._until

    def begin(self, now: float) -> None:
        """An answer takes long; where several do at once, they count as one."""
        if not self.lasts(now):
            again = now < self._until + _LONGEST_APART
            self._lasts = min(2 * self._lasts, _LONGEST_APART) if again else _APART
            self._until = now + self._lasts


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response, as far as it is about one lane's batches."""

    API_VERSION: int
    topics: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]


@dataclass(slots=True, eq=False)
class _Part:
    """One lane's request."""

    client: Any
    request: Any
    partitions: frozenset[tuple[str, int]]
    """By topic and number, what it has batches for."""
    answer: asyncio.Future[Any | None]
    """None where it is to be sent by itself."""


@dataclass(slots=True)
class _Node:
    """What is about one broker."""

    waiting: list[_Part] = field(default_factory=list)
    under_way: Sequence[_Part] = ()
    task: asyncio.Task[None] | None = None


class JointRequests:
    """Of all lanes of one worker; all of it runs in their event loop."""

    def __init__(self) -> None:
        self._nodes: dict[int, _Node] = {}
        self._apart = Apart()

    async def send(self, part: _Part, node_id: int) -> Any:
        """The answer to a small request, once its broker has answered the one that it goes with."""
        if not self._apart.lasts(asyncio.get_running_loop().time()):
            node = self._nodes.setdefault(node_id, _Node())
            node.waiting.append(part)
            if node.task is None:
                # It begins with the event loop's next turn: until then, other lanes add what the same fetch has brought them.
                node.task = asyncio.create_task(self._carry(node, node_id), name=f"joint requests to {node_id}")
            answer = await part.answer
            if answer is not None:
                return answer
        return await part.client.send(node_id, part.request)

    async def settled(self, client: Any) -> None:
        """Return once no request of others is on its way over this client's connections."""
        for node in list(self._nodes.values()):
            if node.under_way and node.under_way[0].client is client:
                await asyncio.wait([part.answer for part in node.under_way])

    async def _carry(self, node: _Node, node_id: int) -> None:
        try:
            while node.waiting:
                parts = node.under_way = _without_clash(node.waiting)
                if parts:
                    await self._ask(node, node_id, parts)
        finally:
            node.task, node.under_way = None, ()

    async def _ask(self, node: _Node, node_id: int, parts: Sequence[_Part]) -> None:
        loop = asyncio.get_running_loop()
        patience = loop.call_later(_SLOW, self._let_go, node)
        try:
            _hand_out(await parts[0].client.send(node_id, _joined(parts)), parts)
        except asyncio.CancelledError:
            # The loop ends, and with it all who wait.
            for part in (*parts, *node.waiting):
                part.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, who waits must hear of it: their senders know what passes
            for part in parts:
                if not part.answer.done():
                    part.answer.set_exception(error)
        finally:
            patience.cancel()

    def _let_go(self, node: _Node) -> None:
        """An answer takes long: nobody else is to wait for it."""
        self._apart.begin(asyncio.get_running_loop().time())
        waiting, node.waiting = node.waiting, []
        for part in waiting:
            if not part.answer.done():
                part.answer.set_result(None)


class Sharing:
    """A producer's client, as the handler of its produce requests sees it."""

    def __init__(self, client: Any, joint: JointRequests) -> None:
        self._client = client
        self._joint = joint
        self._parts: set[_Part] = set()

    async def send(self, node_id: int, request: Any) -> Any:
        """The answer; raises KafkaError. See AIOKafkaClient."""
        topics = request._topics  # noqa: SLF001 - it has no reader
        if sum(len(batch) for _, batches in topics for _, batch in batches) > _SMALL:
            return await self._client.send(node_id, request)
        partitions = frozenset((topic, partition) for topic, batches in topics for partition, _ in batches)
        part = _Part(self._client, request, partitions, asyncio.get_running_loop().create_future())
        self._parts.add(part)
        try:
            return await self._joint.send(part, node_id)
        finally:
            self._parts.discard(part)

    def withdraw(self) -> None:
        """What has no answer yet gets none: who sent it is given up. What is on its way may arrive all the same."""
        for part in self._parts:
            if not part.answer.done():
                part.answer.set_exception(kafka_errors.KafkaConnectionError("the producer is given up"))

    async def settled(self) -> None:
        """Return once nobody else's request is on its way over this client."""
        await self._joint.settled(self._client)

    def force_metadata_update(self) -> asyncio.Future[Any]:
        """See AIOKafkaClient."""
        asked: asyncio.Future[Any] = self._client.force_metadata_update()
        return asked

    async def _maybe_wait_metadata(self) -> None:
        await self._client._maybe_wait_metadata()  # noqa: SLF001 - what a handler asks of its client


def _without_clash(waiting: list[_Part]) -> list[_Part]:
    """Take from the front what can go together: of a partition, a request has one batch."""
    taken: list[_Part] = []
    left: list[_Part] = []
    partitions: set[tuple[str, int]] = set()
    for part in waiting:
        if part.answer.done():
            continue
        if partitions.isdisjoint(part.partitions):
            partitions |= part.partitions
            taken.append(part)
        else:
            left.append(part)
    waiting[:] = left
    return taken


def _joined(parts: Sequence[_Part]) -> Any:
    if len(parts) == 1:
        return parts[0].request
    topics: dict[str, list[tuple[int, Any]]] = {}
    for part in parts:
        for topic, batches in part.request._topics:  # noqa: SLF001 - as above
            topics.setdefault(topic, []).extend(batches)
    first = parts[0].request
    return LightProduceRequest(
        transactional_id=None,
        required_acks=first._required_acks,  # noqa: SLF001 - as above
        timeout=first._timeout,  # noqa: SLF001 - as above
        topics=list(topics.items()),
    )


def _hand_out(response: Any, parts: Sequence[_Part]) -> None:
    if len(parts) == 1:
        shares: list[Any] = [response]
    else:
        owners = {at: number for number, part in enumerate(parts) for at in part.partitions}
        found: list[dict[str, list[tuple[Any, ...]]]] = [{} for _ in parts]
        for topic, partitions in response.topics:
            for about in partitions:
                found[owners[topic, about[0]]].setdefault(topic, []).append(about)
        shares = [_Answer(response.API_VERSION, list(each.items())) for each in found]
    for part, share in zip(parts, shares, strict=True):
        if not part.answer.done():
            part.answer.set_result(share)
