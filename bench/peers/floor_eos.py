"""The floor in Kafka transactions: copies and offsets land together, ten times a second."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, Producer

from bench.contender import Contender, Run, python_peer, run_of_this_process, tracing_headers
from bench.job import Rules, decode
from bench.peers.floor import CLIENT, GROUP, PRODUCER

__all__ = ["CONTENDER"]

_COMMIT_EVERY = 0.1

CONTENDER = Contender(
    summary="the same loop in transactions of 100 ms",
    guarantee="exactly once",
    packages=("confluent-kafka", "fastavro"),
    command=python_peer("bench.peers.floor_eos"),
)


def main(run: Run) -> None:
    """Until SIGTERM; a transaction is open only while it has something in it."""
    producer = Producer(
        {"bootstrap.servers": run.bootstrap, "transactional.id": run.group, **PRODUCER, "linger.ms": run.linger * 1000}
    )
    producer.init_transactions(30)
    consumer = Consumer({"bootstrap.servers": run.bootstrap, "group.id": run.group, "isolation.level": "read_committed", **GROUP, **CLIENT})  # fmt: skip
    consumer.subscribe([run.source])
    rules, tracing = Rules(run.topics), tracing_headers(run)
    began: float | None = None
    # Few at a time, so that a transaction ends when it should.
    most, wait = (100, 0.005) if run.eager else (1000, _COMMIT_EVERY)
    while True:
        for message in consumer.consume(most, wait):
            if began is None:
                producer.begin_transaction()
                began = time.monotonic()
            key, value = message.key(), message.value()
            headers = message.headers() + tracing(message.topic(), message.partition(), message.offset())
            for topic in rules(decode(value)):
                while True:
                    try:
                        producer.produce(topic, value, key, headers=headers)
                        break
                    except BufferError:
                        producer.poll(0.01)
        producer.poll(0)
        if began is not None and time.monotonic() - began >= _COMMIT_EVERY:
            producer.send_offsets_to_transaction(
                consumer.position(consumer.assignment()), consumer.consumer_group_metadata(), 30
            )
            producer.commit_transaction(30)
            began = None


if __name__ == "__main__":
    main(run_of_this_process())
