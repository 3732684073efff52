"""The floor: the consume, decode, produce loop that a team writes by hand, with the fastest client that Python has."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, Producer

from bench.contender import Contender, Run, python_peer, run_of_this_process, tracing_headers
from bench.job import Rules, decode

__all__ = ["CLIENT", "CONTENDER", "GROUP", "PRODUCER"]

CLIENT = {
    "fetch.wait.max.ms": 50,
    # librdkafka's default of a second starves a consumer that is faster than about 110,000 records a second.
    "fetch.queue.backoff.ms": 20,
}
GROUP = {"auto.offset.reset": "earliest", "enable.auto.commit": False}
PRODUCER = {
    "batch.num.messages": 10_000,
    "queue.buffering.max.messages": 1_000_000,
    "partitioner": "murmur2_random",
}
_COMMIT_EVERY = 1.0

CONTENDER = Contender(
    summary="hand-written loop, confluent-kafka and fastavro",
    guarantee="at least once",
    packages=("confluent-kafka", "fastavro"),
    command=python_peer("bench.peers.floor"),
)


def main(run: Run) -> None:
    """Until SIGTERM; offsets are committed each second, after the copies were delivered."""
    producer = Producer(
        {"bootstrap.servers": run.bootstrap, "enable.idempotence": True, **PRODUCER, "linger.ms": run.linger * 1000}
    )
    consumer = Consumer({"bootstrap.servers": run.bootstrap, "group.id": run.group, **GROUP, **CLIENT})
    consumer.subscribe([run.source])
    rules, tracing = Rules(run.topics), tracing_headers(run)
    committed = time.monotonic()
    dirty = False
    # It returns when it has so many records, or time is over: both are short where latency counts.
    most, wait = (100, 0.005) if run.eager else (5000, 0.1)
    while True:
        for message in consumer.consume(most, wait):
            key, value = message.key(), message.value()
            headers = message.headers() + tracing(message.topic(), message.partition(), message.offset())
            for topic in rules(decode(value)):
                while True:
                    try:
                        producer.produce(topic, value, key, headers=headers)
                        break
                    except BufferError:
                        producer.poll(0.01)
            dirty = True
        producer.poll(0)
        if dirty and time.monotonic() - committed >= _COMMIT_EVERY:
            producer.flush()
            consumer.commit(asynchronous=False)
            committed, dirty = time.monotonic(), False


if __name__ == "__main__":
    main(run_of_this_process())
