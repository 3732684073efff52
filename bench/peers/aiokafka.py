"""The loop with aiokafka: batches of records in, `send` for each copy, and `gather` before offsets are committed."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.contender import Contender, Run, python_peer, run_of_this_process, tracing_headers
from bench.job import Rules, decode

__all__ = ["CONTENDER"]

_COMMIT_EVERY = 1.0

CONTENDER = Contender(
    summary="hand-written loop, aiokafka and fastavro",
    guarantee="at least once",
    packages=("aiokafka", "fastavro"),
    command=python_peer("bench.peers.aiokafka"),
)


async def main(run: Run) -> None:
    """Until SIGTERM; offsets are committed each second, after the copies were delivered."""
    consumer = AIOKafkaConsumer(
        run.source,
        bootstrap_servers=run.bootstrap,
        group_id=run.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=run.bootstrap,
        enable_idempotence=True,
        linger_ms=1 if run.eager else 5,
        # The default of 16 KiB is full after fifty copies.
        max_batch_size=1 << 18,
    )
    await consumer.start()
    await producer.start()
    rules, tracing = Rules(run.topics), tracing_headers(run)
    committed = time.monotonic()
    while True:
        deliveries: list[Any] = []
        for messages in (await consumer.getmany(timeout_ms=100, max_records=5000)).values():
            for message in messages:
                headers = [*message.headers, *tracing(message.topic, message.partition, message.offset)]
                deliveries += [
                    await producer.send(topic, message.value, message.key, headers=headers)
                    for topic in rules(decode(message.value))
                ]
        if deliveries:
            await asyncio.gather(*deliveries)
        if time.monotonic() - committed >= _COMMIT_EVERY:
            await consumer.commit()
            committed = time.monotonic()


if __name__ == "__main__":
    asyncio.run(main(run_of_this_process()))
