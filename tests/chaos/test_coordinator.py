"""Where a lane begins is the last word, though its group's coordinator is killed again and again.

Owners of one partition follow each other as lanes do that open: each shuts out the former, learns where the group stands, and commits a few
offsets more. Beside them every broker is asked the plain way, as often as it answers: it shows what lanes would have
believed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from support.proof import Proof
from support.waiting import comes_to

from router.develop.broker import SHORT_LIVED, DevelopmentKafka
from router.develop.node import Node
from router.develop.topics import TopicSpec, ensure_topics
from router.lanes.deliveries import stop
from router.lanes.producer import OrderedProducer

pytestmark = [pytest.mark.proof, pytest.mark.timeout(400)]

GROUP, HERE = "shop", TopicPartition("orders.v1", 0)
KILLS = 8
COMMITS = 4
"""Of an owner, before the next comes."""
_WITHIN = 30.0
_PORTS = "127.0.0.1:%d"


@dataclass(slots=True)
class Seen:
    """What the owners and the askers met."""

    complete: int = 0
    """The last offset whose transaction has ended everywhere: another one of its producer has begun since."""
    asked: int = 0
    """Offsets up to here may be committed."""
    owners: int = 0
    wrong: list[str] = field(default_factory=list)
    answers: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    behind: int = 0
    """Plain answers below what was complete when they were asked for."""
    kills_behind: int = 0
    furthest: int = 0


async def own(bootstrap: str, seen: Seen) -> None:
    """Owner after owner."""
    while True:
        producer = OrderedProducer(bootstrap_servers=bootstrap, group=GROUP, transactional_id="shop-orders.v1-0")
        try:
            await producer.start()
            complete, told = seen.complete, await producer.committed([HERE])
            at = told[HERE].offset if HERE in told else 0
            seen.owners += 1
            if not complete <= at <= seen.asked:
                seen.wrong.append(f"told {at}; {complete} was committed, and {seen.asked} asked for")
            seen.complete = at
            for offset in range(at + 1, at + 1 + COMMITS):
                if producer.answer_lost:
                    break
                await producer.begin_transaction()
                seen.asked = max(seen.asked, offset)
                await producer.send_offsets_to_transaction({HERE: OffsetAndMetadata(offset, "")}, GROUP)
                # This one has begun: the one before has ended everywhere.
                seen.complete = max(seen.complete, offset - 1)
                await producer.commit_transaction()
        except kafka_errors.KafkaError:
            await asyncio.sleep(0.02)
        finally:
            await stop(producer)


async def ask(node: Node, seen: Seen) -> None:
    """One broker, the plain way, as often as it answers."""
    client: Any = None
    while True:
        try:
            if client is None:
                client = AIOKafkaClient(bootstrap_servers=_PORTS % node.port)
                await client.bootstrap()
            (own_id,) = (each.nodeId for each in client.cluster.brokers() if each.port == node.port)
            complete = seen.complete
            answer = await client.send(own_id, OffsetFetchRequest(GROUP, [(HERE.topic, [0])]))
            seen.answers += 1
            if answer.error_code:
                seen.refused[kafka_errors.for_code(answer.error_code).__name__] += 1
            else:
                (_, ((_, offset, _, _),)) = answer.topics[0]
                if offset < complete:
                    seen.behind += 1
                    seen.furthest = max(seen.furthest, complete - offset)
            await asyncio.sleep(0.001)
        except (kafka_errors.KafkaError, ValueError):
            if client is not None:
                await client.close()
            client = None
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            if client is not None:
                await client.close()
            raise


async def coordinator(bootstrap: str, nodes: list[Node]) -> Node:
    """The broker that coordinates the group, as brokers say once they do."""
    async with asyncio.timeout(_WITHIN):
        while True:
            client = AIOKafkaClient(bootstrap_servers=bootstrap)
            try:
                await client.bootstrap()
                number = await client.coordinator_lookup(CoordinationType.GROUP, GROUP)
                ports = {each.port for each in client.cluster.brokers() if each.nodeId == number}
                found = [node for node in nodes if node.port in ports]
            except kafka_errors.KafkaError:
                found = []
            finally:
                await client.close()
            if found:
                return found[0]
            await asyncio.sleep(0.05)


async def kill_again_and_again(bootstrap: str, nodes: list[Node], seen: Seen) -> None:
    """Each time the one that coordinates; sometimes it is back before another has taken its place, sometimes after."""
    random = Random(20160904)
    for _ in range(KILLS):
        node = await coordinator(bootstrap, nodes)
        behind, reached = seen.behind, seen.complete
        await asyncio.to_thread(node.kill)
        await asyncio.sleep(random.choice((0.0, 0.0, 0.5, 2.0)))
        await asyncio.to_thread(node.start)

        async def goes_on(reached: int = reached) -> bool:
            return seen.complete > reached + 20 * COMMITS

        await comes_to(goes_on, True, within=_WITHIN)
        seen.kills_behind += seen.behind > behind


async def test_each_owner_begins_where_the_former_ended(tmp_path: Path, proof: Proof) -> None:
    """Not an offset before it, whichever broker has just taken the group over."""
    kafka = DevelopmentKafka.start(directory=tmp_path / "kafka", brokers=3, java_options=SHORT_LIVED, heap="384m")
    try:
        nodes = list(kafka.nodes)
        bootstrap = ",".join(_PORTS % node.port for node in nodes)
        ensure_topics(bootstrap, [TopicSpec(HERE.topic, partitions=1)])
        seen, began = Seen(), time.monotonic()
        killing = asyncio.create_task(kill_again_and_again(bootstrap, nodes, seen))
        tasks = [killing, asyncio.create_task(own(bootstrap, seen))]
        tasks += [asyncio.create_task(ask(node, seen)) for node in nodes]
        try:
            # The others end only by an error.
            for ended in (await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))[0]:
                ended.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        kafka.kill()
    refused = ", ".join(f"{count:,} × {name}" for name, count in sorted(seen.refused.items()))
    proof.write(
        "coordinator",
        f"{KILLS} times the broker that coordinated a group was killed with SIGKILL, one of three, in {time.monotonic() - began:.0f} s. Meanwhile\n"
        f"{seen.owners:,} owners of a partition followed each other, and committed {seen.complete:,} offsets. Those that did not begin where the\n"
        f"former had ended: {len(seen.wrong)}. Of {seen.answers:,} answers to plain questions {seen.behind:,} were behind what was committed when they\n"
        f"were asked, by {seen.furthest} at most, after {seen.kills_behind} of the kills; refused were {refused}.",
    )
    assert seen.wrong == []
