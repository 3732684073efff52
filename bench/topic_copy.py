"""A migration's mirror as a team would write it: confluent-kafka and fastavro, exactly once, one way, a transaction each 200 ms.

It is no contender for the routing job: `bench.mirror` starts it, with what it is to copy as JSON.
"""

from __future__ import annotations

import json
import sys
import time

from confluent_kafka import Consumer, Producer

from bench.convert import converted_by_hand, example
from bench.peers.floor import CLIENT, GROUP, PRODUCER

__all__: list[str] = []

_COMMIT_EVERY = 0.2


def main(bootstrap: str, source: str, target: str, group: str) -> None:
    """Until SIGTERM: each record, converted, into the partition of its number; the offsets are in the same transactions."""
    _, (old, new) = example()
    schemas = old.parsed, new.parsed
    producer = Producer(
        {"bootstrap.servers": bootstrap, "transactional.id": group, **PRODUCER, "linger.ms": 5, "log_level": 3}
    )
    producer.init_transactions(30)
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "isolation.level": "read_committed", **GROUP, **CLIENT}
    )
    consumer.subscribe([source])
    begun = 0.0
    while True:
        messages = consumer.consume(5_000, 0.05)
        if messages and not begun:
            producer.begin_transaction()
            begun = time.monotonic()
        for message in messages:
            value = converted_by_hand(message.value(), *schemas)
            while True:
                try:
                    producer.produce(target, value, message.key(), message.partition(), headers=message.headers())
                    break
                except BufferError:
                    producer.poll(0.01)
        producer.poll(0)
        if begun and time.monotonic() - begun >= _COMMIT_EVERY:
            offsets = consumer.position(consumer.assignment())
            producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata())
            producer.commit_transaction()
            begun = 0.0


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
